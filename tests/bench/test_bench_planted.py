"""What counts as given back: a picture nearer to the planted one than its description explains."""

from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from bench import planted
from bench.planted import adaptive, crowd
from bench.recall import Asked, Outcome, back, plotted, recall
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


def outcome(seed: int, **asked: int) -> Outcome:
    """A person whose one planted caption, taught 8 times, gave that."""
    row = Asked(dose=8, way="plain", **asked)
    return Outcome(taught_as="x", person=seed, asked=(row,), mistakes=0, moves=())


def test_recall_is_of_what_came_back_alone() -> None:
    people = [outcome(n, of=8, came=2, found=2, besides=5) for n in range(5)]
    found = recall(people, [8], "plain")
    assert found.value == 1 and found.n == 10 and back(people, [8], "plain").value == 0.25
    assert recall(people, [16], "plain") is None and recall(people, [8], "pushed") is None


def test_pictures_of_one_person_are_no_independent_witnesses() -> None:
    alike = [outcome(n, of=8, came=4, found=2, besides=0) for n in range(6)]
    split = [outcome(n, of=8, came=8 * (n % 2), found=4 * (n % 2), besides=0) for n in range(6)]
    even, odd = (back(people, [8], "plain") for people in (alike, split))
    assert even.value == odd.value == 0.5
    assert odd.high - odd.low > 1.3 * (even.high - even.low)


def test_only_what_came_back_is_plotted_as_recall() -> None:
    people = [outcome(n, of=8, came=0, found=0, besides=1) for n in range(4)]
    lines = ElementTree.fromstring(plotted(people)).findall(".//{*}polyline")
    assert [len(line.get("points").split()) for line in lines] == [1, 0, 0]
