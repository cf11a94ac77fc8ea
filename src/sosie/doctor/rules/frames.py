"""Screenshots: a picture with the bars of a screen above or below it.

The person is small in them, and the bars are learned as part of every picture. Bars without any
sign are those of `pixels.bars`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sosie.core.records import Box, Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import Case, Family, Rule
from sosie.doctor.view import Floats, View

HEIGHT = (0.03, 0.45)
"""Least and greatest height of a screen's bar, in heights of the picture."""
GROUND = 8.0
"""Levels of 255 within which a pixel is of the bar's ground."""
ENDS = 0.75
"""Share of a line that leaves the ground where the bar ends."""
QUIET = 0.02
"""Share of a line that may leave it just before that: a scene's own edges are not so straight."""
SIGNS = (0.003, 0.3)
"""Share of a bar that clock, battery and buttons cover."""
SAYING_SO = (
    "screenshot",
    "screen shot",
    "capture d’écran",
    "capture d'écran",
    "スクリーンショット",
)
"""What phones and computers write into the file or its name."""


class Reading(Record):
    """What tells a screenshot."""

    bars: tuple[Box, ...]
    """Bars of a screen at top and bottom, in pixels of the stored picture."""
    told: bool
    """Whether the file says of itself that it is one."""


def _measure(view: View) -> Record:
    said = str(view.exif.get("UserComment", ""))
    return Reading(bars=tuple(_bars(view)), told=_says_so(said))


def _bars(view: View) -> Iterator[Box]:
    height, width = view.rgb.shape[:2]
    for lines, below in ((view.grey, False), (view.grey[::-1], True)):
        if deep := _bar(lines * np.float32(255)):
            tall = min(height, round(deep / view.scale))
            top = height - tall if below else 0
            yield Box(left=0, top=top, right=width, bottom=top + tall)


def _bar(lines: Floats) -> int:
    """How many lines from the start are a bar with signs on it; 0 if there is none."""
    least, most = (round(share * len(lines)) for share in HEIGHT)
    ground = np.median(lines[: max(1, least)])
    other = (np.abs(lines[: most + 1] - ground) > GROUND).mean(1)
    ends = np.flatnonzero(other > ENDS)
    if not len(ends) or not max(2, least) <= ends[0] <= most:
        return 0
    deep = int(ends[0])
    quiet = max(other[:2].max(), other[deep - 2 : deep].max()) < QUIET
    return deep if quiet and SIGNS[0] < other[:deep].mean() < SIGNS[1] else 0


def _says_so(text: str) -> bool:
    return any(words in text.lower() for words in SAYING_SO)


FAMILY = Family("frames", 2, Reading, _measure, original=True)


def _screenshot(case: Case) -> Iterator[Finding]:
    found = [
        (number, reading)
        for number, reading in case.read(FAMILY, Reading)
        # A name is no part of a picture, so no reading holds it.
        if reading.bars or reading.told or _says_so(case.dataset.items[number].file_name)
    ]
    found.sort(key=lambda entry: -len(entry[1].bars))
    if found:
        yield case.finding(
            "frames.screenshot",
            "warning",
            [number for number, _ in found],
            value=len(found[0][1].bars),
            boxes=[(number, bar) for number, reading in found for bar in reading.bars],
        )


RULES = (Rule(name="frames.screenshot", judge=_screenshot, needs=(FAMILY,), unit="bars"),)
