"""Faults of scans: each planted in three notes of a good set."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench import notes
from bench.plants import Plant, Shot
from sosie.world.hands import writer

PLANTED = 3
Picture = NDArray[np.uint8]
Change = Callable[[Shot, int, np.random.Generator], Picture]


def x_height(shot: Shot) -> float:
    """Height in pixels of a shot's small letters, nearly."""
    return writer(shot.who).size * notes.LINE_HEIGHT


def in_some(change: Change) -> Plant:
    """The plant that makes a change in the first three shots."""

    def plant(shots: list[Shot], strength: int, rng: np.random.Generator) -> list[Shot]:
        bad = [
            Shot(change(shot, strength, rng), shot.caption, shot.setting, shot.who)
            for shot in shots[:PLANTED]
        ]
        return [*bad, *shots[PLANTED:]]

    return plant


def _blank(shot: Shot, strength: int, rng: np.random.Generator) -> Picture:
    sheet = np.zeros(shot.rgb.shape[:2], np.float32)
    empty = notes.on_paper(writer(shot.who), sheet, rng)
    # A stain and creases are no writing: the fewer there are, the plainer the case.
    for _ in range(2 - strength):
        spot = np.zeros_like(sheet)
        place = tuple(int(rng.integers(40, side - 40)) for side in sheet.shape[::-1])
        cv2.circle(spot, place, 30, 1.0, -1)
        spot = cv2.GaussianBlur(spot, (0, 0), 6)
        empty = (empty * (1 - 0.08 * spot[..., None])).astype(np.uint8)
    return empty


def _strange(shot: Shot, strength: int, rng: np.random.Generator) -> Picture:
    from sosie.world.people import person
    from sosie.world.photo import photo

    seed = int(rng.integers(1 << 30))
    height, width = shot.rgb.shape[:2]
    side = photo(person(seed), seed=seed, age=40, size=192).picture
    share = math.sqrt((0.3, 0.6, 1.0)[strength])
    inside = cv2.resize(side, (round(width * share), round(height * share)))
    changed = shot.rgb.copy()
    changed[: inside.shape[0], : inside.shape[1]] = inside
    return changed


def _skew(shot: Shot, strength: int, rng: np.random.Generator) -> Picture:
    degrees = (2.5, 5, 10)[strength] * float(rng.choice([-1, 1]))
    height, width = shot.rgb.shape[:2]
    about = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(
        cv2.warpAffine(shot.rgb, about, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _light(shot: Shot, strength: int, rng: np.random.Generator) -> Picture:
    height, width = shot.rgb.shape[:2]
    ys, xs = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    away = np.hypot(ys - rng.integers(2), xs - rng.integers(2)) / math.sqrt(2)
    fall = 1 - (0.25, 0.45, 0.65)[strength] * away**1.5
    return np.asarray(shot.rgb * fall[..., None], np.uint8)


def _bleed(shot: Shot, strength: int, rng: np.random.Generator) -> Picture:
    """The back of the sheet, written by the same hand, seen from the front."""
    height, width = shot.rgb.shape[:2]
    back, row = np.zeros((height, width), np.float32), int(rng.integers(0, 40))
    for text in notes.words(shot.setting + 3, 4):
        mask = notes.line(writer(shot.who), text, rng)[0][: height - row, :width]
        part = back[row : row + mask.shape[0], : mask.shape[1]]
        np.maximum(part, mask, out=part)
        row += round(3 * x_height(shot))
        if row > height - 20:
            break
    soaked = cv2.GaussianBlur(np.ascontiguousarray(back[:, ::-1]), (0, 0), 1.2)
    taken = (0.12, 0.25, 0.4)[strength] * soaked / soaked.max()
    return np.asarray(shot.rgb * (1 - taken[..., None]), np.uint8)


def _small(shot: Shot, strength: int, rng: np.random.Generator) -> Picture:
    factor = (8.5, 6.5, 4.5)[strength] / x_height(shot)
    height, width = shot.rgb.shape[:2]
    size = (round(width * factor), round(height * factor))
    return np.asarray(cv2.resize(shot.rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _dense(shot: Shot, strength: int, rng: np.random.Generator) -> Picture:
    count = (16, 32, 48)[strength]
    said = [notes.SENTENCES[(shot.setting + i) % len(notes.SENTENCES)] for i in range(count)]
    return notes.page(writer(shot.who), said, rng)


def _crop(shot: Shot, strength: int, rng: np.random.Generator) -> Picture:
    letters = (50, 70, 100)[strength]
    text = " ".join(notes.SENTENCES[(shot.setting + i) % len(notes.SENTENCES)] for i in range(2))
    whole = notes.page(writer(shot.who), [text[:letters].strip()], rng)
    middle = round(whole.shape[1] / (9, 11, 14)[strength])
    return np.ascontiguousarray(whole[: min(whole.shape[0], middle)])


def _border(shot: Shot, strength: int, rng: np.random.Generator) -> Picture:
    changed = shot.rgb.copy()
    height, width = changed.shape[:2]
    strip = max(3, round((0.012, 0.04, 0.1)[strength] * max(height, width)))
    side = int(rng.integers(4))
    part = [changed[:strip], changed[-strip:], changed[:, :strip], changed[:, -strip:]][side]
    part[:] = (part * 0.3).astype(np.uint8)
    return changed


def _edge(shot: Shot, strength: int, rng: np.random.Generator) -> Picture:
    grey = shot.rgb.mean(axis=2)
    columns = np.flatnonzero((grey < 0.6 * np.median(grey)).sum(axis=0) >= 2)
    into = round((0.4, 1.5, 4)[strength] * x_height(shot))
    if rng.random() < 0.5:
        return np.ascontiguousarray(shot.rgb[:, columns[0] + into :])
    return np.ascontiguousarray(shot.rgb[:, : columns[-1] - into])


PLANTS: dict[str, Any] = {
    f"page.{name}": in_some(change)
    for name, change in (
        ("blank", _blank),
        ("strange", _strange),
        ("skew", _skew),
        ("light", _light),
        ("bleed", _bleed),
        ("small", _small),
        ("dense", _dense),
        ("crop", _crop),
        ("border", _border),
        ("edge", _edge),
    )
}
