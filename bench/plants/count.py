"""Too few pictures."""

from __future__ import annotations

import numpy as np

from bench.plants import Plant, Shot

LEFT = (9, 6, 3)
"""Pictures that are left."""


def few(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """A set cut short."""
    return shots[: LEFT[strength]]


PLANTS: dict[str, Plant] = {"count.few": few}
