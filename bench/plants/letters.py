"""Letters drawn over pictures, and pictures as a phone shows them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.plants import Plant, Shot, spoiled

Bytes = NDArray[np.uint8]
Draw = Callable[[Bytes, int, np.random.Generator], Bytes]
LIGHT = 150
"""Mean level of 255 from which white letters would not be seen."""


def written(
    rgb: Bytes, text: str, where: tuple[float, float], size: float, opacity: float, slant: float = 0
) -> Bytes:
    """Text over a picture, its middle at `where` and `size` high, in pictures; white, or black
    where the picture is light."""
    picture = Image.fromarray(rgb).convert("RGBA")
    band = rgb[int(max(0, where[1] - size) * len(rgb)) : int((where[1] + size) * len(rgb))]
    ink = 255 if band.mean() < LIGHT else 0
    font = ImageFont.load_default(size * picture.height)
    left, top, right, bottom = font.getbbox(text)
    label = Image.new("RGBA", (int(right - left) + 8, int(bottom - top) + 8))
    at = (4 - left, 4 - top)
    ImageDraw.Draw(label).text(at, text, font=font, fill=(ink, ink, ink, round(255 * opacity)))
    label = label.rotate(slant, expand=True, resample=Image.Resampling.BICUBIC)
    layer = Image.new("RGBA", picture.size)
    middle = [round(share * side) for share, side in zip(where, picture.size, strict=True)]
    corner = [
        min(max(0, m - side // 2), max(0, whole - side))
        for m, side, whole in zip(middle, label.size, picture.size, strict=True)
    ]
    layer.paste(label, tuple(corner))
    return np.asarray(Image.alpha_composite(picture, layer).convert("RGB"))


def _texted(rgb: Bytes, strength: int, r: np.random.Generator) -> Bytes:
    text = str(r.choice(["Summer 2019", "Happy birthday", "12 AUG 2021", "Bonne fête"]))
    where = (r.uniform(0.35, 0.65), r.choice([0.07, 0.93]))
    return written(rgb, text, where, (0.045, 0.07, 0.1)[strength], 1.0)


def _watermarked(rgb: Bytes, strength: int, r: np.random.Generator) -> Bytes:
    if r.random() < 0.5:
        where = (r.uniform(0.4, 0.6), r.uniform(0.4, 0.7))
        text = str(r.choice(["SAMPLE", "PREVIEW"]))
        return written(rgb, text, where, 0.14, (0.2, 0.4, 0.6)[strength], r.uniform(15, 35))
    text = str(r.choice(["© ada studio", "www.pics.com", "@ada.photo"]))
    where = (r.choice([0.3, 0.7]), 0.94)
    return written(rgb, text, where, 0.06, (0.4, 0.7, 1.0)[strength])


def _on_a_screen(rgb: Bytes, strength: int, r: np.random.Generator) -> Bytes:
    """A clock and a battery above; from the middle strength on, buttons below."""
    high = round((0.06, 0.08, 0.12)[strength] * len(rgb))
    ground, ink = [(255, 20), (20, 240), (246, 60)][int(r.integers(3))]
    bar = np.full((high, rgb.shape[1], 3), ground, np.uint8)
    head, foot = bar.copy(), bar.copy()
    picture = Image.fromarray(head)
    draw = ImageDraw.Draw(picture)
    draw.text((6, high * 0.2), "9:41", font=ImageFont.load_default(high * 0.55), fill=(ink,) * 3)
    draw.rectangle((0.88 * rgb.shape[1], 0.3 * high, 0.95 * rgb.shape[1], 0.7 * high), (ink,) * 3)
    head = np.asarray(picture)
    for share in (0.2, 0.5, 0.8):
        x, half = round(share * rgb.shape[1]), round(0.2 * high)
        foot[high // 2 - half : high // 2 + half, x - half : x + half] = ink
    rows = len(rgb) - high * (1 if strength == 0 else 2)
    middle = rgb[(len(rgb) - rows) // 2 :][:rows]
    return np.concatenate([head, middle] if strength == 0 else [head, middle, foot])


def _on_some(draw: Draw) -> Plant:
    def plant(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
        return spoiled(shots, r, lambda rgb: draw(rgb, strength, r))

    return plant


PLANTS: dict[str, Plant] = {
    "letters.text": _on_some(_texted),
    "letters.watermark": _on_some(_watermarked),
    "frames.screenshot": _on_some(_on_a_screen),
}
