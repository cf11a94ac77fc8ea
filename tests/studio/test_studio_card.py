"""A card shows what was written and does nothing else, whoever wrote it."""

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import ValidationError

from sosie.core.records import Subject, now
from sosie.core.release import Example
from sosie.registry import Registry
from sosie.studio import card
from sosie.studio.card import Card
from tests.registry.shelf import frozen, release, signed

HOSTILE = (
    "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "![a](http://x/y.png)", "`x` ``y``",
    "a | b", "# title", "---", "- [ ] list", "1. one", "> quote", "*a* _b_ ~~c~~ **d**", "!",
    "<!-- x -->", "https://example.org www.example.org a@example.org", "\\\\", "a\\\\|b", "$x$",
    "a\n\n# b", "a\n    code\n\n    code", "```\nx", "]]>", "<script>", "\\`", "[x]: http://y",
    "&lt;b&gt;", "===",
)  # fmt: skip
TEXT = st.one_of(
    st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3).map(" ".join),
    st.text(min_size=1, max_size=60),
)


class Seen(HTMLParser):
    """What a reader of the page meets."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with Registry.open(tmp_path_factory.mktemp("card")) as registry:
        registry.add_subject(Subject(name="anna", kind="person", trigger="anna", created=now()))
        yield registry


@settings(max_examples=60)
@given(about=TEXT, author=TEXT, ethics=TEXT, tag=TEXT, prompt=TEXT, verdict=TEXT)
def test_what_is_written_is_shown_and_nothing_happens(
    registry, about, author, ethics, tag, prompt, verdict
):
    files = [frozen(registry, b"w", "a.safetensors"), frozen(registry, b"p", "p.png", "picture")]
    picture = files[1].file_sha256
    try:
        made = release(
            registry,
            about=about,
            author=author.replace("\n", " "),
            terms={"ethics": ethics},
            tags=[tag.replace("\n", " ")[:40]],
            examples=[Example(file_sha256=picture, prompt=prompt.replace("\n", " "), seed=1)],
            doctor={"verdict": verdict.replace("\n", " "), "report_sha256": "1" * 64,
                    "figures": {"<b>": {"<i>": 3}, "list": ["<u>"]}},
            files=files,
        )  # fmt: skip
    except ValidationError:
        return
    front, body = card.page(signed(registry, made)).removeprefix("---\n").split("\n---\n", 1)
    for line in front.splitlines():
        json.loads(line.partition(": ")[2])
    seen = Seen(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(body))
    allowed = {"h1", "h2", "p", "br", "blockquote", "code", "img", "table", "thead", "tbody", "tr",
               "th", "td"}  # fmt: skip
    assert {tag for tag, _ in seen.tags} <= allowed
    assert [attrs["src"] for tag, attrs in seen.tags if tag == "img"] == ["p.png"]
    assert [tag for tag, _ in seen.tags].count("h1") == 1
    shown = "".join(seen.text.split())
    for text in (made.about, made.author, made.terms.ethics, *made.tags, made.examples[0].prompt):
        assert "".join(text.split()) in shown


@settings(max_examples=60)
@given(st.data())
def test_a_foreign_record_is_whole_or_refused(registry, data):
    """Bytes that came from elsewhere: a record, or a ValidationError."""
    good = card.record(signed(registry, release(registry)))
    start = data.draw(st.integers(0, len(good) - 1))
    end = data.draw(st.integers(start, min(len(good), start + 12)))
    bad = good[:start] + data.draw(st.binary(max_size=12)) + good[end:]
    try:
        read = Card.model_validate_json(bad)
    except ValidationError:
        return
    assert len(card.page(signed(registry, read.release))) > 0
