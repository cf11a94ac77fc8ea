"""Letters on pictures, stamped or not, and pictures of a screen."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ExifTags, Image

from bench.plants.letters import PLANTS, written
from sosie.core.errors import WeightsRefused
from sosie.doctor import examine, table
from sosie.doctor.rules import frames, letters
from sosie.models import ocr
from tests.doctor.cases import BOX, case_of


@pytest.mark.parametrize("rule", PLANTS)
def test_a_planted_fault_is_found_where_it_is(rule, planted, findings, numbers):
    pictures, spoiled = planted(PLANTS[rule])
    assert numbers(findings(pictures, rule), pictures) == spoiled


@pytest.mark.parametrize("rule", PLANTS)
def test_a_clean_set_is_quiet(rule, portraits, findings):
    assert not findings(portraits, rule)


def test_what_is_read_is_told_and_marked(portraits, findings):
    dated = written(portraits[0], "12 AUG 2021", (0.5, 0.9), 0.08, 1.0)
    (found,) = findings([dated, *portraits[1:3]], "letters.text")
    assert "AUG" in found.said["text"]
    (mark,) = found.marks
    assert 150 < mark.box.top < mark.box.bottom <= 192
    assert not findings([dated, *portraits[1:3]], "letters.watermark")


def test_the_same_words_on_three_pictures_are_a_stamp(portraits, findings):
    stamped = [written(rgb, "Weber family", (0.5, 0.93), 0.08, 1.0) for rgb in portraits[:3]]
    assert not findings(stamped[:2], "letters.watermark")
    (found,) = findings(stamped, "letters.watermark")
    assert len(found.samples) == 3
    assert not findings(stamped, "letters.text"), "said once is enough"


def test_most_portraits_are_never_read(portraits, make_set, monkeypatch):
    read = []
    monkeypatch.setattr(ocr, "read", lambda rgb: read.append(rgb) or [])
    assert "letters.text" in examine(make_set(portraits), only=("letters.text",)).passed
    assert len(read) <= len(portraits) / 5


def test_without_a_reader_nothing_passes(portraits, make_set, monkeypatch):
    def refuse(rgb):
        raise WeightsRefused("The text reader is not installed.")

    monkeypatch.setattr(ocr, "find", refuse)
    checkup = examine(make_set(portraits[:3]), only=("letters.text", "letters.watermark"))
    assert not checkup.passed
    assert {entry.rule for entry in checkup.not_examined} == {"letters.text", "letters.watermark"}


@pytest.fixture
def screen(planted):
    """A picture on a phone's screen, with bars above and below."""
    pictures, spoiled = planted(PLANTS["frames.screenshot"])
    return pictures[min(spoiled)]


def test_a_clock_on_a_screen_is_no_text_of_the_picture(screen, findings):
    (found,) = findings([screen], "frames.screenshot")
    assert [(m.box.left, m.box.right) for m in found.marks] == [(0, 192)] * 2
    assert found.marks[0].box.top == 0 and found.marks[1].box.bottom == 192
    assert not findings([screen], "letters.text")


def test_a_name_may_say_screenshot(portraits, make_set):
    dataset = make_set(portraits[:2])
    named = dataset.items[1].model_copy(update={"file_name": "Screenshot 2024-05-01.png"})
    dataset = dataset.model_copy(update={"items": (dataset.items[0], named)})
    (found,) = examine(dataset, only=("frames.screenshot",)).findings
    assert found.samples == (named.sample,)


def test_a_phone_writes_it_into_the_file(portraits, make_set, tmp_path):
    given = tmp_path / "IMG_1.png"
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.UserComment: b"ASCII\0\0\0Screenshot"}
    Image.fromarray(portraits[0]).save(given, exif=exif)
    dataset = make_set(portraits[:2])
    originals = {dataset.items[0].sample: given}
    checkup = examine(dataset, originals=originals, only=("frames.screenshot",))
    assert [f.samples for f in checkup.findings] == [(dataset.items[0].sample,)]


def test_sky_above_and_a_table_below_are_no_bars(findings):
    scene = np.full((200, 160, 3), (150, 180, 220), np.uint8)
    scene[:60] = np.linspace(225, 180, 60)[:, None, None]
    scene[20:24, 70:74] = 30  # a bird
    scene[150:] = (90, 60, 40)
    assert not findings([scene], "frames.screenshot")


def read_as(*lines):
    return letters.Reading(
        lines=tuple(letters.Line(text=text, box=BOX, slant=2, at=at) for text, at in lines)
    )


@pytest.mark.parametrize(("places", "stamped"), [((0.3, 0.3, 0.35), 1), ((0.3, 0.6, 0.9), 0)])
def test_a_shirt_that_moves_is_no_stamp(places, stamped):
    read = [read_as(("NASA", (0.5, place))) for place in places]
    bars = [frames.Reading(bars=(), told=False)] * 3
    found = list(table.rule("letters.watermark").judge(case_of(3, letters=read, frames=bars)))
    assert len(found) == stamped
    assert len(list(table.rule("letters.text").judge(case_of(3, letters=read, frames=bars)))) == (
        1 - stamped
    )
