"""Cartoon heads with captions: what the smoke build learns from instead of people.

The people of `sosie.world` take a body model and minutes to draw; whether the recipe runs does not
depend on them.
"""

from __future__ import annotations

import itertools

import numpy as np
from PIL import Image, ImageDraw

from pocket import lines as writing
from pocket.data import Lines, People, written
from pocket.questions import PEOPLE

_COLOURS = {
    "black": (30, 26, 24),
    "brown": (95, 62, 38),
    "blond": (214, 180, 112),
    "red": (160, 70, 30),
    "grey": (150, 150, 150),
    "white": (235, 235, 230),
    "green": (60, 140, 80),
    "blue": (60, 90, 190),
}
_SKINS = {"light": (240, 205, 180), "tan": (205, 160, 120), "dark": (110, 72, 50)}


def draw(seed: int, side: int = 128) -> tuple[np.ndarray, str]:
    """One picture, uint8 (side, side, 3), and its caption; equal seeds give equal pictures."""
    rng = np.random.default_rng(seed)
    hair, shirt, wall = (str(rng.choice(list(_COLOURS))) for _ in range(3))
    skin = str(rng.choice(list(_SKINS)))
    long, smile = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    image = Image.new("RGB", (256, 256), tuple(c // 2 + 90 for c in _COLOURS[wall]))
    pen = ImageDraw.Draw(image)
    x, y = 128 + rng.integers(-25, 26), 120 + rng.integers(-15, 16)
    width, height = rng.integers(42, 56), rng.integers(56, 70)
    bottom = y + (height + 40 if long else 10)
    pen.ellipse((x - width - 14, y - height - 18, x + width + 14, bottom), fill=_COLOURS[hair])
    pen.ellipse((x - 100, y + height - 5, x + 100, y + height + 200), fill=_COLOURS[shirt])
    pen.rectangle((x - 18, y + 30, x + 18, y + height + 20), fill=_SKINS[skin])
    pen.ellipse((x - width, y - height, x + width, y + height), fill=_SKINS[skin])
    for eye in (x - 20, x + 20):
        pen.ellipse((eye - 9, y - 16, eye + 9, y - 4), fill=(250, 250, 250))
        pen.ellipse((eye - 4, y - 15, eye + 4, y - 5), fill=(50, 40, 30))
    shade = tuple(channel * 3 // 4 for channel in _SKINS[skin])
    pen.line((x, y - 4, x - 4, y + 16, x + 4, y + 16), fill=shade, width=3)
    first = 0 if smile else 180
    mouth = (x - 20, y + (14 if smile else 32), x + 20, y + 42)
    pen.arc(mouth, first, first + 180, fill=(150, 60, 60), width=4)
    picture = np.asarray(image.resize((side, side), Image.Resampling.LANCZOS), np.uint8)
    mood, length = "smiling" if smile else "serious", "long" if long else "short"
    caption = (
        f"photo of a person, {mood}, with {length} {hair} hair and {skin} skin,"
        f" wearing a {shirt} shirt, in front of a {wall} wall"
    )
    return picture, caption


def people(count: int, *, first_seed: int = 0) -> People:
    """`count` pictures with one caption each, every one of somebody else."""
    drawn = [draw(first_seed + index) for index in range(count)]
    return People(
        np.stack([picture for picture, _ in drawn]),
        [[caption] for _, caption in drawn],
        np.zeros((count, 1, sum(PEOPLE)), np.float16),  # nothing is asked of them
        list(range(count)),
        [False] * count,
    )


def lines(count: int) -> Lines:
    """`count` written lines with their captions: those of the world, which are soon drawn."""
    tried = (writing.named(index, 0) for index in itertools.count())
    drawn = list(itertools.islice((one for one in tried if one is not None), count))
    pictures = np.stack([one.picture for one in drawn])
    return written(pictures, [one.truth for one in drawn], signed=False)
