"""Faces are found at any size and told apart, on a public-domain portrait from scikit-image."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage
from PIL import Image

from sosie.core.errors import WeightsRefused
from sosie.models import faces

# Where the astronaut's face lies, in shares of the picture's side.
FACE = {"left": 0.35, "top": 0.12, "right": 0.53, "bottom": 0.35}


@pytest.fixture(scope="module")
def stranger() -> faces.Picture:
    """The first found face of a set of small grey portraits, enlarged."""
    path = Path(skimage.__file__).parent / "data" / "lfw_subset.npy"
    grey = (np.load(path)[0] * 255).astype(np.uint8)
    return resized(np.repeat(grey[:, :, None], 3, axis=2), 100, 100)


def resized(rgb: faces.Picture, width: int, height: int) -> faces.Picture:
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))


def jpeg(rgb: faces.Picture) -> faces.Picture:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("side", [64, 128, 512, 2000])
def test_finds_the_face_at_any_size(astronaut: faces.Picture, side: int) -> None:
    (face,) = faces.find_faces(resized(astronaut, side, side))
    for edge, share in FACE.items():
        assert abs(getattr(face.box, edge) / side - share) < 0.035
    assert face.landmarks.shape == (5, 2)
    assert face.score > 0.8
    eye, other_eye, _, mouth, _ = face.landmarks
    assert eye[0] < other_eye[0]
    assert eye[1] < mouth[1]


def test_finds_a_face_far_away(astronaut: faces.Picture) -> None:
    wide = np.full((1500, 3000, 3), 128, np.uint8)
    wide[500:700, 2000:2200] = resized(astronaut, 200, 200)
    (face,) = faces.find_faces(wide)
    assert 2060 < face.box.left < face.box.right < 2120


def test_box_stays_inside_when_the_face_fills_the_frame(astronaut: faces.Picture) -> None:
    tight = np.ascontiguousarray(astronaut[75:165, 190:260])
    (face,) = faces.find_faces(tight)
    assert 0 <= face.box.left < face.box.right <= 70
    assert 0 <= face.box.top < face.box.bottom <= 90


def test_largest_face_comes_first(astronaut: faces.Picture) -> None:
    both = np.concatenate(
        [resized(astronaut, 256, 256), resized(astronaut, 512, 512)[:256]], axis=1
    )
    found = faces.find_faces(both)
    assert len(found) == 2
    assert found[0].area > 2 * found[1].area
    assert found[0].box.left > 256


def test_no_face_is_an_empty_list() -> None:
    assert faces.find_faces(np.zeros((100, 300, 3), np.uint8)) == []
    assert faces.identity(np.zeros((100, 300, 3), np.uint8)) is None


def test_embedding_survives_jpeg_and_tells_a_stranger(
    astronaut: faces.Picture, stranger: faces.Picture
) -> None:
    own = faces.identity(astronaut)
    again = faces.identity(jpeg(astronaut))
    other = faces.identity(stranger)
    assert own is not None and again is not None and other is not None
    assert own.shape == (128,)
    assert np.linalg.norm(own) == pytest.approx(1, abs=1e-5)
    assert own @ again > 0.9
    assert own @ other < 0.4


def test_the_judge_is_named() -> None:
    assert faces.identity.name == "SFace"
    assert faces.identity.sha256 == faces.model_hash()


def test_the_network_is_fed_rgb(astronaut: faces.Picture) -> None:
    face = faces.find_faces(astronaut)[0]
    row = np.concatenate([np.zeros(4), face.landmarks.ravel(), [1]]).astype(np.float32)
    crop = faces._sface().alignCrop(astronaut, row).astype(np.float32)
    graph = cv2.dnn.readNetFromONNX(faces._weights(faces.SFACE)[0])

    def raw(picture: np.ndarray) -> np.ndarray:
        graph.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
        vector = graph.forward().ravel().copy()
        return vector / np.linalg.norm(vector)

    ours = faces.embed(astronaut, face)
    assert ours @ raw(crop) == pytest.approx(1, abs=1e-4)
    assert ours @ raw(crop[:, :, ::-1]) < 0.98


def test_threads_share_the_networks(astronaut: faces.Picture) -> None:
    pictures = [resized(astronaut, side, side) for side in (128, 192, 256, 320)] * 3
    alone = [faces.identity(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(faces.identity, pictures))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_an_altered_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(faces.PINNED, faces.SFACE, "0" * 64)
    with pytest.raises(WeightsRefused, match="not the file"):
        faces._weights(faces.SFACE)


def test_other_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        faces.find_faces(np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match="float"):
        faces.find_faces(np.zeros((8, 8, 3)))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(100, 2000), (20, 1000), (2000, 1)])
def test_a_long_strip_shows_no_face_and_breaks_nothing(size):
    # Memory as an earlier picture left it: what the network must not read.
    faces.find_faces(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))
    assert faces.find_faces(np.full((*size, 3), 250, np.uint8)) == []
