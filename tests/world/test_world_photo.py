"""A photo shows what was asked for, says what it shows, and is the same every time."""

import dataclasses

import numpy as np
import pytest

from sosie.core.errors import BadInput
from sosie.world import tables
from sosie.world.people import person
from sosie.world.photo import as_dict, choose, photo

PLAIN = {
    "age": 30, "view": "front view", "yaw": 0.0, "pitch": 0.0, "hat": "none", "glasses": "none",
    "beard": "none", "expression": "neutral", "hair_style": "short", "place": "plain wall",
    "wall_colour": "grey", "light": "soft light", "pattern": "plain", "garment": "sweater",
    "garment_colour": "beige", "second_colour": "white",
}  # fmt: skip
FACE = np.s_[38:76, 48:80]
"""Rows and columns that lie on the face in every plain picture."""


def plain(who: int = 4, seed: int = 3, **changed: object) -> np.ndarray:
    return photo(person(who), seed=seed, **{**PLAIN, **changed}).picture.astype(np.float32)


def difference(a: np.ndarray, b: np.ndarray, where: object = ...) -> float:
    return float(np.abs(a - b)[where].mean())


def difference_but_for_exposure(a: np.ndarray, b: np.ndarray, where: object) -> float:
    return difference(a[where], b[where] * (a[where].mean() / b[where].mean()))


def test_equal_arguments_give_equal_bytes_and_equal_truth():
    a, b = (photo(person(12), seed=5) for _ in range(2))
    assert a.truth == b.truth
    assert (a.picture == b.picture).all()
    other = photo(person(12), seed=6)
    assert (a.picture != other.picture).any()


@pytest.mark.parametrize("size", [64, 128])
def test_a_picture_has_the_size_that_was_asked_for(size):
    picture = photo(person(2), seed=1, size=size).picture
    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 15


def test_what_is_fixed_stays_and_what_is_left_open_is_drawn():
    for key, value in PLAIN.items():
        assert getattr(choose(person(4), 8, **{key: value}), key) == value
    drawn = {choose(person(4), seed).garment_colour for seed in range(300)}
    assert drawn == set(tables.COLOURS)


def test_fixing_one_thing_leaves_the_others_as_they_would_have_been():
    free = as_dict(choose(person(4), 8))
    fixed = as_dict(choose(person(4), 8, garment="coat", place="beach", light="daylight"))
    same = {key for key in free if free[key] == fixed[key]}
    assert same >= set(free) - {"garment", "place", "light"}


def test_a_thing_that_a_photo_does_not_have_is_refused_by_name():
    with pytest.raises(TypeError, match="no colour_of_shoes"):
        photo(person(4), seed=1, colour_of_shoes="red")


def test_the_truth_speaks_in_the_words_of_the_tables():
    words = {
        "view": tables.VIEWS, "expression": tables.EXPRESSIONS, "hair_style": tables.HAIR_STYLES,
        "hair_colour": tables.HAIR_COLOURS, "glasses": tables.GLASSES, "hat": tables.HATS,
        "beard": tables.BEARDS, "garment": tables.GARMENTS, "garment_colour": tables.COLOURS,
        "pattern": tables.PATTERNS, "place": tables.PLACES, "wall_colour": tables.COLOURS,
        "light": tables.LIGHTS,
    }  # fmt: skip
    for seed in range(200):
        truth = choose(person(seed), seed)
        assert all(getattr(truth, key) in allowed for key, allowed in words.items())
        assert 5 <= truth.age < 90
        assert truth.beard == "none" or (truth.age > 17 and not truth.woman)


def test_other_clothes_do_not_touch_the_face():
    beige, red = plain(), plain(garment="coat", garment_colour="red", pattern="checked")
    assert difference(beige, red, FACE) == 0
    assert difference(beige, red, np.s_[112:]) > 5


@pytest.mark.parametrize("place", [p for p in tables.PLACES if p != "plain wall"])
def test_other_places_change_the_background_and_not_the_face(place):
    wall, there = plain(), plain(place=place)
    assert difference(wall, there, np.s_[:60, :20]) > 12
    assert difference_but_for_exposure(wall, there, FACE) < 6


def test_two_people_in_one_setting_have_two_faces():
    one = plain(4)
    assert difference_but_for_exposure(one, plain(14), FACE) > 12
    assert difference(one, plain(4, garment_colour="navy"), FACE) < 1


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"glasses": "sunglasses"}, np.s_[46:62, 46:82]),
        ({"hair_style": "bald"}, np.s_[10:36, 44:84]),
        ({"hat": "beanie"}, np.s_[4:36, 44:84]),
        ({"beard": "full beard", "hair_colour": "black"}, np.s_[74:92, 50:78]),
        ({"light": "side light"}, FACE),
        ({"expression": "surprised"}, np.s_[70:92, 50:78]),
    ],
    ids=lambda x: next(iter(x.values())) if isinstance(x, dict) else "",
)
def test_what_is_asked_for_is_seen_where_it_belongs(changed, where):
    before, after = plain(), plain(**changed)
    assert difference(before, after, where) > 4


def test_sunglasses_are_dark_and_garments_have_their_colour():
    band = np.s_[48:60, 46:82]
    assert plain(glasses="sunglasses")[band].mean() < plain()[band].mean() - 30
    for channel, colour in enumerate(("red", "green", "blue")):
        means = plain(2, garment_colour=colour, garment="hoodie")[116:, 20:40].mean((0, 1))
        assert means.argmax() == channel, f"{colour} cloth is {means}"


def test_a_turned_head_shows_the_cheek_that_the_view_names():
    def middle_of_skin(view: str) -> float:
        truth = {**PLAIN, "view": view, "yaw": tables.VIEWS[view]}
        picture = photo(person(4), seed=3, **truth).picture.astype(np.float32)
        reddish = (picture[..., 0] - picture[..., 2])[40:80] > 25
        return float(np.nonzero(reddish)[1].mean())

    left = middle_of_skin("three-quarter view to the left")
    right = middle_of_skin("three-quarter view to the right")
    assert left < middle_of_skin("front view") + 4 < right + 8
    assert right - left > 4


def test_hair_turns_grey_with_the_years_and_not_before():
    who = person(4)
    young = {choose(who, s, age=25).hair_colour for s in range(20)}
    old = {choose(who, s, age=89).hair_colour for s in range(20)}
    assert young == {who.hair_colour}
    assert old <= {"grey", "white"}


def test_truth_becomes_plain_values():
    truth = choose(person(4), 1)
    assert as_dict(truth) == {f.name: getattr(truth, f.name) for f in dataclasses.fields(truth)}


@pytest.mark.parametrize(
    "fixed",
    [
        {"glasses": "monocle"},
        {"pattern": "paisley"},
        {"garment": "kilt"},
        {"place": "moon"},
        {"view": "from behind"},
        {"age": 300},
        {"age": -5},
        {"age": 40.5},
        {"person": 5},
        {"woman": not person(109).woman},
    ],
)
def test_what_cannot_be_drawn_is_not_said_to_be(fixed):
    with pytest.raises(BadInput):
        photo(person(109), seed=1, **fixed)


def test_its_own_truth_may_be_given_back():
    first = photo(person(109), seed=1, size=32)
    assert photo(person(109), seed=1, size=32, **as_dict(first.truth)).truth == first.truth
