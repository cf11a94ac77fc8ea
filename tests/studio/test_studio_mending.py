"""Mending in the house: previewed, done, told, undone, and all that follows a picture's content."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from bench.plants import Shot
from bench.plants.skin import PLANTS
from sosie.cli import app
from sosie.core.errors import BadInput, Interrupted, NotFound, WeightsRefused
from sosie.doctor.mends import behind
from sosie.studio import Studio

SAFE = ("white-balance", "cut-bars")
"""The safe mends that the planted faults ask for."""


@pytest.fixture(scope="session")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven portraits of a drawn person: the first with bars, some with a cast, captioned."""
    from sosie.world.people import person
    from sosie.world.photo import photo

    folder = tmp_path_factory.mktemp("mended")
    pictures = [photo(person(29), seed=n, age=40, size=256).picture for n in range(7)]
    shots = [Shot(rgb, "", number, 29) for number, rgb in enumerate(pictures[1:])]
    cast = PLANTS["skin.drift"](shots[:2], 1, np.random.default_rng(3))
    pictures[1:3] = [shot.rgb for shot in cast]
    pictures[0] = np.pad(pictures[0], ((30, 30), (0, 0), (0, 0)))
    (folder / "photos").mkdir()
    for number, rgb in enumerate(pictures):
        Image.fromarray(rgb).save(folder / "photos" / f"{number}.png")
        (folder / "photos" / f"{number}.txt").write_text(f"photo of nobody, number {number}")
    studio = Studio(folder / "home")
    studio.new("nobody")
    studio.add("nobody", [folder / "photos"])
    studio.doctor("nobody", base="pocket")
    return folder / "home"


@pytest.fixture
def house(filed: Path, tmp_path: Path) -> Studio:
    """A copy that a test may spoil."""
    shutil.copytree(filed, tmp_path / "home")
    return Studio(tmp_path / "home")


def stored(house: Studio) -> dict[str, bytes]:
    blobs = house.registry.blobs
    return {s.file_name: blobs.read(s.picture_sha256) for s in house.registry.samples("nobody")}


def rules(house: Studio) -> dict[str, list[str]]:
    found = house.doctor("nobody", base="pocket")
    return {f.rule: [found.names[s] for s in f.samples] for f in found.open}


def test_safe_mends_what_was_found_and_tells_it(house):
    before = rules(house)
    assert before["pixels.bars"] == ["0.png"] and before["skin.drift"]
    done = house.mend("nobody", ["safe"], base="pocket")
    named = {(step.mend, step.file_name) for step in done.steps if not step.refused}
    assert named == {("cut-bars", "0.png")} | {("white-balance", n) for n in before["skin.drift"]}
    assert all(step.identity > 0.9 and step.shape < 3.5 for step in done.steps)
    after = rules(house)
    assert "pixels.bars" not in after and "skin.drift" not in after
    assert [entry.mend for entry in house.mends("nobody")] == [step.mend for step in done.steps]


def test_undoing_brings_every_byte_back(house):
    pictures, samples = stored(house), house.registry.samples("nobody")
    found = house.doctor("nobody", base="pocket")
    house.mend("nobody", ["safe"], base="pocket")
    house.mend("nobody", ["crop-head"], pictures=["0.png", "4.png"], base="pocket")
    assert stored(house)["4.png"] != pictures["4.png"]
    house.unmend("nobody", "last", pictures=["0.png"])
    undone = house.unmend("nobody", "all")
    assert ("0.png", "cut-bars") in {(entry.file_name, entry.mend) for entry in undone}
    assert stored(house) == pictures
    assert house.registry.samples("nobody") == samples
    assert house.doctor("nobody", base="pocket") == found, "the proposal is the old one too"
    with pytest.raises(NotFound):
        house.unmend("nobody", "all")


def test_a_preview_shows_both_and_changes_nothing(house, tmp_path):
    pictures = stored(house)
    done = house.mend("nobody", ["safe"], base="pocket", preview=tmp_path / "out")
    assert len(done.sheets) == len({step.file_name for step in done.steps})
    for sheet in done.sheets:
        with Image.open(sheet) as image:
            left, right = (np.asarray(image.crop((x, 40, x + 460, 400))) for x in (20, 510))
        assert (left != right).any()
    assert stored(house) == pictures and house.mends("nobody") == ()


def test_captions_faces_and_places_follow_the_picture(house):
    before = house.show("nobody").dataset.items
    house.mend("nobody", ["crop-head"], pictures=["4.png"], base="pocket")
    after = house.show("nobody").dataset.items
    assert [item.file_name for item in after] == [item.file_name for item in before]
    assert [item.caption for item in after] == [item.caption for item in before]
    old, new = before[4], after[4]
    assert new.sample != old.sample and new.face != old.face
    with Image.open(new.path) as picture:
        assert new.face.right <= picture.width and new.face.bottom <= picture.height
    sample = house.show("nobody").samples[4]
    assert (sample.width, sample.height) == picture.size
    assert sample.changes[-1].startswith("crop-head: cut to ")


def test_a_caption_that_may_name_what_is_gone_is_pointed_out(house):
    done = house.mend("nobody", ["crop-head", "blur-background"], pictures=["4.png"], base="pocket")
    assert {step.recaption for step in done.steps} == {"what was cropped away", "the background"}


def test_what_was_set_aside_stays_so(house):
    found = house.doctor("nobody", base="pocket")
    house.dismiss("nobody", found, ["skin.drift"])
    house.mend("nobody", ["crop-head"], pictures=["1.png", "2.png"], base="pocket")
    assert "skin.drift" not in rules(house)
    house.unmend("nobody", "all")
    assert "skin.drift" not in rules(house)


def test_what_is_set_aside_after_mending_stays_so_after_undoing(house):
    house.mend("nobody", ["crop-head"], pictures=["1.png", "2.png"], base="pocket")
    house.dismiss("nobody", house.doctor("nobody", base="pocket"), ["skin.drift"])
    house.unmend("nobody", "last", pictures=["1.png"], base="pocket")
    assert "skin.drift" not in rules(house)
    house.unmend("nobody", "all", base="pocket")
    assert "skin.drift" not in rules(house)


def test_stopping_between_pictures_keeps_what_was_filed_and_set_aside(house):
    found = house.doctor("nobody", base="pocket")
    house.dismiss("nobody", found, ["skin.drift"])

    def stop(done, of):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="after 1 of 2 pictures"):
        house.mend(
            "nobody", ["crop-head"], pictures=["1.png", "2.png"], base="pocket", on_picture=stop
        )
    assert [entry.file_name for entry in house.mends("nobody")] == ["1.png"]
    assert "skin.drift" not in rules(house)


def test_a_model_that_is_not_here_refuses_its_mend_alone(house, monkeypatch):
    def missing(rgb):
        raise WeightsRefused("no mask here.")

    monkeypatch.setattr(behind, "person_mask", missing)
    wanted = ["replace-background", "crop-head"]
    done = house.mend("nobody", wanted, pictures=["1.png"], base="pocket")
    assert [(step.mend, step.refused) for step in done.steps] == [
        ("replace-background", True), ("crop-head", False)
    ]  # fmt: skip
    assert done.steps[0].said == "no mask here."


def test_a_refusal_is_a_line_and_the_others_go_on(house):
    done = house.mend("nobody", ["resize"], pictures=["3.png", "4.png"], options={"side": 200})
    assert [step.refused for step in done.steps] == [False, False]
    again = house.mend("nobody", ["resize"], pictures=["3.png", "5.png"], options={"side": 220})
    assert [step.refused for step in again.steps] == [True, False]
    assert "would invent detail" in again.steps[0].said
    assert len(house.mends("nobody")) == 3


def test_mends_add_up_against_the_picture_as_filed(house):
    first = house.mend("nobody", ["blur-background"], pictures=["4.png"], base="pocket").steps[0]
    second = house.mend("nobody", ["resize"], pictures=["4.png"], options={"side": 96}).steps[0]
    assert second.refused or second.identity < first.identity


def test_what_cannot_be_meant_is_refused(house):
    with pytest.raises(NotFound, match="white-balance"):
        house.mend("nobody", ["white-balnce"])
    with pytest.raises(BadInput, match="mends a handwriting"):
        house.mend("nobody", ["deskew"])
    with pytest.raises(BadInput, match="No finding of the doctor asks for heal-spot"):
        house.mend("nobody", ["heal-spot"])
    with pytest.raises(NotFound, match="share"):
        house.mend("nobody", ["white-balance"], options={"shape": 1}, base="pocket")
    with pytest.raises(BadInput, match="share cannot be 7"):
        house.mend("nobody", ["white-balance"], options={"share": 7}, base="pocket")
    with pytest.raises(BadInput, match=r"box cannot be .*LEFT,TOP,RIGHT,BOTTOM"):
        house.mend("nobody", ["heal-spot"], pictures=["1.png"], options={"box": "1.5,2.5,9,9"})
    with pytest.raises(BadInput, match="one mend at a time"):
        house.mend("nobody", ["crop-head", "resize"], pictures=["1.png"], options={"side": 99})


def test_json_alone_stands_on_stdout_when_mended_first(house):
    words = ("doctor", "nobody", "--base", "pocket", "--mend", "safe", "--json")
    done = CliRunner().invoke(app, ["--home", str(house.registry.home), *words])
    found = json.loads(done.stdout)
    assert found["verdict"] in ("ready", "needs attention", "blocked")
    assert all(finding["title"] and len(finding["id"]) == 12 for finding in found["findings"])
    assert "cut-bars" in done.stderr and "Originals back" in done.stderr


@pytest.mark.slow
def test_a_page_comes_level_and_back(tmp_path):
    from bench.notes import shots
    from bench.plants import page

    (tmp_path / "notes").mkdir()
    notes = shots(4, 2, 3)
    Image.fromarray(page._skew(notes[0], 2, np.random.default_rng(0))).save(
        tmp_path / "notes/0.png"
    )
    Image.fromarray(notes[1].rgb).save(tmp_path / "notes/1.png")
    studio = Studio(tmp_path / "home")
    studio.new("nobody", "handwriting")
    studio.add("nobody", [tmp_path / "notes"])
    pictures = stored(studio)
    (step,) = studio.mend("nobody", ["safe"]).steps
    assert (step.mend, step.file_name, step.refused) == ("deskew", "0.png", False)
    assert step.identity is None and "°" in step.said
    studio.unmend("nobody", "all")
    assert stored(studio) == pictures
