"""What the pixels are worth, and where in them the face is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from bench.plants.pixels import PLANTS
from sosie.core.records import Item
from sosie.doctor import Config, examine, page, table, wording
from sosie.doctor.rule import Unread
from sosie.doctor.rules import framing, pixels
from sosie.doctor.view import View
from tests.doctor.cases import case_of, numbers


@pytest.mark.parametrize("rule", PLANTS)
def test_a_planted_fault_is_found_where_it_is(rule, planted, findings, numbers):
    pictures, spoiled = planted(PLANTS[rule])
    assert numbers(findings(pictures, rule), pictures) == spoiled


@pytest.mark.parametrize("rule", PLANTS)
def test_a_clean_set_is_quiet(rule, portraits, findings):
    assert not findings(portraits, rule)


def view(tmp_path, rgb, original=None) -> View:
    path = tmp_path / "one.png"
    Image.fromarray(rgb).save(path)
    item = Item(sample="a" * 64, pixels_sha256="b" * 64, file_name="x", path=path, caption="x")
    return View(item, original)


@pytest.mark.parametrize("quality", [20, 75, 95])
def test_the_quality_of_a_jpeg_is_read_from_its_tables(quality, portraits, tmp_path):
    given = tmp_path / "given.jpg"
    Image.fromarray(portraits[0]).save(given, quality=quality)
    reading = pixels.FAMILY.measure(view(tmp_path, portraits[0], given))
    assert reading.quality == pytest.approx(quality, abs=2)


def test_a_file_of_low_quality_is_told_even_after_it_was_made_smaller(
    make_set, portraits, tmp_path
):
    given = tmp_path / "given.jpg"
    Image.fromarray(portraits[0]).save(given, quality=12)
    dataset = make_set(portraits[:4])
    checkup = examine(dataset, Config(side=192), originals={dataset.items[0].sample: given})
    (found,) = [f for f in checkup.findings if f.rule == "pixels.compressed"]
    assert found.samples == (dataset.items[0].sample,)


def test_a_picture_out_of_focus_is_not_called_enlarged(portraits, findings, numbers):
    soft = [cv2.GaussianBlur(p, (0, 0), 0.0125 * len(p)) for p in portraits[:3]]
    pictures = [*soft, *portraits[3:8]]
    assert numbers(findings(pictures, "focus.soft"), pictures) == {0, 1, 2}
    assert not findings(pictures, "pixels.upscaled")


def test_an_enlargement_is_named_where_training_shrinks_its_blur_away(portraits, findings):
    """Focus is silent there, so nothing is left unsaid."""
    grown = [cv2.resize(p, (1152, 1152), interpolation=cv2.INTER_CUBIC) for p in portraits[:4]]
    assert not findings(grown, "focus.soft", side=384)
    assert findings(grown, "pixels.upscaled", side=384)


def test_an_enlargement_that_is_still_large_enough_is_only_a_word(portraits, findings):
    large = [np.asarray(Image.fromarray(p).resize((768, 768))) for p in portraits[:4]]
    assert not findings(large, "pixels.upscaled", side=128)
    (found,) = findings(large, "pixels.wasted", side=128)
    assert found.severity == "advice"
    assert findings(large, "pixels.upscaled", side=512)


def test_a_plain_wall_is_no_bar(findings):
    wall = np.full((200, 160, 3), 235, np.uint8)
    wall[60:, 50:110] = (90, 60, 50)
    assert not findings([wall], "pixels.bars")


def test_bars_are_marked(portraits, findings):
    barred = portraits[0].copy()
    barred[:20] = barred[-24:] = 0
    (found,) = findings([barred, *portraits[1:4]], "pixels.bars")
    assert [(mark.box.top, mark.box.bottom) for mark in found.marks] == [(0, 20), (168, 192)]


@pytest.mark.parametrize("width", [2, 6])
def test_a_frame_is_found_though_it_is_thin(width, portraits, findings):
    framed = np.pad(portraits[0], ((width, width), (width, width), (0, 0)), constant_values=255)
    (found,) = findings([framed, *portraits[1:4]], "pixels.bars")
    assert len(found.marks) == 4
    beside = np.pad(portraits[0], ((0, 0), (2, 2), (0, 0)), constant_values=255)
    assert not findings([beside], "pixels.bars"), "two sides so thin are nothing"


def test_a_distant_face_is_measured_by_zoom(portraits, tmp_path):
    far = np.full((1200, 1200, 3), 120, np.uint8)
    far[300:460, 700:860] = cv2.resize(portraits[0], (160, 160), interpolation=cv2.INTER_AREA)
    reading = framing.FAMILY.measure(view(tmp_path, far))
    assert 700 < reading.face.left < reading.face.right < 860
    assert 60 < reading.face.height < 110


def test_a_distant_face_that_zoom_denies_is_not_examined(portraits, tmp_path, monkeypatch):
    far = np.full((1200, 1200, 3), 120, np.uint8)
    far[300:460, 700:860] = cv2.resize(portraits[0], (160, 160), interpolation=cv2.INTER_AREA)
    monkeypatch.setattr(framing, "find_faces", lambda rgb: [])
    assert isinstance(framing.FAMILY.measure(view(tmp_path, far)), Unread)


def test_compression_says_by_which_scale():
    def read(blocks, quality):
        return pixels.Reading(
            width=512, height=512, blocks=blocks, quality=quality, detail=1, bars=(0, 0, 0, 0)
        )

    case = case_of(4, pixels=[read(1, 95), read(1, 20), read(2, 20), read(1, None)])
    shown, told = table.rule("pixels.compressed").judge(case)
    assert (numbers(shown.samples), page.measured(shown)) == ([2], "2 blockiness, threshold 1.6")
    assert (numbers(told.samples), page.measured(told)) == ([1], "20 JPEG quality, threshold 40")
    assert wording.title(shown) != wording.title(told)
