from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.captions import (
    apply_template,
    check,
    dataset,
    dataset_again,
    edit,
    has_trigger,
    require_trigger,
    revise,
)
from sosie.core.errors import BadInput, NotFound, NotReady
from sosie.core.records import Dataset, Sample, Subject, now
from sosie.core.terms import Kind


def sample(number: int, caption: str | None, file_name: str | None = None) -> Sample:
    return Sample(
        subject="anna",
        file_name=file_name or f"{number}.jpg",
        original_sha256=f"{number:064x}",
        picture_sha256=f"{number:x}".rjust(2, "a").ljust(64, "0"),
        pixels_sha256=f"{number:064x}",
        width=20,
        height=20,
        source_format="JPEG",
        caption=caption,
        added=now(),
    )


def made(*captions: str | None, trigger: str = "anna", kind: Kind = "person") -> Dataset:
    subject = Subject(name="anna", kind=kind, trigger=trigger, created=now())
    samples = [sample(number, caption) for number, caption in enumerate(captions)]
    return dataset(subject, samples, lambda sha256: Path("blobs") / sha256)


def kinds(found: Dataset) -> list[str]:
    return [problem.kind for problem in check(found)]


def test_a_dataset_does_not_depend_on_the_order_of_adding() -> None:
    subject = Subject(name="anna", kind="person", trigger="anna", created=now())
    samples = [sample(2, "x", "b.jpg"), sample(1, "y", "a.jpg"), sample(0, None, "b.jpg")]
    one = dataset(subject, samples, Path)
    two = dataset(subject, samples[::-1], Path)
    assert one == two and one.content_sha256() == two.content_sha256()
    assert [(i.file_name, i.caption) for i in one.items] == [
        ("a.jpg", "y"), ("b.jpg", ""), ("b.jpg", "x")
    ]  # fmt: skip
    assert one.items[0].path == Path(one.items[0].sample)


def test_pictures_are_counted_as_people_count() -> None:
    names = ["10.jpg", "2.jpg", "a10b2.jpg", "a9.jpg", "写2.jpg"]
    subject = Subject(name="anna", kind="person", trigger="anna", created=now())
    samples = [sample(number, None, name) for number, name in enumerate(names)]
    told = [item.file_name for item in dataset(subject, samples, Path).items]
    assert told == ["2.jpg", "10.jpg", "a9.jpg", "a10b2.jpg", "写2.jpg"]


def test_a_template_fills_its_fields() -> None:
    samples = [sample(1, "in a garden", "Zoë 1.jpg"), sample(2, None)]
    filled = apply_template(samples, "photo of {trigger}, {caption}", "zoe")
    assert list(filled.values()) == ["photo of zoe, in a garden", "photo of zoe"]
    assert list(filled) == [s.picture_sha256 for s in samples]
    both = apply_template(samples[:1], "{name}/{stem} {{so}}", "zoe")
    assert list(both.values()) == ["anna/Zoë 1 {so}"]


@pytest.mark.parametrize(
    "template",
    ["", " ", "{trigge}", "{", "}", "{0}", "{}", "{trigger.__class__}", "{trigger!r}", "{name:>9}"],
)
def test_a_template_that_cannot_be_meant_is_refused(template: str) -> None:
    with pytest.raises(BadInput, match="template"):
        apply_template([sample(1, None)], template, "anna")


def test_one_caption_is_edited_by_name_or_hash() -> None:
    samples = [sample(1, "x", "a.jpg"), sample(2, "y", "b.jpg"), sample(3, "z", "b.jpg")]
    assert edit(samples, "a.jpg", " anna ") == {samples[0].picture_sha256: "anna"}
    by_hash = samples[2].picture_sha256[:8].upper()
    assert edit(samples, by_hash, "anna") == {samples[2].picture_sha256: "anna"}
    with pytest.raises(BadInput, match=samples[1].picture_sha256[:12]):
        edit(samples, "b.jpg", "anna")
    with pytest.raises(NotFound, match=r'Did you mean "a\.jpg"'):
        edit(samples, "a.jpeg", "anna")
    with pytest.raises(BadInput, match="empty"):
        edit(samples, "a.jpg", " ")


@pytest.mark.parametrize(
    ("caption", "trigger", "there"),
    [
        ("photo of anna, laughing", "anna", True),
        ("anna's garden", "anna", True),
        ("anna", "anna", True),
        ("annabel laughs", "anna", False),
        ("joanna laughs", "anna", False),
        ("anna_2 laughs", "anna", False),
        ("Anna laughs", "anna", False),
        ("photo of Zoe\u0308.", "Zoë", True),
        ("photo of Zoé", "Zoe", False),
        ("写字, 手", "写字", True),
        ("x -odd- y", "-odd-", True),
    ],
)
def test_the_trigger_is_a_whole_word(caption: str, trigger: str, there: bool) -> None:
    assert has_trigger(caption, trigger) is there


@given(st.text(), st.text())
def test_a_trigger_set_apart_is_always_found(before: str, after: str) -> None:
    assert has_trigger(f"{before} nobody_2 {after}", "nobody_2")


def test_problems_are_told_one_by_one() -> None:
    found = made("anna smiles", None, "a woman", "ANNA sleeps", " ")
    assert kinds(found) == ["missing", "no trigger", "trigger's case", "missing"]
    messages = [problem.message for problem in check(found)]
    assert messages[2] == '3.jpg writes "ANNA" where the trigger word is "anna".'
    assert all(problem.blocks and problem.sample for problem in check(found))


def test_a_common_word_is_a_poor_trigger_but_no_obstacle() -> None:
    found = made("Woman smiles", trigger="Woman")
    assert kinds(found) == ["common trigger"]
    require_trigger(found)


def test_equal_captions_matter_where_they_say_what_is_written() -> None:
    twice = ("anna wrote: hello", "anna wrote: hello", "anna wrote: bye")
    assert kinds(made(*twice)) == []
    assert kinds(made(*twice, kind="handwriting")) == ["duplicate", "duplicate"]
    require_trigger(made(*twice, kind="handwriting"))


def test_training_is_refused_with_names_and_the_command() -> None:
    require_trigger(made("anna smiles"))
    with pytest.raises(NotReady) as caught:
        require_trigger(made("anna smiles", *["a woman"] * 10))
    said = str(caught.value)
    assert '10 of 11 captions lack the trigger word "anna": 1.jpg, 2.jpg' in said
    assert "and 2 more" in said and "10.jpg" not in said.split("more")[1]
    assert said.endswith("Add it: sosie caption anna --insert-trigger")
    with pytest.raises(NotReady, match=r'--template "photo of {trigger}"$'):
        require_trigger(made("anna smiles", None))
    with pytest.raises(NotReady, match="sosie add anna"):
        require_trigger(made())


def test_the_advised_command_mends_what_was_refused() -> None:
    subject = Subject(name="anna", kind="person", trigger="anna", created=now())
    texts = (None, "a woman", "Anna sleeps", "anna wakes")
    samples = [sample(number, text) for number, text in enumerate(texts)]
    changed = revise(subject, samples, edits={}, template="photo of {trigger}", insert_trigger=True)
    assert list(changed.values()) == ["photo of anna", "anna, a woman", "anna sleeps"]
    mended = [
        s.model_copy(update={"caption": changed.get(s.picture_sha256, s.caption)}) for s in samples
    ]
    require_trigger(dataset(subject, mended, Path))


def test_edits_go_before_the_template() -> None:
    subject = Subject(name="anna", kind="person", trigger="anna", created=now())
    samples = [sample(0, "old"), sample(1, None), sample(2, "kept")]
    edits = {"0.jpg": "new"}
    first = revise(subject, samples, edits=edits, template="{stem}")
    assert list(first.values()) == ["new", "1"]
    every = revise(subject, samples, edits=edits, template="{stem}", overwrite=True)
    assert list(every.values()) == ["new", "1", "2"]
    assert revise(subject, samples, edits={"2.jpg": "kept"}) == {}


def test_what_was_trained_on_can_be_had_again() -> None:
    subject = Subject(name="anna", kind="person", trigger="anna", created=now())
    samples = [sample(0, "now"), sample(1, "now"), sample(2, "added since")]
    then = {samples[1].pixels_sha256: "then 1", samples[0].pixels_sha256: "then 0"}
    again = dataset_again(subject, samples, then, Path)
    assert [(i.file_name, i.caption) for i in again.items] == [
        ("1.jpg", "then 1"), ("0.jpg", "then 0")
    ]  # fmt: skip
    with pytest.raises(NotFound, match="1 of 2 pictures of that run"):
        dataset_again(subject, samples[1:], then, Path)
