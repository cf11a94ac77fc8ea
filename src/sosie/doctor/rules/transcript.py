"""What the captions say is written: whether it is said at all, and what all of it covers.

A letter that is never written cannot be learned, and a slip that the caption repeats, or corrects,
is learned as the way to write that word. So the transcript comes first, and it says what stands
there, letter by letter.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator

import numpy as np

from sosie.core.quoted import plain, quoted
from sosie.core.records import Record
from sosie.doctor.records import Finding, NotExamined, Severity
from sosie.doctor.rule import Case, Family, Rule, Unread
from sosie.doctor.view import View
from sosie.models.ocr import read

DIGITS = string.digits
PUNCTUATION = ".,?!'-:;\"()"
FRENCH = "éèêàç"
"""Letters whose presence says that a set is French; then all of them are wanted."""
PAIRS = {
    "en": "th he in er an re nd on en at ou ed ha to or it is hi es ng",
    "fr": "es le de en re nt on er te el an se et la is me ou it ti us",
}
"""The commonest pairs of letters: joins are learned pair by pair."""
NAMED = 12
"""At most so many are named of what is missing."""
UNLIKE = 0.45
"""Share of the letters read that the transcript does not hold: what the reader sees of drawn notes
it sees well, and another note's text differs by .6 and more."""
LEAST_READ = 8
"""Letters that must be read before they are compared."""
LATIN = 0.6
"""Share of Latin letters from which on the Latin alphabet is wanted."""


class Reading(Record):
    """What a reader of print makes of the note."""

    lines: tuple[str, ...]
    """Folded letters and digits alone, line by line."""


def _measure(view: View) -> Record:
    lines = tuple(filter(None, (_letters(line.text) for line in read(view.small, upright=True))))
    if sum(map(len, lines)) < LEAST_READ:
        return Unread(reason="the text reader could not read this hand")
    return Reading(lines=lines)


FAMILY = Family("transcript", 2, Reading, _measure)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", plain(text))


def unlike(line: str, text: str) -> int:
    """Fewest letters to change, add or drop so that `line` stands somewhere in `text`."""
    known = np.array(list(text))
    costs = np.zeros(len(text) + 1, np.int64)
    for letter in line:
        # Change or keep, or drop the letter; then letters of the text that the line skips.
        best = np.minimum(costs[:-1] + (known != letter), costs[1:] + 1)
        row = np.concatenate([[costs[0] + 1], best])
        steps = np.arange(len(row))
        costs = np.minimum.accumulate(row - steps) + steps
    return int(costs.min())


def _mismatch(case: Case) -> Iterator[Finding | NotExamined]:
    """A transcript of something else. Only advice: the reader was made for print, so only a strong
    mismatch counts, lines that it does not see are no fault, and slips are beyond it."""
    far, bare = [], []
    for number, reading in case.read(FAMILY, Reading):
        text = _letters(quoted(case.dataset.items[number].caption))
        if not text:
            bare.append(number)
        else:
            letters = sum(map(len, reading.lines))
            far.append((sum(unlike(line, text) for line in reading.lines) / letters, number))
    if bare:
        yield case.unexamined("transcript.mismatch", "the caption quotes no letters", bare)
    bad = sorted(((share, number) for share, number in far if share > UNLIKE), reverse=True)
    if bad:
        yield case.finding(
            "transcript.mismatch",
            "advice",
            [number for _, number in bad],
            value=round(bad[0][0], 3),
            threshold=UNLIKE,
        )


def _missing(case: Case) -> Iterator[Finding]:
    """Without a transcript nobody knows which letters a stroke was; without any, all is wasted."""
    items = case.dataset.items
    bare = [number for number, item in enumerate(items) if not quoted(item.caption)]
    if bare:
        severity: Severity = "blocker" if len(bare) == len(items) else "warning"
        yield case.finding("transcript.missing", severity, bare, value=len(bare), threshold=0)


def wanted(text: str) -> dict[str, list[str]]:
    """What a set in the language of `text` should hold, by the kind of thing."""
    low = text.casefold()
    french = any(letter in low for letter in FRENCH)
    letters = list(string.ascii_lowercase) + (list(FRENCH) if french else [])
    return {
        "letters": letters,
        "digits": list(DIGITS),
        "punctuation": list(PUNCTUATION),
        "pairs": PAIRS["fr" if french else "en"].split(),
    }


def lacking(text: str) -> dict[str, list[str]]:
    """What of `wanted` the text does not hold; nothing is wanted of other alphabets."""
    folded = plain(text)
    letters = [letter for letter in folded if letter.isalpha()]
    latin = sum("LATIN" in unicodedata.name(letter, "") for letter in letters)
    if not letters or latin < LATIN * len(letters):
        return {}
    return {
        kind: [part for part in parts if part not in folded]
        for kind, parts in wanted(folded).items()
    }


def _coverage(case: Case) -> Iterator[Finding | NotExamined]:
    said = [quoted(item.caption) for item in case.dataset.items]
    text = "\n".join(part for part in said if part)
    absent = lacking(text)
    if not absent:
        yield case.unexamined("transcript.coverage", "only Latin letters are counted")
    for kind, parts in absent.items():
        if not parts:
            continue
        severity: Severity = "warning" if kind == "letters" else "advice"
        named = " ".join(parts[:NAMED]) + (" …" if len(parts) > NAMED else "")
        yield case.finding(
            "transcript.coverage",
            severity,
            value=len(parts),
            threshold=0,
            which=kind,
            lacking=named,
        )


RULES = (
    Rule(name="transcript.missing", judge=_missing, kinds=("handwriting",), unit="notes"),
    Rule(
        name="transcript.mismatch",
        judge=_mismatch,
        needs=(FAMILY,),
        kinds=("handwriting",),
        unit="share of the letters read",
    ),
    Rule(
        name="transcript.coverage",
        judge=_coverage,
        kinds=("handwriting",),
        unit="characters or pairs",
        missing=True,
    ),
)
