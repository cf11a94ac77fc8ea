"""The invisible watermark: read again after what pictures suffer, and not seen."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data

from sosie.models import watermark
from sosie.models.faces import Picture

NUMBER = 0xC0FFEE42


def picture(width: int, height: int) -> Picture:
    """A photograph of a cat."""
    return np.asarray(ImageOps.fit(Image.fromarray(data.chelsea()), (width, height)))


def jpeg(rgb: Picture) -> Picture:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file))


@pytest.fixture(scope="module")
def marked() -> Picture:
    return watermark.marked(picture(384, 288), NUMBER)


def wrong(rgb: Picture) -> int:
    return (watermark.read(rgb) ^ NUMBER).bit_count()


def test_it_is_read_again_and_not_seen(marked: Picture) -> None:
    assert watermark.read(marked) == NUMBER
    assert cv2.PSNR(picture(384, 288), marked) > 42


def test_it_survives_what_pictures_suffer(marked: Picture) -> None:
    half = np.asarray(cv2.resize(marked, (192, 144), interpolation=cv2.INTER_AREA))
    assert wrong(jpeg(marked)) <= 2 and wrong(half) <= 2 and wrong(marked[14:-14, 19:-19]) <= 2


def test_a_mirrored_copy_is_read_as_it_was(marked: Picture) -> None:
    turned = np.ascontiguousarray(marked[:, ::-1])
    assert watermark.read(turned, mirrored=True) == NUMBER


def test_a_small_picture_bears_it_too() -> None:
    small = watermark.marked(picture(128, 128), NUMBER)
    assert small.shape == (128, 128, 3) and wrong(small) <= 1


@pytest.mark.parametrize("size", [(127, 500), (128, 513)])
def test_too_small_or_too_long_is_refused(size: tuple[int, int]) -> None:
    assert not watermark.markable(*size)
    with pytest.raises(ValueError, match="cannot bear"):
        watermark.marked(picture(*size), NUMBER)
    with pytest.raises(ValueError, match="cannot bear"):
        watermark.read(picture(*size))
