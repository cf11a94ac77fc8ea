"""What is read off a written page for its caption: the ink and the paper.

What the caption says of them can be asked for otherwise later; what it leaves out is learned as
part of the hand. Cut-offs were chosen on 80 drawn lines; `bench/captions.py` judges them on others.
"""

from __future__ import annotations

import numpy as np

from sosie.core.records import Record
from sosie.doctor.rule import Family, Unread
from sosie.doctor.seen.colour import Examples, nearest
from sosie.doctor.view import Floats, View
from sosie.doctor.writing import Mask

INKS: Examples = {
    "blue ink": ((36, 52, 291),),
    "dark blue ink": ((22, 34, 296), (32, 24, 291)),
    "black ink": ((20, 6, 300), (28, 3, 60)),
    "red ink": ((46, 62, 28),),
    "green ink": ((44, 35, 160),),
    "purple ink": ((36, 52, 314),),
    "brown ink": ((37, 24, 66),),
    "pencil": ((54, 3, 290), (60, 6, 310)),
}
"""The darkest strokes, as if on white paper."""
PAPERS: Examples = {
    "white paper": ((96, 1, 110), (90, 2, 110), (98, 5, 140)),
    "cream paper": ((92, 11, 90),),
    "old paper": ((85, 17, 88),),
    "yellow paper": ((90, 39, 101), (86, 55, 95)),
    "brown paper": ((65, 26, 77), (76, 22, 75)),
    "blue paper": ((84, 14, 260),),
    "pink paper": ((85, 15, 0),),
    "green paper": ((85, 16, 140),),
}
DARKEST = 0.85
"""Share of full ink from which a stroke shows the ink's own colour."""
RUN = 41
"""Pixels along which a printed line is straight."""
PRINTED = 0.05
"""Darkness (of the logarithm of light) by which printed lines stand out along a `RUN`: paper
without any has .02 at most, with them .13 and more."""
LEAST_BARE = 0.5


class Stationery(Record):
    """What a note is written with and on."""

    ink: str
    """A word of `INKS`."""
    paper: str
    """A word of `PAPERS`; printed lines are said instead of a colour."""


def _measure(view: View) -> Record:
    import cv2

    page = view.writing
    if page.blank:
        return Unread(reason="nothing is written on it")
    size = page.grey.shape[::-1]
    resized = cv2.resize(view.rgb, size, interpolation=cv2.INTER_AREA)
    rgb = np.asarray(resized / np.float32(255), np.float32)
    bare = cv2.dilate(page.ink.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
    core = page.depth > max(page.floor, DARKEST * page.full)
    if not bare.any() or not core.any():
        return Unread(reason="ink and paper cannot be told apart")
    paper = np.median(rgb[bare], axis=0)
    ink = np.clip(np.median(rgb[core], axis=0) / np.maximum(paper, 0.05), 0, 1)
    lab = cv2.cvtColor(np.stack([ink, paper])[None].astype(np.float32), cv2.COLOR_RGB2LAB)[0]
    lines = _printed(rgb, bare)
    return Stationery(ink=nearest(lab[:1], INKS)[0], paper=lines or nearest(lab[1:], PAPERS)[0])


def _printed(rgb: Floats, bare: Mask) -> str | None:
    """ "ruled paper" where lines run across, "squared paper" where they run down as well."""
    across, down = (_stands_out(rgb, bare, run) for run in ((RUN, 1), (1, RUN)))
    if across < PRINTED:
        return None
    return "squared paper" if down >= PRINTED else "ruled paper"


def _stands_out(rgb: Floats, bare: Mask, run: tuple[int, int]) -> float:
    """By how much the darkest straight runs of the paper are darker than beside them.

    Printed lines are mostly blue or red, so the darkest channel shows them best.
    """
    import cv2

    light = np.log(np.maximum(rgb.min(-1), 0.05)).astype(np.float32)
    seen = np.asarray(cv2.blur(bare.astype(np.float32), run), np.float32)
    mean = cv2.blur(np.where(bare, light, 0).astype(np.float32), run) / np.maximum(seen, 0.05)
    beside = cv2.medianBlur(mean.astype(np.float32), 5)
    where = seen >= LEAST_BARE
    return float(np.percentile((beside - mean)[where], 99.5)) if where.any() else 0.0


STATIONERY = Family("stationery", 1, Stationery, _measure)
