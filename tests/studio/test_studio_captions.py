"""Suggested captions: looked at first, filed when asked, and never over another unasked."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import ExifTags, Image
from typer.testing import CliRunner

from sosie.cli import app
from sosie.core.errors import BadInput, NotFound, NotReady
from sosie.studio import Studio
from sosie.world.people import person
from sosie.world.photo import photo


class Parrot:
    """Says the same of every picture."""

    name = "parrot"

    def describe(self, picture: Path) -> str:
        return "a young woman with brown hair, wearing glasses, in a garden"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    for number, wall in enumerate(("red", "blue", "white", "green")):
        shot = photo(
            person(29), seed=number, size=192, age=30, place="plain wall", wall_colour=wall,
            glasses="round glasses", yaw=0.0, garment_colour="black", pattern="plain",
        )  # fmt: skip
        Image.fromarray(shot.picture).save(folder / f"{number}.png")
    (folder / "0.txt").write_text("anna before my wall")
    return folder


@pytest.fixture
def house(drawn: Path, tmp_path: Path) -> Studio:
    studio = Studio(tmp_path / "home")
    studio.new("anna")
    studio.add("anna", [drawn])
    return studio


def captions(house: Studio) -> list[str]:
    return [item.caption for item in house.show("anna").dataset.items]


def test_looking_files_nothing_and_writing_keeps_what_is_there(house: Studio) -> None:
    before = captions(house)
    made = house.suggest_captions("anna")
    assert captions(house) == before == ["anna before my wall", "", "", ""]
    assert house.file_captions("anna", made) == 3
    after = captions(house)
    assert after[0] == before[0]
    assert "against a blue background" in after[1] and "anna" in after[1]
    assert house.file_captions("anna", made) == 0
    assert house.file_captions("anna", made, overwrite=True) == 1
    assert captions(house) == list(made.suggestion.captions.values())


def test_constant_glasses_are_left_out_unless_they_are_chosen(house: Studio) -> None:
    made = house.suggest_captions("anna")
    assert made.suggestion.omitted == {"glasses": "glasses"}
    assert made.wear["glasses"].startswith("left out of 4 captions: it is constant")
    assert made.wear["hair"] == "not measured, and so not said"
    chosen = house.suggest_captions("anna", describe=("glasses", "hair"))
    assert all("wearing glasses" in text for text in chosen.suggestion.captions.values())
    assert "by hand" in chosen.wear["hair"]


def test_captions_on_file_are_warned_of_as_suggested_ones_are(house: Studio) -> None:
    house.caption("anna", template="photo of {trigger}", overwrite=True)
    assert [notice.kind for notice in house.show("anna").notices] == ["short", "alike"]
    out = CliRunner().invoke(app, ["--home", str(house.registry.home), "show", "anna"]).stdout
    assert "4 of 4 captions have under 8 words and 4 tags" in out


def test_an_age_that_changes_is_said(tmp_path: Path) -> None:
    house = Studio(tmp_path / "home")
    house.new("anna")
    for number, year in enumerate((2010, 2012, 2020)):
        exif = Image.Exif()
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"{year}:07:01 08:00:00"
        Image.new("RGB", (192, 192), (90 * number, 9, 9)).save(
            tmp_path / f"{number}.jpg", exif=exif
        )
    house.add("anna", sorted(tmp_path.glob("*.jpg")))
    house.consent("anna", relation="self", terms={"born": "1980-06-30"})
    said = house.suggest_captions("anna").suggestion.captions.values()
    assert [text.rpartition("aged ")[2][:2] for text in said] == ["30", "32", "40"]


def test_every_part_is_said_or_the_reason_is(house: Studio) -> None:
    made = house.suggest_captions("anna")
    everywhere = {entry.part for entry in made.untold if len(entry.samples) == 4}
    assert {"age", "hair", "make-up", "beard", "hat"} <= everywhere
    assert all(entry.why and entry.samples for entry in made.untold)


def test_pictures_are_read_once(house: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    first = house.suggest_captions("anna")
    monkeypatch.setattr("sosie.doctor.view.find_faces", lambda rgb: pytest.fail("read again"))
    assert house.suggest_captions("anna") == first
    tags = house.suggest_captions("anna", base="sdxl").suggestion
    assert all(text.startswith("anna, ") for text in tags.captions.values())


def test_another_captioner_is_heard_without_what_says_who_it_is(house: Studio) -> None:
    made = house.suggest_captions("anna", captioner=Parrot())
    assert made.by == "parrot"
    assert set(made.suggestion.captions.values()) == {"anna, in a garden"}
    assert made.wear["hair"] == (
        "left out of 4 captions: it says who it is, so that the trigger learns it"
    )
    told = house.suggest_captions("anna", captioner=Parrot(), omit=("hair",)).wear
    assert told["hair"] == "left out of 4 captions: as you chose"
    kept = house.suggest_captions("anna", captioner=Parrot(), describe=("glasses",))
    assert set(kept.suggestion.captions.values()) == {"anna, wearing glasses, in a garden"}


class Moody:
    """Says nothing of some pictures, in the order in which it is asked, and far too much of one."""

    name = "moody"

    def __init__(self, silent: set[int]) -> None:
        self.silent, self.asked = silent, 0

    def describe(self, picture: Path) -> str:
        self.asked += 1
        if self.asked in self.silent:
            raise NotReady("moody said nothing.")
        return f"in a garden with {self.asked} trees{' and grass' * (60 * (self.asked == 4))}"


def test_one_bad_answer_costs_one_caption(house: Studio) -> None:
    made = house.suggest_captions("anna", captioner=Moody({2}))
    items = made.dataset.items
    assert set(made.suggestion.captions) == {items[i].sample for i in (0, 2, 3)}
    silent, long = made.untold
    assert (silent.why, silent.samples) == ("moody said nothing.", (items[1].sample,))
    assert (long.part, long.samples) == ("the end", (items[3].sample,))
    cut = made.suggestion.captions[items[3].sample]
    assert len(cut) < 420 and cut.endswith(" and")
    assert house.file_captions("anna", made) == 2, "the first has a caption"


class Chatty:
    """Says the caption in Markdown, and of the last picture nothing but that it will."""

    name = "chatty"

    def __init__(self) -> None:
        self.asked = 0

    def describe(self, picture: Path) -> str:
        self.asked += 1
        if self.asked == 4:
            return "Here is a caption:"
        return f"Here is a caption:\n\n**A woman** by lake {self.asked}."


def test_the_form_of_an_answer_is_no_part_of_a_caption_and_is_told(house: Studio) -> None:
    made = house.suggest_captions("anna", captioner=Chatty())
    said = list(made.suggestion.captions.values())
    assert said == [f"anna by lake {n}." for n in (1, 2, 3)]
    form = [(e.phrase, e.why) for e in made.suggestion.removed if e.part == "form"]
    assert form == [("**", "form"), ("Here is a caption:", "form")] * 3 + [form[1]]
    (bare,) = made.untold
    assert bare.part == "a caption" and len(bare.samples) == 1
    assert all("left out" not in told for told in made.wear.values() if "nothing" not in told)


def test_a_captioner_that_no_longer_answers_is_left_alone(house: Studio, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="moody said nothing"):
        house.suggest_captions("anna", captioner=Moody({1, 2, 3, 4}))
    Image.new("RGB", (192, 192), "red").save(tmp_path / "wall.png")
    house.add("anna", [tmp_path / "wall.png"])
    moody = Moody({2, 3, 4, 5})
    made = house.suggest_captions("anna", captioner=moody)
    assert moody.asked == 4 and len(made.suggestion.captions) == 1
    assert "not asked" in made.untold[1].why


def test_wrong_words_are_refused(house: Studio) -> None:
    with pytest.raises(BadInput, match="Known: hair, make-up, beard, glasses"):
        house.suggest_captions("anna", omit=("nose",))
    with pytest.raises(BadInput, match="both"):
        house.suggest_captions("anna", omit=("hair",), describe=("hair",))
    with pytest.raises(NotFound):
        house.suggest_captions("anna", base="fluxx")
    house.new("nobody")
    with pytest.raises(NotReady, match="no pictures"):
        house.suggest_captions("nobody")
