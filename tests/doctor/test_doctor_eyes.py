"""Eyes closed, faces covered, features too faint."""

from __future__ import annotations

import numpy as np
import pytest

from bench.plants.eyes import PLANTS
from bench.plants.pose import again


def pictures(shots):
    return [shot.rgb for shot in shots]


@pytest.mark.parametrize("rule", sorted(PLANTS))
def test_a_clean_set_is_quiet(judge, shots, rule):
    assert judge(rule, pictures(shots)) == []


@pytest.mark.parametrize("rule", ["eyes.closed", "eyes.hidden"])
def test_the_planted_pictures_are_named_and_no_others(judge, shots, rule):
    made = PLANTS[rule](shots, 2, np.random.default_rng(2))
    where = {n for n, shot in enumerate(made) if shot is not shots[n]}
    named = {number for _, numbers in judge(rule, pictures(made)) for number in numbers}
    assert named <= where
    assert len(named) >= 2


def test_faded_eyes_are_faint_and_name_the_whole_set(judge, shots):
    made = PLANTS["eyes.faint"](shots, 2, np.random.default_rng(2))
    ((finding, named),) = judge("eyes.faint", pictures(made))
    assert named == [] and finding.severity == "advice"


def test_laughing_and_clear_glasses_are_not_closed_or_hidden(judge, shots):
    made = list(shots)
    made[2] = again(shots[2], expression="laughing")
    made[3] = again(shots[3], glasses="square glasses")
    assert judge("eyes.closed", pictures(made)) == []
    assert judge("eyes.hidden", pictures(made)) == []
