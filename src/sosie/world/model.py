"""The head model: vertices from coefficients."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SKIN, TONGUE, EYE_LEFT, EYE_RIGHT = range(4)
AGE_NODES = (4.0, 11.0, 25.0, 55.0, 90.0)
"""Years at which the tabulated shapes stand."""


class HeadModel(NamedTuple):
    base: Floats
    macro: Floats
    races: Floats
    dirs: Floats
    expr: dict[str, Floats]
    faces: NDArray[np.int32]
    part: NDArray[np.int32]
    turn: Floats
    lips: Floats
    labels: tuple[str, ...]
    spread: Floats


@cache
def head_model() -> HeadModel:
    H = np.load(Path(__file__).with_name("head.npz"))
    return HeadModel(
        *(H[k].astype(np.float32) for k in ("base", "macro", "races", "dirs")),
        dict(zip(H["exn"].tolist(), H["expr"].astype(np.float32), strict=True)),
        H["faces"].astype(np.int32), H["part"].astype(np.int32),
        H["turn"].astype(np.float32), H["lips"].astype(np.float32), tuple(H["labels"].tolist()), H["spread"].astype(np.float32),
    )


def shape(gender: float, age: float, weight: float, races: Floats, identity: Floats) -> Floats:
    """Vertices (V, 3) in metres about the head's pivot: x to the person's left, y back, z up."""
    m = head_model()
    a = float(np.interp(age, AGE_NODES, range(5)))
    i = min(int(a), 3)
    grid = m.macro.reshape(2, 5, 2, -1, 3)
    out = np.zeros_like(m.base)
    for g, wg in ((0, 1 - gender), (1, gender)):
        for k, wa in ((i, 1 - (a - i)), (i + 1, a - i)):
            for w, ww in ((0, 1 - weight), (1, weight)):
                if wg * wa * ww:
                    out += grid[g, k, w] * np.float32(wg * wa * ww)
    out += np.tensordot(races, m.races, 1) + np.tensordot(identity, m.dirs, 1)
    return out


def normals(v: Floats, f: NDArray[np.int32]) -> Floats:
    n = np.cross(v[f[:, 1]] - v[f[:, 0]], v[f[:, 2]] - v[f[:, 0]])
    flat = f.ravel()
    out = np.stack([np.bincount(flat, np.repeat(n[:, i], 3), len(v)) for i in range(3)], 1).astype(np.float32)
    return out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-12)
