"""Suggested captions: what is constant is left out, what changes is said, and all of it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.captions import (
    Measured,
    has_trigger,
    mend,
    notices,
    notices_on_file,
    style_of,
    suggest,
)
from sosie.captions.identity import without_identity
from sosie.captions.suggest import Suggestion
from sosie.core.records import Dataset, Item, Subject, now
from sosie.core.terms import Kind


def subject(kind: Kind = "person") -> Subject:
    return Subject(name="anna", kind=kind, trigger="anna", created=now())


def measured(**changing: list[str]) -> list[Measured]:
    """One picture for each value of what changes."""
    count = len(next(iter(changing.values())))
    return [
        Measured(sample=f"{i}", **{part: values[i] for part, values in changing.items()})  # type: ignore[arg-type]
        for i in range(count)
    ]


def kinds(made: Suggestion) -> list[str]:
    return [notice.kind for notice in made.notices]


def test_a_constant_trait_is_left_out_and_reported() -> None:
    pictures = measured(glasses=["glasses"] * 4 + ["none"], clothes=list("abcde"))
    made = suggest(subject(), pictures, "sentence")
    assert not any("glasses" in text for text in made.captions.values())
    assert made.omitted == {"glasses": "glasses"}
    assert [(e.sample, e.phrase, e.why) for e in made.removed] == [
        (f"{i}", "wearing glasses", "constant") for i in range(4)
    ]


def test_a_trait_that_changes_is_said() -> None:
    pictures = measured(glasses=["glasses", "none", "glasses", "none"], clothes=list("abcd"))
    made = suggest(subject(), pictures, "sentence")
    assert made.captions["0"] == "photo of anna, wearing glasses, wearing a clothes"
    assert "glasses" not in made.captions["1"] and not made.removed


@pytest.mark.parametrize("choice", ["omit", "describe"])
def test_a_choice_decides_against_the_count(choice: str) -> None:
    pictures = measured(glasses=["glasses"] * 5 + ["sunglasses"] * 5 * (choice == "omit"))
    made = suggest(subject(), pictures, "sentence", {"glasses": choice})  # type: ignore[dict-item]
    assert ("glasses" in made.captions["0"]) is (choice == "describe")
    assert {e.why for e in made.removed} == ({"chosen"} if choice == "omit" else set())


def test_an_age_is_said_only_where_it_changes() -> None:
    same = [Measured(sample=f"{i}", age=30 + i, clothes="red") for i in range(4)]
    grown = [Measured(sample=f"{i}", age=10 + 20 * i, clothes="red") for i in range(3)]
    assert "aged" not in " ".join(suggest(subject(), same, "sentence").captions.values())
    assert "aged 50" in suggest(subject(), grown, "sentence").captions["2"]


def test_the_style_of_the_base_is_kept() -> None:
    one = Measured(
        sample="0", framing="portrait", view="profile", expression="neutral", clothes="red clothes",
        background="against a grey background", light="soft light",
    )  # fmt: skip
    said = {style: suggest(subject(), [one], style).captions["0"] for style in ("sentence", "tags")}
    assert said["sentence"] == (
        "portrait photo of anna, in profile, with a neutral expression, wearing red clothes, "
        "against a grey background, in soft light"
    )
    assert said["tags"] == (
        "anna, portrait photo, profile, neutral expression, red clothes, grey background, "
        "soft light"
    )
    assert (style_of("flux"), style_of("sdxl"), style_of("new")) == ("sentence", "tags", "sentence")


def test_a_black_and_white_photo_is_called_so() -> None:
    one = Measured(sample="0", framing="portrait", monochrome="black and white", view="front")
    other = Measured(sample="1", monochrome="none")
    sentences, tags = (suggest(subject(), [one, other], s).captions for s in ("sentence", "tags"))
    assert sentences["0"] == "black and white portrait photo of anna, in front view"
    assert tags["0"] == "anna, black and white portrait photo, front view"
    assert (sentences["1"], tags["1"]) == ("photo of anna", "anna, photo")


def test_a_phrase_in_every_caption_is_warned_of() -> None:
    pictures = measured(light=["soft light"] * 4, clothes=["red", "blue", "green", "black"])
    made = suggest(subject(), pictures, "sentence")
    assert kinds(made) == ["in every caption"]
    assert made.notices[0].message.startswith('"in soft light" stands in every caption')
    assert kinds(suggest(subject(), pictures[:3], "sentence")) == [], "three say too little"


def test_short_and_equal_captions_are_warned_of() -> None:
    told = {str(i): "photo of anna" for i in range(4)}
    assert [n.kind for n in notices(told, "anna", "sentence")] == ["short", "alike"]
    long = {str(i): f"photo of anna in a {i} coat, beside a tree, laughing" for i in range(4)}
    assert [n.kind for n in notices(long, "anna", "sentence")] == ["in every caption"] * 2


def test_a_note_is_captioned_by_its_text_and_stays_silent_without_one() -> None:
    one = Measured(sample="0", text="Come soon.", ink="blue ink", paper="ruled paper")
    made = suggest(subject("handwriting"), [one, Measured(sample="1", ink="pencil")], "sentence")
    said = 'a note by anna that reads "Come soon." in blue ink on ruled paper'
    assert made.captions == {"0": said}
    assert kinds(made) == ["no transcript"] and made.notices[0].samples == ("1",)


def test_what_another_captioner_says_of_the_person_is_taken_out_and_reported() -> None:
    made = mend(
        subject(),
        {"0": "A smiling woman with long brown hair and a red coat, wearing glasses, in a garden."},
        "sentence",
    )
    assert made.captions["0"] == "smiling anna with a red coat, in a garden."
    assert {e.part for e in made.removed} == {"person", "hair", "glasses"}
    assert all(e.why == "identity" for e in made.removed)


@pytest.mark.parametrize(
    ("said", "left", "gone"),
    [
        (
            "A beautiful young Asian woman, smiling, in a garden.",
            "anna, smiling, in a garden.",
            {"woman", "beautiful", "young", "Asian"},
        ),
        ("A smiling and attractive black man", "smiling anna", {"man", "attractive", "black"}),
        ("anna is very pretty, in a red coat", "anna, in a red coat", {"is very pretty"}),
        ("asian, pretty face, chubby, hat", "hat", {"asian", "pretty face", "chubby"}),
        ("a woman of Asian descent on a beach", "anna on a beach", {"a woman", "of Asian descent"}),
        ("She has long hair and wears a red coat.", "wears a red coat.", {"She has long hair"}),
        ("anna with long hair and laughing", "anna laughing", {"with long hair"}),
    ],
)
def test_origin_and_beauty_go_and_only_what_went_is_reported(
    said: str, left: str, gone: set[str]
) -> None:
    told, removed = without_identity(said, "anna", {})
    assert told == left
    assert {phrase for _, phrase in removed} == gone


@pytest.mark.parametrize(
    "said",
    [
        "black and white photo of anna in an old house",
        "anna in a beautiful Japanese garden before a white wall",
        "two glasses of wine on a table beside anna",
    ],
)
def test_places_and_things_may_be_old_and_beautiful(said: str) -> None:
    assert without_identity(said, "anna", {}) == (said, [])


@pytest.mark.parametrize("trigger", ["lea", "ed", "ann"])
def test_a_trigger_inside_another_word_is_none(trigger: str) -> None:
    text, _ = without_identity(
        "A woman leaning on a red wall at an annual fair, with red hair", trigger, {}
    )
    assert text == f"{trigger} leaning on a red wall at an annual fair"


def test_what_is_chosen_to_be_described_stays() -> None:
    text, gone = without_identity("photo of anna wearing glasses", "anna", {"glasses": "describe"})
    assert text == "photo of anna wearing glasses" and not gone


def test_what_is_left_out_of_anothers_words_by_choice_is_reported_so() -> None:
    said = {"0": "anna with red hair, wearing glasses"}
    made = mend(subject(), said, "sentence", {"glasses": "omit"})
    assert {e.part: e.why for e in made.removed} == {"hair": "identity", "glasses": "chosen"}


def on_file(kind: Kind, captions: list[str]) -> Dataset:
    items = tuple(
        Item(sample=f"{i}", pixels_sha256="", file_name="", path=Path(), caption=text)
        for i, text in enumerate(captions)
    )
    return Dataset(subject="anna", kind=kind, trigger="anna", items=items)


def test_captions_on_file_are_warned_of_in_either_style() -> None:
    plain = notices_on_file(on_file("person", ["photo of anna"] * 4 + [""]))
    assert [n.kind for n in plain] == ["short", "alike"] and len(plain[0].samples) == 4
    tags = ["anna, smile, red coat, garden", "anna, hat, lake, boat", "anna, sun, sea, sand"]
    assert notices_on_file(on_file("person", tags)) == ()
    notes = notices_on_file(on_file("handwriting", ['a note by anna that reads "go"'] * 4))
    assert [n.kind for n in notes] == ["alike"]


@given(st.lists(st.text(max_size=60), min_size=1, max_size=6))
def test_every_mended_caption_holds_the_trigger(texts: list[str]) -> None:
    made = mend(subject(), {str(i): text for i, text in enumerate(texts)}, "tags")
    assert all(has_trigger(text, "anna") for text in made.captions.values())
