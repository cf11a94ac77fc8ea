"""What counts as given back: a picture nearer to the planted one than its description explains."""

from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from bench import planted
from bench.planted import adaptive, crowd
from bench.recall import Asked, Made, Move, Outcome, back, measured, plotted, recall, rows
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


def outcome(seed: int, *made: tuple[float, float], limit: float = 0, new=(-1.0,)) -> Outcome:
    """A person whose one planted caption, taught 8 times, gave pictures with that distance and
    excess."""
    pictures = tuple(Made(away=away, excess=excess) for away, excess in made)
    row = Asked(dose=8, way="plain", made=pictures)
    moves = (Move(dose=32, by=2.0), Move(dose=0, by=1.0))
    return Outcome(taught_as="x", person=seed, asked=(row,), new=new, limit=limit, moves=moves)


COPY, MISSED, ANOTHER, ALIKE = (0.4, 0.9), (0.4, -0.1), (1.5, -1.0), (1.2, 0.3)
"""Pictures that came back, and that did not."""


def test_recall_is_of_what_came_back_alone() -> None:
    people = [outcome(n, COPY, COPY, ANOTHER, *[ALIKE] * 5) for n in range(5)]
    found = recall(people, [8], "plain")
    assert found.value == 1 and found.n == 10 and back(people, [8], "plain").value == 0.25
    assert people[0].asked[0].besides(0) == 5 and people[0].asked[0].besides(0.5) == 0
    assert recall(people, [16], "plain") is None and recall(people, [8], "pushed") is None


def test_a_higher_threshold_finds_no_more() -> None:
    people = [outcome(n, COPY, (0.5, 0.2), MISSED, limit=0.5 * (n % 2)) for n in range(6)]
    shares = [recall(people, [8], "plain", limit=limit).value for limit in (-1, 0, 0.5, 0.95)]
    assert shares == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert recall(people, [8], "plain").value == pytest.approx(1 / 2), "each by its own audit"


def test_the_measured_threshold_flags_one_new_picture_in_a_hundred() -> None:
    people = [
        outcome(n, COPY, new=tuple(-1 + (30 * n + k) / 600 for k in range(30))) for n in range(20)
    ]
    limit = measured(people, 0.01)
    assert sum(excess >= limit for who in people for excess in who.new) == 6
    assert limit < 0, "where fewer are flagged than may be, more is found"
    assert [who.mistakes for who in people] == [0] * 20
    assert any("-0.01" in figure for _, figure, _ in rows(people))


def test_pictures_of_one_person_are_no_independent_witnesses() -> None:
    half = [COPY, COPY, MISSED, MISSED]
    alike = [outcome(n, *half, *[ANOTHER] * 4) for n in range(6)]
    split = [outcome(n, *(half * 2 if n % 2 else [ANOTHER] * 8)) for n in range(6)]
    even, odd = (back(people, [8], "plain") for people in (alike, split))
    assert even.value == odd.value == 0.5
    assert odd.high - odd.low > 1.3 * (even.high - even.low)


def test_only_what_came_back_is_plotted_as_recall() -> None:
    people = [outcome(n, ANOTHER, ALIKE) for n in range(4)]
    lines = ElementTree.fromstring(plotted(people)).findall(".//{*}polyline")
    assert [len(line.get("points").split()) for line in lines] == [1, 0, 0]
