"""What counts as given back: a picture nearer to the planted one than its description explains."""

from types import SimpleNamespace

import pytest

from bench import planted
from bench.planted import adaptive, crowd
from demo.people import age_of
from sosie.audit.copying.search import planted as as_it_comes_back
from sosie.world.people import Person, person
from sosie.world.photo import choose, photo

SEED, NUMBER = 109, 3


@pytest.fixture(scope="module")
def of_one():
    """A person's picture, and others of the same description."""
    original = photo(person(SEED), seed=SEED * 1000 + NUMBER, age=age_of(SEED))
    return original, crowd(SEED, NUMBER)


def test_the_crowd_is_described_as_the_picture_is_and_stands_otherwise(monkeypatch) -> None:
    def shown(who: Person, *, seed: int, **said: object) -> SimpleNamespace:
        return SimpleNamespace(picture=choose(who, seed, **said))

    monkeypatch.setattr(planted, "photo", shown)
    truth = choose(person(SEED), SEED * 1000 + NUMBER, age=age_of(SEED))
    others = crowd(SEED, NUMBER)
    assert len(others) == planted.CROWD
    for name in ("view", "garment", "garment_colour", "pattern", "place", "wall_colour", "light"):
        assert {getattr(one, name) for one in others} == {getattr(truth, name)}
    assert len({one.yaw for one in others}) == planted.CROWD


def test_a_copy_is_given_back_and_another_picture_of_the_same_words_is_not(of_one) -> None:
    original, others = of_one
    assert adaptive(original.picture, original.picture, others) == 0
    assert adaptive(as_it_comes_back(original.picture, 1), original.picture, others) < 1
    for left_out in range(5):
        rest = [one for number, one in enumerate(others) if number != left_out]
        assert adaptive(others[left_out], original.picture, rest) > 1.2
