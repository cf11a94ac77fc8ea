"""The face mesh: 468 points of a face, its irises, how far eyes and mouth are open, its pose.

MediaPipe's face and iris networks (Apache-2.0; files, hashes and origin in models/mediapipe) look
at one face that `faces.find_faces` found. The crop is turned upright by the eyes and is 1.5 times
as wide as the face. It is cut twice, the second time around the points that the first look found.

Conventions:
    points      pixels of the picture, x to the right, y down, (0, 0) the outer corner of the first
                pixel; z is depth in the same unit, smaller is nearer, zero near the ears.
    sides       a face's own: RIGHT_EYE is the person's right eye, at the picture's left.
    pose        degrees; yaw is positive where the nose points to the picture's right, pitch where
                it points down, roll where the head leans clockwise in the picture.

Pose is the rotation that brings a mean face onto 23 points of brow, eyes, nose bridge and temples,
which expressions leave alone (Procrustes; Umeyama, PAMI 13(4), 1991). The mean face was taken from
drawn people with known pose, made symmetric, so that yaw is zero by symmetry; pitch is zero where
the drawn people's is on average. On 119 drawn pictures of other people (yaw -70 to 70, pitch -20 to
20) the mean absolute error is 2.1 degrees of yaw and 3.7 of pitch, nine in ten within 4.5 and 8.2:
a pitch below ten degrees says little. On a full profile, presence may fall below one half.

Papers: Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs"
(2019); Ablavatski et al., "Real-time pupil tracking from monocular video for digital puppetry"
(2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sosie.models.faces import Face, Picture
from sosie.models.litert import Floats, network

RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398)
"""Outer corner, seven points of the lower lid, inner corner, seven of the upper lid."""

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The outline of the face, a closed polygon."""
RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
LIPS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375),
    *(291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
)
"""The outer edge of the lips, a closed polygon."""
EYE_CORNERS = ((33, 133), (263, 362))
MOUTH_CORNERS, MOUTH_MIDDLE = (78, 308), (13, 14)
"""Of the inner edge of the lips."""

MEAN_FACE = {
    10: (0.000, -0.595, -0.243),
    151: (0.000, -0.415, -0.266),
    9: (0.000, -0.236, -0.277),
    8: (0.000, -0.135, -0.254),
    168: (0.000, -0.044, -0.243),
    6: (0.000, 0.053, -0.283),
    197: (0.000, 0.142, -0.332),
    33: (-0.500, 0.000, 0.000),
    133: (-0.190, 0.019, -0.059),
    263: (0.500, 0.000, 0.000),
    362: (0.190, 0.019, -0.059),
    127: (-0.774, 0.024, 0.543),
    356: (0.774, 0.024, 0.543),
    234: (-0.760, 0.184, 0.610),
    454: (0.760, 0.184, 0.610),
    70: (-0.636, -0.174, -0.006),
    300: (0.636, -0.174, -0.006),
    105: (-0.464, -0.272, -0.176),
    334: (0.464, -0.272, -0.176),
    93: (-0.745, 0.348, 0.633),
    323: (0.745, 0.348, 0.633),
    132: (-0.720, 0.524, 0.622),
    361: (0.720, 0.524, 0.622),
}
"""The points that pose is read from, in distances between the outer corners of the eyes."""

FACE_SIDE, EYE_SIDE = 192, 64
"""Pixels that the two networks look at."""
AROUND_FACE, AROUND_EYE = 1.5, 2.3
"""Width of a crop in widths of what it is cut around."""


@dataclass(frozen=True)
class Pose:
    """Where a head points, in degrees; see the module."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, eq=False)
class Mesh:
    """The points of one face, in pixels of the picture; see the module for axes and sides."""

    landmarks: Floats
    """(468, 3): x, y, depth."""
    irises: Floats
    """(2, 5, 2), the person's right eye first: centre, then four points of the rim."""
    eyes: tuple[float, float]
    """How far the person's right and left eye are open: height of the lid opening in its widths.
    Open eyes lie about 0.25 to 0.45, closed ones mostly below 0.15; the folded lids of the old can
    read 0.2 when closed."""
    mouth: float
    """How far the lips are apart: height of the inner opening in its widths; 0 when closed."""
    pose: Pose
    presence: float
    """The network's belief in [0, 1] that a face is there; below 0.5 trust nothing else."""


@dataclass(frozen=True, eq=False)
class _Square:
    """A turned square of a picture."""

    centre: NDArray[np.float64]
    side: float
    angle: float
    """Radians, clockwise in the picture."""

    def to_picture(self, points: Floats, size: int) -> Floats:
        """Points (N, 3) of the square drawn at `size` pixels, in the picture; depth scales along.

        The zero of x and y is the corner of the square.
        """
        scale = self.side / size
        c, s = np.cos(self.angle), np.sin(self.angle)
        x, y = (points[:, :2].T - size / 2) * scale
        across, down = self.centre[0] + c * x - s * y, self.centre[1] + s * x + c * y
        return np.stack([across, down, points[:, 2] * scale], 1).astype(np.float32)

    def cut(self, rgb: Picture, size: int) -> Floats:
        """The square drawn upright, (size, size, 3) in [0, 1]; grey outside the picture."""
        import cv2

        height, width = rgb.shape[:2]
        reach = self.side * (abs(np.cos(self.angle)) + abs(np.sin(self.angle))) / 2 + 2
        left, top = np.clip(np.floor(self.centre - reach), 0, [width - 1, height - 1]).astype(int)
        right, bottom = np.clip(np.ceil(self.centre + reach), 1, [width, height]).astype(int)
        part = rgb[top : max(bottom, top + 1), left : max(right, left + 1)]
        # Large faces are shrunk by area first: warping alone would skip pixels.
        zoom = min(1.0, size / self.side)
        small = max(1, round(part.shape[1] * zoom)), max(1, round(part.shape[0] * zoom))
        shrunk = cv2.resize(part, small, interpolation=cv2.INTER_AREA) if zoom < 1 else part
        zooms = np.array([shrunk.shape[1] / part.shape[1], shrunk.shape[0] / part.shape[0]])
        c, s = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[c, -s], [s, c]]) * (self.side / size)
        start = self.centre + turn @ np.full(2, 0.5 - size / 2) - [left, top]
        drawn = cv2.warpAffine(
            shrunk,
            np.concatenate([turn * zooms[:, None], (start * zooms - 0.5)[:, None]], 1),
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(127, 127, 127),
        )
        return np.asarray(drawn / np.float32(255), np.float32)


def find_mesh(rgb: Picture, face: Face) -> Mesh:
    """The mesh of a `face` found in a (H, W, 3) uint8 RGB picture.

    Always answers: whether there is a face at all is said by `presence`. About 10 ms on one core.
    Raises WeightsRefused if LiteRT is not installed or a network is altered.
    """
    points, _ = _look(rgb, _around_box(face))
    points, presence = _look(rgb, _around_points(points))
    right, left = (_eye(rgb, points, eye) for eye in (0, 1))
    return Mesh(
        landmarks=points,
        irises=np.stack([right[1], left[1]]),
        eyes=(_aperture(right[0]), _aperture(left[0])),
        mouth=_ratio(points, MOUTH_MIDDLE, MOUTH_CORNERS),
        pose=pose_of(points),
        presence=presence,
    )


def pose_of(landmarks: Floats) -> Pose:
    """The pose of a head from its landmarks (468, 3)."""
    seen = np.array([landmarks[index] for index in MEAN_FACE], np.float64)
    mean = np.array(list(MEAN_FACE.values()))
    u, _, vt = np.linalg.svd((seen - seen.mean(0)).T @ (mean - mean.mean(0)))
    turn = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    return Pose(
        yaw=float(np.degrees(np.arcsin(np.clip(turn[2, 0], -1, 1)))),
        pitch=float(np.degrees(np.arctan2(turn[2, 1], turn[2, 2]))),
        roll=float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0]))),
    )


def _look(rgb: Picture, square: _Square) -> tuple[Floats, float]:
    points, presence = network("face_landmark")(square.cut(rgb, FACE_SIDE))
    found = square.to_picture(points.reshape(-1, 3), FACE_SIDE)
    return found, float(1 / (1 + np.exp(-presence[0])))


def _around_box(face: Face) -> _Square:
    box = face.box
    centre = np.array([(box.left + box.right) / 2, (box.top + box.bottom) / 2])
    side = AROUND_FACE * max(box.width, box.height)
    return _Square(centre, side, _angle(face.landmarks[0], face.landmarks[1]))


def _around_points(points: Floats) -> _Square:
    angle = _angle(points[RIGHT_EYE[0]], points[LEFT_EYE[0]])
    c, s = np.cos(angle), np.sin(angle)
    upright = np.array([[c, s], [-s, c]])
    level = points[:, :2].astype(np.float64) @ upright.T
    low, high = level.min(0), level.max(0)
    return _Square(upright.T @ ((low + high) / 2), AROUND_FACE * float(max(high - low)), angle)


def _angle(start: NDArray[Any], end: NDArray[Any]) -> float:
    return float(np.arctan2(end[1] - start[1], end[0] - start[0]))


def _eye(rgb: Picture, points: Floats, which: int) -> tuple[Floats, Floats]:
    """Lids (16, 2), in the order of LEFT_EYE, and iris (5, 2); `which` is 0 for the right eye."""
    outer, inner = (points[index, :2].astype(np.float64) for index in EYE_CORNERS[which])
    ends = (outer, inner) if which == 0 else (inner, outer)
    width = float(np.linalg.norm(outer - inner))
    square = _Square((outer + inner) / 2, AROUND_EYE * max(width, 1.0), _angle(*ends))
    crop = square.cut(rgb, EYE_SIDE)
    # The network knows left eyes: it is shown a right one in the mirror.
    outputs = network("iris_landmark")(crop[:, ::-1] if which == 0 else crop)
    lids, iris = (output.reshape(-1, 3) for output in outputs)
    found = np.concatenate([lids[: len(LEFT_EYE)], iris])
    if which == 0:
        found[:, 0] = EYE_SIDE - found[:, 0]
    seen = square.to_picture(found, EYE_SIDE)[:, :2]
    return seen[:-5], seen[-5:]


def _aperture(lids: Floats) -> float:
    """Mean height of the middle of the eye over its width; lids (16, 2)."""
    heights = np.linalg.norm(lids[3:6] - lids[11:14], axis=1)
    return float(heights.mean() / max(float(np.linalg.norm(lids[0] - lids[8])), 1e-6))


def _ratio(points: Floats, height: tuple[int, int], width: tuple[int, int]) -> float:
    """Distance of two points over that of two others, depth included: turning leaves it alone."""
    top, bottom, left, right = (points[index] for index in (*height, *width))
    return float(np.linalg.norm(top - bottom) / max(float(np.linalg.norm(left - right)), 1e-6))
