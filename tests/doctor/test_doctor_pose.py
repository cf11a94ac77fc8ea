"""Views and expressions: one too often, one missing."""

from __future__ import annotations

import numpy as np
import pytest

from bench.plants.pose import PLANTS
from sosie.doctor.rules import pose
from sosie.doctor.view import View


def pictures(shots):
    return [shot.rgb for shot in shots]


@pytest.mark.parametrize("rule", sorted(PLANTS))
def test_a_clean_set_is_quiet(judge, shots, rule):
    assert judge(rule, pictures(shots)) == []


@pytest.mark.parametrize("rule", sorted(PLANTS))
def test_the_planted_fault_is_found(judge, shots, rule):
    made = PLANTS[rule](shots, 2, np.random.default_rng(3))
    assert len(judge(rule, pictures(made))) == 1


def test_a_missing_front_view_is_named(judge, shots):
    made = PLANTS["pose.missing"](shots, 2, np.random.default_rng(3))
    ((finding, named),) = judge("pose.missing", pictures(made))
    assert finding.said["which"] == "front"
    assert named == []


def test_always_tilting_the_head_is_a_habit(judge, shots):
    from PIL import Image

    def turned(rgb, degrees):
        return np.asarray(Image.fromarray(rgb).rotate(degrees, Image.Resampling.BICUBIC))

    tilted = [turned(shot.rgb, 16) for shot in shots[:10]] + pictures(shots[10:])
    ((finding, named),) = judge("pose.same", tilted)
    assert finding.said["which"] == "tilted"
    assert set(named) <= set(range(10)) and len(named) >= 9
    both_ways = [turned(shot.rgb, 16 * (-1) ** n) for n, shot in enumerate(shots)]
    assert judge("pose.same", both_ways) == []


def test_turn_has_the_sign_of_the_picture(make_set):
    from sosie.world.people import person
    from sosie.world.photo import photo

    turns = []
    for yaw in (-30.0, 0.0, 30.0):
        rgb = photo(person(19), seed=2, age=40, yaw=yaw, size=192).picture
        reading = pose.FAMILY.measure(View(make_set([rgb]).items[0]))
        turns.append(reading.turn)
    assert turns[0] < -pose.FRONT < turns[1] < pose.FRONT < turns[2]
