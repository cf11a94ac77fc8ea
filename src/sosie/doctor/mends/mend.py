"""What a mend is made of.

A mend looks at one picture, with what is known of it from the set, and gives a new one and words
for what was done. It refuses (BadInput, the reason as its message) where it would invent detail or
where there is nothing to mend. A new mend is one function and one line in `table.MENDS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator

from sosie.core.records import Box, Record
from sosie.core.terms import Kind
from sosie.doctor.rules.skin import Reading as Skin
from sosie.doctor.view import Bytes, View

SIDES = ("left", "top", "right", "bottom")
FORM = "four whole numbers LEFT,TOP,RIGHT,BOTTOM, right beyond left and bottom beyond top"


def _as_box(given: object) -> object:
    """Four numbers, in a list or in a text, as the sides of a box. Raises ValueError, naming the
    form, for any other text or list, and for a box that holds nothing.
    """
    if isinstance(given, str):
        written = re.fullmatch(r" *([0-9]+)" + 3 * r" *, *([0-9]+)" + " *", given)
        given = [int(number) for number in written.groups()] if written else []
    if isinstance(given, list | tuple):
        numbers = len(given) == len(SIDES) and all(isinstance(one, int) for one in given)
        if not numbers or min(given) < 0 or given[2] <= given[0] or given[3] <= given[1]:
            raise ValueError(f"it takes {FORM}")
        return dict(zip(SIDES, given, strict=True))
    return given


def shared(a: Box, b: Box) -> int:
    """Pixels that two boxes have in common."""
    across = min(a.right, b.right) - max(a.left, b.left)
    return max(0, across) * max(0, min(a.bottom, b.bottom) - max(a.top, b.top))


Place = Annotated[Box, BeforeValidator(_as_box)]
"""A box as users write it: LEFT,TOP,RIGHT,BOTTOM in pixels of the stored picture."""


@dataclass(frozen=True)
class Known:
    """What is known of a picture before it is mended."""

    side: int = 512
    """Pixels of the square that the base is trained at."""
    usual: Skin | None = None
    """The person's skin in the whole set, as medians; None where the set is too small to tell."""
    person: Box | None = None
    """Which face is the person's, where the set can tell."""
    marked: tuple[Box, ...] = ()
    """Where the finding that this mend answers points on the picture."""
    marks: tuple[Box, ...] = ()
    """The person's own marks: moles that several pictures show."""


class Plain(Record):
    """The options of a mend that has none."""


Act = Callable[[View, Any, Known], tuple[Bytes, str]]


@dataclass(frozen=True)
class Mend:
    """One way to mend a picture."""

    name: str
    """As a user types it."""
    what: str
    """What it does, in a few words."""
    act: Act
    options: type[Record] = Plain
    safe: bool = False
    """It leaves every part of a face as it was, or changes the whole picture alike."""
    kinds: tuple[Kind, ...] = ("person",)
    tells: str = field(default="", kw_only=True)
    """What its caption may still say of what is no longer seen: "the background"."""
