"""What is seen of letters once they are filled in: how they lean, how thick they are, how alike."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pocket.font_files import Glyph


def filled(glyph: Glyph, scale: float = 0.2) -> NDArray[np.uint8]:
    """The glyph as a picture of 5 thousandths a pixel, 50 pixels of margin."""
    x0, y0, x1, y1 = glyph.box()
    size = (int((y1 - y0) * scale) + 100, int((x1 - x0) * scale) + 100)
    picture = np.zeros(size, np.uint8)
    flip = np.array([1, -1]) * scale
    shapes = [np.round((o - [x0, y1]) * flip + 50).astype(np.int32) for o in glyph.outlines]
    cv2.fillPoly(picture, shapes, 255)
    return picture


def slant(glyphs: dict[str, Glyph]) -> float:
    """The shear, in degrees, that makes the stems stand: their columns are then fullest."""
    inked = [np.nonzero(filled(glyphs[c], 0.1)) for c in "lhdbtkpqfiHNMIT"]

    def fullness(angle: float) -> float:
        total = 0.0
        for rows, columns in inked:
            upright = columns + rows * np.tan(np.radians(angle))
            count = np.bincount((upright - upright.min()).astype(int))
            total += (count.astype(float) ** 2).sum() / len(rows) ** 1.5
        return total

    coarse = max(range(-20, 61, 4), key=fullness)
    return float(max(range(coarse - 3, coarse + 4), key=fullness))


def strokes(glyphs: dict[str, Glyph]) -> tuple[int, int]:
    """Widths of the common and of a thin stroke, by the ridges of the distance to the edge."""
    widths: list[float] = []
    for c in "nouaelthmr":
        inside = cv2.distanceTransform(filled(glyphs[c], 0.4), cv2.DIST_L2, 5)
        ridge = (inside >= cv2.dilate(inside, np.ones((3, 3)))) & (inside > 1)
        widths.extend((inside[ridge] * 2 / 0.4).tolist())
    return round(float(np.median(widths))), round(float(np.percentile(widths, 12)))


def boxed(glyph: Glyph) -> NDArray[np.bool_]:
    """(48, 48): a glyph stretched to a box."""
    p = filled(glyph)[50:-50, 50:-50]
    return cv2.resize(p, (48, 48), interpolation=cv2.INTER_AREA) > 127


def overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Of boxed glyphs, from 0 to 1."""
    return float((a & b).sum() / max(1, (a | b).sum()))


def joined(glyphs: dict[str, Glyph]) -> bool:
    """Whether most small letters reach the next one on the line."""
    touching = []
    for left in "aehilmnu":
        for right in "aeinmu":
            a, b = glyphs[left], glyphs[right]
            canvas = np.zeros((400, 700), np.uint8)
            masks = []
            for g, x in ((a, 0), (b, a.advance)):
                m = canvas.copy()
                shapes = [(o * [0.25, -0.25] + [x / 4 + 75, 250]).round() for o in g.outlines]
                cv2.fillPoly(m, [shape.astype(np.int32) for shape in shapes], 1)
                masks.append(m)
            touching.append(bool((masks[0] & masks[1]).any()))
    return float(np.mean(touching)) > 0.6
