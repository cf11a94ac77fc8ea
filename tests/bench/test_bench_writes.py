"""What the base is asked to write was never shown to it."""

from __future__ import annotations

import numpy as np
import pytest

from bench import writes
from sosie.world.hands import is_held_out_writer
from sosie.world.texts import is_held_out_text


def test_texts_and_writers_are_held_out() -> None:
    said = writes.texts(12)
    assert len(set(said)) == 12
    assert all(is_held_out_text(text) and 2 <= len(text) <= writes.LONGEST for text in said)
    true = writes.rendered(said)
    assert [one.truth.text for one in true] == said
    assert {one.picture.shape for one in true} == {(64, 256, 3)}
    who = [one.truth.writer for one in true]
    assert len(set(who)) == 12 and all(map(is_held_out_writer, who))


def test_paper_that_turns_purple_or_grows_dark_is_told() -> None:
    true = writes.rendered(writes.texts(6))
    assert all(writes.shade(one.picture) < 12 for one in true)
    purple = [(one.picture * (0.7, 0.5, 0.9)).astype(np.uint8) for one in true]
    dark = [
        (one.picture * np.linspace(1, 0.6, one.picture.shape[1])[:, None]).astype(np.uint8)
        for one in true
    ]
    off, shaded = (float(row[1].split(";")[0]) for row in writes.on_paper(true, {False: purple}))
    assert off > 40 and shaded < 12
    said = [float(row[1].split(";")[0]) for row in writes.on_paper(true, {False: dark})]
    assert said[1] > 40
    kept = list(writes.on_paper(true, {False: [one.picture for one in true]}))
    assert float(kept[0][1]) == pytest.approx(0)
