"""The scene network knows a cat from a cup, and tells places apart behind the same person."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from sosie.core.errors import WeightsRefused
from sosie.models import scene
from sosie.models.faces import Picture
from sosie.models.mask import person_mask
from sosie.world.people import person
from sosie.world.photo import photo


def photograph(name: str) -> Picture:
    return np.asarray(Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB"))


@pytest.mark.parametrize(("name", "label"), [("chelsea.png", 285), ("coffee.png", 967)])
def test_names_what_imagenet_knows(name: str, label: int) -> None:
    shares = scene.classes(scene.look(photograph(name)))
    assert shares.shape == (1000,) and shares.sum() == pytest.approx(1, abs=1e-4)
    assert shares.argmax() == label
    assert shares.max() > 0.7


def test_shapes_and_lengths(astronaut: Picture) -> None:
    features = scene.look(astronaut)
    assert features.shape == (1280, 7, 7)
    assert features.dtype == np.float32
    vector = scene.embed(astronaut)
    assert vector.shape == (1280,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(vector, scene.pool(features))
    everything = np.ones(astronaut.shape[:2], np.float32)
    assert scene.pool(features, everything) @ vector == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("shape", [(3, 5), (7, 7), (100, 3), (501, 333)])
def test_a_mask_of_any_size_chooses_its_part(shape: tuple[int, int]) -> None:
    features = np.zeros((1280, 7, 7), np.float32)
    features[0, :3], features[1, 4:] = 1, 1
    top = np.zeros(shape)
    top[: shape[0] // 3] = 1
    vector = scene.pool(features, top)
    assert vector[0] > 0.99
    assert not scene.pool(features, np.zeros(shape)).any()


def test_tells_places_apart_behind_the_same_person() -> None:
    taken = {
        (who, place): photo(person(who), seed=1, size=256, place=place).picture
        for who in (600, 601, 602)
        for place in ("library", "garden", "beach")
    }
    behind = {key: scene.embed(rgb, 1 - person_mask(rgb)) for key, rgb in taken.items()}
    people = {key: scene.embed(rgb, person_mask(rgb)) for key, rgb in taken.items()}

    def mean(vectors: dict[tuple[int, str], scene.Floats], *, same: int) -> float:
        """Mean cosine of the pairs that share only the person (0) or only the place (1)."""
        return float(
            np.mean(
                [
                    a @ b
                    for one, a in vectors.items()
                    for two, b in vectors.items()
                    if one[same] == two[same] and one[1 - same] != two[1 - same]
                ]
            )
        )

    assert mean(behind, same=1) > mean(behind, same=0) + 0.15
    assert mean(people, same=0) > mean(people, same=1) + 0.15


def test_threads_share_the_network(astronaut: Picture) -> None:
    pictures = [astronaut, photograph("coffee.png")] * 3
    alone = [scene.embed(picture) for picture in pictures]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(scene.embed, pictures))
    assert all(a @ b > 0.9999 for a, b in zip(alone, together, strict=True))


def test_other_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        scene.look(np.zeros((8, 8, 3)))  # type: ignore[arg-type]


def test_what_is_missing_or_altered_is_refused(
    monkeypatch: pytest.MonkeyPatch, without: Callable[[str], None]
) -> None:
    scene._network.cache_clear()
    with monkeypatch.context() as other:
        other.setattr(scene, "SHA256", "0" * 64)
        with pytest.raises(WeightsRefused, match="not the file"):
            scene.embed(np.zeros((8, 8, 3), np.uint8))
    without(scene.PACKAGE)
    with pytest.raises(WeightsRefused, match=r"not installed.*efficientnet-lite0"):
        scene.embed(np.zeros((8, 8, 3), np.uint8))


def test_places_are_named_by_what_is_behind_the_person():
    drawn = photo(person(29), seed=1, size=224, place="library")
    features = scene.look(drawn.picture)
    behind = np.zeros(drawn.picture.shape[:2], np.float32)
    behind[:, :40] = behind[:, -40:] = 1
    library = 624  # of ILSVRC 2012
    assert scene.classes(features, behind)[library] > 2 * scene.classes(features)[library]
