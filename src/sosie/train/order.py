"""Which pictures come when: a function of the seed and the number of the batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from sosie.train.seeds import generator


@dataclass(eq=False)
class Order:
    """Full batches, each out of one bucket; every picture as often as any other, within one.

    Buckets take turns in proportion to their size, the one furthest behind first; inside a bucket,
    permutation follows permutation without a gap, so that no batch is ever short.
    """

    sizes: Sequence[int]
    """Rows in each bucket."""
    batch: int
    seed: int
    purpose: str
    _drawn: list[int] = field(init=False)
    _waiting: list[list[int]] = field(init=False)
    _rounds: list[int] = field(init=False)
    _batches: int = 0

    def __post_init__(self) -> None:
        self._drawn = [0] * len(self.sizes)
        self._waiting = [[] for _ in self.sizes]
        self._rounds = [0] * len(self.sizes)

    def __iter__(self) -> Iterator[tuple[int, list[int]]]:
        return self

    def __next__(self) -> tuple[int, list[int]]:
        """The next batch: its bucket and the rows in it."""
        self._batches += 1
        whole = sum(self.sizes)
        behind = [
            size * self._batches / whole - drawn
            for size, drawn in zip(self.sizes, self._drawn, strict=True)
        ]
        bucket = behind.index(max(behind))
        self._drawn[bucket] += 1
        waiting = self._waiting[bucket]
        while len(waiting) < self.batch:
            waiting += self._permutation(bucket)
        self._waiting[bucket] = waiting[self.batch :]
        return bucket, waiting[: self.batch]

    def skip(self, batches: int) -> None:
        """Go past what an interrupted run already taught."""
        for _ in range(batches):
            next(self)

    def _permutation(self, bucket: int) -> list[int]:
        source = generator(self.purpose, self.seed, bucket, self._rounds[bucket])
        self._rounds[bucket] += 1
        rows: list[int] = torch.randperm(self.sizes[bucket], generator=source).tolist()
        return rows
