"""Mends of what is behind the person, by the mask: blurred, or replaced by a plain tone."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sosie.core.errors import BadInput
from sosie.core.files import sha256_bytes
from sosie.core.records import Record
from sosie.doctor.mends.mend import Known
from sosie.doctor.view import Bytes, Floats, View
from sosie.models.mask import person_mask

INSIDE, OUTSIDE = 0.95, 0.05
"""Mask values from which a pixel is the person's, and up to which it is the background's."""
DOUBTFUL = 0.1
"""Share of the picture between the two from which the mask does not know where the person ends: it
is .014 to .094 on 23 of 24 drawn portraits, and .11 on one whose curls it eats away."""
COVERED = 0.9
"""Least mask over the eyes, nose and mouth: a face that it leaves out would be painted over."""
LEAST_BEHIND = 0.02
"""Share of a picture below which there is no background to speak of."""


class Blur(Record):
    """How much the background is blurred."""

    strength: float = Field(default=0.02, ge=0.005, le=0.06)
    """Deviation of the blur, in longer sides of the picture."""


class Backdrop(Record):
    """What takes the place of the background."""

    colour: str | None = Field(default=None, pattern="^#[0-9a-fA-F]{6}$")
    """As #RRGGBB; by default each picture gets a muted tone of its own, since one tone in all of
    them would be learned as well."""


def blurred(view: View, blur: Blur, known: Known) -> tuple[Bytes, str]:
    """The background out of focus; no colour of the person runs into it."""
    import cv2

    mask = _mask(view)
    deviation = blur.strength * max(view.rgb.shape)
    behind = np.asarray(1 - mask, np.float32)
    weight = cv2.GaussianBlur(behind, (0, 0), deviation) + 1e-4
    spread = cv2.GaussianBlur(view.rgb.astype(np.float32) * behind[..., None], (0, 0), deviation)
    mended = _over(view.rgb, mask, spread / weight[..., None])
    return mended, f"blurred by {deviation:.0f} pixels"


def replaced(view: View, backdrop: Backdrop, known: Known) -> tuple[Bytes, str]:
    """The person before a plain tone that is a little lighter above."""
    mask = _mask(view)
    tone = _tone(view.rgb) if backdrop.colour is None else backdrop.colour
    colour = np.array([int(tone[at : at + 2], 16) for at in (1, 3, 5)], np.float32)
    light = np.linspace(8, -8, len(view.rgb), dtype=np.float32)[:, None, None]
    ground = np.broadcast_to(colour + light, view.rgb.shape)
    return _over(view.rgb, mask, np.asarray(ground, np.float32)), f"replaced by {tone}"


def _mask(view: View) -> Floats:
    """The person at the picture's own size. Raises BadInput where it cannot be relied on."""
    mask = person_mask(view.rgb)
    if view.face is not None:
        height, width = mask.shape
        points = view.face.landmarks
        # A little inwards: in profile a nose or the corner of a mouth lies on the outline itself.
        points = 0.7 * points + 0.3 * points.mean(0)
        x, y = np.clip(points, 0, [width - 1, height - 1]).astype(int).T
        if mask[y, x].min() < COVERED:
            raise BadInput("The mask does not hold the whole face.")
    if (mask < OUTSIDE).mean() < LEAST_BEHIND:
        raise BadInput("Hardly any background is seen.")
    doubtful = float(((mask > OUTSIDE) & (mask < INSIDE)).mean())
    if doubtful > DOUBTFUL:
        raise BadInput(f"Where the person ends is unclear on {doubtful:.0%} of the picture.")
    # What is the person's for certain stays as it is, to the last bit.
    return np.asarray(np.clip((mask - OUTSIDE) / (INSIDE - OUTSIDE), 0, 1), np.float32)


def _over(rgb: Bytes, mask: Floats, ground: NDArray[np.float32]) -> Bytes:
    """The person over another ground. What shows through at the rim, such as between hairs, loses
    the colour of the old background: there it is taken from the person beside it."""
    import cv2

    sure = (mask == 1).astype(np.float32)
    deviation = max(1.0, max(rgb.shape) / 100)
    near = cv2.GaussianBlur(sure, (0, 0), deviation)
    own = cv2.GaussianBlur(rgb.astype(np.float32) * sure[..., None], (0, 0), deviation)
    own = own / np.maximum(near, 1e-3)[..., None]
    rim = ((near > 0.02) & (sure == 0))[..., None] * (1 - mask[..., None])
    person = rgb * (1 - rim) + own * rim
    share = mask[..., None]
    return np.asarray(np.clip(person * share + ground * (1 - share) + 0.5, 0, 255), np.uint8)


def _tone(rgb: Bytes) -> str:
    """A muted tone, told by the picture's content: hue and lightness from its hash."""
    digits = bytes.fromhex(sha256_bytes(rgb.tobytes()))
    hue, light = digits[0] / 256, 0.35 + 0.4 * digits[1] / 256
    red, green, blue = colorsys.hls_to_rgb(hue, light, 0.18)
    return "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue))
