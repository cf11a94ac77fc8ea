"""A face drawn at one size, so that what is measured on it means the same in every picture.

The unit is the way from the eyes down to the mouth, some seven centimetres: turning the head leaves
it as it is. It is the longer of that way and of the eyes' distance as it would be in a face seen
from the front, so that nodding leaves it as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sosie.core.records import Box
from sosie.doctor.view import Bytes, View
from sosie.models.faces import Face

Point = NDArray[np.float32]

UNIT = 76.0
"""Pixels from the eyes to the mouth in a close-up: about one a millimetre."""
SMALLEST = 24.0
"""Pixels of the stored picture from the eyes to the mouth below which nothing fine can be seen."""
EYES_IN_UNITS = 1.157
"""Eye-to-mouth way over eye distance in the frontal template that SFace aligns to."""
MARGIN = 1.6
"""Units around the middle of the eyes that a close-up shows."""

TOO_SMALL = "the face is too small to look at its skin"


@dataclass(frozen=True, eq=False)
class Closeup:
    """The largest face of a picture, not turned, `UNIT` pixels from eyes to mouth."""

    rgb: Bytes
    points: NDArray[np.float32]
    """(5, 2), as `Face.landmarks`, in pixels of `rgb`."""
    right: Point
    down: Point
    """Unit vectors of the face: along the eyes, and from the eyes to the mouth."""
    turn: float
    """As `pose.Reading.turn`."""
    zoom: float
    """Pixels here for each stored pixel."""
    corner: tuple[int, int]
    """Left and top of what is shown, in stored pixels."""

    @cached_property
    def middle(self) -> Point:
        """The middle of the eyes."""
        return np.asarray(self.points[:2].mean(0))

    def at(self, point: Point, right: float = 0.0, down: float = 0.0) -> Point:
        """The point that lies so many units from `point`."""
        moved = point + UNIT * (right * self.right + down * self.down)
        return np.asarray(moved, np.float32)

    def place(self, point: Point) -> tuple[float, float]:
        """Where a point lies from the middle of the eyes, in units to the right and down."""
        way = (point - self.middle) / UNIT
        return float(way @ self.right), float(way @ self.down)

    def disc(self, centre: Point, radius: float) -> NDArray[np.bool_]:
        """Which pixels lie within `radius` units of `centre`."""
        rows, columns = np.ogrid[: self.rgb.shape[0], : self.rgb.shape[1]]
        way = (columns - centre[0]) ** 2 + (rows - centre[1]) ** 2
        return np.asarray(way <= (radius * UNIT) ** 2)

    def box(self, centre: Point, radius: float) -> Box:
        """A square of the stored picture around a point, `radius` in units."""
        x, y = centre / self.zoom + self.corner
        reach = radius * UNIT / self.zoom
        return Box(
            left=max(0, round(float(x - reach))),
            top=max(0, round(float(y - reach))),
            right=max(1, round(float(x + reach))),
            bottom=max(1, round(float(y + reach))),
        )

    def cheeks(self) -> list[Point]:
        """The middle of each cheek that is turned to the camera, away from eyes, nose and beard."""
        sides = [(0, 3, -1.0), (1, 4, 1.0)]
        # From about 20 degrees on, the far cheek is seen too slantingly.
        seen = [s for s in sides if s[2] * self.turn < 0.25]
        return [
            self.at(0.55 * self.points[e] + 0.45 * self.points[m], side * 0.1)
            for e, m, side in seen
        ]


def turn_of(face: Face) -> float:
    """The nose's way from the middle of the eyes, in eye distances: 0 is front, positive is to the
    picture's right; about 0.75 times the tangent of the angle."""
    left, right, nose = face.landmarks[:3]
    across = right - left
    return float((nose - (left + right) / 2) @ across) / max(float(across @ across), 1e-6)


def closeup(view: View) -> Closeup | None:
    """The close-up of the largest face; None where it is smaller than `SMALLEST` or misshapen."""
    import cv2

    face = view.face
    if face is None:
        return None
    points = face.landmarks.astype(np.float32)
    across = points[1] - points[0]
    middle, mouth = points[:2].mean(0), points[3:].mean(0)
    eyes = float(np.linalg.norm(across))
    unit = max(float(np.linalg.norm(mouth - middle)), EYES_IN_UNITS * eyes)
    if unit < SMALLEST or eyes < 1:
        return None
    right = across / eyes
    down = np.array([-right[1], right[0]], np.float32)
    height, width = view.rgb.shape[:2]
    left, top = np.clip(np.floor(middle - MARGIN * unit), 0, [width - 1, height - 1]).astype(int)
    far = np.clip(np.ceil(middle + MARGIN * unit), [left + 1, top + 1], [width, height]).astype(int)
    part = view.rgb[top : far[1], left : far[0]]
    zoom = UNIT / unit
    size = tuple(max(1, round(float(n * zoom))) for n in part.shape[1::-1])
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    return Closeup(
        rgb=np.asarray(cv2.resize(part, size, interpolation=how), np.uint8),
        points=np.asarray((points - [left, top]) * zoom, np.float32),
        right=np.asarray(right, np.float32),
        down=down,
        turn=turn_of(face),
        zoom=zoom,
        corner=(int(left), int(top)),
    )
