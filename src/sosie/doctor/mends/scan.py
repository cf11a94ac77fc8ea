"""Mends of scans: deskewed, evenly lit, and freed of slips of the pen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sosie.core.errors import BadInput
from sosie.core.records import Box, Record
from sosie.doctor.mends.mend import Known, Place, Plain
from sosie.doctor.view import View
from sosie.doctor.writing import Bytes, Writing

LARGEST_BOX = 0.25
"""Share of the page that may be erased at once: more is no slip."""
EVEN = 2.0
"""Levels of 255 by which a page must change on average for its light to have been uneven."""


class Slip(Record):
    """What is erased."""

    box: Place | None = None
    """LEFT,TOP,RIGHT,BOTTOM around it; by default what the doctor marked, such as a signature."""


def level(view: View, options: Plain, known: Known) -> tuple[Bytes, str]:
    """The page with its lines level."""
    mended, turned = deskewed(view.rgb)
    if not turned:
        raise BadInput("The lines lie level, or too little is written to tell.")
    return mended, f"turned by {turned:+.1f}°"


def even(view: View, options: Plain, known: Known) -> tuple[Bytes, str]:
    """The page under even light."""
    mended = evened(view.rgb)
    change = float(np.abs(mended.astype(np.int16) - view.rgb).mean())
    if change < EVEN:
        raise BadInput("The light is even already.")
    return mended, f"{change:.0f} levels of 255 of shade taken off on average"


def erase(view: View, slip: Slip, known: Known) -> tuple[Bytes, str]:
    """The page without what is written inside boxes."""
    boxes = known.marked if slip.box is None else (slip.box,)
    if not boxes:
        raise BadInput("Which slip?", advice="Give --set box=LEFT,TOP,RIGHT,BOTTOM around it.")
    mended = view.rgb
    for box in boxes:
        mended = erased(mended, box)
    return mended, ", ".join(f"{box.width}×{box.height} pixels erased" for box in boxes)


def deskewed(rgb: Bytes) -> tuple[Bytes, float]:
    """The page with its lines level, on its own size, and by how many degrees it was turned.

    Corners that come in from outside have the colour of the paper beside them. A page whose skew
    cannot be told, or is under .3 degrees, comes back as it was, with 0.
    """
    import cv2

    skew = Writing(rgb).skew
    if skew is None or abs(skew) < 0.3:
        return rgb.copy(), 0.0
    height, width = rgb.shape[:2]
    about = cv2.getRotationMatrix2D((width / 2, height / 2), -skew, 1)
    turned = cv2.warpAffine(
        rgb, about, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(turned, np.uint8), -skew


def evened(rgb: Bytes) -> Bytes:
    """The page under even light: each pixel over the paper's level there, times the page's own.

    Colours of ink and paper stay; only the brightness of the paper becomes the same everywhere.
    """
    import cv2

    writing = Writing(rgb)
    height, width = rgb.shape[:2]
    level = cv2.resize(writing.paper, (width, height), interpolation=cv2.INTER_LINEAR)
    target = float(np.percentile(writing.paper, 80))
    factor = np.clip(target / np.maximum(level, 0.05), 0.5, 4)
    return np.asarray(np.clip(rgb * factor[..., None] + 0.5, 0, 255), np.uint8)


def erased(rgb: Bytes, box: Box) -> Bytes:
    """The page without the ink inside a box, which becomes paper as it is around the box.

    Light is continued across the box from its rim; the grain is that of paper elsewhere on the
    page. Raises BadInput if the box is empty, lies outside, or is no slip but a large part.
    """
    import cv2

    height, width = rgb.shape[:2]
    inside = Box(
        left=max(0, box.left),
        top=max(0, box.top),
        right=min(width, box.right),
        bottom=min(height, box.bottom),
    )
    if inside.width <= 0 or inside.height <= 0:
        raise BadInput(f"The box lies outside the page of {width} by {height} pixels.")
    if inside.width * inside.height > LARGEST_BOX * width * height:
        raise BadInput(
            "The box covers more than a quarter of the page.",
            advice="Draw it around the slip alone, or leave the page out.",
        )
    hidden = np.zeros((height, width), np.uint8)
    hidden[inside.top : inside.bottom, inside.left : inside.right] = 255
    ink = _ink(rgb)
    # Ink that runs up to the box must not be continued into it.
    filled = cv2.inpaint(
        cv2.GaussianBlur(rgb, (0, 0), 1.5), np.maximum(hidden, ink), 7, cv2.INPAINT_TELEA
    )
    mended = rgb.copy()
    rows, columns = slice(inside.top, inside.bottom), slice(inside.left, inside.right)
    patch = filled[rows, columns].astype(np.float32) + _grain(rgb, ink | hidden, inside)
    mended[rows, columns] = np.clip(patch + 0.5, 0, 255).astype(np.uint8)
    return mended


def _ink(rgb: Bytes) -> Bytes:
    """255 where ink is, with its soft rim."""
    import cv2

    writing = Writing(rgb)
    height, width = rgb.shape[:2]
    mask = cv2.resize(
        writing.ink.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
    )
    return np.asarray(cv2.dilate(mask, np.ones((5, 5), np.uint8)) * 255, np.uint8)


def _grain(rgb: Bytes, used: NDArray[Any], box: Box) -> NDArray[np.float32]:
    """The grain of the free patch of paper of the box's size that is nearest to it."""
    import cv2

    free = (used == 0).astype(np.float32)
    size = (min(box.width, rgb.shape[1]), min(box.height, rgb.shape[0]))
    share = cv2.boxFilter(free, -1, size, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
    share = share[: rgb.shape[0] - box.height + 1, : rgb.shape[1] - box.width + 1]
    rows, columns = np.mgrid[: share.shape[0], : share.shape[1]]
    away = np.hypot(rows - box.top, columns - box.left) / max(rgb.shape[:2])
    # Free paper first, near paper second: a whole free patch a page away beats one with ink.
    top, left = np.unravel_index(int(np.argmax(4 * share - away)), share.shape)
    patch = rgb[top : top + box.height, left : left + box.width].astype(np.float32)
    known = free[top : top + box.height, left : left + box.width, None]
    weight = np.maximum(cv2.GaussianBlur(known, (0, 0), 3), 1e-3)[..., None]
    smooth = cv2.GaussianBlur(patch * known, (0, 0), 3) / weight
    return np.asarray((patch - smooth) * known, np.float32)
