"""One hand or several, and signatures."""

from __future__ import annotations

import numpy as np
import pytest

from bench import notes
from bench.plants import Shot
from bench.plants.ink import ONLY, PLANTS, signed_sheet
from sosie.doctor.rules import ink
from sosie.doctor.view import View
from sosie.world.hands import writer


def test_notes_of_an_unlike_hand_are_named(notes_set, judged):
    spoilt = PLANTS["ink.hands"](notes_set, 2, np.random.default_rng(0))
    findings, named = judged(spoilt, "ink.hands")
    assert named == [0, 1, 2]
    assert findings[0].severity == "advice" and findings[0].value > findings[0].threshold


def test_one_hand_is_one_hand(notes_set, judged):
    assert judged(notes_set, "ink.hands") == ([], [])


def test_few_notes_have_no_usual_hand(notes_set, judged):
    spoilt = PLANTS["ink.hands"](notes_set[:4], 2, np.random.default_rng(0))
    assert judged(spoilt, "ink.hands") == ([], [])


@pytest.mark.parametrize("strength", [1, 2])
def test_a_signature_under_a_letter_is_marked_where_it_is(strength, notes_set, judged):
    spoilt = PLANTS["ink.signature"](notes_set, strength, np.random.default_rng(3))
    findings, named = judged(spoilt, "ink.signature")
    assert named == [0, 1, 2] and findings[0].severity == "warning"
    assert findings[0].said["which"] == "under"
    by_sample = {mark.sample: mark.box for mark in findings[0].marks}
    assert len(by_sample) == 3
    for sample, shot in zip(findings[0].samples, spoilt, strict=False):
        box = by_sample[sample]
        assert box.top > shot.rgb.shape[0] / 3 and box.height > 40


def test_signatures_alone_block_and_one_among_notes_does_not(notes_set, judged):
    rng = np.random.default_rng(0)
    findings, _ = judged(ONLY(notes_set[:5], 1, rng), "ink.signature")
    assert [f.severity for f in findings] == ["blocker"]
    lone = Shot(signed_sheet(4, 1, rng), "hand4, ink on paper", 0, 4)
    findings, named = judged([lone, *notes_set[1:5]], "ink.signature")
    assert named == [0] and [f.severity for f in findings] == ["warning"]


@pytest.mark.parametrize("seed", [1, 4, 9, 14])
def test_a_short_ending_and_a_single_word_are_no_signatures(seed, judged):
    rng = np.random.default_rng(seed)
    letter = notes.page(writer(seed), ["we are all well here", "and hope so are you", "Anna"], rng)
    word = notes.page(writer(seed), ["hello"], rng)
    shots = [
        Shot(letter, 'a note, "we are all well here and hope so are you Anna"', 0, seed),
        Shot(word, 'a note, "hello"', 1, seed),
    ]
    assert judged(shots, "ink.signature") == ([], [])


def test_a_hand_is_read_alike_at_two_sizes(notes_set, make_set):
    import cv2

    rgb = notes_set[2].rgb
    half = cv2.resize(rgb, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    items = make_set([rgb, half], "handwriting", ["a", "b"]).items
    one, two = (ink.FAMILY.measure(View(item)) for item in items)
    assert max(ink.distances([one] * 4 + [two])) < ink.OTHER
