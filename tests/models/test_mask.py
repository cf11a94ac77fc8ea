"""The mask covers the person and nothing else: the world knows its own silhouettes."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from sosie.core.errors import WeightsRefused
from sosie.models import faces, litert
from sosie.models.mask import person_mask
from sosie.world.people import person
from sosie.world.photo import photo


def drawn(seed: int, place: str) -> faces.Picture:
    return photo(person(seed), seed=seed, size=256, view="front view", place=place).picture


def silhouette(seed: int) -> tuple[faces.Picture, np.ndarray]:
    """A picture, and the pixels that stay as they are when the place changes: the person."""
    here, there = drawn(seed, "beach"), drawn(seed, "library")
    same = (here == there).all(-1).astype(np.uint8)
    return here, cv2.medianBlur(same * 255, 5) > 0


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    found = mask > 0.5
    return float((found & truth).sum() / (found | truth).sum())


def test_covers_drawn_people() -> None:
    overlaps = []
    for seed in range(300, 304):
        picture, truth = silhouette(seed)
        mask = person_mask(picture)
        assert mask.shape == truth.shape
        assert mask.dtype == np.float32
        assert mask.min() >= 0 and mask.max() <= 1
        overlaps.append(overlap(mask, truth))
    assert min(overlaps) > 0.85
    assert np.mean(overlaps) > 0.93


def test_covers_a_photographed_person(astronaut: faces.Picture) -> None:
    mask = person_mask(astronaut)
    face = faces.find_faces(astronaut)[0].box
    assert mask[face.top : face.bottom, face.left : face.right].mean() > 0.9
    assert mask[:250, 350:].mean() < 0.1


@pytest.mark.parametrize("shape", [(300, 700), (700, 300), (40, 50), (1, 7)])
def test_has_the_size_of_the_picture(astronaut: faces.Picture, shape: tuple[int, int]) -> None:
    mask = person_mask(cv2.resize(astronaut, shape[::-1]))
    assert mask.shape == shape
    assert np.isfinite(mask).all()


def test_an_empty_wall_holds_nobody() -> None:
    wall = np.full((200, 200, 3), 150, np.uint8)
    assert person_mask(wall).mean() < 0.1


def test_what_is_missing_or_altered_is_refused(
    monkeypatch: pytest.MonkeyPatch, without: Callable[[str], None], astronaut: faces.Picture
) -> None:
    monkeypatch.setattr(litert, "_network", litert.Network)
    with monkeypatch.context() as other:
        other.setitem(litert.PINNED, "selfie_segmentation", "0" * 64)
        with pytest.raises(WeightsRefused, match="not the file"):
            person_mask(astronaut)
    without("ai_edge_litert")
    with pytest.raises(WeightsRefused, match="not installed"):
        person_mask(astronaut)
