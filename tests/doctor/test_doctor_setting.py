"""Backgrounds, clothes and hair that come too often."""

import numpy as np
import pytest

from bench.plants.setting import PLANTS
from sosie.doctor import Config, examine
from sosie.world.people import person
from sosie.world.photo import photo

KEPT = {"age": 40, "hat": "none", "glasses": "none", "size": 192}
PLACES = ("beach", "forest", "library", "mountains", "garden", "sunset", "kitchen")
COLOURS = ("red", "blue", "green", "yellow", "black", "white", "purple")


@pytest.fixture(scope="module")
def varied():
    """Ten pictures in other places and clothes each."""
    return [
        photo(
            person(29),
            seed=n,
            place=PLACES[n % 7] if n < 7 else "plain wall",
            wall_colour=COLOURS[n % 7],
            garment="sweater",
            pattern="plain",
            garment_colour=COLOURS[n % 7],
            **KEPT,
        ).picture
        for n in range(10)
    ]


def spoilt(pictures, **fixed):
    """The first five drawn again with something in common."""
    again = [photo(person(29), seed=n, pattern="plain", **KEPT, **fixed).picture for n in range(5)]
    return [*again, *pictures[5:]]


def test_a_varied_set_is_left_in_peace(findings, varied):
    for rule in ("setting.background", "setting.outfit", "setting.share"):
        assert findings(varied, rule) == [], rule


def test_one_background_five_times_is_found(findings, numbers, varied):
    pictures = spoilt(varied, place="library")
    found = findings(pictures, "setting.background")
    assert found and {0, 1, 2, 3, 4} <= numbers(found, pictures)
    assert findings(pictures, "setting.share"), "half of a set of ten"


def test_one_outfit_five_times_is_found(findings, numbers, varied):
    pictures = spoilt(varied, garment="sweater", garment_colour="orange")
    found = findings(pictures, "setting.outfit")
    assert found and {0, 1, 2, 3, 4} <= numbers(found, pictures)


def test_the_cap_is_the_users(findings, varied):
    assert findings(spoilt(varied, place="library"), "setting.background", cap=8) == []


def test_one_hairstyle_in_one_sitting_is_no_more_than_a_hint(findings, numbers, shots):
    made = PLANTS["setting.hair"](shots, 1, np.random.default_rng(7))
    pictures = [shot.rgb for shot in made]
    found = findings(pictures, "setting.hair")
    assert found and {finding.severity for finding in found} == {"advice"}
    drawn_alike = {n for n, rgb in enumerate(pictures) if rgb is not shots[n].rgb}
    assert len(numbers(found, pictures) & drawn_alike) > 3
    assert not findings(pictures, "setting.hair", cap=9)


def test_the_proposal_piles_up_no_background_as_long_as_there_are_others(make_set, varied):
    dataset = make_set(spoilt(varied, place="library"))
    same = {item.sample for item in dataset.items[:5]}
    few = examine(dataset, Config(wanted=6, hold_out=2)).proposal
    assert len(few.train) == 6 and len(few.hold_out) == 2
    assert len(same & {*few.train, *few.hold_out}) == 3
    reasons = {rule for left in few.left_out if left.sample in same for rule in left.rules}
    assert "setting.background" in reasons
    all_of_it = examine(dataset, Config(wanted=8, hold_out=2)).proposal
    assert len({*all_of_it.train, *all_of_it.hold_out}) == 10, "rather repeated than too few"


def test_a_wall_has_no_outfit(make_set):
    wall = np.full((160, 160, 3), 90, np.uint8)
    checkup = examine(make_set([wall] * 4), only=("setting.outfit",))
    assert [entry.rule for entry in checkup.not_examined] == ["setting.outfit"]
