"""What the base model learns to write from: words in named hands, whole or invented, in shards.

Half of the texts are invented, so that letters are learned one by one and not words as wholes.
Every line begins in one place, and all hands are set alike, as lines cut from scans are: so what a
text looks like is one picture and not the mean of many, in which letters vanish. While each hand
was as wide as it liked, what was known of where letters stand held for the usual hand alone.

Before all other hands come plain ones, without whims: first a few letters in black on white, then
words in all inks. After 5,000 such lines the right text lowers the loss; with two dozen plain hands
of all colours, begun here and there, it hardly did after 30,000. The other hands are of few
writers, with some sixty lines each: of two lines a name tells nothing. Last come longer texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count, islice

import numpy as np

from pocket.shards import Drawn
from sosie.world import tables
from sosie.world.hands import Writer, evened, is_held_out_writer, writer
from sosie.world.texts import is_held_out_text, text, word
from sosie.world.writing import CUT, LINE, WORD, CannotWrite, DoesNotFit, as_dict, line

NAMED_WRITERS = tuple(islice((n for n in count() if not is_held_out_writer(n)), 320))
"""Whose hands are learned by name, and written in as often as each other."""
PLAIN_WRITERS = (5, 7)
"""Both write upright and do not join their letters."""
USUAL_WRITER = 7
"""In whose hand is written what nobody is named to have written."""
LONGEST = 12
"""Characters of a text for a picture of a word."""
LONGER = (13, 30)
"""Characters of one for a picture of a line: the least and the most."""
SHORTEST = 6
"""Characters of a text for a short picture, at most."""
SHORT = (128, 64)
"""Width and height in pixels of such a picture: half of a word's, so that letters fill it."""
_LEAST, _LEAST_PLAIN = 0.75, 0.99
"""A text that must be written smaller than this share of the writer's size is left out."""
_LETTERS = "etaoinsrhldcumfpgwybvkxjqz" + "eaionrstlu" * 2 + "éèàçêôî"
_SIGNS = "0123456789" * 2 + ".,!?:'-"


def invented(rng: np.random.Generator) -> str:
    """A string of letters that mostly means nothing, with a capital, digits or a sign at times."""
    small = "".join(rng.choice(list(_LETTERS), int(rng.integers(1, 8))))
    kind = rng.random()
    if kind < 0.3:
        return small.capitalize()
    if kind < 0.4:
        return small.upper()
    if kind < 0.55:
        return "".join(rng.choice(list(_SIGNS[:20]), int(rng.integers(1, 6))))
    return small + str(rng.choice(list(_SIGNS))) if kind < 0.65 else small


def words(rng: np.random.Generator, longest: int = LONGEST) -> str:
    """A text to learn from; one that is held out comes never."""
    while True:
        kind = rng.random()
        if kind < 0.5:
            said = invented(rng)
        elif kind < 0.85:
            said = word(rng)
        else:
            said = text(rng, shortest=3, longest=LONGEST)
        if len(said) <= longest and not is_held_out_text(said):
            return said


def sentence(rng: np.random.Generator) -> str:
    """A longer text to learn from, of several words; one that is held out comes never."""
    shortest, longest = LONGER
    while True:
        if rng.random() < 0.6:
            said = text(rng, shortest=shortest, longest=longest)
        else:
            said = " ".join(words(rng) for _ in range(int(rng.integers(2, 6))))
        if shortest <= len(said) <= longest and not is_held_out_text(said):
            return said


def named(index: int, seed: int) -> Drawn | None:
    """Line `index`, in the hand of one of `NAMED_WRITERS`; None if that hand lacks a character of
    the text that was drawn, or needs more room for it."""
    return _named(words, WORD, index, seed)


def long(index: int, seed: int) -> Drawn | None:
    """The same of a longer text in a wider picture."""
    return _named(sentence, LINE, index, seed)


def plain(index: int, seed: int) -> Drawn | None:
    """Line `index` in the usual hand, in any ink on any paper."""
    inks = np.random.default_rng([seed, index, 11])
    ink = str(inks.choice(list(tables.INKS), p=tables.INK_SHARES))
    said = words(np.random.default_rng([seed, index, 7]))
    who = without_whims(writer(USUAL_WRITER))
    return _drawn(who, said, WORD, seed + index, least=_LEAST_PLAIN, ink=ink)


def short(index: int, seed: int) -> Drawn | None:
    """A few characters in a plain hand, black on white."""
    who = without_whims(writer(PLAIN_WRITERS[index % len(PLAIN_WRITERS)]))
    said = words(np.random.default_rng([seed, index, 7]), SHORTEST)
    return _drawn(who, said, SHORT, seed + index, least=_LEAST_PLAIN, paper="plain", ink="black")


def without_whims(who: Writer) -> Writer:
    """The writer with one family's letters as they are, all of a size and on a straight line."""
    return replace(
        who,
        second="",
        borrowed="",
        size=0.22,
        width=1.0,
        slant=0.0,
        stems=1.0,
        tails=1.0,
        habit=0.2,
        nib=1.1,
        word_spacing=1.0,
        drift=0.0,
        climb=0.0,
        jitter=0.2,
        pressure=0.6,
        pen="ballpoint pen",
    )


def _named(
    draw: Callable[[np.random.Generator], str], size: tuple[int, int], index: int, seed: int
) -> Drawn | None:
    who = evened(writer(NAMED_WRITERS[index % len(NAMED_WRITERS)]))
    said = draw(np.random.default_rng([seed, index, 13]))
    return _drawn(who, said, size, seed + index, least=_LEAST)


def _drawn(
    who: Writer,
    said: str,
    size: tuple[int, int],
    seed: int,
    *,
    least: float,
    **fixed: object,
) -> Drawn | None:
    width, height = size
    try:
        made = line(
            who, said, seed=seed, width=width, height=height, begin=CUT, pen=who.pen, **fixed
        )
    except (CannotWrite, DoesNotFit):
        return None
    if made.truth.x_height < least * who.size * height:
        return None
    return Drawn(made.picture, as_dict(made.truth))
