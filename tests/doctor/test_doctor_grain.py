"""Noise, what noise reduction leaves, and fine pictures at a high ISO."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ExifTags, Image

from bench.plants.grain import PLANTS, grainy
from sosie.doctor import Config, examine, texture

SEEN = ("grain.noisy", "grain.smoothed")
"""`grain.fine` goes by what the camera says."""


@pytest.mark.parametrize("rule", SEEN)
def test_a_planted_fault_is_found_where_it_is(rule, planted, findings, numbers):
    pictures, spoiled = planted(PLANTS[rule])
    assert numbers(findings(pictures, rule), pictures) == spoiled


@pytest.mark.parametrize("rule", SEEN)
def test_a_clean_set_is_quiet(rule, portraits, findings):
    assert not findings(portraits, rule)


def test_a_blurred_picture_is_not_called_smoothed(portraits, findings):
    """Focus speaks of it; noise reduction leaves edges sharp."""
    import cv2

    pictures = [cv2.GaussianBlur(portraits[0], (0, 0), 2.5), *portraits[1:]]
    assert not findings(pictures, "grain.smoothed")


@pytest.mark.parametrize("level", [2, 8, 20])
def test_noise_is_measured_in_its_own_unit(level):
    slope = np.linspace(0.2, 0.8, 256, dtype=np.float32)[None].repeat(256, 0)
    noise = np.random.default_rng(0).normal(0, level / 255, slope.shape).astype(np.float32)
    assert texture.noise(slope + noise) * 255 == pytest.approx(level, rel=0.1)


def test_nothing_flat_is_no_noise():
    assert texture.noise(np.ones((64, 64), np.float32)) is None


def test_a_fine_picture_at_a_high_iso_is_kept(make_set, portraits, tmp_path):
    dataset = make_set(portraits[:6])
    originals = {}
    for number, item in enumerate(dataset.items[:2]):
        exif = Image.Exif()
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = [6400, 200][number]
        originals[item.sample] = tmp_path / f"given{number}.jpg"
        Image.fromarray(portraits[number]).save(originals[item.sample], exif=exif)
    found = {f.rule: f for f in examine(dataset, Config(side=192), originals=originals).findings}
    assert found["grain.fine"].samples == (dataset.items[0].sample,)
    assert found["grain.fine"].severity == "advice" and found["grain.fine"].value == 6400
    assert "grain.noisy" not in found


def test_a_grainy_picture_at_a_high_iso_is_grainy(make_set, portraits, tmp_path):
    r = np.random.default_rng(0)
    dataset = make_set([grainy(portraits[0], 20, r), *portraits[1:6]])
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = 6400
    given = tmp_path / "given.jpg"
    Image.fromarray(portraits[0]).save(given, exif=exif)
    checkup = examine(dataset, Config(side=192), originals={dataset.items[0].sample: given})
    rules = {finding.rule for finding in checkup.findings}
    assert "grain.noisy" in rules and "grain.fine" not in rules
