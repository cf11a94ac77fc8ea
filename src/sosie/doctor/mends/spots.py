"""Mends of single spots: a passing one healed, the person's own mark made a little clearer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sosie.core.errors import BadInput
from sosie.core.records import Box, Record
from sosie.doctor.mends.mend import Known, Place, shared
from sosie.doctor.rules.marks import FAINT
from sosie.doctor.view import Bytes, Floats, View

SMALL = 0.2
"""Largest side of a box around a spot, in sides of the face: more is no spot, but a part of it."""
FEWEST = 4
"""Pixels of a side below which a spot shows nothing that could be healed or strengthened."""
WAYS = 24
"""Directions in which a patch of skin is sought beside a spot."""


Point = NDArray[np.float64]


class Spot(Record):
    """Which spot is healed."""

    box: Place | None = None
    """LEFT,TOP,RIGHT,BOTTOM around it, in pixels of the stored picture."""


class Mark(Record):
    """Which mark is strengthened, and how much."""

    box: Place | None = None
    """LEFT,TOP,RIGHT,BOTTOM around it; by default the marks that the doctor found."""
    strength: float = Field(default=0.2, ge=0.05, le=0.4)
    """How much darker it becomes, in shares of what it is darker than the skin around it."""


def healed(view: View, spot: Spot, known: Known) -> tuple[Bytes, str]:
    """Skin from beside the spot in its place, its light led over from the rim."""
    if spot.box is None:
        raise BadInput("Which spot?", advice="Give --set box=LEFT,TOP,RIGHT,BOTTOM around it.")
    box = _on_face(view, spot.box)
    if any(shared(box, mark) for mark in known.marks):
        raise BadInput("Other pictures show this mark too: it is the person's own.")
    radius = max(box.width, box.height) / 2
    centre = np.array([(box.left + box.right - 1) / 2, (box.top + box.bottom - 1) / 2])
    mended = view.rgb.copy()
    here = _square(mended, centre, radius)
    here[:] = _led_over(here, _beside(view.rgb, centre, radius), radius)
    return mended, f"a spot of {box.width}×{box.height} pixels healed"


def strengthened(view: View, mark: Mark, known: Known) -> tuple[Bytes, str]:
    """Marks that are there, slightly darker against the skin; where none is, none is made."""
    boxes = known.marked if mark.box is None else (mark.box,)
    if not boxes:
        raise BadInput(
            "No mark of the person was found here.",
            advice="Give --set box=LEFT,TOP,RIGHT,BOTTOM around it.",
        )
    mended = view.rgb.astype(np.float32)
    for box in boxes:
        mended *= _clearer(view.rgb, _on_face(view, box), mark.strength)[..., None]
    count = f"{len(boxes)} mark{'' if len(boxes) == 1 else 's'}"
    rgb = np.asarray(np.clip(mended + 0.5, 0, 255), np.uint8)
    return rgb, f"{count} {mark.strength:.0%} clearer"


def _on_face(view: View, box: Box) -> Box:
    """A box that holds a spot of the face. Raises BadInput for another."""
    if view.face is None:
        raise BadInput("No face was found, so no spot on it.")
    face = view.face.box
    inside = face.left <= (box.left + box.right) / 2 <= face.right
    inside &= face.top - face.height / 3 <= (box.top + box.bottom) / 2 <= face.bottom
    if not inside:
        raise BadInput("The box lies outside the face.")
    if max(box.width, box.height) > SMALL * max(face.width, face.height):
        raise BadInput("The box is too large for a spot.", advice="Draw it around the spot alone.")
    if min(box.width, box.height) < FEWEST:
        raise BadInput("The spot is too small to be seen: a larger file would show it.")
    reach = max(box.width, box.height)
    height, width = view.rgb.shape[:2]
    if min(box.left, box.top) < reach or box.right + reach > width or box.bottom + reach > height:
        raise BadInput("The spot is too near to the edge of the picture.")
    return box


def _clearer(rgb: Bytes, box: Box, strength: float) -> Floats:
    """What each pixel is multiplied with, (H, W): 1 away from the mark."""
    grey = np.log(rgb @ np.array([0.299, 0.587, 0.114], np.float32) + 8)
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]]
    x, y = (box.left + box.right - 1) / 2, (box.top + box.bottom - 1) / 2
    far = np.hypot((columns - x) / box.width, (rows - y) / box.height) * 2
    level = float(np.median(grey[(far > 1.1) & (far < 1.8)]))
    darkest = float(np.percentile(grey[far < 1], 10))
    if level - darkest < 2 * FAINT:
        raise BadInput("There is no mark in the box: one that is not there is not made.")
    soft = np.clip(1.3 - far, 0, 0.3) / 0.3
    return np.asarray(np.exp(strength * np.minimum(grey - level, 0) * soft), np.float32)


def _beside(rgb: Bytes, centre: Point, radius: float) -> Bytes:
    """The patch near a spot that is calmest and most like the spot's rim."""
    rim = _square(rgb, centre, radius)
    outside = _far(rim) > radius
    best, found = np.inf, None
    for step in range(2 * WAYS):
        angle = 2 * np.pi * step / WAYS
        reach = (2.4 if step < WAYS else 3.4) * radius
        place = centre + reach * np.array([np.cos(angle), np.sin(angle)])
        patch = _square(rgb, place, radius)
        if patch.shape != rim.shape:
            continue
        rough = float(patch.reshape(-1, 3).std(0).mean())
        unlike = np.abs(patch[outside].mean(0) - rim[outside].mean(0)).mean()
        if rough + unlike < best:
            best, found = rough + unlike, patch
    if found is None:
        raise BadInput("The spot is too near to the edge of the picture.")
    return found


def _led_over(here: Bytes, patch: Bytes, radius: float) -> Bytes:
    """A patch in the place of a disc, changed inside as much as it differs at the disc's rim.

    Each pixel takes the differences at the rim by nearness, as in mean-value cloning (Farbman et
    al., "Coordinates for instant image cloning", 2009).
    """
    far = _far(here)
    inside, rim = np.argwhere(far <= radius), np.argwhere((far > radius) & (far <= radius + 2))
    differ = (here.astype(np.float32) - patch)[rim[:, 0], rim[:, 1]]
    way = np.linalg.norm(inside[:, None] - rim[None], axis=-1)
    weight = way**-3.0
    change = weight @ differ / weight.sum(1, keepdims=True)
    rows, columns = inside.T
    healed = here.copy()
    healed[rows, columns] = np.clip(patch[rows, columns] + change + 0.5, 0, 255).astype(np.uint8)
    return healed


def _square(rgb: Bytes, centre: Point, radius: float) -> Bytes:
    """What lies around a point, with a rim of three pixels around the radius."""
    reach = int(np.ceil(radius)) + 3
    x, y = (round(float(value)) for value in centre)
    top, left = max(0, y - reach), max(0, x - reach)
    return rgb[top : y + reach + 1, left : x + reach + 1]


def _far(square: Bytes) -> NDArray[np.float64]:
    """How far each pixel lies from the middle of a square, (H, W)."""
    reach = len(square) // 2
    rows, columns = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(np.hypot(rows, columns))
