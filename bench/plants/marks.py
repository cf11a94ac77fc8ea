"""Faults of marks: one that comes and goes; and one to keep."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from bench.plants import Good, Plant, Shot
from bench.plants.pose import fixed_in, some
from sosie.world.people import person
from sosie.world.photo import choose, photo

RADIUS = (0.002, 0.0026, 0.0034)
"""Metres: a mark of four, five and nearly seven millimetres."""


@lru_cache(maxsize=16)
def _marked(shot: Shot, radius: float, side: int) -> Shot:
    """The same picture of the same person with one mole, on the cheek.

    Both plants begin with it: the last set is kept.
    """
    return _with(shot, ((side * 0.42, 0.002, radius),))


def _with(shot: Shot, moles: tuple[tuple[float, float, float], ...]) -> Shot:
    """The same picture with these moles and no others."""
    who = replace(person(shot.who), moles=moles)
    size = len(shot.rgb)
    fixed = {**fixed_in(shot), "beard": "none"}
    return replace(shot, rgb=photo(who, seed=shot.setting, size=size, **fixed).picture)


def _kept(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """One mole in every picture."""
    side = int(r.choice([-1, 1]))
    return [_marked(shot, RADIUS[strength], side) for shot in shots]


def _some(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """A mole that is on the other cheek in two pictures seen from the front: they are mirrored."""
    out = _kept(shots, strength, r)
    front = [n for n, shot in enumerate(shots) if abs(_yaw(shot)) < 12]
    picked = [front[i] for i in some([shots[n] for n in front], 2, r)]
    for number in picked:
        out[number] = replace(out[number], rgb=np.ascontiguousarray(out[number].rgb[:, ::-1]))
    return out


def _yaw(shot: Shot) -> float:
    return choose(person(shot.who), shot.setting, **fixed_in(shot)).yaw


PLANTS: dict[str, Plant] = {"marks.some": _some, "marks.kept": _kept}
GOOD: dict[str, Good] = {"marks.kept": lambda shots: [_with(shot, ()) for shot in shots]}
