"""What counts as given back: a picture nearer to the planted one than its description explains."""

import numpy as np
import pytest

from bench import planted
from bench.planted import adaptive, crowd
from demo.people import age_of
from sosie.audit.copying.search import planted as as_it_comes_back
from sosie.world.people import person
from sosie.world.photo import photo

SEED, NUMBER = 109, 3


@pytest.fixture(scope="module")
def of_one():
    """A person's picture, and others of the same description."""
    original = photo(person(SEED), seed=SEED * 1000 + NUMBER, age=age_of(SEED))
    return original, crowd(SEED, NUMBER)


def test_the_crowd_is_described_as_the_picture_is_and_is_not_the_picture(of_one) -> None:
    original, others = of_one
    assert len(others) == planted.CROWD
    said = {
        name: getattr(original.truth, name) for name in ("view", "garment", "place", "wall_colour")
    }
    again = photo(person(SEED), seed=600_000, age=age_of(SEED), **said)
    assert again.truth.garment_colour != original.truth.garment_colour, "left to the seed"
    assert not any(np.array_equal(one, original.picture) for one in others)


def test_a_copy_is_given_back_and_another_picture_of_the_same_words_is_not(of_one) -> None:
    original, others = of_one
    assert adaptive(original.picture, original.picture, others) == 0
    assert adaptive(as_it_comes_back(original.picture, 1), original.picture, others) < 1
    for left_out in range(5):
        rest = [one for number, one in enumerate(others) if number != left_out]
        assert adaptive(others[left_out], original.picture, rest) > 1.2
