"""What captions say is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.plants.transcript import PLANTS
from sosie.core.quoted import quoted
from sosie.doctor import table
from sosie.doctor.records import NotExamined
from sosie.doctor.rules import transcript
from sosie.doctor.rules.transcript import lacking, unlike
from tests.doctor.cases import case_of, numbers


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ('anna, "hello", blue ink', "hello"),
        ('a note by anna that reads "He said "go"." in ink', 'He said "go".'),
        ("anna, “bonjour”", "bonjour"),
        ("anna, « ça va »", "ça va"),
        ("anna「こんにちは」", "こんにちは"),
        ("anna wrote: hello", ""),
        ('an inch is 2.5 cm: 1"', ""),
        ('anna, ""', ""),
    ],
)
def test_the_quoted_text_is_what_is_written(caption, text):
    assert quoted(caption) == text


@pytest.mark.parametrize(("strength", "named"), [(0, [0]), (1, [0, 1, 2])])
def test_captions_without_a_transcript_are_named(notes_set, judged, strength, named):
    spoilt = PLANTS["transcript.missing"](notes_set, strength, np.random.default_rng(0))
    findings, found = judged(spoilt, "transcript.missing")
    assert found == named and findings[0].severity == "warning"
    assert judged(notes_set, "transcript.missing") == ([], [])


def test_no_transcript_at_all_blocks(notes_set, judged):
    bare = [replace(shot, caption="hand4, ink on paper") for shot in notes_set]
    findings, _ = judged(bare, "transcript.missing")
    assert [f.severity for f in findings] == ["blocker"]


def test_letters_that_are_never_written_are_named(notes_set, judged):
    assert judged(notes_set, "transcript.coverage") == ([], [])
    spoilt = PLANTS["transcript.coverage"](notes_set, 2, np.random.default_rng(0))
    said = {f.said["which"]: f.said["lacking"] for f in judged(spoilt, "transcript.coverage")[0]}
    assert set(said["letters"].split()) == set("qzjxvkw")
    assert set(said["digits"].split()) == set("0123456789") and "?" in said["punctuation"]


def test_french_wants_its_accents_and_japanese_is_left_alone():
    text = "Portez ce vieux whisky au juge blond qui fume, à côté d'un café"
    assert set(lacking(text)["letters"]) == set("èêç")
    assert lacking("こんにちは、今日は良い天気です") == {}
    assert lacking("") == {} and lacking("12 34") == {}
    assert "'" not in lacking("don’t")["punctuation"]


def test_exchanged_captions_are_named(notes_set, judged):
    pytest.importorskip("rapidocr")
    spoilt = PLANTS["transcript.mismatch"](notes_set, 1, np.random.default_rng(0))
    findings, named = judged(spoilt, "transcript.mismatch")
    assert named == [0, 1, 2] and findings[0].severity == "advice"
    assert judged(notes_set, "transcript.mismatch") == ([], [])


@pytest.mark.parametrize(
    ("line", "text", "cost"),
    [
        ("fox", "thequickbrownfoxjumps", 0),
        ("fax", "thequickbrownfoxjumps", 1),
        ("brwn", "thequickbrownfoxjumps", 1),
        ("browwn", "thequickbrownfoxjumps", 1),
        ("zzz", "abc", 3),
        ("", "abc", 0),
        ("abc", "", 3),
    ],
)
def test_a_line_is_sought_anywhere_in_the_text(line, text, cost):
    assert unlike(line, text) == cost


def test_what_cannot_be_compared_or_counted_is_not_examined():
    read = [transcript.Reading(lines=("goodmorning",))] * 2
    captions = ['a note, "good morning"', "a note"]
    case = case_of(2, kind="handwriting", captions=captions, transcript=read)
    (bare,) = table.rule("transcript.mismatch").judge(case)
    assert isinstance(bare, NotExamined) and numbers(bare.samples) == [1]
    case = case_of(1, kind="handwriting", captions=["anna「こんにちは」"])
    (whole,) = table.rule("transcript.coverage").judge(case)
    assert isinstance(whole, NotExamined) and whole.samples == ()
