"""The detectors of copies: pure functions on arrays, each good where another is blind.

screen          a small picture, each part of it brought to one contrast; the cosine of two is cheap
                for millions of pairs and says which are worth a closer look.
hash            Hamming distance of the low frequencies, as pHash and PDQ have it: the whole
                picture, toned, blurred and saved again; blind to a swapped part.
tiled L2        Carlini et al., "Extracting training data from diffusion models" (2301.13188): the
                largest root mean square difference of 4 x 4 tiles; for what was blurred, blind to a
                copied part and to another tone.
tile-wise NCC   Lewis, "Fast normalized cross-correlation" (1995), of each tile with the same place,
                a few pixels to and fro: says which part was copied.
SIFT + RANSAC   Lowe (2004); Fischler & Bolles (1981): how the one lies in the other, where it was
                cropped, turned or scaled; the tiles are then compared in that place.

A square is (S, S) with S divisible by 16; T = S / 8 - 1 tiles lie along each side. What detectors
find is evidence; what it is worth is told by pictures that cannot be copies (`calibration`).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

Fine = NDArray[np.float32]
Mask = NDArray[np.bool_]

SCREEN = 32
"""Pixels along each side of the small picture."""
HASHED = 16
"""Frequencies along each side that the hash reads."""
BROAD = 1 / 16
"""Standard deviation of the blur that `details` takes off, in sides: what is left is smaller than a
head, which lies in the same place in any two portraits."""
TILE = 16
"""Pixels along each side of a tile; tiles overlap by half."""
FLAT = 2.5
"""Standard deviation of the details, in grey levels of 255, below which a tile shows nothing that
could be recognised."""
SEARCH = 3
"""Pixels that a tile is sought to and fro."""
COVERED = 0.99
"""Share of a tile that a moved picture must cover."""
L2_TILES = 4
"""Tiles of Carlini's distance, along each side."""
RATIO = 0.8
"""Lowe's ratio: nearest to second nearest descriptor."""
INLIERS = 12
"""Fewest points that must agree on one place."""
REACH = 3.0
"""Pixels that an agreeing point may be off."""

_GRID = (slice(0, 1 - TILE, TILE // 2), slice(0, 1 - TILE, TILE // 2))
"""Where the tiles that are counted begin: those that lie inside, half a tile apart."""

Keypoints = tuple[Fine, Fine]
"""Places, (N, 2) x and y in pixels, and descriptors, (N, 128)."""


def screen(detail: Fine) -> Fine:
    """(S, S) details -> (1024,) of unit length; 0 for a blank picture."""
    import cv2

    small = cv2.resize(detail, (SCREEN, SCREEN), interpolation=cv2.INTER_AREA)
    # The running sum of the blur rounds, and may end below zero where there was nothing.
    contrast = np.sqrt(np.maximum(cv2.blur(small * small, (5, 5)), 0))
    even = (small / np.maximum(contrast, FLAT)).ravel()
    norm = np.linalg.norm(even)
    return np.asarray(even / norm if norm > 0 else even, np.float32)


def hash_bits(grey: Fine) -> Mask:
    """(S, S) -> (256,): which of the lowest 16 x 16 frequencies lie above their median."""
    side = len(grey)
    k = np.arange(side)
    basis = np.cos(np.pi / side * np.outer(np.arange(1, HASHED + 1), k + 0.5)).astype(np.float32)
    low = (basis @ grey @ basis.T).ravel()
    return np.asarray(low > np.median(low))


def hash_distance(a: Mask, b: Mask) -> int:
    """Differing bits, 0..256; two unrelated pictures differ in about 128."""
    return int(np.count_nonzero(a != b))


def tiled_l2(a: NDArray[np.uint8], b: NDArray[np.uint8], within: Mask | None = None) -> float:
    """The largest root mean square difference of 4 x 4 tiles of (S, S, 3) bytes, in [0, 1].

    Of what lies `within`; infinite if that covers a quarter of no tile.
    """
    squares = (((a.astype(np.float32) - b.astype(np.float32)) / 255) ** 2).mean(axis=2)
    inside = np.ones(a.shape[:2], np.float32) if within is None else within.astype(np.float32)
    step = len(a) // L2_TILES
    summed, counted = (
        each.reshape(L2_TILES, step, L2_TILES, step).sum(axis=(1, 3))
        for each in (squares * inside, inside)
    )
    enough = counted >= step * step / 4
    if not enough.any():
        return float("inf")
    return float(np.sqrt((summed[enough] / counted[enough]).max()))


def details(grey: Fine, within: Mask | None = None) -> Fine:
    """A square without its broad shading; NaN outside `within`, which lends nothing to the inside:
    a head throws no halo on the wall behind it."""
    import cv2

    broad = len(grey) * BROAD
    if within is None:
        return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), broad), np.float32)
    inside = within.astype(np.float32)
    shading = cv2.GaussianBlur(grey * inside, (0, 0), broad)
    level = shading / np.maximum(cv2.GaussianBlur(inside, (0, 0), broad), 1e-6)
    return np.where(within, grey - level, np.nan).astype(np.float32)


def tile_correlation(reference: Fine, detail: Fine, *, search: int = SEARCH) -> Fine:
    """(T, T): each tile's greatest correlation with the other's within `search` pixels, in [-1, 1].

    Both are `details`. NaN where the reference is flat, or either is not known (NaN).
    """
    known = ~(np.isnan(reference) | np.isnan(detail))
    reference = np.where(known, reference, 0).astype(np.float32)
    there = np.pad(np.where(known, detail, 0).astype(np.float32), search, mode="reflect")
    spread = _spread(reference)[_GRID]
    mean, its_mean, its_spread = _means(reference)[_GRID], _means(there), _spread(there)
    side, best = len(reference), np.full(spread.shape, -1, np.float32)
    for down, right in product(range(2 * search + 1), repeat=2):
        at = slice(down, down + side), slice(right, right + side)
        common = _means(reference * there[at])[_GRID] - mean * its_mean[at][_GRID]
        # Against half the least contrast at least, so that mere noise agrees with nothing.
        scale = spread * np.maximum(its_spread[at][_GRID], FLAT / 2) + 1e-6
        best = np.maximum(best, common / scale)
    unknown = (spread < FLAT) | (area(known) < COVERED)
    return np.where(unknown, np.nan, np.clip(best, -1, 1)).astype(np.float32)


def area(mask: Mask) -> Fine:
    """(S, S) -> (T, T): the share of each tile that a mask covers."""
    return _means(mask.astype(np.float32))[_GRID]


def largest_patch(agreeing: Mask, unknown: Mask) -> Mask:
    """(T, T): the largest connected patch of tiles that agree, joined also by unknown ones."""
    import cv2

    _, patches = cv2.connectedComponents((agreeing | unknown).astype(np.uint8), connectivity=8)
    sizes = np.bincount(patches[agreeing], minlength=1)
    return np.asarray(agreeing & (patches == sizes.argmax()))


def keypoints(grey: Fine) -> Keypoints | None:
    """SIFT's points of a square, looked for at twice its size; None for fewer than `INLIERS`."""
    import cv2

    large = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    seen = np.clip(large, 0, 255).astype(np.uint8)
    finder = cv2.SIFT.create(nfeatures=600, contrastThreshold=0.02)
    points, described = finder.detectAndCompute(seen, None)
    if described is None or len(points) < INLIERS:
        return None
    places = np.array([point.pt for point in points], np.float32) / 2
    return places.astype(np.float32), np.asarray(described, np.float32)


def placement(reference: Keypoints | None, made: Keypoints | None) -> NDArray[np.float64] | None:
    """The 2 x 3 similarity that lays `made` over `reference`; None if fewer than `INLIERS` points
    agree on one, or if it would shrink or enlarge to more than double."""
    import cv2

    if reference is None or made is None:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(made[1], reference[1], k=2)
    good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < RATIO * p[1].distance]
    if len(good) < INLIERS:
        return None
    source = made[0][[match.queryIdx for match in good]]
    target = reference[0][[match.trainIdx for match in good]]
    cv2.setRNGSeed(0)  # RANSAC draws lots, and a report must come out the same again
    matrix, inside = cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=REACH
    )
    if matrix is None or int(inside.sum()) < INLIERS:
        return None
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    return np.asarray(matrix, np.float64) if 0.5 <= scale <= 2 else None


def laid(made: Fine, matrix: NDArray[np.float64]) -> Fine:
    """`made` moved by a `placement`; NaN where nothing of it lies."""
    import cv2

    size = (len(made), len(made))
    moved = cv2.warpAffine(made, matrix, size, flags=cv2.INTER_LINEAR, borderValue=np.nan)
    return np.asarray(moved, np.float32)


def _spread(square: Fine) -> Fine:
    mean = _means(square)
    return np.asarray(np.sqrt(np.maximum(_means(square * square) - mean * mean, 0)), np.float32)


def _means(square: Fine) -> Fine:
    """(S, S) -> (S, S): the mean of the tile that begins at each pixel."""
    import cv2

    tile = (TILE, TILE)
    means = cv2.boxFilter(square, -1, tile, anchor=(0, 0), borderType=cv2.BORDER_REFLECT)
    return np.asarray(means, np.float32)
