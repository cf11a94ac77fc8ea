"""The contact sheet holds every picture, keeps its shape and says that it is synthetic."""

import io

import numpy as np
import pytest
from PIL import Image

from sosie.generate.sheet import CAPTION, CELL, GAP, GROUND, MARGIN, contact_sheet


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def flat(width: int, height: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_size_is_rows_and_columns() -> None:
    sheet = opened(contact_sheet([(flat(128, 128, (200, 0, 0)), f"seed {i}") for i in range(5)]))
    assert sheet.width == 2 * MARGIN + 3 * CELL + 2 * GAP
    assert sheet.height == 2 * MARGIN + 2 * (CELL + CAPTION) + GAP
    assert sheet.getpixel((0, 0)) == GROUND
    assert sheet.getpixel((MARGIN + 64, MARGIN + 64)) == (200, 0, 0)
    assert "trainedAlgorithmicMedia" in sheet.text["XML:com.adobe.xmp"]


def test_columns_can_be_asked_for() -> None:
    cells = [(flat(128, 128, (0, 0, 0)), "")] * 4
    assert opened(contact_sheet(cells, columns=4)).width == 2 * MARGIN + 4 * CELL + 3 * GAP


def test_pictures_keep_their_shape() -> None:
    cells = [(flat(1000, 500, (0, 0, 200)), "wide"), (flat(64, 128, (0, 200, 0)), "high")]
    sheet = np.asarray(opened(contact_sheet(cells)))
    assert int((sheet == (0, 0, 200)).all(-1).sum()) == 256 * 128
    assert int((sheet == (0, 200, 0)).all(-1).sum()) == 128 * 256


def test_captions_are_drawn_and_cut_to_their_picture() -> None:
    sheet = np.asarray(opened(contact_sheet([(flat(128, 128, (255, 255, 255)), "word " * 40)])))
    below = (sheet[MARGIN + CELL : -MARGIN] != GROUND).any(-1)
    assert below.any()
    assert not below[:, :MARGIN].any() and not below[:, -MARGIN:].any()


def test_equal_sheets_are_equal_files() -> None:
    cells = [(flat(64, 64, (1, 2, 3)), "a")]
    assert contact_sheet(cells) == contact_sheet(cells)


def test_an_empty_sheet_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])
