"""What is written: short English and French texts made of templates, and which of them are kept."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sosie.world.people import HELD_OUT_EVERY
from sosie.world.phrases import TEMPLATES, WORDS

LANGUAGES = ("en", "fr")
_SLOT = re.compile(r"\{(\w+)\}")
_TRIES = 60
_NUMBERS = ("price", "time", "short_date", "count", "year")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ACCENTS = "àâäçéèêëîïôöùûüÿœæ"
MARKS = ".,:;!?'-()/&+=%€«»’–"


def is_held_out_text(text: str) -> bool:
    """Whether this text is kept from training: one in `HELD_OUT_EVERY`, by its hash.

    Case, spaces at the ends and the form of accents do not count.
    """
    plain = unicodedata.normalize("NFC", text).strip().lower()
    digest = hashlib.sha1(plain.encode()).digest()
    return digest[0] % HELD_OUT_EVERY == HELD_OUT_EVERY - 1


def word(rng: np.random.Generator, *, language: str | None = None) -> str:
    """One word, number, price, time or date, without spaces."""
    tongue = language or str(rng.choice(LANGUAGES))
    kinds = WORDS[tongue]
    drawn = rng.random()
    if drawn < 0.16:
        return _number(str(rng.choice(_NUMBERS)), tongue, rng)
    while True:
        chosen = str(rng.choice(kinds[str(rng.choice(list(kinds)))]))
        chosen = str(rng.choice(chosen.split(" ")))
        if drawn < 0.45:
            chosen = chosen[0].upper() + chosen[1:]
        if drawn > 0.93:
            chosen += str(rng.choice(list(".,!?:")))
        if len(chosen) > 1:
            return chosen


def text(
    rng: np.random.Generator,
    *,
    language: str | None = None,
    shortest: int = 4,
    longest: int = 40,
) -> str:
    """A text of `shortest` to `longest` characters, on one line, as people leave on notes.

    `language` is "en" or "fr", None for either. Raises ValueError for bounds that leave no room.
    """
    if longest < shortest or longest < 6:
        raise ValueError(f"no text has {shortest} to {longest} characters")
    found = ""
    for _ in range(_TRIES):
        tongue = language or str(rng.choice(LANGUAGES))
        found = fill(str(rng.choice(TEMPLATES[tongue])), tongue, rng)
        if shortest <= len(found) <= longest:
            return found
    one = word(rng, language=language)  # bounds that no template meets: words, one after the other
    while len(one) < shortest or len(one) > longest:
        more = f"{one} {word(rng, language=language)}"
        one = more if len(more) <= longest else word(rng, language=language)
    return one


def fill(template: str, language: str, rng: np.random.Generator) -> str:
    """A template with each {slot} replaced by a word of its list, or by a number of its kind."""

    def replace(match: re.Match[str]) -> str:
        slot = match.group(1)
        listed = WORDS[language].get(slot.lower())
        filled = str(rng.choice(listed)) if listed else _number(slot.lower(), language, rng)
        return filled[0].upper() + filled[1:] if slot[0].isupper() else filled

    return _SLOT.sub(replace, template)


def _number(kind: str, language: str, rng: np.random.Generator) -> str:
    """Digits as people write them in a language."""
    n, hour, minute = int(rng.integers(2, 100)), int(rng.integers(0, 24)), int(rng.integers(0, 60))
    day, month = int(rng.integers(1, 29)), int(rng.integers(1, 13))
    year, cents = int(rng.integers(1900, 2040)), int(rng.integers(0, 100))
    fr = language == "fr"
    if kind == "price":
        return f"{n},{cents:02d}€" if fr else f"€{n}.{cents:02d}"
    if kind == "time":
        clock = hour if fr else hour % 12 + 1
        return f"{clock}h{minute:02d}" if fr else f"{clock}:{minute:02d}"
    if kind == "short_date":
        return f"{day:02d}/{month:02d}/{year}" if rng.random() < 0.5 else f"{day}/{month}"
    if kind == "year":
        return str(year)
    if kind == "count":
        return str(n)
    if kind == "day":
        return str(day)
    if kind == "percent":
        return f"{n} %" if fr else f"{n}%"
    if kind == "phone":
        return " ".join(f"{int(k):02d}" for k in rng.integers(0, 100, 4))
    raise KeyError(f"no list of words and no kind of number is called {kind!r}")


@dataclass(frozen=True)
class Coverage:
    """What a set of texts lets a reader see of a hand, and what it never shows."""

    letters: Counter[str]
    digits: Counter[str]
    accents: Counter[str]
    marks: Counter[str]
    pairs: Counter[str]
    """Two small letters that follow each other in a word."""
    missing: tuple[str, ...]
    """Letters in either case, digits, accented letters and marks that no text has."""


def coverage(texts: Iterable[str]) -> Coverage:
    """Count the characters and pairs of letters in some texts."""
    all_texts = list(texts)
    seen = Counter("".join(all_texts))

    def among(wanted: str) -> Counter[str]:
        return Counter({c: seen[c] for c in wanted if seen[c]})

    both, digits = LETTERS + LETTERS.upper(), "0123456789"
    pairs = Counter(
        a + b for t in all_texts for a, b in pairwise(t) if a in LETTERS and b in LETTERS
    )
    wanted = both + digits + ACCENTS + MARKS
    return Coverage(
        letters=among(both),
        digits=among(digits),
        accents=among(ACCENTS),
        marks=among(MARKS),
        pairs=pairs,
        missing=tuple(c for c in wanted if not seen[c]),
    )
