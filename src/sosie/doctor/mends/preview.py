"""Before and after, side by side: the whole picture, and below it the face from near."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont

from sosie.core.records import Box
from sosie.doctor.view import Bytes, InMemory, around

SIDE = 480
"""Pixels of the longer side of each picture."""
LINE = 26
"""Height of a line of words, in pixels."""
GAP = 10
GROUND, INK = (238, 238, 236), (64, 64, 64)
AROUND = 0.35
"""How much is shown around a face from near, in its size."""


def before_and_after(before: Bytes, after: Bytes, said: tuple[str, str]) -> bytes:
    """A PNG with two columns, each under its words."""
    columns = [_column(rgb) for rgb in (before, after)]
    rows = max(len(column) for column in columns)
    heights = [max(c[row].height for c in columns if row < len(c)) for row in range(rows)]
    size = (2 * SIDE + 3 * GAP, LINE + sum(heights) + GAP * (rows + 1))
    sheet = Image.new("RGB", size, GROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, (column, words) in enumerate(zip(columns, said, strict=True)):
        left, top = GAP + number * (SIDE + GAP), GAP + LINE
        # Pillow's own font knows English letters only.
        plain = words.encode("ascii", "replace").decode()
        pen.text((left, GAP), plain, INK, font)
        for row, picture in enumerate(column):
            sheet.paste(picture, (left + (SIDE - picture.width) // 2, top))
            top += heights[row] + GAP
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _column(rgb: Bytes) -> list[Image.Image]:
    """The picture, and the largest face if it is not most of it already."""
    view = InMemory(rgb)
    shown = [_scaled(rgb)]
    if view.face is not None:
        near = around(view.face, AROUND, rgb.shape)
        if _area(near) < 0.6 * rgb.shape[0] * rgb.shape[1]:
            shown.append(_scaled(view.cut(near)))
    return shown


def _area(box: Box) -> int:
    return box.width * box.height


def _scaled(rgb: Bytes) -> Image.Image:
    picture = Image.fromarray(rgb)
    factor = SIDE / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS)
