"""Glasses, drawn as lines before the eyes and to the ears."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sosie.world.camera import Camera
from sosie.world.model import EYE_LEFT, EYE_RIGHT, SKIN, Floats, head_model


def draw_glasses(
    kind: str,
    v: Floats,
    camera: Camera,
    image: Floats,
    depth: Floats,
    turn: Callable[[Floats], Floats],
) -> Floats:
    """The picture with glasses of a kind of `tables.GLASSES` on the unturned head `v`.

    `turn` puts points of the head where the head is turned; what lies behind the face by `depth`
    (size, size) is not drawn.
    """
    m = head_model()
    nose = (np.abs(m.base[:, 0]) < 0.006) & (np.abs(m.base[:, 2] - 0.03) < 0.008)
    front = float(v[(m.part == SKIN) & nose][:, 1].min()) - 0.003
    scale = camera.tall / 0.23
    out = image.copy()
    for part, side in ((EYE_LEFT, 1), (EYE_RIGHT, -1)):
        eye = v[m.part == part].mean(0)
        for line, is_ring in _lines(eye, side, front, scale, round_=kind == "round glasses"):
            steps = np.linspace(0, len(line) - 1, 40)
            fine = np.stack([np.interp(steps, range(len(line)), line[:, i]) for i in range(3)], 1)
            xy, d = camera.see(turn(fine.astype(np.float32)))
            px = np.clip(np.round(xy).astype(int), 0, camera.size - 1)
            free = d < depth[px[:, 1], px[:, 0]] + (0.02 if is_ring else 0.004)
            points = np.round(xy * 8).astype(np.int32)
            if is_ring and kind == "sunglasses":
                a = _glass(points, camera.size) * 0.92
                out = out * (1 - a) + np.float32(0.015) * a
            a = _wire(points, free, camera.size)
            out = out * (1 - a) + np.array([0.03, 0.025, 0.025], np.float32) * a
    return np.asarray(out, np.float32)


def _lines(
    eye: Floats, side: int, front: float, scale: float, round_: bool
) -> list[tuple[Floats, bool]]:
    """One side's ring, arm and half of the bridge, each (N, 3), and whether it is the ring."""
    power = 1.0 if round_ else 0.55
    rx, rz = (0.0235, 0.0215) if round_ else (0.026, 0.0185)
    k = np.linspace(0, 2 * np.pi, 29)
    c, s = np.cos(k), np.sin(k)
    ring = np.stack(
        [
            eye[0] + side * 0.001 + scale * rx * np.sign(c) * np.abs(c) ** power,
            np.full(len(k), front) + 0.006 * np.abs(c),
            eye[2] - 0.003 + scale * rz * np.sign(s) * np.abs(s) ** power,
        ],
        1,
    )
    hinge = [eye[0] + side * scale * rx, front + 0.004, eye[2]]
    arm = np.array([hinge, [side * 0.077 * scale, -0.01, eye[2] + 0.002]])
    inner = [eye[0] - side * scale * rx, front + 0.004, eye[2] + 0.003]
    bridge = np.array([inner, [0.0, front, eye[2] + 0.005]])
    return [(ring, True), (arm, False), (bridge, False)]


def _glass(points: NDArray[np.int32], size: int) -> Floats:
    """Share (size, size, 1) of each pixel inside a line of points in eighths of a pixel."""
    import cv2

    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, 3)
    return np.asarray((mask / 255.0)[..., None])


def _wire(points: NDArray[np.int32], free: NDArray[np.bool_], size: int) -> Floats:
    """Share (size, size, 1) of each pixel on the line, where both ends of a piece are seen."""
    import cv2

    mask = np.zeros((size, size), np.uint8)
    width = max(1, round(size / 110))
    for i in range(len(points) - 1):
        if free[i] and free[i + 1]:
            start, end = points[i].tolist(), points[i + 1].tolist()
            cv2.line(mask, start, end, 255, width, cv2.LINE_AA, 3)
    return np.asarray((mask / 255.0)[..., None])
