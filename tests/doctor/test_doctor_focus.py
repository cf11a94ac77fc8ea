"""Focus: on the face, in pixels of the training crop."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bench.plants.focus import PLANTS, along
from sosie.doctor import texture
from sosie.doctor.rules import focus
from sosie.models.faces import find_faces


@pytest.mark.parametrize("rule", PLANTS)
def test_a_planted_fault_is_found_where_it_is(rule, planted, findings, numbers):
    pictures, spoiled = planted(PLANTS[rule], 2)
    assert numbers(findings(pictures, rule), pictures) == spoiled


@pytest.mark.parametrize("rule", PLANTS)
def test_a_clean_set_is_quiet(rule, portraits, findings):
    assert not findings(portraits, rule)


def test_a_soft_background_is_no_fault(portraits, findings):
    """Everything but the head is far out of focus."""
    pictures = []
    for rgb in portraits[:6]:
        box = find_faces(rgb)[0].box
        head = np.zeros(rgb.shape[:2], np.float32)
        middle = ((box.left + box.right) // 2, (box.top + box.bottom) // 2)
        cv2.ellipse(head, middle, (int(0.8 * box.width), int(0.85 * box.height)), 0, 0, 360, 1, -1)
        head = cv2.GaussianBlur(head, (0, 0), 3)[..., None]
        soft = cv2.GaussianBlur(rgb, (0, 0), 6)
        pictures.append((rgb * head + soft * (1 - head)).astype(np.uint8))
    assert not findings(pictures, "focus.soft")
    assert not findings(pictures, "focus.shaken")


def test_what_training_makes_smaller_becomes_sharp(planted, findings):
    pictures, _ = planted(PLANTS["focus.soft"], 1)
    assert findings(pictures, "focus.soft", side=192)
    assert not findings(pictures, "focus.soft", side=64)


@pytest.mark.parametrize("blur", [1.5, 2.0, 3.0])
def test_the_width_of_edges_is_the_blur_in_pixels(blur, portraits):
    grey = portraits[0] @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    found = texture.edges(cv2.GaussianBlur(grey, (0, 0), blur), 0.0)
    assert found.width == pytest.approx(blur, abs=0.5)


def test_a_movement_is_told_by_its_direction(portraits):
    moved = along(portraits[0], 14, 0.0)
    grey = moved @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    found = texture.edges(np.ascontiguousarray(grey[30:150, 40:150]), 0.0)
    assert found.along[0] == max(found.along) > focus.SHAKEN
    assert min(found.along) < focus.ONE_WAY * max(found.along)


def test_a_picture_without_a_face_is_judged_by_its_sharpest_part(findings):
    scene = np.random.default_rng(0).integers(0, 2, (12, 12, 1), np.uint8) * np.uint8(200)
    sharp = np.repeat(np.kron(scene, np.ones((16, 16, 1), np.uint8)), 3, axis=2)
    half = sharp.copy()
    half[:, :96] = cv2.GaussianBlur(sharp, (0, 0), 5)[:, :96]
    assert not findings([sharp, half], "focus.soft")
    (found,) = findings([sharp, half, cv2.GaussianBlur(sharp, (0, 0), 3)], "focus.soft")
    assert len(found.samples) == 1
