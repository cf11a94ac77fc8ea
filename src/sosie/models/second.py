"""A second identity network, to judge what was trained or chosen by the first: dlib's ResNet-34.

It shares nothing with `faces.identity` but the detector that finds the face: another network,
trained by others on other pictures. dlib's own five-point predictor aligns the face.

The weights (Davis King, CC0) are two files of the package `face_recognition_models`, opened by path
once their hashes are checked; the package is not imported. Its 68-point predictor may not be used
commercially and is never touched. The network learned from faces gathered on the web.

All its vectors point much the same way, so its cosines are not SFace's. On the Olivetti set (40
people, 400 pictures of 64 pixels, enlarged): 0.97 +- 0.02 for one person, 0.86 +- 0.03 for two; a
threshold of 0.94 lets one false pair in a thousand pass and keeps 96% of the true ones, where SFace
keeps 99%.

See King, "High quality face recognition with deep metric learning", blog.dlib.net (2017).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sosie.core.files import sha256_bytes
from sosie.models import faces
from sosie.models.faces import Embedder, Face, Picture
from sosie.models.verified import engine, packaged_path

ENGINE, INSTALL = "dlib-bin==20.0.1.post1", "face_recognition_models==0.3.0"
RESNET = "dlib_face_recognition_resnet_model_v1.dat"
FIVE_POINTS = "shape_predictor_5_face_landmarks.dat"
PINNED = {
    RESNET: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    FIVE_POINTS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
}

AROUND = 2.2
"""Side of the square that dlib is told to look at, in distances between the eyes, or from eyes to
mouth where a turned head brings the eyes together. YuNet's own box led it astray now and then."""

# dlib's networks keep their activations between calls, so one thread at a time may use them.
_lock = Lock()


def embed(rgb: Picture, face: Face) -> NDArray[np.float32]:
    """The ResNet's description of `face` in a (H, W, 3) uint8 RGB picture: (128,), unit length.

    About 90 ms on one core, after the detector. Raises WeightsRefused if dlib or its weights are
    not installed or altered.
    """
    picture = np.ascontiguousarray(rgb)
    with _lock:
        _, _, network = _networks()
        vector = network.compute_face_descriptor(picture, _predicted(picture, face))
    described = np.array(vector, np.float32)
    return np.asarray(described / np.linalg.norm(described), np.float32)


def five_points(rgb: Picture, face: Face) -> NDArray[np.float64]:
    """(5, 2), x and y in pixels: the corners of the eyes and the foot of the nose, by which dlib
    aligns. Raises WeightsRefused as `embed` does."""
    picture = np.ascontiguousarray(rgb)
    with _lock:
        return np.array([(point.x, point.y) for point in _predicted(picture, face).parts()], float)


def _predicted(picture: Picture, face: Face) -> Any:
    """dlib's shape of the face; the lock is the caller's."""
    points = face.landmarks.astype(np.float64)
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    size = max(np.linalg.norm(points[1] - points[0]), np.linalg.norm(mouth - eyes))
    corners = points.mean(0) + np.outer([-1, 1], [AROUND / 2 * size] * 2)
    dlib, predictor, _ = _networks()
    return predictor(picture, dlib.rectangle(*(round(v) for v in corners.ravel().tolist())))


def weights() -> bytes:
    """The network's file. Raises WeightsRefused if it is not installed or altered."""
    return _path(RESNET).read_bytes()


def require() -> None:
    """Raise WeightsRefused if dlib or its weights are not installed or altered."""
    with _lock:
        _networks()


def model_hash() -> str:
    """One SHA-256 for the detector, the predictor and the network."""
    parts = (faces.PINNED[faces.YUNET], PINNED[FIVE_POINTS], PINNED[RESNET])
    return sha256_bytes("".join(parts).encode())


def _describe(rgb: Picture) -> NDArray[np.float32] | None:
    found = faces.find_faces(rgb)
    return embed(rgb, found[0]) if found else None


identity = Embedder("dlib ResNet", model_hash(), _describe)
"""The second judge."""


@cache
def _networks() -> tuple[Any, Any, Any]:
    dlib = engine("dlib", what="second identity network's engine", install=ENGINE)

    predictor = dlib.shape_predictor(str(_path(FIVE_POINTS)))
    return dlib, predictor, dlib.face_recognition_model_v1(str(_path(RESNET)))


def _path(name: str) -> Path:
    return packaged_path(
        "face_recognition_models",
        f"models/{name}",
        PINNED[name],
        what="second identity network",
        install=INSTALL,
    )
