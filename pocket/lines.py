"""What the base model learns to write from: words in many hands, whole or invented, in shards.

A line begins near the left edge, as people begin a note: the world puts it anywhere on its paper,
so a wider one is drawn and cut. Half of the texts are invented, so that letters are learned one by
one and not words as wholes.
"""

from __future__ import annotations

import numpy as np

from pocket.shards import Drawn
from sosie.world.hands import is_held_out_writer, writer
from sosie.world.texts import is_held_out_text, text, word
from sosie.world.writing import WORD, CannotWrite, DoesNotFit, Written, as_dict, line

PER_WRITER = 2
LONGEST = 12
"""Characters of a text."""
_BEGINS = (6, 22)
"""Pixels left free before the first letter: the least and the most."""
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


def begun_left(whole: Written, room: int) -> tuple[np.ndarray, int] | None:
    """The part of a wide line that begins `room` pixels before its ink, and where that part begins;
    None where the text is longer than it."""
    width = WORD[0]
    left = min(box[0] for box in whole.truth.boxes) - room
    right = max(box[2] for box in whole.truth.boxes) + _BEGINS[0]
    left = min(max(left, 0), whole.picture.shape[1] - width)
    return (whole.picture[:, left : left + width], left) if right <= left + width else None


def one(index: int, seed: int) -> Drawn | None:
    """Line `index`, or None if its writer is held out or cannot write the text that was drawn."""
    who = index // PER_WRITER
    if is_held_out_writer(who):
        return None
    rng = np.random.default_rng([seed, index, 7])
    room, said = int(rng.integers(*_BEGINS)), words(rng)
    try:
        whole = line(writer(who), said, seed=seed + index, width=2 * WORD[0], height=WORD[1])
    except (CannotWrite, DoesNotFit):
        return None
    cut = begun_left(whole, room)
    if cut is None:
        return None
    picture, left = cut
    truth = as_dict(whole.truth)
    truth["boxes"] = [(a - left, top, b - left, bottom) for a, top, b, bottom in whole.truth.boxes]
    return Drawn(np.ascontiguousarray(picture), truth)
