"""Pictures that belong in no set of a person: notes, empty sheets, portraits made into comics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench import notes
from bench.plants import Plant, Shot, spoiled
from bench.plants.pose import some
from sosie.world.hands import writer

Picture = NDArray[np.uint8]
COUNT = (1, 2, 4)
"""Sheets, by strength."""


def _page(rgb: Picture, r: np.random.Generator) -> Picture:
    return notes.shots(int(r.integers(10_000)), 1, 3)[0].rgb


def _blank(rgb: Picture, r: np.random.Generator) -> Picture:
    """An empty sheet of any paper, lit a little from one side."""
    sheet = notes.on_paper(writer(int(r.integers(10_000))), np.zeros(rgb.shape[:2], np.float32), r)
    light = np.linspace(1, r.uniform(0.85, 1), sheet.shape[1])[:, None]
    return np.asarray(sheet * light, np.uint8)


def _comic(rgb: Picture, strength: int) -> Picture:
    """Flat colours, the fewer the stronger, and black lines where it gets darker."""
    flat: NDArray[Any] = rgb
    for _ in range(4):
        flat = cv2.bilateralFilter(flat, 9, 40, 9)
    step = 256 / (7, 5, 4)[strength]
    flat = (np.floor(flat / step) + 0.5) * step
    grey = cv2.medianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), 5)
    mean, binary = cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY
    paper = cv2.adaptiveThreshold(grey, 255, mean, binary, 9, (6, 4, 3)[strength])
    return np.where(paper[..., None] > 0, flat, 20).astype(np.uint8)


def _instead(make: Callable[[Picture, np.random.Generator], Picture]) -> Plant:
    """The plant that puts one, two or four other pictures into a set."""

    def plant(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
        out = list(shots)
        for number in some(shots, COUNT[strength], r):
            out[number] = replace(shots[number], rgb=make(shots[number].rgb, r))
        return out

    return plant


PLANTS: dict[str, Plant] = {
    "subject.page": _instead(_page),
    "subject.blank": _instead(_blank),
    "subject.art": lambda shots, strength, r: spoiled(shots, r, lambda rgb: _comic(rgb, strength)),
}
