"""Mends of colour and lines. Both move towards the person's own other pictures and never past them.

There is no right skin: nothing here lightens, evens or smooths it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sosie.core.errors import BadInput
from sosie.core.records import Record
from sosie.doctor.closeup import TOO_SMALL, Closeup, closeup
from sosie.doctor.mends.mend import Known
from sosie.doctor.rule import Unread
from sosie.doctor.rules import skin
from sosie.doctor.view import Bytes, Floats, InMemory, View
from sosie.models.mask import person_mask
from sosie.models.mesh import LEFT_BROW, LEFT_EYE, LIPS, OVAL, RIGHT_BROW, RIGHT_EYE, Mesh

CAP = 20.0
"""CIELAB units by which a colour is moved at most: what is further off was meant so."""
ALIKE = 3.0
"""CIELAB units within which two colours of skin are one: clean pictures differ by more."""
NEAR = 14.0
"""Distance in a*, b* at which a colour is no longer that of the skin."""
FAR_LIGHT = 45.0
"""Difference of L* at which it is none any more: shade on a face goes so far, dark hair further."""
WIDEST = 13
"""Pixels of a close-up (about a millimetre each) up to which something dark is a line."""
ARRIVED = 0.5
"""Share of the way meant that the skin must truly have come: where much of it is blown out, part of
it stays behind, and it turns blotchy."""
BARELY = 0.01
"""Darkness of lines beyond the usual that is not worth softening."""
FEATURES = (LEFT_EYE, RIGHT_EYE, LEFT_BROW, RIGHT_BROW, LIPS)


class Match(Record):
    """How far colours are moved towards the person's usual ones."""

    share: float = Field(default=0.8, ge=0.1, le=1)
    """1 goes all the way, which also takes away what evening light did."""


class Soften(Record):
    """How much of the lines is softened."""

    share: float = Field(default=1, ge=0.1, le=1)
    """Of what lines have beyond the person's usual ones; lines that have no more are left alone."""


def balanced(view: View, match: Match, known: Known) -> tuple[Bytes, str]:
    """The whole picture in another white balance, so that skin has its usual hue; light stays.

    The channels are scaled in linear light, as a camera does it (von Kries): black stays black, and
    what is blown out in all three stays white.
    """
    now, usual = _compared(view, known)
    lab = _towards(now, usual, match.share)
    before, after = _linear(np.stack([now, lab]))
    gains = after / np.maximum(before, 1e-4)
    linear = _decoded(view.rgb)
    # By the darkest channel: the red of warm, bright skin is at its end long before it is white.
    blown = np.clip((view.rgb.min(-1, keepdims=True).astype(np.float32) - 240) / 15, 0, 1)
    mended = _encoded(linear * (gains * (1 - blown) + blown))
    return mended, f"{_come_nearer(mended, now, lab, usual)} the usual hue"


def matched(view: View, match: Match, known: Known) -> tuple[Bytes, str]:
    """The skin alone in its usual colour. It is made darker or stronger, never lighter."""
    import cv2

    now, usual = _compared(view, known)
    lab = _towards(now, usual, match.share, darker=True)
    share = _skin(view, now)[..., None]
    picture = cv2.cvtColor(view.rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    mended = cv2.cvtColor(picture + share * (lab - now), cv2.COLOR_LAB2RGB)
    rgb = np.asarray(np.clip(mended * 255 + 0.5, 0, 255), np.uint8)
    return rgb, f"{_come_nearer(rgb, now, lab, usual, darker=True)} the usual colour"


def softened(view: View, soften: Soften, known: Known) -> tuple[Bytes, str]:
    """Lines of the face no darker than in the person's other pictures; pores stay."""
    import cv2

    usual, reading, face = known.usual, skin.FAMILY.measure(view), closeup(view)
    if isinstance(reading, Unread) or face is None or view.mesh is None:
        raise BadInput(f"No lines can be read: {getattr(reading, 'reason', TOO_SMALL)}.")
    assert isinstance(reading, skin.Reading)
    if usual is None:
        raise BadInput(f"It takes {skin.LEAST} pictures to know which lines are always there.")
    beyond = reading.folds - usual.folds
    if beyond < BARELY:
        raise BadInput("The lines are as they always are: they belong to the person.")
    grey = np.asarray(face.rgb @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)
    # Only lines, only what is darker than beside them, only what is beyond the usual.
    lines = np.clip((skin.lines_of(grey) - usual.folds) / (0.5 * beyond), 0, 1)
    lines = np.clip(1.2 * cv2.GaussianBlur(cv2.dilate(lines, _disc(7)), (0, 0), 1.5), 0, 1)
    calm = cv2.GaussianBlur(grey, (0, 0), 0.6)
    # What is narrower than the disc and darker than beside it is filled.
    filled = cv2.morphologyEx(calm, cv2.MORPH_CLOSE, _disc(WIDEST))
    dark = np.log((cv2.GaussianBlur(filled, (0, 0), 2) + 8) / (calm + 8)).clip(0, 1.5)
    share = soften.share * beyond / reading.folds
    gain = np.exp(share * dark * lines * _plain(face, view.mesh)).astype(np.float32)
    mended = _through(view.rgb, face, gain)
    return mended, f"lines {share:.0%} softer"


def _compared(view: View, known: Known) -> tuple[Floats, Floats]:
    """CIELAB of the lit cheek here, and usually."""
    if known.usual is None:
        raise BadInput(f"It takes {skin.LEAST} pictures to know the usual colour of the skin.")
    return _colour(skin.FAMILY.measure(view)), _colour(known.usual)


def _colour(reading: Record) -> Floats:
    """CIELAB of the lit cheek. Raises BadInput if the skin could not be read."""
    if not isinstance(reading, skin.Reading):
        raise BadInput(f"The skin cannot be read: {getattr(reading, 'reason', '')}.")
    return np.array([reading.lightness, reading.green_red, reading.blue_yellow], np.float32)


def _way(now: Floats, usual: Floats, *, darker: bool) -> Floats:
    """From one colour to another; lightness stays as it is, or with `darker` goes down alone."""
    way = usual - now
    way[0] = min(0.0, float(way[0])) if darker else 0.0
    return way


def _towards(now: Floats, usual: Floats, share: float, *, darker: bool = False) -> Floats:
    """The colour moved by a share of the way, at most `CAP`."""
    way = _way(now, usual, darker=darker)
    far = float(np.linalg.norm(way))
    if far < ALIKE:
        raise BadInput(f"The skin is within {ALIKE:g} CIELAB units of the usual already.")
    return np.asarray(now + way * (min(share * far, CAP) / far), np.float32)


def _come_nearer(
    mended: Bytes, now: Floats, meant: Floats, usual: Floats, *, darker: bool = False
) -> str:
    """How far off the usual the skin was and is, as it is read again on the mended picture.

    Raises BadInput if it did not follow.
    """
    then = _colour(skin.FAMILY.measure(InMemory(mended)))
    before, after = (float(np.linalg.norm(_way(one, usual, darker=darker))) for one in (now, then))
    if before - after < ARRIVED * float(np.linalg.norm(meant - now)):
        raise BadInput(
            f"The skin would not follow: {before:.0f} CIELAB units off the usual before, "
            f"{after:.0f} after."
        )
    return f"skin {after:.0f} instead of {before:.0f} CIELAB units off"


def _skin(view: View, colour: Floats) -> Floats:
    """How much of each pixel is skin of face and neck, (H, W) in [0, 1]: of the person, near the
    cheek in colour and light, around the face, and not in the eyes."""
    import cv2

    assert view.face is not None and view.mesh is not None
    lab = cv2.cvtColor(view.rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    hue = np.hypot(lab[..., 1] - colour[1], lab[..., 2] - colour[2])
    light = lab[..., 0] - colour[0]
    near = np.exp(-((hue / NEAR) ** 4) - (light / FAR_LIGHT) ** 4)
    box = view.face.box
    rows, columns = np.mgrid[: view.rgb.shape[0], : view.rgb.shape[1]].astype(np.float32)
    across = (columns - (box.left + box.right) / 2) / (0.75 * box.width)
    down = (rows - box.top - 0.6 * box.height) / (1.0 * box.height)
    place = np.clip(1.5 - np.hypot(across, down), 0, 0.5) / 0.5
    for eye in (LEFT_EYE, RIGHT_EYE):
        cv2.fillPoly(place, [_hull(view.mesh, eye)], 0)
    share = (place * near * person_mask(view.rgb)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(share, (0, 0), max(1.0, box.width / 80)), np.float32)


def _plain(face: Closeup, mesh: Mesh) -> Floats:
    """Where a close-up shows the face without its features, softly, (H, W) in [0, 1]."""
    import cv2

    plain = np.zeros(face.rgb.shape[:2], np.float32)
    points = (mesh.landmarks[:, :2] - face.corner) * face.zoom
    cv2.fillPoly(plain, [np.round(points[list(OVAL)]).astype(np.int32)], 1)
    for feature in FEATURES:
        cv2.fillPoly(plain, [cv2.convexHull(np.round(points[list(feature)]).astype(np.int32))], 0)
    return np.asarray(cv2.GaussianBlur(cv2.erode(plain, np.ones((5, 5))), (0, 0), 2), np.float32)


def _disc(width: int) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)), np.uint8)


def _hull(mesh: Mesh, feature: tuple[int, ...]) -> NDArray[np.int32]:
    import cv2

    points = np.round(mesh.landmarks[list(feature), :2]).astype(np.int32)
    return np.asarray(cv2.convexHull(points), np.int32)


def _through(rgb: Bytes, face: Closeup, gain: Floats) -> Bytes:
    """The picture times what a close-up of it is to be multiplied with."""
    import cv2

    left, top = face.corner
    height, width = (round(side / face.zoom) for side in face.rgb.shape[:2])
    part = (slice(top, top + height), slice(left, left + width))
    size = rgb[part].shape[1::-1]
    whole = cv2.resize(gain, size, interpolation=cv2.INTER_LINEAR)[..., None]
    mended = rgb.copy()
    mended[part] = np.clip(rgb[part] * whole + 0.5, 0, 255).astype(np.uint8)
    return mended


def _linear(lab: Floats) -> Floats:
    """CIELAB colours (N, 3) as linear RGB in [0, 1]."""
    import cv2

    return _decoded_unit(np.asarray(cv2.cvtColor(lab[None], cv2.COLOR_LAB2RGB)[0], np.float32))


def _decoded(rgb: Bytes) -> Floats:
    return _decoded_unit(np.asarray(rgb / np.float32(255), np.float32))


def _decoded_unit(values: Floats) -> Floats:
    """sRGB (IEC 61966-2-1) in [0, 1] as linear light."""
    low = values / 12.92
    return np.asarray(np.where(values <= 0.04045, low, ((values + 0.055) / 1.055) ** 2.4))


def _encoded(linear: Floats) -> Bytes:
    """Linear light in [0, 1] as sRGB bytes."""
    clipped = np.clip(linear, 0, 1)
    values = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return np.asarray(values * 255 + 0.5, np.uint8)
