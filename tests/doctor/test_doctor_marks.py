"""Marks: found again from picture to picture, and missed where they should be."""

from __future__ import annotations

import numpy as np
import pytest

from bench.plants.marks import PLANTS


def pictures(shots):
    return [shot.rgb for shot in shots]


@pytest.fixture(scope="module")
def marked(shots):
    """The person with one mole on a cheek, in every picture."""
    return PLANTS["marks.kept"](shots, 2, np.random.default_rng(1))


def test_a_mark_in_every_picture_is_to_be_kept(judge, marked):
    ((finding, named),) = judge("marks.kept", pictures(marked))
    assert finding.severity == "advice"
    assert "cheek" in finding.said["which"]
    assert len(named) >= 3
    assert judge("marks.some", pictures(marked)) == []


def test_a_mirrored_picture_lacks_the_mark(judge, shots):
    made = PLANTS["marks.some"](shots, 2, np.random.default_rng(1))
    whole = PLANTS["marks.kept"](shots, 2, np.random.default_rng(1))
    mirrored = {n for n, shot in enumerate(made) if (shot.rgb != whole[n].rgb).any()}
    ((finding, named),) = judge("marks.some", pictures(made))
    # Hair and shade may leave nothing to be seen at its place.
    assert named and set(named) <= mirrored
    assert finding.said["seen"] >= 3


def test_smooth_skin_has_no_marks(judge, shots):
    from dataclasses import replace

    from bench.plants.pose import age_of
    from sosie.world.people import person
    from sosie.world.photo import photo

    bare = replace(person(shots[0].who), moles=())
    age = age_of(shots[0].who)
    drawn = [photo(bare, seed=n, age=age, view="front view", size=224).picture for n in range(6)]
    assert judge("marks.kept", drawn) == []
    assert judge("marks.some", drawn) == []
