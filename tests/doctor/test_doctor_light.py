"""Light on the face: by its brightest parts and the person's own pictures, never by the skin."""

from __future__ import annotations

import numpy as np
import pytest

from bench.plants.light import PLANTS
from sosie.doctor import page, table, wording
from sosie.doctor.rules import light
from sosie.world.people import person
from sosie.world.photo import photo
from tests.doctor.cases import BOX, case_of, numbers


@pytest.mark.parametrize("rule", PLANTS)
def test_a_planted_fault_is_found_where_it_is(rule, planted, findings, numbers):
    pictures, spoiled = planted(PLANTS[rule])
    found = numbers(findings(pictures, rule), pictures)
    assert found and found <= spoiled
    # A face that is lost in black or white may no longer be found, and is then not judged.
    assert len(found) >= len(spoiled) - 1


@pytest.mark.parametrize("rule", PLANTS)
def test_a_clean_set_is_quiet(rule, portraits, findings):
    assert not findings(portraits, rule)


def test_a_dark_skin_in_good_light_is_not_dark(findings):
    darkest = min((person(seed) for seed in range(60)), key=lambda who: sum(who.skin))
    pictures = [photo(darkest, seed=n, age=35, size=192).picture for n in range(6)]
    assert not findings(pictures, "light.dark")
    assert not findings(pictures, "light.shadows")


def test_a_dark_set_is_dark_though_every_picture_is(portraits, findings):
    night = [(rgb * 0.25).astype(np.uint8) for rgb in portraits[:5]]
    (found,) = findings(night, "light.dark")
    assert found.severity == "warning" and found.marks


def test_a_dark_scene_is_not_veiled(portraits, findings):
    dim = [(rgb * 0.3).astype(np.uint8) for rgb in portraits[:5]]
    assert not findings(dim, "light.flat")


def test_dark_says_by_which_scale():
    def read(face, bright):
        return light.Reading(
            face=face, bright=bright, blown=0, crushed=0, uneven=0, low=0, high=1, box=BOX
        )

    case = case_of(6, light=[read(0.7, 0.9)] * 4 + [read(0.35, 0.6), read(0.1, 0.2)])
    dark, darker = table.rule("light.dark").judge(case)
    assert (numbers(dark.samples), dark.value, page.measured(dark)) == (
        [5],
        0.2,
        "0.2 luma, threshold 0.3",
    )
    assert numbers(darker.samples) == [4]
    assert page.measured(darker) == "0.5 of the usual, threshold 0.6"
    assert wording.title(dark) != wording.title(darker)
