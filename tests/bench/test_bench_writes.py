"""What the base is asked to write was never shown to it."""

from __future__ import annotations

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
