"""Whose hand is it? Contour hinges: how the outlines of ink bend, whatever is written. No weights.

At every point of an outline two legs of a few pixels run along it, one forwards and one backwards;
how often they lie in which two directions describes curvature, slant and stroke ends of a hand
(Bulacu and Schomaker 2007, "Text-independent writer identification and verification using textural
and allographic features", IEEE TPAMI 29: the contour hinge). Nothing is learned, so nothing was
learned of drawn writers alone; how often it errs is nevertheless measured on those alone, and
stored beside the errors of the judges of the drawn world.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from sosie.core.canonical import canonical_json
from sosie.core.files import sha256_bytes
from sosie.models.faces import Embedder, Picture

LARGER = 3
"""The line, 64 pixels tall, is enlarged so many times: outlines of a few pixels have few angles."""
LEG = 9
"""Points of the enlarged outline that a leg spans: about a stroke's width. Of legs of 6 to 20 it
tells most drawn writers apart."""
SECTORS = 16
"""Directions that are told apart, around the whole circle."""
FAINTEST = 0.12
"""How dark ink is at least, beside its paper."""
LEAST = 200
"""Points of outline below which a hand is not described."""


@cache
def hand_judge() -> Embedder:
    """Whose hand a line of handwriting is in, as `SECTORS`² numbers; None where there is no ink.

    They are square roots of shares, so that the cosine of two is the Bhattacharyya coefficient of
    the two distributions, from 0 to 1; two strangers have .86.
    """
    method = ["contour hinge", LARGER, LEG, SECTORS, FAINTEST, LEAST]
    return Embedder("contour hinges", sha256_bytes(canonical_json(method)), _hand)


def _hand(rgb: Picture) -> NDArray[np.float32] | None:
    from sosie.models.judges import ink

    counts = _hinges(_filled(ink(rgb)))
    total = counts.sum()
    return None if total < LEAST else np.sqrt(counts / total).astype(np.float32).ravel()


def _filled(dark: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Where ink is, enlarged: what is at least half as dark as full ink."""
    import cv2

    inked = dark[dark > FAINTEST]
    if not inked.size:
        return np.zeros((1, 1), np.uint8)
    cover = np.clip(dark / float(np.quantile(inked, 0.9)), 0, 1)
    large = cv2.resize(cover, None, fx=LARGER, fy=LARGER, interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), 0.35 * LARGER) > 0.5, np.uint8)


def _hinges(ink: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(SECTORS, SECTORS): how often the leg ahead and the leg behind lie in which direction."""
    import cv2

    counts = np.zeros((SECTORS, SECTORS))
    outlines, _ = cv2.findContours(ink, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        # On a shorter one the two legs would meet.
        if len(outline) >= 4 * LEG:
            points = outline[:, 0].astype(np.float64)
            ahead, behind = (_sector(np.roll(points, by, axis=0) - points) for by in (-LEG, LEG))
            np.add.at(counts, (ahead, behind), 1)
    return counts


def _sector(legs: NDArray[np.float64]) -> NDArray[np.intp]:
    turn = np.arctan2(-legs[:, 1], legs[:, 0]) / (2 * np.pi) % 1
    # An angle a rounding below 0 becomes 1, which is 0.
    return (turn * SECTORS).astype(np.intp) % SECTORS
