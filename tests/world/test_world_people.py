"""A person is a seed: the same one every time, unlike the others, and kept apart where promised."""

import dataclasses

import numpy as np
import pytest

from sosie.world import tables
from sosie.world.model import AGE_NODES, EYE_LEFT, EYE_RIGHT, head_model, normals, shape
from sosie.world.people import is_held_out, person

PEOPLE = [person(seed) for seed in range(300)]


def test_a_seed_is_always_the_same_person():
    person.cache_clear()
    for field in dataclasses.fields(PEOPLE[7]):
        assert np.array_equal(getattr(person(7), field.name), getattr(PEOPLE[7], field.name))


def test_a_seed_below_zero_is_refused_in_words():
    with pytest.raises(ValueError, match="not negative: -1"):
        person(-1)


def test_one_person_in_ten_is_held_out():
    assert [p.seed for p in PEOPLE if p.held_out] == list(range(9, 300, 10))
    assert all(p.held_out == is_held_out(p.seed) for p in PEOPLE)


def test_what_can_be_said_of_a_person_stands_in_the_tables():
    for p in PEOPLE:
        assert p.hair_colour in tables.HAIR_COLOURS
        assert p.hair_style in tables.HAIR_STYLES
        assert p.eye_colour in tables.EYE_COLOURS
        assert p.beard in tables.BEARDS
        assert p.glasses in tables.GLASSES
        assert not (p.woman and p.beard != "none")


def test_all_kinds_of_people_are_there():
    assert 0.4 < np.mean([p.woman for p in PEOPLE]) < 0.6
    assert {p.beard for p in PEOPLE} == set(tables.BEARDS)
    assert {p.eye_colour for p in PEOPLE} == set(tables.EYE_COLOURS)
    tones = [float(p.skin.mean()) for p in PEOPLE]
    assert min(tones) < 0.12
    assert max(tones) > 0.4


def test_strangers_have_faces_millimetres_apart():
    faces = [shape(0.5, 30, 0.5, p.races, p.identity) for p in PEOPLE[:12]]
    front = (head_model().base[:, 1] < -0.05) & (np.abs(head_model().base[:, 2]) < 0.09)
    for i, a in enumerate(faces):
        for b in faces[:i]:
            assert np.linalg.norm((a - b)[front], axis=1).mean() > 0.002


@pytest.mark.parametrize(("node", "age"), list(enumerate(AGE_NODES)))
def test_a_shape_at_a_tabulated_age_is_the_table(node, age):
    m = head_model()
    none = np.zeros(len(m.labels), np.float32)
    got = shape(1.0, age, 0.0, np.zeros(3, np.float32), none)
    np.testing.assert_allclose(got, m.macro.reshape(2, 5, 2, -1, 3)[1, node, 0], atol=1e-6)


def test_heads_grow_up():
    def tall(age):
        v = shape(0.5, age, 0.5, np.zeros(3, np.float32), np.zeros(len(head_model().labels)))
        head = v[head_model().turn > 0.95]
        return float(np.ptp(head[:, 2]))

    assert tall(5) < tall(11) < tall(25)


def test_the_head_is_whole_and_faces_the_camera():
    m = head_model()
    assert m.faces.max() < len(m.base)
    assert m.base[m.part == EYE_LEFT][:, 0].mean() > 0.02
    assert m.base[m.part == EYE_RIGHT][:, 0].mean() < -0.02
    outwards = (normals(m.base, m.faces) * m.base)[m.base[:, 2] > 0.1].sum(1)
    assert (outwards > 0).mean() > 0.99
