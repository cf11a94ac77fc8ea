"""The encoders taught by captions alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from pocket import build, hearing, questions, tokens, transformer
from pocket.lessons import Domain, Lessons
from pocket.recipe import Recipe, TextRecipe, smoke
from sosie.world.hands import writer
from sosie.world.people import person
from sosie.world.photo import as_dict, choose

CAPTIONS = ["", "red coat", "blue coat", 'note "ab"', 'note "ba"']
WORDS = ["red", "blue", "coat", "note"]


def recipe(steps: int) -> TextRecipe:
    return dataclasses.replace(
        smoke(Recipe()).text, hearing_steps=steps, hearing_batch=8, matrix_rate=3e-3
    )


@pytest.fixture
def lessons() -> Lessons:
    def domain(name: str, rows: list[int], **known: torch.Tensor) -> Domain:
        nothing = torch.zeros(1)
        where = torch.tensor(rows)[:, None]
        return Domain(name, nothing, (1, 1), where, nothing, 0.0, **known)

    truth = as_dict(choose(person(1), 1))
    about = [questions.of_person({**truth, "garment_colour": c}) for c in ("red", "blue")]
    spans = torch.zeros(2, tokens.PLACES, 2)
    spans[0, :2], spans[1, :2] = (torch.tensor(s) for s in ([[1, 2], [2, 4]], [[1, 3], [3, 4]]))
    whose = [questions.of_hand(writer(3), signed=signed) for signed in (False, True)]
    hands = torch.from_numpy(np.stack(whose))
    known = build.tokenizers({"words": WORDS, "merges": tokens.clip_merges(WORDS)}, recipe(0))
    ids = [build._numbered(each, CAPTIONS, 48) for each in known]
    return Lessons(
        (
            domain("people", [1, 2], answers=torch.from_numpy(np.stack(about))),
            domain("lines", [3, 4], answers=torch.zeros(2, 1, 1), spans=spans, hands=hands),
        ),
        *ids,
        stages=(),
    )


def network() -> transformer.Network:
    torch.manual_seed(0)
    t5, clip = build.tokenizers({"words": WORDS, "merges": tokens.clip_merges(WORDS)}, recipe(0))
    return transformer.Network(
        smoke(Recipe()).transformer,
        recipe(0),
        t5_words=t5.get_vocab(),
        clip_words=clip.get_vocab(),
    )


@torch.no_grad()
def wrong(made: transformer.Network, lessons: Lessons) -> list[float]:
    """What the answers about each domain cost."""
    found, index = [], torch.arange(2)
    for domain in lessons.domains:
        rows = domain.rows[:, 0]
        ids, clip_ids = lessons.t5_ids[rows], lessons.clip_ids[rows]
        heard = made.heard(domain, index, ids, *made.encode(ids, clip_ids))
        found.append(heard.mean().item())
    return found


def test_captions_alone_teach_colours_and_places_and_the_denoiser_is_left_alone(
    lessons: Lessons, tmp_path: Path
) -> None:
    made = network()
    before, denoiser = wrong(made, lessons), made.denoiser.x_embedder.weight.clone()
    hearing.train(made, lessons, recipe(120), tmp_path)
    people, lines = wrong(made, lessons)
    assert people < 0.2 * before[0], "about all but the colour anybody would be right"
    half = float(np.log(2)) / 2  # the wider letter lies in two cells
    assert half <= lines < half + 0.4 * (before[1] - half)
    assert torch.equal(made.denoiser.x_embedder.weight, denoiser)

    again = network()
    hearing.train(again, lessons, recipe(120), tmp_path)
    assert wrong(again, lessons) == [people, lines], "what was taught is read, not taught again"
