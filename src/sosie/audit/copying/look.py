"""What is kept of a picture for the search of copies: its pixels small, and whose parts they are.

Two pictures are compared at one shape, the generated one's: a trainer crops what it teaches about
to the shapes it draws in. The pixels are squeezed to a square of `SIDE`, at which JPEG, noise and
the autoencoder's own texture matter little, and what makes a picture this picture is still there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sosie.audit.copying import detectors
from sosie.audit.copying.detectors import Fine, Keypoints, Mask
from sosie.models import faces
from sosie.models.faces import Picture

SIDE = 128
"""Pixels along each side of the compared square."""
LARGEST = 1024
"""Longer side, in pixels, to which a larger picture is shrunk first: of a face and a figure no more
is asked, and a photograph would be kept at its twelve megapixels."""
EVEN = 16
"""Grey levels that a frame of one colour may vary by, once it was saved."""
LINE = 2
"""Rows over which the inner edge of a frame may be blurred; they are cut off with it."""
RINGS = 0.1
"""Share of each row of a frame that may vary more: JPEG rings beside a line."""
WRITTEN = 0.4
"""Share of each row of a bar that words may cover."""
STRAIGHT = 0.35
"""Share of a side by which more differs from the frame at once where that ends."""
SHAPES = 0.05
"""Shapes are told apart in steps of this, in octaves of width by height (about 3.5%)."""
WIDER, HIGHER = 1.25, 1.35
"""The face that is masked, in widths and heights of the detector's box: with forehead and ears."""
FIGURE = 0.2
"""Share of a pixel that must be a person's for it to be no background."""

Figure = Callable[[Picture], NDArray[np.float32]]
"""How much of each pixel is a person's: `mask.person_mask`."""


@dataclass(frozen=True, eq=False)
class Look:
    """One picture at one shape; what it shows is found when it is first asked for."""

    whole: Picture
    """Cut to the shape, up to `LARGEST` pixels a side."""
    shape: float
    """As `shape_of` says."""
    _figure: Figure | None

    @cached_property
    def rgb(self) -> Picture:
        """(SIDE, SIDE, 3)."""
        return np.asarray(_squeezed(self.whole))

    @cached_property
    def grey(self) -> Fine:
        """(SIDE, SIDE), 0..255."""
        return grey(self.rgb)

    @cached_property
    def detail(self) -> Fine:
        """`grey` without its broad shading; NaN in `bars`."""
        return detectors.details(self.grey, ~self.bars if self.bars.any() else None)

    @cached_property
    def bits(self) -> Mask:
        """The hash."""
        return detectors.hash_bits(self.grey)

    @cached_property
    def screen(self) -> Fine:
        """What is compared of all pairs."""
        return detectors.screen(np.nan_to_num(self.detail))

    @cached_property
    def keypoints(self) -> Keypoints | None:
        """SIFT's points."""
        return detectors.keypoints(self.grey)

    @cached_property
    def bars(self) -> Mask:
        """(SIDE, SIDE): a bar of one colour above or below, written on or not. It says nothing, and
        lends the rest no shading."""
        rows = np.zeros(SIDE, np.bool_)
        for side in (self.whole, self.whole[::-1]):
            share = _framed(side, written=WRITTEN) / len(side)
            rows[: math.ceil(share * SIDE)] = True
            rows = rows[::-1]
        return np.repeat(rows[:, None], SIDE, axis=1)

    @cached_property
    def face(self) -> Mask:
        """(SIDE, SIDE): the largest face with its surroundings, as an ellipse; empty for none."""
        return self._ellipse(WIDER, HIGHER)

    @cached_property
    def inner_face(self) -> Mask:
        """(SIDE, SIDE): what of it is face alone."""
        return self._ellipse(0.9, 0.95)

    @cached_property
    def features(self) -> Fine | None:
        """(112, 112): the details of the face turned upright; None if there is no face."""
        if self._found is None:
            return None
        return detectors.details(grey(faces.aligned(self.whole, self._found)))

    @cached_property
    def figure(self) -> Mask | None:
        """(SIDE, SIDE): everything of a person; None if nobody can tell."""
        if self._figure is None:
            return None
        return np.asarray(_squeezed(self._figure(self.whole)) >= FIGURE) | self.face

    @cached_property
    def backdrop(self) -> Fine | None:
        """(SIDE, SIDE): the details of the background alone; None if nobody can tell."""
        if self.figure is None:
            return None
        return detectors.details(self.grey, ~(self.figure | self.bars))

    @cached_property
    def mirrored(self) -> Look:
        """The mirror image, with the parts that were found."""
        return self._with_parts(self.whole[:, ::-1], lambda part: part[:, ::-1])

    @property
    def small(self) -> Look:
        """The same without the pixels that its parts were found in: under 1 MiB."""
        return self._with_parts(self.rgb, lambda part: part)

    def _with_parts(self, rgb: Picture, turned: Callable[[Any], Any]) -> Look:
        """Another look, with what the networks found: they are slow, and would see the same."""
        other = Look(np.ascontiguousarray(rgb), self.shape, None)
        for part in ("bars", "face", "inner_face", "figure", "features"):
            found = getattr(self, part)
            other.__dict__[part] = None if found is None else turned(found)
        return other

    @cached_property
    def _found(self) -> faces.Face | None:
        found = faces.find_faces(self.whole)
        return found[0] if found else None

    def _ellipse(self, wider: float, higher: float) -> Mask:
        if self._found is None:
            return np.zeros((SIDE, SIDE), np.bool_)
        height, width = self.whole.shape[:2]
        box = self._found.box
        across = (np.arange(SIDE) + 0.5) * width / SIDE - (box.left + box.right) / 2
        down = (np.arange(SIDE) + 0.5) * height / SIDE - (box.top + box.bottom) / 2
        x, y = across / (box.width / 2 * wider), down / (box.height / 2 * higher)
        return np.asarray(x[None] ** 2 + y[:, None] ** 2 <= 1)


def look(rgb: Picture, shape: float | None = None, *, figure: Figure | None = None) -> Look:
    """`rgb`, (H, W, 3), without a frame and cut about its middle to `shape`: its own if None.

    `figure` tells a person from the background; without it the two are judged as one.
    """
    rgb = trimmed(rgb)
    shape = shape_of(rgb) if shape is None else shape
    return Look(_shrunk(cut(rgb, shape)), shape, figure)


def trimmed(rgb: Picture) -> Picture:
    """`rgb` without a frame or the bars of a letterbox, of one colour on opposite sides and up to a
    quarter of the picture each: a copy in a frame is a copy.

    A plain wall is no frame. Where that ends, a head begins; where a frame ends, a straight line.
    """
    for _ in range(4):
        top, bottom = _framed(rgb), _framed(rgb[::-1])
        if top and bottom:
            rgb = rgb[top:-bottom]
        rgb = rgb.swapaxes(0, 1)
    return np.ascontiguousarray(rgb)


def _framed(rgb: Picture, written: float = RINGS) -> int:
    """Rows of one colour at the top, of which a share may be `written` on, down to a straight line;
    0 if there are none."""
    most = len(rgb) // 4
    rows = rgb[: most + LINE + 1].astype(np.int16)
    away = np.abs(rows - np.median(rows[0], axis=0)).max(axis=2)
    other = (away > EVEN).mean(axis=1)
    plain = other <= written
    count = len(plain) if plain.all() else int(plain.argmin())
    if not 0 < count <= most:
        return 0
    # Saving blurs a line over a few rows.
    step = other[count : count + LINE + 1].max() - other[max(0, count - 1 - LINE)]
    return count + LINE if step >= STRAIGHT else 0


def cut(values: NDArray[Any], shape: float) -> NDArray[Any]:
    """(H, W, …), cut about its middle to a shape."""
    aspect = 2.0**shape
    height, width = values.shape[:2]
    kept = max(1, min(width, round(height * aspect))), max(1, min(height, round(width / aspect)))
    left, top = (width - kept[0]) // 2, (height - kept[1]) // 2
    return np.ascontiguousarray(values[top : top + kept[1], left : left + kept[0]])


def shape_of(rgb: Picture) -> float:
    """The logarithm to base 2 of width by height, in steps of `SHAPES`."""
    height, width = rgb.shape[:2]
    return round(math.log2(width / height) / SHAPES) * SHAPES


def grey(rgb: Picture) -> Fine:
    """(H, W, 3) bytes to (H, W) in 0..255, by ITU-R BT.601's weights."""
    return np.asarray(rgb @ np.array([0.299, 0.587, 0.114]), np.float32)


def thumbnail(rgb: Picture) -> NDArray[np.uint8]:
    """(H, W, 3) -> (H', W') grey bytes, the shorter side `SIDE` pixels or what there is: enough to
    screen a picture at any shape."""
    rgb = trimmed(rgb)
    return np.asarray(np.round(grey(_fitted(rgb, SIDE / min(rgb.shape[:2])))), np.uint8)


def _shrunk(rgb: Picture) -> Picture:
    return _fitted(rgb, LARGEST / max(rgb.shape[:2]))


def _fitted(rgb: Picture, scale: float) -> Picture:
    """Scaled, but never enlarged."""
    import cv2

    if scale >= 1:
        return rgb
    size = [max(1, round(side * scale)) for side in rgb.shape[1::-1]]
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def _squeezed(values: NDArray[Any]) -> NDArray[Any]:
    import cv2

    how = cv2.INTER_AREA if min(values.shape[:2]) > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, (SIDE, SIDE), interpolation=how))
