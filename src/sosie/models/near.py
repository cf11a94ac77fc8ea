"""Near-duplicates: pictures that would leak across a split.

Two pictures are near when the middle of the one is found in the other, at some place and size: a
mirrored copy counts as well. Before that search, which is slow, both a gradient hash and a cosine
hash must differ in few bits and the pictures, small and without their broad shading, correlate.
These three alone would call two front portraits of one person equal, whose heads fill the same
place; the search compares what is smaller than a head, and forgives a crop. Of thousands of
pictures the pairs that correlate are found by products of matrices (`alike`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sosie.models import neighbours
from sosie.models.glance import Glance

SIDE = 32
GRADIENT_BITS = 18
"""Differing bits out of 64 up to which two gradient hashes may be near."""
COSINE_BITS = 20
"""Differing bits out of 63 up to which two cosine hashes may be near."""
CORRELATION = 0.5
"""Least correlation of the details before the search; a crop by 4% a side keeps about .6."""

FINE = 48
"""Side in pixels at which the middle of one picture is sought in the other."""
DETAIL = 1.5
"""Standard deviation, in pixels of `FINE`, of the blur that is taken off: what is left is smaller
than a head, which lies in the same place in any two portraits."""
SIZES = range(42, 57)
"""Widths and heights to which the sought picture is scaled: the one may be a crop of the other by
7% a side."""
UNEQUAL = 6
"""Most that width and height differ by: a crop takes more off one side than off another."""
MIDDLE = 38
"""Side of the part that is sought."""
PROMISING = 0.55
"""Correlation at one of the square sizes from which all are tried."""
AFAR = Glance(side=24, part=19, sizes=[(side, side) for side in range(21, 29)], blur=1.5)
UNEVEN = replace(
    AFAR, sizes=[(w, h) for w in range(21, 29) for h in range(21, 29) if abs(w - h) <= UNEQUAL // 2]
)
SEEN_AFAR, SEEN_UNEVEN = 0.72, 0.82
"""Correlations at a glance that make it worth searching at all, and trying all widths and heights.
Copies that are found have .79 and .85 or more; of other pictures of one drawn person that look
alike from afar one in five reaches the first, and of what is promising one in four the second."""
FOUND = 0.8
"""Least correlation at the best place and size. Over 5,355 pairs of other pictures of one drawn
person it stays below .76; copies cropped by up to 7% a side, toned, mirrored and saved again stay
above .86."""

Array = NDArray[np.float64]
Fine = NDArray[np.float32]
Pairs = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Print:
    """What is compared of one picture (or of its mirror image)."""

    gradient: NDArray[np.bool_]
    cosine: NDArray[np.bool_]
    detail: Array
    fine: Fine

    @cached_property
    def parts(self) -> Fine:
        """What is sought of it at a glance."""
        return AFAR.parts(self.fine)


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Both prints of a picture."""

    upright: Print
    mirrored: Print


def shrunk(picture: Image.Image) -> bytes:
    """All that `fingerprint` needs of a picture, to be kept instead of it: 4,424 bytes."""
    grey = picture.convert("L")
    small = grey.resize((SIDE, SIDE), Image.Resampling.BOX)
    blurred = small.filter(ImageFilter.GaussianBlur(6))
    steps = grey.resize((9, 8), Image.Resampling.BOX)
    fine = grey.resize((FINE, FINE), Image.Resampling.BOX)
    return b"".join(part.tobytes() for part in (small, blurred, steps, fine))


def fingerprint(picture: Image.Image | bytes) -> Fingerprint:
    """Describe a picture, or what `shrunk` kept of it, for `near`."""
    kept = picture if isinstance(picture, bytes) else shrunk(picture)
    values = np.frombuffer(kept, np.uint8).astype(np.float64)
    pixels, shading = values[: 2 * SIDE * SIDE].reshape(2, SIDE, SIDE)
    steps = values[2 * SIDE * SIDE :][:72].reshape(8, 9)
    fine = values[2 * SIDE * SIDE + 72 :].reshape(FINE, FINE).astype(np.float32)
    return Fingerprint(
        upright=_print(pixels, shading, steps, fine),
        mirrored=_print(pixels[:, ::-1], shading[:, ::-1], steps[:, ::-1], fine[:, ::-1]),
    )


def near(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether `a` and `b` are the same shot, perhaps recompressed, resized, toned or mirrored."""
    return any(
        _alike(a.upright, other) and _found(a.upright, other) for other in (b.upright, b.mirrored)
    )


def near_page(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether `a` and `b` are scans of one page: no faster look comes before the search.

    Cropped by a hundredth, a page's lines lie elsewhere in a small picture of it. Copies of drawn
    pages reach .84 and more, other pages of one hand .63. Some milliseconds for a pair.
    """
    return any(_found(a.upright, other) for other in (b.upright, b.mirrored))


def similar(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether `a` and `b` look alike from afar: near pictures do, and some others."""
    return any(_alike(a.upright, other) for other in (b.upright, b.mirrored))


def alike(prints: Sequence[Fingerprint]) -> Pairs:
    """Every pair (i, j), i > j, that is `similar`, and hardly another: (P, 2), by i and then j.

    All that may be near, without asking of each pair.
    """
    if not prints:
        return np.empty((0, 2), np.int64)
    here = _Many.of([one.upright for one in prints])
    found = [here.blank_pairs()]
    for there in (here, _Many.of([one.mirrored for one in prints])):
        starts = range(0, len(prints), neighbours.QUERIES)
        found.extend(here.pairs(start, there) for start in starts)
    return np.unique(np.concatenate(found), axis=0)


@dataclass(frozen=True, eq=False)
class _Many:
    """What `_alike` compares, of N prints: a row of each."""

    gradient: NDArray[np.bool_]
    cosine: NDArray[np.bool_]
    detail: Fine

    @classmethod
    def of(cls, prints: Sequence[Print]) -> _Many:
        return cls(
            gradient=np.stack([one.gradient for one in prints]),
            cosine=np.stack([one.cosine for one in prints]),
            detail=np.stack([one.detail.ravel() for one in prints]).astype(np.float32),
        )

    def pairs(self, start: int, there: _Many) -> Pairs:
        """Pairs of one of the `neighbours.QUERIES` rows from `start` on with an earlier one."""
        block = self.detail[start : start + neighbours.QUERIES]
        least = CORRELATION - 1e-5  # what single precision may cost
        rest = there.detail[: start + len(block)]
        found = neighbours.join(block, rest, least, at_most=len(block) * len(rest))
        i, j = found.queries + start, found.rows
        i, j = i[j < i], j[j < i]
        few = (self.gradient[i] != there.gradient[j]).sum(axis=1) <= GRADIENT_BITS
        few &= (self.cosine[i] != there.cosine[j]).sum(axis=1) <= COSINE_BITS
        return np.stack([i[few], j[few]], axis=1)

    def blank_pairs(self) -> Pairs:
        """Pairs without any detail, which do not correlate."""
        blank = np.flatnonzero(~self.detail.any(axis=1))
        i, j = (blank[each] for each in np.tril_indices(len(blank), -1))
        return np.stack([i, j], axis=1)


def groups(prints: Sequence[Fingerprint]) -> list[tuple[int, ...]]:
    """Indices grouped by nearness (transitively), each group ascending, by first member."""
    return joined(len(prints), alike(prints).tolist(), lambda i, j: near(prints[i], prints[j]))


def joined(
    count: int,
    pairs: Iterable[Sequence[int]],
    together: Callable[[int, int], bool],
) -> list[tuple[int, ...]]:
    """`range(count)` grouped by `together` (transitively), which is asked of some pairs.

    Pairs that are in one group already are not asked. Each group is ascending, and they follow each
    other by their first member.
    """
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, j in pairs:
        if root(i) != root(j) and together(i, j):
            parent[max(root(i), root(j))] = min(root(i), root(j))
    members: dict[int, list[int]] = {}
    for i in range(count):
        members.setdefault(root(i), []).append(i)
    return [tuple(members[key]) for key in sorted(members)]


def _print(pixels: Array, shading: Array, steps: Array, fine: Fine) -> Print:
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
        fine=np.ascontiguousarray(fine),
    )


def _alike(a: Print, b: Print) -> bool:
    if not a.detail.any() and not b.detail.any():
        return bool((a.gradient == b.gradient).all())
    return bool(
        np.count_nonzero(a.gradient != b.gradient) <= GRADIENT_BITS
        and np.count_nonzero(a.cosine != b.cosine) <= COSINE_BITS
        and float((a.detail * b.detail).sum()) >= CORRELATION
    )


def _found(in_which: Print, which: Print) -> bool:
    """Whether the middle of one lies somewhere in the other; blank pictures hold each other."""
    where, what = in_which.fine, which.fine
    if np.ptp(where) == 0 and np.ptp(what) == 0:
        return True
    if AFAR.best(_places(in_which), which.parts)[0] < SEEN_AFAR:
        return False
    ground = _detail(where)
    best = max(_best(ground, what, (side, side)) for side in SIZES[::2])
    if not PROMISING <= best < FOUND:
        return best >= FOUND
    if UNEVEN.best(_places(in_which), UNEVEN.parts(what))[0] < SEEN_UNEVEN:
        return False
    return any(
        _best(ground, what, (width, height)) >= FOUND
        for width in SIZES
        for height in SIZES
        if abs(width - height) <= UNEQUAL
    )


@lru_cache(maxsize=4)
def _places(print_: Print) -> Fine:
    """Where it is sought at a glance: kept while one picture is compared with many."""
    return AFAR.places(print_.fine)


def _best(ground: Fine, what: Fine, size: tuple[int, int]) -> float:
    """Correlation of the middle of `what`, scaled to (width, height), at its best place."""
    import cv2

    how = cv2.INTER_AREA if max(size) < FINE else cv2.INTER_LINEAR
    scaled = _detail(np.asarray(cv2.resize(what, size, interpolation=how), np.float32))
    left, top = ((side - MIDDLE) // 2 for side in size)
    middle = np.ascontiguousarray(scaled[top : top + MIDDLE, left : left + MIDDLE])
    return float(cv2.matchTemplate(ground, middle, cv2.TM_CCOEFF_NORMED).max())


def _detail(picture: Fine) -> Fine:
    import cv2

    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), DETAIL), np.float32)
