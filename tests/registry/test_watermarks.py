"""Watermarks on file: numbers far apart, found again with bits wrong, and seldom by chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sosie.core.records import now
from sosie.registry import Registry
from sosie.registry.watermarks import (
    APART,
    BITS,
    RARE,
    READINGS,
    Watermark,
    chance,
    nearest,
    tolerance,
)


def mark(number: int, **changes: object) -> Watermark:
    return Watermark(
        what="drawn", subject="anna", pixels_sha256=f"{number:064x}", at=now()
    ).model_copy(update=changes)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry.open(tmp_path / "home")


def test_a_picture_keeps_its_number_and_others_are_far(registry: Registry) -> None:
    numbers = [registry.watermarks.number(mark(i)) for i in range(40)]
    later = now().replace(year=2100)
    assert registry.watermarks.number(mark(7, at=later)) == numbers[7]
    assert registry.watermarks.number(mark(7, what="given")) not in numbers
    pairs = [(a ^ b).bit_count() for i, a in enumerate(numbers) for b in numbers[:i]]
    assert min(pairs) >= APART and registry.watermarks.count() == 41


def test_a_number_is_found_with_bits_wrong(registry: Registry) -> None:
    numbers = [registry.watermarks.number(mark(i)) for i in range(3)]
    wrong = numbers[1] ^ 0b101
    far = next(n for n in range(1 << 20) if min((n ^ k).bit_count() for k in numbers) > 8)
    hit = registry.watermarks.hit(wrong)
    assert hit is not None and (hit.number, hit.wrong) == (numbers[1], 2)
    assert hit.mark == mark(1, at=hit.mark.at) and hit.chance < 1 / RARE
    assert registry.watermarks.hit(far) is None


def test_nothing_is_found_where_two_are_equally_near_or_none_is_on_file() -> None:
    known = np.array([0b0011, 0b0101], np.uint32)
    assert nearest(known, 0b0001) is None
    assert nearest(known, 0b0011) == (0b0011, 0)
    assert nearest(np.array([], np.uint32), 1) is None


@pytest.mark.parametrize("count", [1, 10, 100, 1_000, 100_000])
def test_a_picture_without_a_mark_is_seldom_taken_for_one(count: int) -> None:
    rng = np.random.default_rng(count)
    known = rng.integers(0, 1 << BITS, count, np.uint32)
    tried = 3_000 if count < 10_000 else 300
    read = rng.integers(0, 1 << BITS, (tried, READINGS), np.uint32).tolist()
    found = sum(any(nearest(known, one) is not None for one in both) for both in read)
    bound = chance(count, tolerance(count))
    # Four standard deviations of a binomial above what is promised.
    assert found <= tried * bound + 4 * (tried * bound) ** 0.5 + 1
    assert bound < 1 / RARE or tolerance(count) == 0
