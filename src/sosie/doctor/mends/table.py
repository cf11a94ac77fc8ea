"""The table of mends: what the studio, the command line and the docs read.

Several mends of one picture are done in this order: what is cut away or turned comes last, so that
places on the picture stay where they were seen.
"""

from __future__ import annotations

from sosie.core.errors import NotFound
from sosie.doctor.mends import behind, focus, frame, scan, skin, spots
from sosie.doctor.mends.mend import Mend

SAFE = "safe"
"""Stands for the safe ones among the mends that findings ask for."""

MENDS: tuple[Mend, ...] = (
    Mend("deblur", "takes back a slight blur", focus.deblurred, focus.Deblur),
    Mend(
        "white-balance",
        "brings the picture's colours to the person's usual skin",
        skin.balanced,
        skin.Match,
        safe=True,
    ),
    Mend(
        "match-skin",
        "gives whitened skin the colour of the other pictures",
        skin.matched,
        skin.Match,
    ),
    Mend(
        "soften-lines",
        "softens lines that the other pictures do not show",
        skin.softened,
        skin.Soften,
    ),
    Mend("heal-spot", "puts skin from beside it over a passing spot", spots.healed, spots.Spot),
    Mend(
        "strengthen-mark",
        "makes the person's own mark slightly clearer",
        spots.strengthened,
        spots.Mark,
    ),
    Mend(
        "blur-background",
        "puts the background out of focus",
        behind.blurred,
        behind.Blur,
        tells="the background",
    ),
    Mend(
        "replace-background",
        "puts a plain tone behind the person",
        behind.replaced,
        behind.Backdrop,
        tells="the background",
    ),
    Mend(
        "erase-slip",
        "erases a slip of the pen, or a signature, inside a box",
        scan.erase,
        scan.Slip,
        kinds=("handwriting",),
        tells="what was erased",
    ),
    Mend("even-light", "evens the light", scan.even, safe=True, kinds=("handwriting",)),
    Mend("deskew", "turns the lines level", scan.level, safe=True, kinds=("handwriting",)),
    Mend("cut-bars", "cuts plain bars off the edges", frame.without_bars, safe=True),
    Mend(
        "crop-shoulders",
        "crops to head and shoulders",
        frame.cropped,
        frame.Shoulders,
        safe=True,
        tells="what was cropped away",
    ),
    Mend(
        "crop-head",
        "crops to the head",
        frame.cropped,
        frame.Head,
        tells="what was cropped away",
    ),
    Mend("resize", "makes the picture as small as what it truly holds", frame.resized, frame.Size),
)


def mend(name: str) -> Mend:
    """The mend of a name. Raises NotFound with the nearest."""
    for known in MENDS:
        if known.name == name:
            return known
    raise NotFound.among("mend", name, [SAFE, *(known.name for known in MENDS)])
