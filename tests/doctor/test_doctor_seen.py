"""What pictures show in words: right where the truth is known, silent where it cannot be."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from sosie.core.files import sha256_bytes
from sosie.core.records import Dataset, Item
from sosie.core.terms import Kind
from sosie.doctor.seen import Described, describe
from sosie.doctor.seen.colour import COLOURS, names, nearest
from sosie.world import writing
from sosie.world.hands import writer
from sosie.world.people import person
from sosie.world.photo import photo

DRAWN = {
    "wall": {"place": "plain wall", "wall_colour": "orange", "garment_colour": "blue"},
    "library": {"place": "library", "garment_colour": "white", "glasses": "square glasses"},
    "beach": {"place": "beach", "garment_colour": "red", "glasses": "sunglasses"},
    "turned": {"place": "plain wall", "wall_colour": "grey", "view": "profile to the left"},
}


def told(
    folder: Path, pictures: list[np.ndarray], kind: Kind, caption: str = ""
) -> list[Described]:
    items = []
    for number, rgb in enumerate(pictures):
        path = folder / f"{number}.png"
        Image.fromarray(rgb).save(path)
        sha = sha256_bytes(rgb.tobytes())
        items.append(
            Item(sample=sha, pixels_sha256=sha, file_name=path.name, path=path, caption=caption)
        )
    return list(describe(Dataset(subject="a", kind=kind, trigger="a", items=tuple(items))))


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Described]:
    usual = {
        "view": "front view", "yaw": 2.0, "expression": "neutral", "glasses": "none",
        "pattern": "plain", "garment": "t-shirt", "hat": "none", "light": "side light", "age": 35,
    }  # fmt: skip
    shots = []
    for seed, fixed in enumerate(DRAWN.values()):
        given = {**usual, **fixed}
        if given["view"] != "front view":
            del given["yaw"]
        shots.append(photo(person(29), seed=seed, size=256, **given).picture)
    found = told(tmp_path_factory.mktemp("seen"), shots, "person")
    return dict(zip(DRAWN, found, strict=True))


@pytest.mark.parametrize(
    ("picture", "part", "said"),
    [
        ("wall", "background", "against an orange background"),
        ("library", "background", "in a library"),
        ("beach", "background", "on a beach"),
        ("wall", "clothes", "blue clothes"),
        ("library", "clothes", "white clothes"),
        ("beach", "clothes", "red clothes"),
        ("wall", "glasses", "none"),
        ("library", "glasses", "glasses"),
        ("beach", "glasses", "sunglasses"),
        ("wall", "view", "front"),
        ("turned", "view", "profile"),
        ("wall", "light", "side light"),
        ("wall", "expression", "neutral"),
    ],
)
def test_what_is_drawn_is_what_is_said(
    portraits: dict[str, Described], picture: str, part: str, said: str
) -> None:
    assert portraits[picture].words[part] == said


def test_what_cannot_be_measured_is_not_said_and_the_reason_is(
    portraits: dict[str, Described],
) -> None:
    for one in portraits.values():
        assert not {"age", "hair", "make-up", "beard", "hat"} & set(one.words)
        assert one.untold["hair"] == "nothing here measures it"
        assert one.untold["age"] == "no permission states a birth date"
        assert not set(one.words) & set(one.untold)
    assert portraits["turned"].untold["expression"] == "the face is seen too much from the side"


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        ("2020:05:03 12:00:00", "19"),
        ("2020:05:04 00:00:00", "20"),
        ("1999:01:01 00:00:00", "before the birth"),
        ("0000:00:00 00:00:00", "does not say"),
        (None, "does not say"),
    ],
)
def test_age_is_told_by_birth_date_and_the_day_of_the_picture(
    tmp_path: Path, taken: str | None, told: str
) -> None:
    path, exif = tmp_path / "a.jpg", Image.Exif()
    if taken is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    Image.new("RGB", (40, 40)).save(path, exif=exif)
    item = Item(sample="a", pixels_sha256="", file_name="a.jpg", path=path, caption="")
    people = Dataset(subject="a", kind="person", trigger="a", items=(item,))
    (one,) = describe(people, originals={"a": path}, born=date(2000, 5, 4))
    assert told in one.words.get("age", one.untold.get("age", ""))
    assert ("age" in one.words) is told.isdigit()


def test_a_black_and_white_picture_has_no_colours(tmp_path: Path) -> None:
    shot = photo(person(29), seed=3, size=256, place="plain wall", garment_colour="blue").picture
    grey = np.repeat(shot.mean(-1, keepdims=True), 3, 2).astype(np.uint8)
    coloured, colourless = told(tmp_path, [shot, grey], "person")
    assert coloured.words["monochrome"] == "none"
    assert "clothes" in coloured.words and "background" in coloured.words
    assert colourless.words["monochrome"] == "black and white"
    for part in ("clothes", "background"):
        assert colourless.untold[part] == "the picture is black and white"


def test_a_face_in_a_white_room_is_in_colour(tmp_path: Path) -> None:
    room = np.full((900, 900, 3), 245, np.uint8)
    room[600:760, 400:560] = photo(person(29), seed=3, size=160, place="plain wall",
                                   wall_colour="white", garment_colour="white").picture  # fmt: skip
    (one,) = told(tmp_path, [room], "person")
    assert one.words["monochrome"] == "none"


def test_no_face_leaves_only_the_background(tmp_path: Path) -> None:
    (one,) = told(tmp_path, [np.full((64, 64, 3), (30, 120, 50), np.uint8)], "person")
    assert set(one.words) <= {"background"}
    assert one.untold["view"] == one.untold["clothes"] == "no face was found"


@pytest.mark.parametrize(
    ("pen", "ink", "paper", "said"),
    [
        ("ballpoint pen", "blue", "ruled", ("blue ink", "ruled paper")),
        ("ballpoint pen", "red", "plain", ("red ink", "white paper")),
        ("pencil", "grey", "squared", ("pencil", "squared paper")),
        ("felt pen", "black", "yellow", ("black ink", "yellow paper")),
    ],
)
def test_ink_and_paper_are_seen(
    tmp_path: Path, pen: str, ink: str, paper: str, said: tuple[str, str]
) -> None:
    line = writing.line(
        writer(4), "bread, tea", seed=1, width=400, height=120, pen=pen, ink=ink, paper=paper
    )
    (one,) = told(tmp_path, [line.picture], "handwriting", 'a note that reads "bread, tea"')
    assert (one.words["ink"], one.words["paper"]) == said
    assert one.words["text"] == "bread, tea"


def test_an_empty_page_has_no_ink(tmp_path: Path) -> None:
    (one,) = told(tmp_path, [np.full((80, 200, 3), 240, np.uint8)], "handwriting")
    assert not one.words and one.untold["ink"] == "nothing is written on it"


def lab(word: str) -> np.ndarray:
    light, chroma, hue = COLOURS[word][0]
    turn = np.radians(hue)
    return np.array([[light, chroma * np.cos(turn), chroma * np.sin(turn)]], np.float32)


@given(st.sampled_from(sorted(COLOURS)), st.sampled_from(sorted(COLOURS)), st.floats(0, 1))
def test_colours_are_named_by_how_much_they_cover(one: str, other: str, share: float) -> None:
    first = round(200 * share)
    pixels = np.concatenate([lab(one).repeat(first, 0), lab(other).repeat(200 - first, 0)])
    found = names(pixels)
    assert set(found) <= {one, other} and found
    assert found[0] == (one if one == other or first > 100 else found[0])
    if one != other and 0.35 < share < 0.65:
        assert len(found) == 2


def test_every_example_is_nearest_to_its_own_word_and_nothing_has_no_colour() -> None:
    assert [nearest(lab(word), COLOURS)[0] for word in COLOURS] == list(COLOURS)
    assert names(np.zeros((0, 3), np.float32)) == ()
