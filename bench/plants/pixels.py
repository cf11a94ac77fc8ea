"""Faults of the file: compressed, enlarged, barred, and of what is in the frame."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.plants import Plant, Shot, spoiled
from sosie.core.records import Box
from sosie.models.faces import find_faces

Bytes = NDArray[np.uint8]
QUALITY = (30, 18, 8)
"""Of JPEG."""
TIMES = (1.5, 2.0, 3.0)
"""How much a picture was enlarged."""
EMPTY = (1.6, 2.0, 3.0)
"""The same of one that is large enough all the same."""
BARS = (0.03, 0.08, 0.15)
"""Width of each bar in sides of the picture."""
FRAMES = (0.012, 0.03, 0.08)
"""The same of a frame all around."""
AWAY = (0.22, 0.17, 0.12)
"""Share of the side of a wide picture that a portrait fills."""
INTO = (0.0, 0.15, 0.3)
"""How far the edge cuts into a face, in faces."""
ABOVE = (0.1, 0.07, 0.04)
"""Room left above a face, in faces."""
WIDE = (3.0, 3.6, 4.5)
"""Width of a panorama, in heights."""
SMALLER = (0.7, 0.5, 0.35)
"""Share of the side that is left."""


def compressed(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures saved too small."""

    def save(rgb: Bytes) -> Bytes:
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "JPEG", quality=QUALITY[strength])
        return np.asarray(Image.open(file).convert("RGB"))

    return spoiled(shots, r, save)


def upscaled(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures that were smaller once, enlarged in one of three ways."""
    ways = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)

    def enlarge(rgb: Bytes) -> Bytes:
        less = round(len(rgb) / TIMES[strength])
        small = cv2.resize(rgb, (less, less), interpolation=cv2.INTER_AREA)
        way = ways[int(r.integers(len(ways)))]
        size = (rgb.shape[1], rgb.shape[0])
        return np.asarray(cv2.resize(small, size, interpolation=way), np.uint8)

    return spoiled(shots, r, enlarge)


def wasted(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures enlarged to far more pixels than they hold, for a base of half their side."""

    def enlarge(rgb: Bytes) -> Bytes:
        side = round(len(rgb) * EMPTY[strength])
        return np.asarray(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)

    return spoiled(shots, r, enlarge)


def small(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures with few pixels."""

    def shrink(rgb: Bytes) -> Bytes:
        side = round(len(rgb) * SMALLER[strength])
        return np.asarray(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA), np.uint8)

    return spoiled(shots, r, shrink)


def bars(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures between bars: black, white or grey, above and below, at the sides, or all
    around."""

    def bar(rgb: Bytes) -> Bytes:
        if r.random() < 1 / 3:
            return _framed(rgb, max(2, round(FRAMES[strength] * len(rgb))), r)
        down = r.random() < 0.5
        lines = rgb if down else rgb.transpose(1, 0, 2)
        width = round(BARS[strength] * len(lines))
        barred = np.full_like(lines, r.choice([0, 0, 255, 40]))
        size = (lines.shape[1], len(lines) - 2 * width)
        barred[width : len(lines) - width] = cv2.resize(
            np.ascontiguousarray(lines), size, interpolation=cv2.INTER_AREA
        )
        return barred if down else np.ascontiguousarray(barred.transpose(1, 0, 2))

    return spoiled(shots, r, bar)


def _framed(rgb: Bytes, width: int, r: np.random.Generator) -> Bytes:
    height, across = rgb.shape[:2]
    framed = np.full_like(rgb, r.choice([0, 255, 255, 40]))
    framed[width:-width, width:-width] = cv2.resize(
        rgb, (across - 2 * width, height - 2 * width), interpolation=cv2.INTER_AREA
    )
    return framed


def small_face(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures from far away: the portrait in a wide and soft place."""

    def step_back(rgb: Bytes) -> Bytes:
        side = len(rgb)
        inner = round(2 * AWAY[strength] * side)
        wide = cv2.GaussianBlur(
            np.ascontiguousarray(rgb[: side // 6, : side // 3]), (0, 0), side / 40
        )
        far = cv2.resize(wide, (2 * side, 2 * side), interpolation=cv2.INTER_CUBIC)
        left, top = r.integers(0, 2 * side - inner, 2)
        far[top : top + inner, left : left + inner] = cv2.resize(
            rgb, (inner, inner), interpolation=cv2.INTER_AREA
        )
        return np.asarray(far, np.uint8)

    return spoiled(shots, r, step_back)


def cut(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures whose edge runs through the face: the chin, or the side with the eyes."""

    def crop(rgb: Bytes) -> Bytes:
        face, eyes = _face(rgb)
        if r.random() < 0.4:
            return rgb[: round(face.bottom - INTO[strength] * face.height)]
        into = round(INTO[strength] * face.width)
        if eyes < (face.left + face.right) / 2:
            return rgb[:, face.left + into :]
        return rgb[:, : face.right - into]

    return spoiled(shots, r, crop)


def tight(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three pictures with the hair cut off."""

    def crop(rgb: Bytes) -> Bytes:
        face, _ = _face(rgb)
        return rgb[max(0, round(face.top - ABOVE[strength] * face.height)) :]

    return spoiled(shots, r, crop)


def panorama(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Three very wide pictures with the person at one side."""

    def widen(rgb: Bytes) -> Bytes:
        height, width = rgb.shape[:2]
        more = round(WIDE[strength] * height) - width
        edge = cv2.GaussianBlur(np.repeat(rgb[:, -1:], more, axis=1), (0, 0), height / 60)
        return np.concatenate([rgb, np.asarray(edge, np.uint8)], axis=1)

    return spoiled(shots, r, widen)


def _face(rgb: Bytes) -> tuple[Box, float]:
    """The face, and how far to the right its features lie, in pixels."""
    faces = find_faces(rgb)
    if faces:
        return faces[0].box, float(faces[0].landmarks[:, 0].mean())
    side = len(rgb)
    box = Box(left=side // 4, top=side // 4, right=side * 3 // 4, bottom=side * 3 // 4)
    return box, side / 2


PLANTS: dict[str, Plant] = {
    "pixels.compressed": compressed,
    "pixels.upscaled": upscaled,
    "pixels.wasted": wasted,
    "pixels.small": small,
    "pixels.bars": bars,
    "pixels.small_face": small_face,
    "pixels.cut": cut,
    "pixels.tight": tight,
    "pixels.crop": panorama,
}
