"""What the embedded base's own figures are made of."""

import numpy as np
import pytest

from bench import embedded
from sosie.world.people import is_held_out


def test_the_ratio_is_of_peak_to_noise():
    grey = np.full((8, 8, 3), 100, np.uint8)
    assert embedded.psnr(grey, grey) == float("inf")
    assert embedded.psnr(grey, grey + 1) == pytest.approx(20 * np.log10(255))
    assert embedded.psnr(grey, grey + 10) == pytest.approx(20 * np.log10(25.5))
    assert embedded.psnr(grey + 1, grey) == embedded.psnr(grey, grey + 1), "bytes do not wrap"


def test_portraits_are_of_people_that_no_training_saw(monkeypatch):
    asked = []
    monkeypatch.setattr(embedded, "person", lambda seed: asked.append(seed) or seed)
    monkeypatch.setattr(embedded, "photo", lambda who, *, seed: type("Drawn", (), {"picture": who}))
    assert [embedded.portrait(number) for number in range(20)] == asked
    assert len(set(asked)) == 20 and all(map(is_held_out, asked))
