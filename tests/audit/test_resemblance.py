"""Whom does a face look like? On made-up people whose strangers are known."""

import numpy as np
import pytest

from sosie.audit import resemblance
from sosie.audit.resemblance import needed_people, resemblances
from sosie.core.errors import BadInput


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def people(draw, count, pictures=6, spread=1.0):
    """Unit embeddings of people: each has a direction of their own, pictures lie around it."""
    own = unit(draw.standard_normal((count, 1, 16)))
    return unit(own + spread * draw.standard_normal((count, pictures, 16)) / 4)


def gallery(vectors):
    return {f"person {i}": list(own) for i, own in enumerate(vectors)}


def test_the_person_comes_first_with_their_nearest_picture_and_is_alike():
    draw = np.random.default_rng(0)
    vectors = people(draw, 120, spread=0.5)
    face = unit(vectors[7, 3] + 0.05 * draw.standard_normal(16))
    found = resemblances([face], gallery(vectors))
    first = found.found[0]
    assert (first.name, first.picture, first.alike) == ("person 7", 3, True)
    assert found.supported and first.bound <= 0.01 and len(found.found) == 120
    assert first.false_matches.low <= first.false_matches.value <= 0.01


@pytest.mark.parametrize(("count", "rate"), [(100, 0.01), (20, 0.05)])
@pytest.mark.parametrize(("among", "faces"), [(["person 0", "person 1"], 1), (None, 1), (None, 2)])
def test_strangers_are_taken_for_anybody_no_more_often_than_asked(
    count, rate, among, faces, monkeypatch
):
    # The intervals have no part in it, and take most of the time.
    monkeypatch.setattr(resemblance, "LISTED", 0)
    draw = np.random.default_rng(1)
    taken = []
    for _ in range(150):
        vectors = people(draw, count * faces + faces, pictures=3)
        strangers, known = vectors[-faces:, 0], gallery(vectors[:-faces])
        found = resemblances(list(strangers), known, among=among, rate=rate)
        assert found.supported
        taken.append(any(one.alike for one in found.found))
    assert np.mean(taken) <= rate + 3 * np.sqrt(rate / len(taken))


def test_every_face_of_a_picture_is_compared_and_counts_as_a_chance():
    draw = np.random.default_rng(4)
    vectors = people(draw, 220, spread=0.3)
    stranger = people(draw, 1)[0, 0]
    found = resemblances([stranger, vectors[7, 3]], gallery(vectors))
    first = found.found[0]
    assert (first.name, first.face, first.alike, found.faces) == ("person 7", 1, True, 2)
    assert first.bound == pytest.approx(2 / 220) and needed_people(0.01, 2) == 200
    assert not resemblances([stranger, vectors[7, 3]], gallery(vectors[:150])).supported


def test_the_false_matches_of_the_first_are_those_of_every_pair():
    draw = np.random.default_rng(5)
    vectors = people(draw, 12)
    found = resemblances([people(draw, 1)[0, 0]], gallery(vectors)).found
    templates = unit(vectors.mean(axis=1))
    for one in found[:10]:
        asked = int(one.name.split()[1])
        pairs = [
            picture @ templates[other] >= one.cosine
            for person, own in enumerate(vectors)
            for picture in own
            for other in range(12)
            if asked != person != other
        ]
        assert one.false_matches.value == pytest.approx(np.mean(pairs))
    assert found[-1].false_matches is None


def test_few_people_support_no_small_rate():
    vectors = people(np.random.default_rng(2), 5, spread=0.2)
    found = resemblances([vectors[0, 0]], gallery(vectors))
    assert not found.supported and not any(one.alike for one in found.found)
    assert found.found[0].bound == pytest.approx(1 / 5) and needed_people(0.01) == 100
    alone = resemblances([vectors[0, 0]], {"only": [vectors[0, 1]]})
    assert alone.found[0].false_matches is None and alone.found[0].bound == 1


def test_who_is_asked_about_must_have_a_face():
    vectors = people(np.random.default_rng(3), 2)
    with pytest.raises(BadInput, match="has no picture with a face"):
        resemblances([vectors[0, 0]], gallery(vectors) | {"cat": []}, among=["cat"])
    with pytest.raises(BadInput, match="Nobody on file"):
        resemblances([vectors[0, 0]], {"cat": []})
