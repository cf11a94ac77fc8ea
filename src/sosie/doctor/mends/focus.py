"""Mild deblurring: edges that are there become steeper; what the lens lost is not brought back."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from sosie.core.errors import BadInput
from sosie.core.records import Record
from sosie.doctor.mends.mend import Known
from sosie.doctor.rules import focus
from sosie.doctor.view import Bytes, View

SHARP = 0.6
"""Pixels of blur, in training, below which a picture is sharp (see `rules.focus.SOFT`)."""
LOST = 1.5
"""Pixels of blur, in training, from which detail is gone: of what is four pixels fine, a
sixteenth is left, and raising that raises noise."""
GRAIN = 3.0
"""Deviation of noise, in levels of 255, from which raising detail would raise grain: half of what
`rules.grain` calls grainy, since it is raised as much again and more."""
MOST = 3.0
"""How much the filter raises any frequency at most."""


class Deblur(Record):
    """How much of the blur is taken back."""

    share: float = Field(default=0.9, ge=0.1, le=1)
    """Of the measured width of the blur."""


def deblurred(view: View, deblur: Deblur, known: Known) -> tuple[Bytes, str]:
    """The picture with a part of a slight, even blur taken back (Wiener's filter on the luma).

    Refused where the picture is sharp, shaken, grainy, or too far out of focus.
    """
    reading = focus.FAMILY.measure(view)
    if not isinstance(reading, focus.Reading):
        raise BadInput("There are too few edges to judge the focus by.")
    scale = min(1.0, known.side / reading.side)
    width = reading.width * scale
    if width < SHARP:
        raise BadInput("The picture is sharp enough.")
    if focus.shaken(reading, scale):
        raise BadInput("It is blurred by movement, which cannot be taken back.")
    if width > LOST:
        raise BadInput(
            f"It is too far out of focus ({width:.1f} pixels): detail would be invented.",
            advice="Leave it out, or use another picture of the moment.",
        )
    if 255 * (view.noise or 0) > GRAIN:
        raise BadInput("It is grainy: the grain would be sharpened.")
    deviation = deblur.share * reading.width / view.scale
    return _raised(view.rgb, deviation), f"{deviation:.1f} pixels of blur taken back"


def _raised(rgb: Bytes, deviation: float) -> Bytes:
    """The picture with the fine parts of its luma raised as a Gaussian blur has lowered them."""
    height, width = rgb.shape[:2]
    border = 32
    luma = np.asarray(rgb @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)
    padded = np.pad(luma, border, mode="reflect")
    down = np.fft.fftfreq(padded.shape[0])[:, None]
    across = np.fft.rfftfreq(padded.shape[1])[None]
    blur = np.exp(-2 * np.pi**2 * deviation**2 * (down**2 + across**2))
    # Wiener's filter, its constant such that it never raises by more than MOST.
    gain = blur / (blur**2 + 1 / (4 * MOST**2))
    gain = gain / gain[0, 0]
    sharp = np.fft.irfft2(np.fft.rfft2(padded) * gain, padded.shape)
    change = sharp[border : border + height, border : border + width] - luma
    return np.asarray(np.clip(rgb + change[..., None] + 0.5, 0, 255), np.uint8)
