"""Faults of marks: one that comes and goes; and one to keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.plants import Plant, Shot
from bench.plants.pose import age_of, some
from sosie.world.people import person
from sosie.world.photo import choose, photo

RADIUS = (0.002, 0.0026, 0.0034)
"""Metres: a mark of four, five and nearly seven millimetres."""


def _marked(shot: Shot, radius: float, side: int) -> Shot:
    """The same picture of the same person with one mole, on the cheek."""
    who = replace(person(shot.who), moles=((side * 0.42, 0.002, radius),))
    size = len(shot.rgb)
    drawn = photo(who, seed=shot.setting, age=age_of(shot.who), size=size, beard="none")
    return replace(shot, rgb=drawn.picture)


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
    return choose(person(shot.who), shot.setting, age=age_of(shot.who)).yaw


PLANTS: dict[str, Plant] = {"marks.some": _some, "marks.kept": _kept}
