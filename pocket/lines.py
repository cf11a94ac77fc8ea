"""What the base model learns to write from: words in many hands, whole or invented, in shards.

A line begins near the left edge, as people begin a note: the world puts it anywhere on its paper,
so a wider one is drawn and cut. Half of the texts are invented, so that letters are learned one by
one and not words as wholes.

Before all hands come plain ones, without whims, all of a size and in one place to the pixel: first
a few letters in black on white, then words in all inks. So what a text looks like is one picture
and not the mean of many, in which letters vanish: after 5,000 such lines the right text lowers the
loss; with two dozen plain hands of all colours, begun here and there, it hardly did after 30,000.
Last come longer texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pocket.shards import Drawn
from sosie.world import tables
from sosie.world.hands import Writer, is_held_out_writer, writer
from sosie.world.texts import is_held_out_text, text, word
from sosie.world.writing import LINE, WORD, CannotWrite, DoesNotFit, Written, as_dict, line

PER_WRITER = 2
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
_BEGINS = (6, 22)
"""Pixels left free before the first letter: the least and the most."""
_BEGIN, _BASELINE, _X_HEIGHT = 8, 40, 14.0
"""Where plain hands begin a line, how far down it stands, and how tall small letters are."""
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


def begun_left(whole: Written, room: int, width: int) -> int | None:
    """Where the part, `width` wide, of a wide line begins that has `room` pixels before its ink;
    None where the text is longer than it."""
    left = min(box[0] for box in whole.truth.boxes) - room
    right = max(box[2] for box in whole.truth.boxes) + _BEGINS[0]
    left = min(max(left, 0), whole.picture.shape[1] - width)
    return left if right <= left + width else None


def one(index: int, seed: int) -> Drawn | None:
    """Line `index`, or None if its writer is held out or cannot write the text that was drawn."""
    who = index // PER_WRITER
    return None if is_held_out_writer(who) else _drawn(writer(who), words, WORD, index, seed)


def long(index: int, seed: int) -> Drawn | None:
    """The same of a longer text in a wider picture."""
    who = index // PER_WRITER
    return None if is_held_out_writer(who) else _drawn(writer(who), sentence, LINE, index, seed)


def plain(index: int, seed: int) -> Drawn | None:
    """Line `index` in the usual hand, in any ink on any paper."""
    inks = np.random.default_rng([seed, index, 11])
    ink = str(inks.choice(list(tables.INKS), p=tables.INK_SHARES))
    said = words(np.random.default_rng([seed, index, 7]))
    return _in_place(without_whims(writer(USUAL_WRITER)), said, WORD, seed + index, ink=ink)


def short(index: int, seed: int) -> Drawn | None:
    """A few characters in a plain hand, black on white."""
    who = without_whims(writer(PLAIN_WRITERS[index % len(PLAIN_WRITERS)]))
    said = words(np.random.default_rng([seed, index, 7]), SHORTEST)
    return _in_place(who, said, SHORT, seed + index, paper="plain", ink="black")


def _in_place(
    who: Writer, said: str, size: tuple[int, int], seed: int, **fixed: object
) -> Drawn | None:
    """A line of one size, in one place to the pixel; None where there is no room for it."""
    width, height = size
    sheet = {"seed": seed, "width": 2 * width, "height": 2 * height, "pen": who.pen, **fixed}
    try:
        # What the writer's size comes to today is the same both times.
        usual = line(who, said, **sheet).truth.x_height
        whole = line(replace(who, size=who.size * _X_HEIGHT / usual), said, **sheet)
    except (CannotWrite, DoesNotFit):
        return None
    left = min(box[0] for box in whole.truth.boxes) - _BEGIN
    top = round(whole.truth.baseline) - _BASELINE
    right = max(box[2] for box in whole.truth.boxes)
    if not 0 <= left <= width or right > left + width or not 0 <= top <= height:
        return None
    return _cut(whole, left, top, size)


def without_whims(who: Writer) -> Writer:
    """The writer with one family's letters as they are, all of a size and on a straight line."""
    return replace(
        who,
        second="",
        borrowed="",
        size=0.24,
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


def _drawn(
    who: Writer,
    draw: Callable[[np.random.Generator], str],
    size: tuple[int, int],
    index: int,
    seed: int,
    **fixed: object,
) -> Drawn | None:
    rng = np.random.default_rng([seed, index, 7])
    room, said = int(rng.integers(*_BEGINS)), draw(rng)
    width, height = size
    try:
        whole = line(who, said, seed=seed + index, width=2 * width, height=height, **fixed)
    except (CannotWrite, DoesNotFit):
        return None
    cut = begun_left(whole, room, width)
    return None if cut is None else _cut(whole, cut, 0, size)


def _cut(whole: Written, left: int, top: int, size: tuple[int, int]) -> Drawn:
    """The part of a line that begins so many pixels from its left and top edge."""
    width, height = size
    part = whole.picture[top : top + height, left : left + width]
    boxes = [(a - left, b - top, c - left, d - top) for a, b, c, d in whole.truth.boxes]
    truth = replace(whole.truth, baseline=whole.truth.baseline - top, boxes=tuple(boxes))
    return Drawn(np.ascontiguousarray(part), as_dict(truth))
