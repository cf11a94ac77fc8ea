"""A contact sheet: pictures side by side on a neutral ground, each with a line of words."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from sosie.generate.draw import Picture, Rgb
from sosie.generate.files import Finish, png, safe, save_beside, synthetic_chunks

GROUND = (238, 238, 236)
INK = (64, 64, 64)
CELL = 256
"""Pixels of the longer side that every picture is shown at: a caption gets about 40 letters."""

MARGIN = 20
GAP = 12
CAPTION = 20
"""Height of a caption's line, in pixels."""

FONT_SIZE = 12


def save_sheet(
    pictures: Sequence[Picture], folder: Path, name: str, finish: Finish = lambda png: png
) -> Path:
    """Write a sheet of `pictures` with their seeds to `folder` as `NAME-sheet.png`.

    It is numbered beside a different sheet, never overwritten. Raises ValueError if there is no
    picture, WorkspaceError if it cannot be written.
    """
    sheet = contact_sheet([(picture.rgb, f"seed {picture.made.seed}") for picture in pictures])
    return save_beside(finish(sheet), folder, f"{safe(name)}-sheet")


def contact_sheet(cells: Sequence[tuple[Rgb, str]], *, columns: int | None = None) -> bytes:
    """A PNG file with every (picture, caption) of `cells`, row by row, marked as synthetic.

    Pictures may differ in size; each keeps its shape. `columns` defaults to a sheet about as wide
    as it is high, at most 8. Raises ValueError if there is no picture.
    """
    if not cells:
        raise ValueError("a contact sheet needs at least one picture")
    columns = min(len(cells), columns or min(8, math.ceil(math.sqrt(len(cells)))))
    rows = math.ceil(len(cells) / columns)
    shown = [(_scaled(Image.fromarray(rgb)), caption) for rgb, caption in cells]
    width = max(image.width for image, _ in shown)
    height = max(image.height for image, _ in shown)
    step = (width + GAP, height + CAPTION + GAP)
    size = (2 * MARGIN - GAP + columns * step[0], 2 * MARGIN - GAP + rows * step[1])
    sheet = Image.new("RGB", size, GROUND)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_SIZE)
    for number, (image, caption) in enumerate(shown):
        left = MARGIN + number % columns * step[0]
        top = MARGIN + number // columns * step[1]
        sheet.paste(image, (left + (width - image.width) // 2, top + (height - image.height) // 2))
        line = _shortened(caption, font, width)
        pen.text((left + width / 2, top + height + CAPTION / 2), line, INK, font, anchor="mm")
    return png(sheet, synthetic_chunks())


def _scaled(image: Image.Image) -> Image.Image:
    factor = CELL / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """`text` on one line, cut with an ellipsis to `width` pixels.

    Pillow's built-in font knows English letters only: accents are dropped, other scripts become
    question marks.
    """
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    line = " ".join(letters.encode("ascii", "replace").decode().split())
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip() + "…"
