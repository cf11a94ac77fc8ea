"""Near-duplicates among many: the quick ways find what comparing every pair finds."""

from __future__ import annotations

from itertools import combinations
from time import process_time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sosie.models import near


def texture(rng: np.random.Generator, side: int = 96) -> np.ndarray:
    """Something to see at several scales, (side, side) uint8."""
    layers = [
        cv2.resize(rng.normal(0, 1, (n, n)).astype(np.float32), (side, side)) for n in (4, 12, 30)
    ]
    return np.clip(sum(layers) * 30 + 128, 0, 255).astype(np.uint8)


def copied(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cropped, toned, and mirrored now and then."""
    left, top, right, bottom = rng.integers(0, 4, 4)
    part = picture[top : 96 - bottom, left : 96 - right][:, :: rng.choice([1, -1])]
    return np.clip(part * rng.uniform(0.9, 1.1) + rng.uniform(-10, 10), 0, 255).astype(np.uint8)


def prints(pictures: list[np.ndarray]) -> list[near.Fingerprint]:
    return [near.fingerprint(Image.fromarray(picture)) for picture in pictures]


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), blank=st.integers(0, 4), copies=st.integers(0, 6))
def test_pairs_alike_from_afar_are_all_named(seed: int, blank: int, copies: int) -> None:
    rng = np.random.default_rng(seed)
    pictures = [texture(rng) for _ in range(8)]
    pictures += [copied(pictures[n], rng) for n in range(copies)]
    pictures += [np.full((96, 96), level, np.uint8) for level in rng.integers(0, 255, blank)]
    rng.shuffle(pictures)
    many = prints(pictures)
    slow = [(i, j) for i in range(len(many)) for j in range(i) if near.similar(many[i], many[j])]
    assert set(slow) <= {(i, j) for i, j in near.alike(many).tolist()}


@pytest.mark.parametrize("seed", range(3))
def test_groups_are_those_of_a_search_through_every_pair(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    pictures = [texture(rng) for _ in range(24)]
    pictures += [copied(pictures[n % 10], rng) for n in range(16)]
    many = prints(pictures)
    quick = near.groups(many)
    monkeypatch.setattr(near, "SEEN_AFAR", -1.0)
    monkeypatch.setattr(near, "SEEN_UNEVEN", -1.0)
    every = [(j, i) for i, j in combinations(range(len(many)), 2)]
    slow = near.joined(len(many), every, lambda i, j: near.near(many[i], many[j]))
    assert quick == slow
    assert sum(len(group) > 1 for group in quick) == 10


def test_blocks_do_not_change_the_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    first = texture(rng)
    many = prints([copied(first, rng) if n % 3 else texture(rng) for n in range(30)])
    whole = near.alike(many)
    assert len(whole)
    monkeypatch.setattr(near.neighbours, "QUERIES", 7)
    assert np.array_equal(near.alike(many), whole)


def test_a_thousand_pictures_are_grouped_in_seconds() -> None:
    """Every pair once took some microseconds in Python, and one in a hundred milliseconds."""
    rng = np.random.default_rng(0)
    many = prints([texture(rng) for _ in range(1000)])
    begun = process_time()
    assert len(near.groups(many)) == 1000
    assert process_time() - begun < 10
