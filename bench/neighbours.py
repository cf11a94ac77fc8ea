"""Exact top-k and threshold join, as a share of the machine's matrix-product roof.

The roof is a plain product of the same blocks, timed in turn with the others, in seconds of
processor time; faiss-cpu's flat index stands beside it where it is installed. `SOSIE_BENCH_ROWS`
and `SOSIE_BENCH_QUERIES` set the size; memory does not grow with the rows.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from statistics import median

import numpy as np

from sosie.models import neighbours
from sosie.models.neighbours import BLOCK, QUERIES, Vectors

ROWS = int(os.environ.get("SOSIE_BENCH_ROWS", "200000"))
ASKED = int(os.environ.get("SOSIE_BENCH_QUERIES", "1000"))
WIDTH = 512
ROUNDS = 3
JOINED = 0.2
"""Cosine of the join: between random directions of 512 numbers it is five deviations."""


def unit(rows: int, seed: int) -> Vectors:
    """Random directions."""
    vectors = np.random.default_rng(seed).standard_normal((rows, WIDTH), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def gallery() -> Iterator[Vectors]:
    """The gallery in parts that are made one at a time, so that it never lies in memory whole."""
    for start in range(0, ROWS, BLOCK):
        yield unit(min(BLOCK, ROWS - start), start + 1)


def seconds(act: Callable[[], object]) -> float:
    """Processor time of one call."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def shown(what: str) -> Callable[[int], None]:
    """Progress on standard error."""
    return lambda done: print(f"\r{what}: {done:,} of {ROWS:,}", end="", file=sys.stderr)


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    asked = unit(ASKED, 0)
    making = seconds(lambda: [None for _ in gallery()])

    def roof() -> None:
        for block in gallery():
            for first in range(0, ASKED, QUERIES):
                _ = asked[first : first + QUERIES] @ block.T

    searches: dict[str, Callable[[], object]] = {
        "top 1": lambda: neighbours.top_k(asked, gallery(), 1, on_rows=shown("top 1")),
        "top 10": lambda: neighbours.top_k(asked, gallery(), 10, on_rows=shown("top 10")),
        "threshold join": lambda: neighbours.join(
            asked, gallery(), JOINED, on_rows=shown("threshold join")
        ),
    }
    ratios: dict[str, list[float]] = {name: [] for name in searches}
    speed = []
    for _ in range(ROUNDS):
        plain = seconds(roof) - making
        speed.append(2 * ROWS * ASKED * WIDTH / plain / 1e9)
        for name, search in searches.items():
            ratios[name].append(plain / (seconds(search) - making))
    print(file=sys.stderr)
    size = f"{ASKED:,} x {ROWS:,}, {WIDTH} numbers"
    rows = [(f"matrix-product roof, {size}", f"{median(speed):.0f} GFLOP/s a core", "")]
    for name, shares in ratios.items():
        rows.append((f"{name}, share of the roof", f"{median(shares):.0%}", "80%"))
    return [*rows, *_faiss(asked, median(speed))]


def _faiss(asked: Vectors, roof: float) -> list[tuple[str, str, str]]:
    if find_spec("faiss") is None:
        return [("faiss-cpu flat", "not installed", "")]
    faiss = import_module("faiss")
    faiss.omp_set_num_threads(1)
    rows = []
    for k in (1, 10):
        spent = 0.0
        for block in gallery():
            index = faiss.IndexFlatIP(WIDTH)
            index.add(block)
            spent += seconds(lambda index=index, k=k: index.search(asked, k))  # type: ignore[misc]
        share = 2 * ROWS * ASKED * WIDTH / spent / 1e9 / roof
        rows.append((f"faiss-cpu flat, top {k}, share of the roof", f"{share:.0%}", ""))
    return rows
