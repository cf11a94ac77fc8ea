"""Letters in the picture: what is printed or written there, and what somebody stamped on it.

A base draws letters badly, and what many pictures have stamped on them is learned before the
person. Letters are read, but only where a first and faster look finds something like a line.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from sosie.core.records import Box, Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import Case, Family, Rule
from sosie.doctor.rules import frames
from sosie.doctor.view import Bytes, View
from sosie.models import ocr

FIRST_SIDE = 320
"""Longer side in pixels of the first look: at 256 pale stamps on drawn pictures are missed."""
HIGHEST = 0.3
"""Height of a line in longer sides of the picture. Where the first look errs, it mostly takes a
person for a letter: .5 and more. It spares the reader 28 drawn portraits in 30."""
READ_SIDE = 512
"""Longer side in pixels at which letters are read: a date on a photograph is 10 pixels high."""
SURE = 0.7
"""The reader's confidence from which a line counts: pebbles and lace were read with .55 to .67."""
LETTERS = 3
"""Letters and digits below which a line is taken for chance."""
SLANT = 12.0
"""Degrees from level beyond which text lies across a picture rather than in it."""
AGAIN = 3
"""From so many pictures with the same words at the same place, somebody stamped them."""
PLACE = 0.1
"""Shares of the picture's sides within which that is one place: a shirt's letters move more."""
STAMPED = re.compile(
    r"[©®]|\bwww\b|https?:|\.(com|net|org|jp|fr)\b|(?:^|\s)@\w|photo by|copyright|all rights"
    r"|\bsample\b|\bpreview\b|\bproof\b|watermark|shutterstock|getty|istock|alamy|dreamstime"
    r"|depositphotos|123rf|adobe ?stock|pixta|tiktok|instagram|見本|サンプル|著作権",
    re.IGNORECASE,
)
"""What hardly anything but a watermark says."""


class Line(Record):
    """One line that was read."""

    text: str
    box: Box
    """In pixels of the stored picture."""
    slant: float
    """Degrees from level, 0 to 90."""
    at: tuple[float, float]
    """Its middle, in shares of the picture's width and height."""


class Reading(Record):
    """What can be read in a picture."""

    lines: tuple[Line, ...]


Lines = Mapping[int, Sequence[Line]]
"""By item number."""


def _measure(view: View) -> Record:
    lines = tuple(_lines(view)) if _worth_reading(view.small) else ()
    return Reading(lines=lines)


def _worth_reading(rgb: Bytes) -> bool:
    quads = ocr.find(_scaled(rgb, FIRST_SIDE))
    heights = (float(np.linalg.norm(quad[3] - quad[0])) for quad in quads)
    return any(height <= HIGHEST * FIRST_SIDE for height in heights)


def _scaled(rgb: Bytes, side: int) -> Bytes:
    """The picture with its longer side at `side`: enlarged letters are read more often too."""
    import cv2

    resize = side / max(rgb.shape)
    how = cv2.INTER_AREA if resize < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, None, fx=resize, fy=resize, interpolation=how), np.uint8)


def _lines(view: View) -> Iterator[Line]:
    rgb = _scaled(view.small, READ_SIDE)
    height, width = view.rgb.shape[:2]
    back = max(height, width) / READ_SIDE
    for found in ocr.read(rgb):
        if found.score < SURE or sum(letter.isalnum() for letter in found.text) < LETTERS:
            continue
        (left, top), (right, bottom) = found.quad.min(0) * back, found.quad.max(0) * back
        along = found.quad[1] - found.quad[0]
        slant = abs(float(np.degrees(np.arctan2(along[1], along[0]))))
        box = Box(
            left=int(np.clip(left, 0, width - 1)),
            top=int(np.clip(top, 0, height - 1)),
            right=int(np.clip(np.ceil(right), left + 1, width)),
            bottom=int(np.clip(np.ceil(bottom), top + 1, height)),
        )
        yield Line(
            text=found.text,
            box=box,
            slant=round(min(slant, 180 - slant), 1),
            at=(
                round((box.left + box.right) / 2 / width, 3),
                round((box.top + box.bottom) / 2 / height, 3),
            ),
        )


FAMILY = Family("letters", 2, Reading, _measure)


def _read(case: Case) -> Lines:
    """What was read on each picture, less the words of a phone's own bars."""
    bars = {number: r.bars for number, r in case.read(frames.FAMILY, frames.Reading)}
    return {
        number: [line for line in r.lines if not _on(bars.get(number, ()), line.box)]
        for number, r in case.read(FAMILY, Reading)
    }


def _on(bars: Sequence[Box], box: Box) -> bool:
    return any(bar.top <= (box.top + box.bottom) / 2 <= bar.bottom for bar in bars)


def _stamped(read: Lines) -> Lines:
    """What somebody may have stamped on the pictures."""
    said = defaultdict(list)
    for number, lines in read.items():
        for line in lines:
            said[_words(line)].append((number, line.at))

    def again(line: Line) -> bool:
        near = (n for n, at in said[_words(line)] if np.abs(np.subtract(at, line.at)).max() < PLACE)
        return len(set(near)) >= AGAIN

    found = defaultdict(list)
    for number, lines in read.items():
        for line in lines:
            if STAMPED.search(line.text) or line.slant > SLANT or again(line):
                found[number].append(line)
    return found


def _words(line: Line) -> str:
    return "".join(letter for letter in line.text.lower() if letter.isalnum())


def _found(case: Case, rule: str, found: Lines) -> Iterator[Finding]:
    """One finding naming every picture with such lines, that with most letters first."""
    letters = {number: sum(len(line.text) for line in lines) for number, lines in found.items()}
    numbers = sorted((n for n in letters if letters[n]), key=lambda n: -letters[n])
    if numbers:
        yield case.finding(
            rule,
            "warning",
            numbers,
            value=letters[numbers[0]],
            boxes=[(number, line.box) for number in numbers for line in found[number]],
            text=found[numbers[0]][0].text,
        )


def _watermark(case: Case) -> Iterator[Finding]:
    return _found(case, "letters.watermark", _stamped(_read(case)))


def _text(case: Case) -> Iterator[Finding]:
    read = _read(case)
    stamped = _stamped(read)
    rest = {
        number: [line for line in lines if line not in stamped.get(number, ())]
        for number, lines in read.items()
    }
    return _found(case, "letters.text", rest)


RULES = (
    Rule(
        name="letters.text",
        judge=_text,
        needs=(FAMILY, frames.FAMILY),
        unit="letters",
        advisory=True,
    ),
    Rule(
        name="letters.watermark",
        judge=_watermark,
        needs=(FAMILY, frames.FAMILY),
        unit="letters",
    ),
)
