"""The judges' training: what it is shown, what it is asked, and that it can be broken off."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch import nn

from pocket.judges import training
from pocket.judges.__main__ import main
from pocket.judges.augment import worsened
from pocket.judges.people import ANSWERS, UNKNOWN, PeopleRecipe, Pupil, album, answer
from pocket.judges.reader import drawn as lines_to_read
from pocket.judges.writers import drawn
from sosie.world import tables
from sosie.world.people import person
from sosie.world.photo import choose
from sosie.world.texts import is_held_out_text


@pytest.fixture
def known(tmp_path):
    truths = [choose(person(who), n) for who in range(6) for n in range(2)]
    truths.append(choose(person(7), 0))  # a single picture has nothing to be compared with
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "0.npz",
        pictures=rng.integers(0, 255, (len(truths), 128, 128, 3), dtype=np.uint8),
        truths=np.array([json.dumps(asdict(truth)) for truth in truths]),
    )
    return album([tmp_path / "0.npz"])


def test_pictures_come_in_pairs(known):
    assert known.pictures.shape == (6, 2, 128, 128, 3)
    assert set(known.answers) == set(ANSWERS)


def test_a_mirror_exchanges_left_and_right(known):
    rows = np.array([True, False] * 3)
    seen = known.mirrored(rows)
    assert np.array_equal(seen.pictures[0], known.pictures[0][:, :, ::-1])
    assert np.array_equal(seen.pictures[1], known.pictures[1])
    views = list(tables.VIEWS)
    for before, after in zip(known.answers["view"][0], seen.answers["view"][0], strict=True):
        assert tables.VIEWS[views[after]] == -tables.VIEWS[views[before]]
    again = seen.mirrored(rows)
    assert np.array_equal(again.answers["view"], known.answers["view"])
    assert np.array_equal(again.codes, known.codes)


def test_what_is_not_to_be_seen_is_not_asked():
    truth = asdict(choose(person(3), 1, place="beach", hat="cap", hair_style="bald"))
    assert {ask for ask in ANSWERS if answer(ask, truth) == UNKNOWN} == {
        "wall_colour",
        "hair_style",
        "hair_colour",
    }


def test_a_batch_teaches_every_part(known):
    pupil = Pupil()
    pupil.loss(known, PeopleRecipe(), np.random.default_rng(0)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in pupil.parameters())


@pytest.mark.parametrize("shape", [(128, 128, 3), (64, 200, 1)])
def test_worse_pictures_are_still_these_pictures(shape):
    smooth = np.linspace(0, 255, shape[1]).astype(np.uint8)[None, :, None]
    pictures = np.broadcast_to(smooth, (8, *shape)).copy()
    one, again, other = (worsened(pictures, np.random.default_rng(s)) for s in (1, 1, 2))
    assert one.shape == (8, shape[2], *shape[:2])
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert 0 <= one.min() <= one.max() <= 1
    off = (one - torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255).abs().mean()
    assert 0.001 < off < 0.1


def test_the_contrast_wants_pairs_to_be_near():
    apart = nn.functional.normalize(torch.randn(8, 16), dim=1).repeat_interleave(2, 0)
    wrong = apart.roll(1, 0)
    assert training.contrast(apart, 0.05) < 0.2
    assert training.contrast(wrong, 0.05) > 2


def test_lines_of_a_writer_are_ink(tmp_path):
    lines = drawn(3, 2, width=200, rng=np.random.default_rng(0))
    assert [found.shape for found in lines] == [(64, 200)] * 2
    assert not np.array_equal(*lines)
    assert all(10 < np.mean(found > 100) * 1000 < 400 for found in lines)


def test_a_broken_training_goes_on_to_the_same_end(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", 2)

    def taught(state, stop=None):
        torch.manual_seed(0)
        pupil = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))

        def loss(number):
            if number == stop:
                raise KeyboardInterrupt
            given = torch.randn(8, 4, generator=torch.Generator().manual_seed(number))
            return (pupil(given) - given[:, :2]).square().mean()

        training.train(pupil, loss, steps=6, rates=(0.01, 0.01), ends=("1.",), state=state)
        return pupil[0].weight

    whole = taught(tmp_path / "whole.pt")
    with pytest.raises(KeyboardInterrupt):
        taught(tmp_path / "broken.pt", stop=5)
    assert torch.equal(taught(tmp_path / "broken.pt"), whole)


def test_the_command_knows_where_the_drawn_people_are(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0 and "--people" in capsys.readouterr().out


def test_a_line_for_the_reader_says_what_it_shows():
    found = lines_to_read(12, 6, of=14)
    assert 3 <= len(found) <= 6
    for ink, text in found:
        assert ink.shape == (64, 256) and ink.dtype == np.uint8 and ink.max() > 60
        assert 1 <= len(text) <= 12 and not is_held_out_text(text)
