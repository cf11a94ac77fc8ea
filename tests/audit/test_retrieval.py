"""Ranks against a gallery of known answers."""

import numpy as np
import pytest

from sosie.audit.retrieval import rank, template
from sosie.core.errors import BadInput


def unit(*numbers: float) -> np.ndarray:
    vector = np.array(numbers, np.float32)
    return vector / np.linalg.norm(vector)


GALLERY = {
    "anna": [unit(1, 0, 0), unit(1, 0.2, 0)],
    "bob": [unit(0, 1, 0)],
    "cleo": [unit(0, 0, 1)],
}


def test_ranks_are_counted_from_one() -> None:
    result = rank({"anna": [unit(1, 0, 0), unit(0, 1, 0.5)], "bob": [unit(0, 2, 1)]}, GALLERY)
    assert result.ranks == {"anna": (1, 3), "bob": (1,)}
    assert result.gallery == 3
    assert result.rank1.value == pytest.approx(2 / 3)
    assert result.rank1_by_person.value == pytest.approx(0.75)
    assert result.rank1_by_person.n == 2


def test_a_picture_without_a_face_is_a_miss() -> None:
    result = rank({"bob": [None, unit(0, 1, 0)]}, GALLERY)
    assert result.ranks == {"bob": (None, 1)}
    assert (result.rank1.value, result.rank1.n, result.without_face) == (0.5, 2, 1)


def test_a_tie_counts_against_the_right_person() -> None:
    assert rank({"bob": [unit(0, 1, 1)]}, GALLERY).ranks == {"bob": (2,)}


def test_strangers_are_found_at_chance() -> None:
    rng = np.random.default_rng(0)

    def noise() -> np.ndarray:
        return unit(*rng.normal(size=64))

    gallery = {str(i): [noise()] for i in range(100)}
    result = rank({str(i): [noise() for _ in range(20)] for i in range(100)}, gallery)
    assert result.rank1.value == pytest.approx(0.01, abs=0.01)


def test_templates_are_unit_means() -> None:
    mean = template([unit(1, 0), unit(0, 1)])
    assert mean == pytest.approx(unit(1, 1))


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(BadInput, match='"dan"'):
        rank({"dan": [unit(1, 0, 0)]}, GALLERY)
    with pytest.raises(BadInput, match="no picture to rank"):
        rank({"anna": []}, GALLERY)
    with pytest.raises(BadInput, match="no picture with a face"):
        rank({"anna": [unit(1, 0, 0)]}, {"anna": []})
