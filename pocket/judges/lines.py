"""Lines of drawn writers as judges learn from them: their ink, as written or as cut from a scan."""

from __future__ import annotations

import numpy as np

from sosie.models.judges import ink
from sosie.world.hands import evened, writer
from sosie.world.writing import CUT, LINE, CannotWrite, DoesNotFit, line


def inked(
    seed: int, said: str, rng: np.random.Generator, *, cut: bool, width: int, height: int = LINE[1]
) -> np.ndarray | None:
    """The ink of a text by the writer of that seed, (height, width) bytes; None where the hand
    lacks a character or needs more room.

    One that is `cut` is set and begun as every other such line, whoever wrote it.
    """
    who, begin = (evened(writer(seed)), CUT) if cut else (writer(seed), None)
    lot = int(rng.integers(1 << 30))
    try:
        done = line(who, said, seed=lot, width=width, height=height, begin=begin)
    except (CannotWrite, DoesNotFit):
        return None
    return np.round(255 * ink(done.picture)).astype(np.uint8)
