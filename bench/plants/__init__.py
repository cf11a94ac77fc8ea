"""Faults to plant in good sets, one module a family of the doctor's rules.

Each module has `PLANTS`: the rule's name -> a function (shots, strength 0, 1 or 2, generator) that
returns the set with that fault in it, and nothing else wrong. A module's `GOOD` names the rules
that do not call every good set good, and what they would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture of a set before it is filed."""

    rgb: NDArray[np.uint8]
    """(H, W, 3)."""
    caption: str
    setting: int
    """The seed it was drawn with: `photo(person(who), seed=setting)` draws it again, changed."""
    who: int
    """The seed of the person."""
    drawn: Mapping[str, object] = field(default_factory=dict)
    """What else was fixed when it was drawn."""
    iso: int | None = None
    """What the camera says of its sensitivity; None: there is no camera."""


Plant = Callable[[list[Shot], int, np.random.Generator], list[Shot]]
Good = Callable[[list[Shot]], list[Shot]]


def spoiled(
    shots: list[Shot],
    r: np.random.Generator,
    change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    count: int = 3,
) -> list[Shot]:
    """The set with `count` of its pictures changed, drawn by the generator."""
    which = set(r.choice(len(shots), min(count, len(shots)), replace=False).tolist())
    return [
        replace(shot, rgb=change(shot.rgb)) if number in which else shot
        for number, shot in enumerate(shots)
    ]
