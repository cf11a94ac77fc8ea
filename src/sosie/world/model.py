"""The head model: vertices from coefficients."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

SKIN, TONGUE, EYE_LEFT, EYE_RIGHT = range(4)
AGE_NODES = (4.0, 11.0, 25.0, 55.0, 90.0)
"""Years at which the tabulated shapes stand."""


class HeadModel(NamedTuple):
    """The arrays of `head.npz`; V vertices, K changes of a face."""

    base: Floats
    """(V, 3): the mean adult, in metres about the head's pivot: x left, y back, z up."""
    macro: Floats
    """(20, V, 3): whole shapes by gender (2), age (5) and weight (2)."""
    races: Floats
    """(3, V, 3): offsets from `base`."""
    dirs: Floats
    """(K, V, 3): identity, the offset of one unit of each change."""
    expr: dict[str, Floats]
    """(V, 3) each: the offset of a full expression."""
    faces: NDArray[np.int32]
    """(F, 3): triangles."""
    part: NDArray[np.int32]
    """(V,): SKIN, TONGUE, EYE_LEFT or EYE_RIGHT."""
    turn: Floats
    """(V,): share of the head's turn that a vertex follows, from 0 to 1."""
    lips: Floats
    """(V,): how much a vertex belongs to the lips, from 0 to 1."""
    labels: tuple[str, ...]
    """(K,): what each change is called."""
    spread: Floats
    """(K,): the deviation that keeps each change believable."""


@cache
def head_model() -> HeadModel:
    """The model, read once."""
    with np.load(Path(__file__).with_name("head.npz")) as file:
        base, macro, races, dirs, expr, turn, lips, spread = (
            file[name].astype(np.float32)
            for name in ("base", "macro", "races", "dirs", "expr", "turn", "lips", "spread")
        )
        faces, part = file["faces"].astype(np.int32), file["part"].astype(np.int32)
        expressions = dict(zip(file["exn"].tolist(), expr, strict=True))
        labels = tuple(file["labels"].tolist())
    return HeadModel(base, macro, races, dirs, expressions, faces, part, turn, lips, labels, spread)


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


@cache
def _edges() -> tuple[NDArray[np.int32], NDArray[np.int32], Floats]:
    f = head_model().faces
    a = np.concatenate([f[:, 0], f[:, 1], f[:, 2], f[:, 1], f[:, 2], f[:, 0]])
    b = np.concatenate([f[:, 1], f[:, 2], f[:, 0], f[:, 0], f[:, 1], f[:, 2]])
    return a, b, np.maximum(np.bincount(a, minlength=len(head_model().base)), 1).astype(np.float32)


def concavity(v: Floats, rounds: int = 8) -> Floats:
    """Metres by which the surroundings of each vertex (V,) stand above it; negative on ridges.

    What lies in a fold is seen by less of the sky, so this stands for ambient occlusion.
    """
    a, b, count = _edges()
    smooth = v
    for _ in range(rounds):
        near = (
            np.stack([np.bincount(a, smooth[b, i], len(v)) for i in range(3)], 1) / count[:, None]
        )
        smooth = 0.3 * smooth + 0.7 * near.astype(np.float32)
    return np.asarray(((smooth - v) * normals(v, head_model().faces)).sum(1), np.float32)


def normals(v: Floats, f: NDArray[np.int32]) -> Floats:
    """Unit normals (V, 3) of vertices (V, 3) under triangles (F, 3), outwards."""
    n = np.cross(v[f[:, 1]] - v[f[:, 0]], v[f[:, 2]] - v[f[:, 0]])
    flat = f.ravel()
    out = np.stack([np.bincount(flat, np.repeat(n[:, i], 3), len(v)) for i in range(3)], 1).astype(
        np.float32
    )
    return np.asarray(out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-12))
