"""The notes that a LoRA of a handwriting is taught, and those that it is asked for."""

from __future__ import annotations

from itertools import islice

from PIL import Image

from bench import hands
from demo.writers import notes, write_notes
from sosie.core.quoted import quoted
from sosie.models.hinges import hand_judge
from sosie.world.texts import is_held_out_text


def test_notes_lie_in_a_folder_with_captions_that_quote_them(tmp_path):
    paths = write_notes(tmp_path, seed=109, trigger="ada", n=4)
    said = [quoted(path.with_suffix(".txt").read_text()) for path in paths]
    assert said == [words for _, words in islice(notes(109, held_out=False), 4)]
    assert all("ada" in path.with_suffix(".txt").read_text() for path in paths)
    assert {Image.open(path).size for path in paths} == {(256, 64)}


def test_what_is_asked_for_was_never_taught():
    asked, lines = hands.own(109)
    assert len(set(asked)) == len(lines) == hands.TEXTS
    assert all(is_held_out_text(words) for words in asked)
    assert not any(is_held_out_text(words) for _, words in islice(notes(109, held_out=False), 30))


def test_a_writers_own_lines_are_named_and_anothers_are_not(monkeypatch):
    monkeypatch.setattr(hands, "SEEDS", hands.SEEDS[:6])
    hands.gallery.cache_clear()
    own = {hands.subject("handwriting", seed): hands.own(seed)[1] for seed in hands.SEEDS[:3]}
    others = dict(zip(own, [*list(own.values())[1:], own[next(iter(own))]], strict=True))
    right, wrong = (hands.ranked(hand_judge(), shown).rank1.value for shown in (own, others))
    hands.gallery.cache_clear()
    assert right > wrong + 0.5
