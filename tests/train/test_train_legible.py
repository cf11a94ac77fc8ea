"""The reading loss: what is asked for, whom it is for, and that it is resumed like the rest."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sosie.core.errors import Interrupted
from sosie.core.quoted import quoted
from sosie.core.records import Dataset
from sosie.models.diffusion.resolve import load_base
from sosie.models.judges import hand, reader
from sosie.train import legible
from sosie.train.config import TrainConfig
from sosie.train.crops import Version
from sosie.train.walks import Coach
from sosie.world.hands import evened, writer
from sosie.world.writing import CUT, WORD, line
from tests.train.toys import dataset, picture, told_run

CONFIG = TrainConfig(
    steps=6,
    rank=4,
    learning_rate=1e-2,
    reading_weight=0.5,
    reading_from=0.3,
    checkpoint_every=6,
    preview_every=0,
    keep="last",
    started=datetime(2026, 1, 1, tzinfo=UTC),
)
SAID = ("two eggs", "Monday", "call Grace", "1924", "see you", "bread", "at noon", "bonjour")


def notes_of(pictures: Dataset, said: tuple[str, ...]) -> Dataset:
    """The same pictures as notes that say this."""
    items = tuple(
        item.model_copy(
            update={"caption": f'note by ohwx that reads "{text}" in blue', "face": None}
        )
        for item, text in zip(pictures.items, said, strict=True)
    )
    return pictures.model_copy(update={"kind": "handwriting", "items": items})


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    made = dataset(tmp_path_factory.mktemp("notes"), [picture(i) for i in range(8)])
    return notes_of(made, SAID)


@pytest.fixture
def dark(monkeypatch):
    """A reader for whom the picture reads best whose cells differ most."""

    def cost(pixels, texts, *, jitter):
        assert len(pixels) == len(texts) and set("".join(texts)) <= set("".join(SAID))
        return 1 - 4 * pixels.flatten(1).std(dim=1)

    monkeypatch.setattr(reader, "cost", cost)


def all_of(pictures: Dataset) -> list[Version]:
    return [
        Version(item=i, crop=(0, 0, 48, 48), width=32, height=32)
        for i in range(len(pictures.items))
    ]


def go(pictures, folder, config=CONFIG, **more):
    return told_run(pictures, folder, config, **more)


def test_it_begins_when_it_should_and_what_is_read_costs_less(dark, notes, tmp_path):
    config = CONFIG.model_copy(update={"steps": 60, "learning_rate": 3e-2, "reading_weight": 3.0})
    _, told = go(notes, tmp_path, config)
    seen = [data["reading"] for kind, data in told if kind == "step"]
    assert all(value is None for value in seen[:18])
    assert np.mean(seen[-8:]) < np.mean(seen[18:26]) - 0.05
    assert any(kind == "reading" and "step 19 on" in data["message"] for kind, data in told)


def test_a_person_has_none_and_is_told(dark, notes, tmp_path):
    person = notes.model_copy(update={"kind": "person"})
    _, told = go(person, tmp_path)
    assert all(data["reading"] is None for kind, data in told if kind == "step")
    assert any(kind == "check" and data["name"] == "reading" for kind, data in told)


def test_what_is_held_though_nothing_is_read_is_told(notes, tmp_path):
    config = CONFIG.model_copy(update={"reading_weight": 0.0, "hold_weight": 0.1})
    _, told = go(notes, tmp_path, config)
    assert any(kind == "check" and "nothing of it is held" in data["what"] for kind, data in told)


def test_there_is_none_without_a_weight(dark, notes, tmp_path):
    taught, _ = go(notes, tmp_path / "with")
    bare, told = go(notes, tmp_path / "bare", CONFIG.model_copy(update={"reading_weight": 0.0}))
    assert taught.tensors_sha256 != bare.tensors_sha256
    assert all(data["reading"] is None for kind, data in told if kind == "step")


@pytest.mark.parametrize("stop", [1, 4])
def test_a_resumed_run_ends_with_the_same_bytes(dark, notes, tmp_path, stop):
    whole, _ = go(notes, tmp_path / "whole")
    left = iter([False] * stop + [True])
    with pytest.raises(Interrupted):
        go(notes, tmp_path / "stopped", should_stop=lambda: next(left))
    resumed, _ = go(notes, tmp_path / "stopped", resume=True)
    assert resumed.file_sha256 == whole.file_sha256


def test_notes_in_letters_it_does_not_know_teach_without_it_and_say_so(notes, tmp_path):
    strange = notes_of(notes, tuple(f"犬{i}猫" for i in range(8)))
    _, told = go(strange, tmp_path)
    assert all(data["reading"] is None for kind, data in told if kind == "step")
    assert any(
        kind == "reading" and "none of these letters" in data["message"] for kind, data in told
    )


def test_what_is_asked_for_is_new_and_of_the_letters_that_were_taught(notes):
    assert legible.prompts(notes.model_copy(update={"kind": "person"}), CONFIG, all_of(notes)) == ()
    taught = all_of(notes)[:5]  # the others are withheld
    asked = legible.prompts(notes, CONFIG, taught)
    assert len(asked) == legible.PROMPTS
    texts = [quoted(prompt) for prompt in asked]
    assert set("".join(texts)) <= set("".join(SAID[:5]))
    assert all(prompt.startswith('note by ohwx that reads "') for prompt in asked)
    assert sum(text in SAID for text in texts) < 0.3 * len(texts)


@given(
    st.lists(st.text("abc é1.犬", min_size=1, max_size=12), max_size=6), st.integers(0, 2**32 - 1)
)
def test_texts_are_never_longer_and_hold_nothing_else(written, seed):
    found = legible.texts(written, random.Random(seed))
    assert len(found) in (0, legible.PROMPTS)
    for text in found:
        assert 2 <= len(text) <= max(map(len, written)) and text == text.strip()
        assert set(text) <= set("".join(written)) & set(reader.letters()) | {" "}


def test_the_right_text_costs_less_through_the_autoencoder_with_gradient():
    base, (width, height) = load_base("pocket"), WORD
    drawn = line(evened(writer(9)), "Sunday", seed=1, width=width, height=height, begin=CUT).picture
    pixels = torch.from_numpy(drawn).permute(2, 0, 1)[None].float() / 127.5 - 1
    latents = base.encode_pixels(pixels).requires_grad_()
    rows, source = torch.tensor([3]), torch.Generator().manual_seed(0)
    right = legible.Notes({3: "Sunday"}, 1.0).judge(base, latents, rows, source)
    wrong = legible.Notes({3: "Monday"}, 0.5).judge(base, latents, rows, source)
    assert right.told["reading"] < 0.5 * wrong.told["reading"]
    assert float(wrong.loss.detach()) == pytest.approx(0.5 * wrong.told["reading"])
    right.loss.backward()
    assert latents.grad is not None and latents.grad.abs().sum() > 0


def test_the_writers_own_hand_costs_less_than_anothers():
    base, (width, height) = load_base("pocket"), WORD

    def latents(who: int) -> torch.Tensor:
        drawn = line(evened(writer(who)), "Sunday", seed=1, width=width, height=height, begin=CUT)
        pixels = torch.from_numpy(drawn.picture).permute(2, 0, 1)[None].float()
        return base.encode_pixels(pixels / 127.5 - 1)

    texts = [
        line(evened(writer(9)), text, seed=2, width=width, height=height, begin=CUT).picture
        for text in ("Monday", "bread", "at noon")
    ]
    shown = torch.from_numpy(np.stack(texts)).permute(0, 3, 1, 2).float() / 255
    own = torch.nn.functional.normalize(hand.described(shown).mean(0), dim=0)
    aim = legible.Notes({3: "Sunday"}, 0.0, own, 2.0)
    told = {}
    for who in (9, 19, 29):
        source, written = torch.Generator().manual_seed(0), latents(who).requires_grad_()
        judged = aim.judge(base, written, torch.tensor([3]), source)
        told[who] = judged.told["hand"]
        assert float(judged.loss.detach()) == pytest.approx(2 * (1 - told[who]), abs=1e-5)
        judged.loss.backward()
        assert written.grad is not None and written.grad.abs().sum() > 0
    assert told[9] > max(told[19], told[29]) + 0.2


def test_the_hand_is_taught_where_it_is_asked_for_and_told(dark, notes, tmp_path):
    config = CONFIG.model_copy(update={"hand_weight": 0.1})
    _, told = go(notes, tmp_path, config)
    steps = [data for kind, data in told if kind == "step"]
    assert [step["hand"] is None for step in steps] == [step["reading"] is None for step in steps]
    assert -1 <= steps[-1]["hand"] <= 1
    assert any(kind == "reading" and "will not judge" in data["message"] for kind, data in told)


def test_what_is_read_is_held_to_what_the_base_alone_says(dark, notes, tmp_path, monkeypatch):
    gone = Coach._gone

    def farthest(weight: float) -> float:
        seen: list[float] = []

        def measured(self, *points):
            seen.append(float((far := gone(self, *points)).detach()))
            return far

        monkeypatch.setattr(Coach, "_gone", measured)
        config = {"steps": 40, "learning_rate": 3e-2, "reading_weight": 3.0, "hold_weight": weight}
        _, told = go(notes, tmp_path / str(weight), CONFIG.model_copy(update=config))
        held = any("held to what the base" in d["message"] for k, d in told if k == "reading")
        assert held == (weight > 0)
        return float(np.mean(seen[-8:])) if seen else 0.0

    assert farthest(0.0) == 0, "nothing is asked of the base"
    assert farthest(30.0) < 0.5 * farthest(1e-6)
