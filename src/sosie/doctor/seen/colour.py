"""Colours by name: one closed table, and the name of most of a part of a picture.

The words are the eleven basic ones of English (Berlin and Kay, "Basic color terms", 1969) and
beige, navy and turquoise, which clothes need. A word has several examples, because it covers a
region: jeans and a clear sky are both blue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

Examples = Mapping[str, tuple[tuple[float, float, float], ...]]
"""Word -> examples: L* in 0..100, chroma, and hue in degrees (CIELCh, D65)."""

COLOURS: Examples = {
    "red": ((44, 58, 28), (30, 42, 26)),
    "orange": ((63, 58, 64), (54, 46, 64)),
    "yellow": ((80, 60, 92), (88, 45, 98)),
    "green": ((47, 38, 144), (30, 24, 148), (75, 40, 132), (48, 34, 112)),
    "turquoise": ((62, 30, 195), (78, 25, 190)),
    "blue": ((45, 48, 285), (68, 26, 268), (46, 22, 268)),
    "navy": ((22, 24, 290),),
    "purple": ((42, 50, 316), (26, 32, 316), (72, 24, 312)),
    "pink": ((73, 28, 2), (62, 55, 358), (84, 14, 8)),
    "brown": ((40, 24, 64), (26, 14, 58), (54, 28, 66)),
    "beige": ((77, 15, 82), (66, 13, 80)),
    "white": ((94, 2, 90), (82, 4, 85)),
    "grey": ((57, 2, 90), (42, 2, 90), (70, 2, 90)),
    "black": ((25, 2, 290), (8, 2, 60)),
}
LIGHTNESS = 0.6
"""Weight of lightness against chroma and hue: light changes it most, and names change with it
least."""
ONE, TWO = 0.68, 0.75
"""Shares of a part that one colour, and the two commonest together, must cover to name it."""
MOST_PIXELS = 4000


def names(lab: Floats) -> tuple[str, ...]:
    """The one or two colours of most of the pixels (N, 3), CIELAB; none where there are more."""
    shares = Counter(nearest(lab[:: max(1, len(lab) // MOST_PIXELS)], COLOURS))
    usual, least = shares.most_common(2), shares.total()
    if usual and usual[0][1] >= ONE * least:
        return (usual[0][0],)
    return tuple(w for w, _ in usual) if sum(n for _, n in usual) >= TWO * least > 0 else ()


def nearest(lab: Floats, examples: Examples) -> list[str]:
    """For each colour (N, 3), CIELAB, the word with the nearest example."""
    words = [word for word, of_word in examples.items() for _ in of_word]
    light, chroma, hue = np.array([e for of_word in examples.values() for e in of_word]).T
    turn = np.radians(hue)
    places = np.stack([light * LIGHTNESS, chroma * np.cos(turn), chroma * np.sin(turn)], 1)
    pixels = lab * np.array([LIGHTNESS, 1, 1])
    apart = np.linalg.norm(pixels[:, None] - places[None], axis=-1)
    return [words[index] for index in apart.argmin(1)]
