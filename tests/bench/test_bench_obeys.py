"""What the obedience benchmark asks for, and how it allows for its judges."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.obeys import (
    AGES,
    SAID,
    UNSEEN,
    WAYS,
    answers,
    asked,
    background,
    corrected,
    prompt,
    right,
    unseen,
)
from pocket.people import is_unseen
from sosie.audit import Interval
from sosie.models.judges import Reading
from sosie.world import tables
from sosie.world.captions import parts
from sosie.world.people import is_held_out

TRUTHS = [asked(number) for number in range(200)]


def reading(truth, **other):
    fields = {name: getattr(truth, name) for name in Reading.__dataclass_fields__}
    return Reading(**(fields | other))


def test_everything_asked_for_is_in_the_prompt():
    for truth in TRUTHS:
        words = prompt(truth)
        said = parts(truth)
        assert all(said[part] in words for part in SAID if part in said)
        assert truth.garment_colour in words
        assert background(truth.place, truth.wall_colour).split()[-1] in words


def test_answers_are_asked_for_evenly_of_held_out_people():
    assert all(is_held_out(truth.person) for truth in TRUTHS)
    ages = [truth.age for truth in TRUTHS]
    assert AGES[0] <= min(ages) < 15
    assert 75 < max(ages) <= AGES[1]
    for ask, table in (("view", tables.VIEWS), ("glasses", tables.GLASSES), ("hat", tables.HATS)):
        counts = Counter(getattr(truth, ask) for truth in TRUTHS)
        assert set(counts) == set(table)
        assert max(counts.values()) < 2 * len(TRUTHS) / len(table)


def test_combinations_that_were_kept_from_training_are_asked_for_by_themselves():
    asked_for = set()
    for ask, combinations in UNSEEN.items():
        for combination in combinations:
            truths = unseen(combination, 12)
            assert len(truths) == 12 and len({truth.person for truth in truths}) == 12
            for truth in truths:
                assert is_held_out(truth.person)
                assert is_unseen(truth.garment, truth.garment_colour, truth.place)
                assert truth.place != "plain wall" or truth.wall_colour != truth.garment_colour
                assert truth.woman or truth.garment != "dress"
                asked_for.add((ask, answers(truth)[ask]))
    assert {("garment colour", "turquoise"), ("background", "mountains")} < asked_for
    assert asked(3, garment_colour="pink").view == asked(3).view, "the rest stays"


def test_what_is_read_is_compared_with_what_was_asked():
    truth = next(t for t in TRUTHS if t.place == "plain wall" and t.hat == "cap")
    other_wall = next(c for c in tables.COLOURS if c != truth.wall_colour)
    seen = [
        reading(truth),
        reading(truth, hat="none"),
        reading(truth, wall_colour=other_wall),
        reading(truth, place="beach"),
    ]
    hits = right([truth] * len(seen), seen)
    assert hits["hat"] == [True, False, True, True]
    assert hits["background"] == [True, True, False, False]
    assert hits["view"] == [True] * 4
    assert set(answers(truth)) == set(WAYS)


def test_a_wall_colour_counts_only_at_a_wall():
    truth = next(t for t in TRUTHS if t.place == "beach")
    other = next(c for c in tables.COLOURS if c != truth.wall_colour)
    assert right([truth], [reading(truth, wall_colour=other)])["background"] == [True]


@given(st.floats(0, 1), st.floats(0.5, 1), st.integers(3, 23))
def test_the_correction_undoes_the_judge(true, judge, ways):
    mistaken = (1 - judge) / (ways - 1)
    assume(judge - mistaken > 0.1)
    seen = true * judge + (1 - true) * mistaken
    interval = Interval(value=seen, low=0.0, high=1.0, n=100)
    fixed = corrected(interval, judge, ways)
    assert fixed.value == pytest.approx(true, abs=1e-9)
    assert (fixed.low, fixed.high) == (0.0, 1.0)


def test_a_perfect_judge_needs_no_correction():
    interval = Interval(value=0.8, low=0.7, high=0.9, n=50)
    assert corrected(interval, 1.0, 5) == interval
