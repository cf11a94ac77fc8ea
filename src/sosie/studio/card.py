"""The card of a release: for people in Markdown, for programs in JSON.

Both are drawn from the record, each time the same, so that a card says nothing that was not signed.
The Markdown opens with the front matter that Hugging Face reads (hub-docs, modelcard.md). What an
author wrote is text there, never markup: every sign that could begin markup is escaped
(CommonMark 0.31 §2.4), and what is quoted as code stands between more backticks than it holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any
from urllib.parse import quote

from sosie.core.records import Record
from sosie.core.release import Release, Report
from sosie.core.terms import COMMERCIAL, Relation
from sosie.registry import Shelved
from sosie.rights import Signature

PAGE, RECORD = "README.md", "release.json"
"""What a card's files are called; the first as Hugging Face has it."""
ABSENT = "absent: nobody has looked, or nothing of it is on file"
NOT_STATED = "not stated"

_SIGNS = {ord(sign): f"\\{sign}" for sign in "\\`*_{}[]()#+-.!|~^=:@$"} | {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
}
_GIVEN: dict[Relation, str] = {
    "self": "given by the person",
    "guardian": "given by a guardian",
    "estate": "given by the estate",
    "synthetic": "nobody: the person was drawn by a program",
}
_COMMERCIAL = {
    "picture": "pictures made with it may be sold",
    "rent": "its use may be offered for hire",
    "sell": "the file may be sold",
}


class Card(Record):
    """What travels of a release beside its files."""

    release: Release
    signature: Signature
    """Of the release's hash, by the workspace that published it."""


def record(shelved: Shelved) -> bytes:
    """The card for programs: the release and its signature as JSON."""
    card = Card(release=shelved.release, signature=shelved.signature)
    return card.model_dump_json(indent=1).encode() + b"\n"


def page(shelved: Shelved) -> str:
    """The card for people."""
    release = shelved.release
    parts = [_front(release), f"# {text(release.title)}"]
    if release.cover_sha256:
        parts.append(_picture(release, release.cover_sha256, "cover"))
    if release.about:
        parts.append(text(release.about))
    parts.append(_table(facts(release)))
    parts += ["## What may be done with it", _table(terms(release))]
    if release.terms.ethics:
        parts.append(_quoted(release.terms.ethics))
    parts += ["## What was examined", _table(examined(release))]
    if release.examples:
        parts.append("## Pictures drawn with it")
    for example in release.examples:
        what = f"seed {example.seed}, strength {example.weight:g}"
        parts += [_picture(release, example.file_sha256, "example"), code(example.prompt), what]
        if example.negative:
            parts.append(f"kept out: {code(example.negative)}")
    parts += ["## Files", _table((file.name, file.file_sha256) for file in release.files)]
    signed = f"Signed with the key {shelved.signature.key}. Hash of the release: {release.sha256()}"
    return "\n\n".join([*parts, signed]) + "\n"


def facts(release: Release) -> Iterator[tuple[str, str]]:
    """What it is, in rows; nothing that is unknown is left out."""
    licence = f", {release.base_licence}" if release.base_licence else ""
    yield "base", f"{release.base} ({release.family}{licence})"
    yield "trigger words", ", ".join(release.trigger_words) or NOT_STATED
    strength = NOT_STATED if release.strength is None else f"{release.strength:g}"
    by = ", as the audit of its likeness chose" if release.strength_by == "audit" else ""
    yield "recommended strength", strength + by
    yield "shows", release.kind
    yield "age", f"{release.ages} years" if release.ages else NOT_STATED
    yield "pictures of the years", str(release.years) if release.years else NOT_STATED
    yield "training", _training(release) or NOT_STATED
    yield "author", release.author or NOT_STATED
    yield "tags", ", ".join(release.tags) or NOT_STATED
    yield "published", f"{release.published.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def terms(release: Release) -> Iterator[tuple[str, str]]:
    """What the person shown and the author allow, in rows."""
    given = dict.fromkeys(_GIVEN[one.relation] for one in release.permissions)
    yield "permission of those shown", "; ".join(given)
    allowed = [_COMMERCIAL[use] for use in COMMERCIAL if use in release.terms.commercial]
    yield "commercial use", "; ".join(allowed) or "none"
    yield "merging, training further", "allowed" if release.terms.derivatives else "not allowed"
    yield "credit", "the author must be named" if release.terms.credit else "not asked for"
    price = release.terms.price
    yield "price", f"{price.amount:.2f} {price.currency}" if price else "none"


def examined(release: Release) -> Iterator[tuple[str, str]]:
    """What the doctor and an audit said, in rows; what is absent is said to be."""
    reports = {
        "the pictures (doctor)": release.doctor,
        "likeness (audit)": release.audit,
        "copies of the pictures (audit)": release.copying,
    }
    for what, report in reports.items():
        yield what, _told(report) if report else ABSENT


def text(words: str) -> str:
    """`words` as Markdown that shows them and does nothing else; a line break stays one."""
    lines = (line.strip().translate(_SIGNS) or "&nbsp;" for line in words.split("\n"))
    return "\\\n".join(lines)


def code(words: str) -> str:
    """`words` as code on one line, whatever backticks they hold."""
    line = " ".join(words.split()) or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    return f"{fence} {line} {fence}"


def _front(release: Release) -> str:
    """Front matter; JSON is YAML too (YAML 1.2 §1.3)."""
    tags = ["lora", "template:sd-lora", "text-to-image", *release.tags]
    rows: dict[str, Any] = {
        "license": "other",
        "tags": list(dict.fromkeys(tags)),
        "base_model": release.base,
        "instance_prompt": ", ".join(release.trigger_words),
        "widget": [
            {"text": e.prompt, "output": {"url": release.file(e.file_sha256).name}}
            for e in release.examples
        ],
    }
    lines = (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in rows.items())
    return "\n".join(["---", *lines, "---"])


def _picture(release: Release, file_sha256: str, what: str) -> str:
    return f"![{what}]({quote(release.file(file_sha256).name)})"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    lines = (f"| {text(name)} | {text(' '.join(value.split()))} |" for name, value in rows)
    return "\n".join(["| | |", "|---|---|", *lines])


def _quoted(words: str) -> str:
    return "\n".join(f"> {line}" for line in text(words).split("\n"))


def _training(release: Release) -> str:
    parts = []
    if release.steps is not None:
        parts.append(f"{release.steps} steps")
    if release.pictures is not None:
        parts.append(f"{release.pictures} pictures")
    if release.epochs is not None:
        parts.append(f"each seen {release.epochs:g} times")
    if release.filtered is not None:
        parts.append(f"and then filtered: {release.filtered}")
    return ", ".join(parts)


def _told(report: Report) -> str:
    figures = (f"{name} {_figure(what)}" for name, what in sorted(report.figures.items()))
    return "; ".join([report.verdict, *figures])


def _figure(what: Any) -> str:
    if isinstance(what, dict):
        return ", ".join(f"{count} {name}" for name, count in what.items()) or "none"
    return f"{what:g}" if isinstance(what, float) else str(what)
