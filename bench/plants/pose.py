"""Faults of view: one too often, one missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bench.plants import Plant, Shot
from sosie.world.people import person
from sosie.world.photo import choose, photo


def age_of(who: int) -> int:
    """The age in years at which the sets show the person of this seed."""
    return 25 + who % 40


def fixed_in(shot: Shot) -> dict[str, object]:
    """What `photo` needs besides the seeds to draw a shot again."""
    return {"age": age_of(shot.who), **shot.drawn}


def again(shot: Shot, **fixed: object) -> Shot:
    """The same picture drawn again with something changed."""
    drawn = photo(
        person(shot.who), seed=shot.setting, size=len(shot.rgb), **{**fixed_in(shot), **fixed}
    )
    return replace(shot, rgb=drawn.picture)


def some(shots: list[Shot], count: int, r: np.random.Generator) -> list[int]:
    """Which pictures a fault goes into."""
    return sorted(r.choice(len(shots), min(count, len(shots)), replace=False).tolist())


def _same(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """One side of the face in nearly every picture: 12, 14 or all 15 of 15."""
    yaw = float(r.choice([0.0, 32.0, -32.0]))
    out = list(shots)
    for number in some(shots, (12, 14, 15)[strength] * len(shots) // 15, r):
        out[number] = again(shots[number], yaw=yaw + r.normal(0, 3))
    return out


def _missing(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """No front view: those there are, are turned away by 22, 32 or 45 degrees."""
    out = []
    for shot in shots:
        truth: Any = choose(person(shot.who), shot.setting, **fixed_in(shot))
        turned = (22.0, 32.0, 45.0)[strength] * float(r.choice([-1, 1]))
        near = abs(truth.yaw) < abs(turned)
        out.append(again(shot, yaw=turned + r.normal(0, 2)) if near else shot)
    return out


def _expression(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """One expression in 70, 90 or 100 of 100 pictures."""
    worn = str(r.choice(["neutral", "smiling", "serious"]))
    out = list(shots)
    for number in some(shots, round((0.7, 0.9, 1.0)[strength] * len(shots)), r):
        out[number] = again(shots[number], expression=worn)
    return out


PLANTS: dict[str, Plant] = {
    "pose.same": _same,
    "pose.missing": _missing,
    "pose.expression": _expression,
}
