"""Exact nearest neighbours among vectors, by matrix products in blocks: no index, no approximation.

Up to about ten million vectors the plain product of all pairs is as fast as an index is worth its
error. Memory stays bounded whatever the number: a block of products, the best so far of each query,
and for the join what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

BLOCK = 4096
"""Gallery rows multiplied at a time."""
QUERIES = 1024
"""Query rows multiplied at a time: a block of products is then 16 MiB, and stays in the cache of a
large processor while it is looked through."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """For each query its nearest gallery rows, the nearest first, ties by the lower row."""

    rows: NDArray[np.int64]
    """(Q, k)."""
    scores: Vectors
    """(Q, k): dot products, cosines if all vectors have unit length."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """All pairs at or above a threshold, by query and then by gallery row."""

    queries: NDArray[np.int64]
    rows: NDArray[np.int64]
    scores: Vectors


def top_k(
    queries: Vectors,
    gallery: Vectors | Iterable[Vectors],
    k: int = 1,
    *,
    on_rows: Callable[[int], None] = lambda done: None,
) -> Nearest:
    """The `k` rows of `gallery` with the greatest dot product, for each row of `queries`.

    `queries` is (Q, D); `gallery` (N, D), or its blocks one after the other where it would not fit
    in memory. If N < k, all N are given. `on_rows` hears how many gallery rows are done.

    Raises ValueError if a vector holds what is no finite number.
    """
    count = len(queries)
    scores = np.full((count, k), -np.inf, np.float32)
    rows = np.full((count, k), -1, np.int64)
    seen = 0
    for start, block in _blocks(gallery):
        for first in range(0, count, QUERIES):
            here = slice(first, first + QUERIES)
            _improve(scores[here], rows[here], _products(queries[here], block, start), start)
        seen = start + len(block)
        on_rows(seen)
    return Nearest(rows[:, :seen], scores[:, :seen])


def join(
    queries: Vectors,
    gallery: Vectors | Iterable[Vectors],
    threshold: float,
    *,
    at_most: int = 10_000_000,
    on_rows: Callable[[int], None] = lambda done: None,
) -> Pairs:
    """Every pair with a dot product of at least `threshold`.

    Raises OverflowError if more than `at_most` pairs are found: a threshold that low says nothing;
    ValueError if a vector holds what is no finite number.
    """
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], Vectors]] = []
    count = 0
    for start, block in _blocks(gallery):
        for first in range(0, len(queries), QUERIES):
            products = _products(queries[first : first + QUERIES], block, start)
            # A maximum per row is one pass at memory speed; the rest only looks at rows that hit.
            hit = np.flatnonzero(products.max(axis=1) >= threshold)
            if len(hit):
                where, column = np.nonzero(products[hit] >= threshold)
                row = hit[where]
                parts.append((row + first, column + start, products[row, column]))
                count += len(row)
                if count > at_most:
                    raise OverflowError(f"more than {at_most:,} pairs reach {threshold}")
        on_rows(start + len(block))
    if not parts:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    query, row, score = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((row, query))
    return Pairs(query[order], row[order], score[order])


def _blocks(gallery: Vectors | Iterable[Vectors]) -> Iterator[tuple[int, Vectors]]:
    start = 0
    for part in [gallery] if isinstance(gallery, np.ndarray) else gallery:
        for first in range(0, len(part), BLOCK):
            block = np.ascontiguousarray(part[first : first + BLOCK], np.float32)
            yield start, block
            start += len(block)


def _products(queries: Vectors, block: Vectors, start: int) -> Vectors:
    """(Q, B). A row that is not finite would hide others, since no comparison with it holds."""
    with np.errstate(invalid="ignore", over="ignore"):
        products = queries @ block.T
    if not np.isfinite(products).all():
        rows = np.flatnonzero(~np.isfinite(block).all(axis=1)) + start
        which = f"row {rows[0]} of the gallery" if len(rows) else "a query"
        raise ValueError(f"Vectors must be finite to be compared, and {which} is not.")
    return products


def _improve(scores: Vectors, rows: NDArray[np.int64], products: Vectors, start: int) -> None:
    """Put what is better in `products`, of the gallery rows from `start` on, into the best so far:
    `scores` and `rows`, (Q, k), in place."""
    k = scores.shape[1]
    bar = scores[:, -1]
    if not np.isfinite(bar).all() and products.shape[1] > k:
        # Nothing to beat yet: the block's own k-th best is a bar that loses nothing.
        bar = np.maximum(bar, np.partition(products, -k, axis=1)[:, -k])
        better = products >= bar[:, None]
        touched = np.arange(len(products))
    else:
        # A maximum per row is one pass at the speed of memory; later blocks better few rows.
        touched = np.flatnonzero(products.max(axis=1) > bar)
        better = products[touched] > bar[touched, None]
    if not len(touched):
        return
    where, column = np.nonzero(better)
    owner = np.concatenate([np.repeat(np.arange(len(touched)), k), where])
    score = np.concatenate([scores[touched].ravel(), products[touched[where], column]])
    row = np.concatenate([rows[touched].ravel(), column + start])
    order = np.lexsort((row, -score, owner))
    firsts = np.searchsorted(owner[order], np.arange(len(touched)))
    chosen = order[firsts[:, None] + np.arange(k)]
    scores[touched], rows[touched] = score[chosen], row[chosen]
