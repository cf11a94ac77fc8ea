"""The judges that ship: small, themselves, repeatable, and right on people nobody trained on."""

from __future__ import annotations

import numpy as np
import pytest

from bench.obeys import WAYS, age_errors, asked, right
from sosie.core.errors import WeightsRefused
from sosie.models import judges
from sosie.world.hands import writer
from sosie.world.people import person
from sosie.world.photo import as_dict, photo
from sosie.world.writing import line

FIRST = 30_000
"""Mixtures that neither the benchmark's prompts nor its measured errors use."""


@pytest.fixture(scope="module")
def shown():
    truths = [asked(FIRST + number) for number in range(24)]
    assert all(person(truth.person).held_out for truth in truths)
    return truths, [photo(person(t.person), seed=FIRST, **as_dict(t)).picture for t in truths]


@pytest.fixture(scope="module")
def readings(shown):
    return judges.read(shown[1])


def test_they_are_small_and_say_how_often_they_are_wrong():
    files = list(judges.FOLDER.glob("*.safetensors"))
    assert {file.stem for file in files} == {"people", "writers", "reader"}
    assert sum(file.stat().st_size for file in files) <= 4.8e6
    told = judges.about()
    assert {told[file.stem]["licence"] for file in files} == {"Apache-2.0"}
    for errors in told["errors"].values():
        assert {*WAYS, "age"} <= set(errors)
        assert all(e["low"] <= e["value"] <= e["high"] for e in errors.values())
    assert told["errors"]["drawn"]["view"]["n"] >= 400


@pytest.mark.parametrize("ask", WAYS)
def test_attributes_of_unseen_people_are_read(shown, readings, ask):
    hits = right(shown[0], readings)[ask]
    assert sum(hits) >= 0.75 * len(hits)


def test_ages_of_unseen_people_are_read(shown, readings):
    errors = age_errors(shown[0], readings)
    guess = [abs(truth.age - 45) for truth in shown[0]]
    assert np.mean(errors) < min(12.0, np.mean(guess))


def test_a_picture_is_read_the_same_alone_or_among_others(shown, readings):
    pictures = shown[1]
    assert judges.read(pictures) == readings
    alone = judges.read(pictures[5:6])[0]
    assert alone.age == pytest.approx(readings[5].age, abs=0.01)
    assert alone.view == readings[5].view
    assert judges.read([]) == []


def test_size_does_not_matter(shown, readings):
    twice = [np.repeat(np.repeat(picture, 2, 0), 2, 1) for picture in shown[1]]
    assert [r.view for r in judges.read(twice)] == [r.view for r in readings]


def test_people_are_told_apart():
    judge = judges.person_judge()
    people = [person(300_009 + 10 * n) for n in range(12)]
    one, other = (
        np.stack([judge(photo(who, seed=seed, age=40).picture) for who in people])
        for seed in (1, 2)
    )
    assert np.allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)
    near = one @ other.T
    assert (near.argmax(axis=1) == np.arange(len(people))).mean() >= 0.5
    assert np.diag(near).mean() > near.mean() + 0.2


def test_of_an_oblong_picture_the_middle_is_judged():
    judge, square = judges.person_judge(), photo(person(300_009), seed=1).picture
    wide = np.pad(square, ((0, 0), (40, 41), (0, 0)))
    assert np.allclose(judge(wide), judge(square))


def test_hands_are_told_apart_whatever_they_write():
    judge = judges.writer_judge()
    hands = [writer(300_009 + 10 * n) for n in range(12)]
    one, other = (
        np.stack([judge(line(hand, words, seed=n).picture) for n, hand in enumerate(hands)])
        for words in ("see you on monday", "the garden is warm")
    )
    near = one @ other.T
    assert (near.argmax(axis=1) == np.arange(len(hands))).mean() >= 0.5


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError, match="judged as"):
        judges.read([np.zeros((128, 64, 3), np.uint8)])
    with pytest.raises(ValueError, match="judged as"):
        judges.read([np.zeros((128, 128, 3), np.float32)])
    with pytest.raises(ValueError, match="a line is"):
        judges.writer_judge()(np.zeros((64, 200), np.uint8))


def test_other_weights_are_refused(monkeypatch):
    told = judges.about()
    changed = {**told, "people": {**told["people"], "sha256": "0" * 64}}
    monkeypatch.setattr(judges, "about", lambda: changed)
    judges._people.cache_clear()
    try:
        with pytest.raises(WeightsRefused, match="judge of people"):
            judges.read([np.zeros((128, 128, 3), np.uint8)])
    finally:
        judges._people.cache_clear()
