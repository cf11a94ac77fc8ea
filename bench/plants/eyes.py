"""Faults of eyes and of what lies over a face."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from bench.plants import Plant, Shot
from bench.plants.pose import again
from bench.plants.skin import shown
from sosie.models.faces import find_faces
from sosie.world import photo as world


def _closed(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Lids lowered by 50, 75 or 100 hundredths."""
    # The world has no such expression; its head has the shape for it.
    lowered = {"neutral": {"blink": (0.5, 0.75, 1.0)[strength]}}
    out = list(shots)
    with patch.dict(world._EXPRESSION, lowered):
        for number in shown(shots, r):
            out[number] = again(shots[number], expression="neutral", glasses="none")
    return out


def _hidden(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """A mask over the lower face, of 45, 70 or 95 hundredths of its way up to the nose's tip, or
    dark glasses."""
    import cv2

    out = list(shots)
    for number in shown(shots, r):
        if r.random() < 0.4:
            out[number] = again(shots[number], glasses="sunglasses")
            continue
        rgb = shots[number].rgb.copy()
        left, right, nose, *corners = find_faces(rgb)[0].landmarks.astype(np.float32)
        across, mouth = right - left, np.mean(corners, axis=0)
        fall = mouth - (left + right) / 2
        top = mouth + ((0.2, 0.6, 1.0)[strength]) * (nose - mouth)
        low = mouth + 0.75 * fall
        mask = [top - 0.8 * across, top, top + 0.8 * across, low + 0.5 * across, low - 0.5 * across]
        cloth = [(235, 238, 240), (120, 170, 210), (25, 25, 30)][int(r.integers(3))]
        cv2.fillPoly(rgb, [np.round(np.stack(mask)).astype(np.int32)], cloth, cv2.LINE_AA)
        out[number] = replace(shots[number], rgb=rgb)
    return out


def _faint(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Eyes and brows faded towards the skin by 40, 60 or 80 hundredths, in every picture."""
    return [_faded(shot, (0.4, 0.6, 0.8)[strength]) for shot in shots]


def _faded(shot: Shot, way: float) -> Shot:
    import cv2

    faces = find_faces(shot.rgb)
    if not faces:
        return shot
    eyes, mouth = faces[0].landmarks[:2], faces[0].landmarks[3:]
    unit = float(np.linalg.norm(mouth.mean(0) - eyes.mean(0)))
    near: NDArray[np.float32] = np.zeros(shot.rgb.shape[:2], np.float32)
    for x, y in eyes:
        cv2.circle(
            near, (round(float(x)), round(float(y - 0.1 * unit))), round(0.45 * unit), 1.0, -1
        )
    share = way * cv2.GaussianBlur(near, (0, 0), 0.08 * unit)[..., None]
    points = np.clip((eyes + mouth) / 2, 0, np.array(shot.rgb.shape[1::-1]) - 1).astype(int)
    skin = np.median([shot.rgb[y, x] for x, y in points], axis=0)
    mixed = shot.rgb * (1 - share) + skin * share
    return replace(shot, rgb=np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8))


PLANTS: dict[str, Plant] = {
    "eyes.closed": _closed,
    "eyes.hidden": _hidden,
    "eyes.faint": _faint,
}
