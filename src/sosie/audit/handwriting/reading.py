"""Is it written right? What the reader makes of a line against what it should say.

A reader of print errs on every hand, so that a raw error says little. What counts is what it errs
more than on the writer's own lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sosie.audit.intervals import Interval, difference_interval, ratio_interval, share_interval
from sosie.core.quoted import plain


@dataclass(frozen=True)
class Misread:
    """A line that was read."""

    wrong: int
    """Characters to change, add or drop; no more than there are, so that a line which is not
    writing at all is wholly wrong and no more."""
    of: int
    """Characters of the text, at least 1."""


def misread(read: str, text: str) -> Misread:
    """How far what was read is from the text. Capitals, spaces and the form of quotation marks do
    not count: the reader was made for print, and guesses these of a hand.

    Raises ValueError for a text without characters.
    """
    said, meant = ("".join(plain(words).split()) for words in (read, text))
    if not meant:
        raise ValueError("there is nothing to read")
    return Misread(wrong=min(edits(said, meant), len(meant)), of=len(meant))


def edits(one: str, other: str) -> int:
    """Fewest characters to change, add or drop that make one of the other (Levenshtein 1966)."""
    letters = np.array(list(other))
    steps = np.arange(len(other) + 1)
    costs = steps
    for letter in one:
        best = np.minimum(costs[:-1] + (letters != letter), costs[1:] + 1)
        row = np.concatenate([[costs[0] + 1], best])
        costs = np.minimum.accumulate(row - steps) + steps
    return int(costs[-1])


def error(lines: Sequence[Misread], groups: Sequence[int] | None = None) -> Interval | None:
    """Character error rate: wrong characters over all; None for no line. A group is a text.

    The wider of the bootstrap over texts, which has no width where nothing was misread, and the
    exact interval over characters, which are no independent witnesses.
    """
    wrong, of = [line.wrong for line in lines], [line.of for line in lines]
    exact, drawn = share_interval(sum(wrong), sum(of)), ratio_interval(wrong, of, groups=groups)
    if exact is None or drawn is None:
        return None
    return _wider(drawn, exact.low, exact.high)


def above(
    made: Sequence[Misread], groups: Sequence[int], own: Mapping[int, Misread]
) -> Interval | None:
    """The error of the `made` lines less that of the writer's `own`, by group: a text that both
    wrote is a pair. None for no line on one of the sides. As wide as `error` at least."""
    sides = [
        ([line.wrong for line in lines], [line.of for line in lines], names)
        for lines, names in ((made, groups), (list(own.values()), list(own)))
    ]
    found = difference_interval(*sides)
    if found is None:
        return None
    first, second = (share_interval(sum(wrong), sum(of)) for wrong, of, _ in sides)
    assert first is not None and first.high is not None, "there are characters"
    assert second is not None and second.high is not None, "there are characters"
    return _wider(found, first.value - second.high, first.high - second.value)


def _wider(found: Interval, low: float | None, high: float | None) -> Interval:
    """The interval with its ends no nearer than these."""
    if found.low is None or found.high is None or low is None or high is None:
        return found
    ends = {"low": min(found.low, low), "high": max(found.high, high)}
    return found.model_copy(update=ends)
