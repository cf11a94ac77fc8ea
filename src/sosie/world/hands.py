"""Who writes: a writer is a seed, and everything about their hand that stays the same.

A hand is a family of letter shapes (`letters.py`) as one writer writes it. Writers of one family
still differ: each has a slant, a width, long or short stems, a way to bend every single letter,
and, where letters do not touch, some letters learned from a second family.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np

from sosie.core.errors import BadInput
from sosie.world import tables
from sosie.world.letters import Family, Glyph, clans, family, vector
from sosie.world.model import Floats
from sosie.world.people import HELD_OUT_EVERY

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
USUAL_SIZE = 0.22
"""What `evened` makes of `Writer.size`."""
USUAL_PITCH = 0.82
"""What it makes of the mean advance of the `_COMMON` letters, in x-heights."""
_COMMON = "etaoinsrhldu"
"""Those that English and French are mostly written with."""
_ALIKE = 1.4
"""Letters are borrowed only from families whose strokes are at most so many times as wide."""


class CannotWrite(BadInput):
    """The text has a character that the writer's hand does not have."""


@dataclass(frozen=True)
class Writer:
    """The constants of one synthetic writer. Lengths are in x-heights unless said otherwise."""

    seed: int
    family: str
    """A name in `letters.family_names`."""
    second: str
    """The family of the `borrowed` letters; "" for none."""
    borrowed: str
    """Letters and digits that this writer writes as in the second family."""
    size: float
    """Liked x-height, as a share of the height of the picture."""
    width: float
    """Letters are so many times as wide as in the family."""
    slant: float
    """Degrees added to the family's own; positive leans to the right."""
    stems: float
    """What stands above the x-height is so many times as tall as in the family."""
    tails: float
    """What hangs below the line is so many times as deep as in the family."""
    habit: float
    """How far the writer bends each letter in a way of their own."""
    nib: float
    """Stroke width relative to what is usual for the pen."""
    letter_spacing: float
    word_spacing: float
    """A space is so many times as wide as in the family."""
    drift: float
    """How far the line wanders up and down on paper without rules."""
    climb: float
    """Mean rise of the line on paper without rules, in degrees."""
    jitter: float
    """How unlike each other are two letters of a kind: 1 is usual."""
    pressure: float
    """How much stroke width and darkness vary: 1 is usual."""
    pen: str
    """The one they mostly use, of `tables.PENS`."""
    ink: str
    """The one they mostly use, of `tables.INKS`."""

    @property
    def held_out(self) -> bool:
        return is_held_out_writer(self.seed)


def is_held_out_writer(seed: int) -> bool:
    """Whether the writer of this seed is kept from training, together with their family.

    A family is held out by the hash of its clan's name, one in about `HELD_OUT_EVERY`: held-out
    writers use these families alone, and no other writer uses them.
    """
    return seed % HELD_OUT_EVERY == HELD_OUT_EVERY - 1


@lru_cache(maxsize=1024)
def writer(seed: int) -> Writer:
    """The writer of a seed (any integer from 0): equal seeds, equal writers, on every machine.

    A clan of families is drawn first, then one of its families.
    """
    if seed < 0:
        raise ValueError(f"a writer's seed is not negative: {seed}")
    r = np.random.default_rng([seed, 73])
    known = clans(is_held_out_writer(seed))
    main = family(_member(known[r.integers(len(known))], r))
    second, borrowed = _borrow(main, known, r)
    pen = str(r.choice(list(tables.PENS), p=[0.5, 0.22, 0.14, 0.14]))
    lean = float(np.clip(r.normal(0, 7), -14, 14))
    return Writer(
        seed=seed,
        family=main.name,
        second=second,
        borrowed=borrowed,
        size=float(r.uniform(0.17, 0.3)),
        width=float(np.exp(r.normal(0, 0.1))),
        slant=lean * (0.5 if main.joined else 1.0),
        stems=float(np.exp(r.normal(0, 0.1))),
        tails=float(np.exp(r.normal(0, 0.12))),
        habit=float(r.uniform(0.5, 1.3)),
        nib=float(np.exp(r.normal(0, 0.14))),
        letter_spacing=0.0 if main.joined else float(np.clip(r.normal(0.03, 0.05), -0.03, 0.15)),
        word_spacing=float(r.uniform(0.85, 1.7)),
        drift=float(r.uniform(0.01, 0.09)),
        climb=float(np.clip(r.normal(0.3, 0.6), -1.2, 1.6)),
        jitter=float(r.uniform(0.6, 1.4)),
        pressure=float(r.uniform(0.5, 1.4)),
        pen=pen,
        ink=str(r.choice(list(tables.INKS), p=tables.INK_SHARES)) if pen != "pencil" else "grey",
    )


STYLES: dict[str, tuple[str, ...]] = {
    "size": ("small", "", "large"),
    "stroke": ("thin", "", "bold"),
    "lean": ("leaning back", "upright", "slanted", "steeply slanted"),
    "letters": ("printed", "cursive"),
}
"""What one would say of a hand, from the least of each to the most; "" goes without saying."""
_BOUNDS = {"size": (0.21, 0.25), "stroke": (0.09, 0.15), "lean": (-3.0, 5.0, 17.0), "letters": (1,)}
"""Between these: shares of the picture's height, x-heights, degrees, and whether they join."""


def style(who: Writer) -> tuple[str, ...]:
    """The words for the writer's hand, one of each of `STYLES`."""
    main = family(who.family)
    known = {
        "size": who.size,
        "stroke": main.stroke * who.nib,
        "lean": main.slant + who.slant,
        "letters": main.joined,
    }
    return tuple(words[bisect_right(_BOUNDS[what], known[what])] for what, words in STYLES.items())


@lru_cache(maxsize=1024)
def evened(who: Writer) -> Writer:
    """The writer as lines show them that were cut from scans and set alike: every hand is of one
    x-height, stands on a level line, and its letters are as wide as anybody's in the mean.

    So it is done before handwriting is recognized or made up: of a text it is known about where
    each letter stands, whoever writes it (ScrabbleGAN, Fogel et al. 2020, arXiv:2003.10557, gives
    every character 16 pixels).

    Raises CannotWrite where the hand lacks one of the commonest letters.
    """
    usual = replace(who, width=1.0, letter_spacing=0.0)
    pitch = float(np.mean([glyph(usual, letter).advance for letter in _COMMON]))
    return replace(
        who, size=USUAL_SIZE, width=(USUAL_PITCH - who.letter_spacing) / pitch, climb=0.0
    )


def _member(clan: tuple[str, ...], r: np.random.Generator) -> str:
    return clan[r.integers(len(clan))]


def _borrow(
    main: Family, known: tuple[tuple[str, ...], ...], r: np.random.Generator
) -> tuple[str, str]:
    """A second family of like strokes, and the letters taken from it; none for joined letters."""
    share = r.uniform(0.15, 0.5)
    drawn = r.random(len(_LETTERS))
    kept = "".join(c for c, d in zip(_LETTERS, drawn, strict=True) if d < share)
    for clan in r.permutation(len(known))[:8]:
        second = family(_member(known[clan], r))
        ratio = second.stroke / main.stroke
        alike = 1 / _ALIKE < ratio < _ALIKE
        if alike and not main.joined and not second.joined and second.name != main.name:
            return second.name, kept
    return "", ""


@cache
def _base(character: str) -> str:
    """The letter under the accent: a writer bends é as they bend e."""
    return unicodedata.normalize("NFD", character)[0]


@lru_cache(maxsize=40_000)
def glyph(who: Writer, character: str) -> Glyph:
    """A character as this writer means to write it every time, in x-heights.

    Raises CannotWrite where neither of the writer's families has it.
    """
    main = family(who.family)
    source = family(who.second) if _base(character) in who.borrowed and who.second else main
    drawn = source.glyphs.get(character) or main.glyphs.get(character)
    if drawn is None:
        raise CannotWrite(
            f"Writer {who.seed} has no character {character!r} (U+{ord(character):04X}).",
            advice="Leave it out of the text, or ask another writer.",
        )
    p = drawn.points.copy()
    if not len(p):
        return Glyph(p, drawn.starts, drawn.advance * who.word_spacing)
    upright = np.tan(np.radians(source.slant if source is not main else 0.0))
    lean = np.tan(np.radians(main.slant if source is not main else 0.0))
    p[:, 0] += p[:, 1] * (lean - upright)
    p = _bent(p, drawn.advance, _base(character), who, main.joined)
    above, below = np.maximum(p[:, 1] - 1, 0), np.minimum(p[:, 1], 0)
    p[:, 1] += above * (who.stems - 1) + below * (who.tails - 1)
    p[:, 0] = p[:, 0] * who.width + p[:, 1] * np.tan(np.radians(who.slant))
    return Glyph(p, drawn.starts, drawn.advance * who.width + who.letter_spacing)


def _bent(p: Floats, advance: float, base: str, who: Writer, joined: bool) -> Floats:
    """The points of a letter as the writer habitually bends it."""
    r = np.random.default_rng([who.seed, 79, ord(base)])
    amount = who.habit * (1.0 if base in _LETTERS else 0.4)
    tall, wide, shear, turn = r.normal(0, (0.05, 0.06, 0.05, 0.025)) * amount
    waved = wave(p, r, 0.035 * amount)
    if joined:  # where letters meet, they must go on meeting
        moved = waved - p + p * vector(0, tall)
        return np.asarray(p + hold_ends(p, advance)[:, None] * moved, np.float32)
    p, middle = waved, vector(advance / 2, 0)
    q = (p - middle) * vector(1 + wide, 1 + tall)
    x, y = q[:, 0] + q[:, 1] * (shear - turn), q[:, 1] + q[:, 0] * turn
    return np.asarray(np.stack([x, y], 1) + middle, np.float32)


def wave(p: Floats, r: np.random.Generator, amplitude: float) -> Floats:
    """Points moved along slow waves, by about `amplitude` x-heights."""
    k = r.normal(0, 1.6, (2, 2)).astype(np.float32)
    phase = r.uniform(0, 2 * np.pi, 2).astype(np.float32)
    size = (r.normal(0, 1, 2) * amplitude).astype(np.float32)
    return np.asarray(p + np.sin(p @ k + phase) * size, np.float32)


def hold_ends(p: Floats, advance: float) -> Floats:
    """1 in the middle of a letter, 0 where its neighbours begin."""
    across = np.clip(p[:, 0] / max(advance, 1e-3), 0, 1)
    return np.asarray(np.sin(np.pi * across), np.float32)
