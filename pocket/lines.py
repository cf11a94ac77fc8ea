"""What the base model learns to write from: words in many hands, whole or invented, in shards.

A line begins near the left edge, as people begin a note: the world puts it anywhere on its paper,
so a wider one is drawn and cut. Half of the texts are invented, so that letters are learned one by
one and not words as wholes.

Before all hands come two plain ones, without whims, in black on white and always from the same
place on: what a text looks like is then one picture and not the mean of many, in which letters
vanish. After 5,000 such lines the right text lowers the loss; with two dozen plain hands of all
colours, begun here and there, it hardly did after 30,000. Last come longer texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pocket.shards import Drawn
from sosie.world.hands import Writer, is_held_out_writer, writer
from sosie.world.texts import is_held_out_text, text, word
from sosie.world.writing import LINE, WORD, CannotWrite, DoesNotFit, Written, as_dict, line

PER_WRITER = 2
PLAIN_WRITERS = (5, 7)
"""Both write upright and do not join their letters."""
LONGEST = 12
"""Characters of a text for a picture of a word."""
LONGER = (13, 30)
"""Characters of one for a picture of a line: the least and the most."""
_BEGINS = (6, 22)
"""Pixels left free before the first letter: the least and the most."""
_PLAIN_BEGINS = (12, 13)
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


def words(rng: np.random.Generator) -> str:
    """A text to learn from; one that is held out comes never."""
    while True:
        kind = rng.random()
        if kind < 0.5:
            said = invented(rng)
        elif kind < 0.85:
            said = word(rng)
        else:
            said = text(rng, shortest=3, longest=LONGEST)
        if len(said) <= LONGEST and not is_held_out_text(said):
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


def begun_left(whole: Written, room: int, width: int) -> tuple[np.ndarray, int] | None:
    """The part, `width` wide, of a wide line that begins `room` pixels before its ink, and where
    that part begins; None where the text is longer than it."""
    left = min(box[0] for box in whole.truth.boxes) - room
    right = max(box[2] for box in whole.truth.boxes) + _BEGINS[0]
    left = min(max(left, 0), whole.picture.shape[1] - width)
    return (whole.picture[:, left : left + width], left) if right <= left + width else None


def one(index: int, seed: int) -> Drawn | None:
    """Line `index`, or None if its writer is held out or cannot write the text that was drawn."""
    who = index // PER_WRITER
    return None if is_held_out_writer(who) else _drawn(writer(who), words, WORD, index, seed)


def long(index: int, seed: int) -> Drawn | None:
    """The same of a longer text in a wider picture."""
    who = index // PER_WRITER
    return None if is_held_out_writer(who) else _drawn(writer(who), sentence, LINE, index, seed)


def plain(index: int, seed: int) -> Drawn | None:
    """Line `index` in a plain hand, in black on white paper, always from the same place on."""
    who = without_whims(writer(PLAIN_WRITERS[index % len(PLAIN_WRITERS)]))
    fixed = {"paper": "plain", "ink": "black", "pen": who.pen}
    return _drawn(who, words, WORD, index, seed, begins=_PLAIN_BEGINS, **fixed)


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
    begins: tuple[int, int] = _BEGINS,
    **fixed: object,
) -> Drawn | None:
    rng = np.random.default_rng([seed, index, 7])
    room, said = int(rng.integers(*begins)), draw(rng)
    width, height = size
    try:
        whole = line(who, said, seed=seed + index, width=2 * width, height=height, **fixed)
    except (CannotWrite, DoesNotFit):
        return None
    cut = begun_left(whole, room, width)
    if cut is None:
        return None
    picture, left = cut
    truth = as_dict(whole.truth)
    truth["boxes"] = [(a - left, top, b - left, bottom) for a, top, b, bottom in whole.truth.boxes]
    return Drawn(np.ascontiguousarray(picture), truth)
