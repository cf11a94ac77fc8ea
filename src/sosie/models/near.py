"""Near-duplicates: pictures that would leak across a split.

Two pictures are near when both a gradient hash and a cosine hash differ in few bits and the
pictures, small and without their broad shading, correlate; a mirrored copy counts as well. The
hashes alone would call any two pages of handwriting equal, the correlation alone is slow to drop
on a blurred copy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

SIDE = 32
GRADIENT_BITS = 12
"""Differing bits out of 64 up to which two gradient hashes are near."""
COSINE_BITS = 14
"""Differing bits out of 63 up to which two cosine hashes are near."""
CORRELATION = 0.7
"""Least correlation of the details; a crop by 4% a side keeps about this much."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Print:
    """What is compared of one picture (or of its mirror image)."""

    gradient: NDArray[np.bool_]
    cosine: NDArray[np.bool_]
    detail: Array


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Both prints of a picture."""

    upright: Print
    mirrored: Print


def shrunk(picture: Image.Image) -> bytes:
    """All that `fingerprint` needs of a picture, to be kept instead of it: 2,120 bytes."""
    grey = picture.convert("L")
    small = grey.resize((SIDE, SIDE), Image.Resampling.BOX)
    blurred = small.filter(ImageFilter.GaussianBlur(6))
    steps = grey.resize((9, 8), Image.Resampling.BOX)
    return small.tobytes() + blurred.tobytes() + steps.tobytes()


def fingerprint(picture: Image.Image | bytes) -> Fingerprint:
    """Describe a picture, or what `shrunk` kept of it, for `near`."""
    kept = picture if isinstance(picture, bytes) else shrunk(picture)
    values = np.frombuffer(kept, np.uint8).astype(np.float64)
    pixels, shading = values[: 2 * SIDE * SIDE].reshape(2, SIDE, SIDE)
    steps = values[2 * SIDE * SIDE :].reshape(8, 9)
    return Fingerprint(
        upright=_print(pixels, shading, steps),
        mirrored=_print(pixels[:, ::-1], shading[:, ::-1], steps[:, ::-1]),
    )


def near(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether `a` and `b` are the same shot, perhaps recompressed, resized, toned or mirrored."""
    return any(_alike(a.upright, other) for other in (b.upright, b.mirrored))


def groups(prints: list[Fingerprint]) -> list[tuple[int, ...]]:
    """Indices grouped by nearness (transitively), each group ascending, by first member."""
    parent = list(range(len(prints)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, one in enumerate(prints):
        for j in range(i):
            if root(i) != root(j) and near(one, prints[j]):
                parent[max(root(i), root(j))] = min(root(i), root(j))
    members: dict[int, list[int]] = {}
    for i in range(len(prints)):
        members.setdefault(root(i), []).append(i)
    return [tuple(members[key]) for key in sorted(members)]


def _print(pixels: Array, shading: Array, steps: Array) -> Print:
    k = np.arange(SIDE)
    basis = np.cos(np.pi / SIDE * np.outer(k[:8], k + 0.5))
    low = (basis @ pixels @ basis.T).ravel()[1:]
    detail = pixels - shading
    detail = detail - detail.mean()
    norm = float(np.linalg.norm(detail))
    return Print(
        gradient=np.diff(steps, axis=1).ravel() > 0,
        cosine=low > np.median(low),
        detail=detail / norm if norm > 0 else detail,
    )


def _alike(a: Print, b: Print) -> bool:
    if not a.detail.any() and not b.detail.any():
        return bool((a.gradient == b.gradient).all())
    return bool(
        np.count_nonzero(a.gradient != b.gradient) <= GRADIENT_BITS
        and np.count_nonzero(a.cosine != b.cosine) <= COSINE_BITS
        and float((a.detail * b.detail).sum()) >= CORRELATION
    )
