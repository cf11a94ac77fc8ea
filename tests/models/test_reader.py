"""The reader of lines, who teaches: what is written is what costs least, however strong the ink."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sosie.models.judges import reader
from sosie.models.judges.lines import sparing_the_paper
from sosie.world.hands import evened, writer
from sosie.world.writing import CUT, WORD, line

TEXTS = ("Sunday", "two eggs", "1924", "thé", "Grace", "le mardi")
HANDS = (9, 29, 39, 49, 59, 79)
"""Held out, as all whose number ends in 9."""


@pytest.fixture(scope="module")
def written() -> torch.Tensor:
    """(N, 3, 64, 256) lines, each by another writer."""
    width, height = WORD
    drawn = [
        line(evened(writer(seed)), text, seed=seed, width=width, height=height, begin=CUT).picture
        for seed, text in zip(HANDS, TEXTS, strict=True)
    ]
    return torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float() / 255


def test_what_is_written_costs_least(written: torch.Tensor) -> None:
    costs = torch.stack([reader.cost(written, [text] * len(TEXTS)) for text in TEXTS])
    assert costs.argmin(0).tolist() == list(range(len(TEXTS)))
    jittered = reader.cost(written, TEXTS, jitter=torch.Generator().manual_seed(0))
    assert (jittered < costs.sort(0).values[1]).all(), "moved and stained, it can be read still"


def test_pale_ink_costs_what_black_does(written: torch.Tensor) -> None:
    paper = written.amax((1, 2, 3), keepdim=True)
    pale = paper - 0.6 * (paper - written)
    before, after = reader.cost(written, TEXTS), reader.cost(pale, TEXTS)
    torch.testing.assert_close(after, before, atol=0.15, rtol=0.1)


def test_it_says_where_to_put_ink(written: torch.Tensor) -> None:
    """A few steps down the gradient, and one line reads as another."""
    pixels, asked = written[:1].clone().requires_grad_(), ["Monday"]
    before = float(reader.cost(pixels, asked).detach())
    for _ in range(60):
        (slope,) = torch.autograd.grad(reader.cost(pixels, asked).sum(), pixels)
        pixels = (pixels - 0.1 * slope / slope.abs().max()).clamp(0, 1).detach().requires_grad_()
    assert float(reader.cost(pixels, asked).detach()) < 0.5 * before


def test_the_paper_is_spared(written: torch.Tensor) -> None:
    latents = written.clone().requires_grad_()
    reader.cost(sparing_the_paper(latents), ["Monday"] * len(TEXTS)).sum().backward()
    assert latents.grad is not None and latents.grad.abs().amax() > 0
    height, width = latents.shape[-2:]
    rules = torch.randn(height, 1).expand(height, width)
    shade = torch.linspace(-1, 1, width).expand(height, width)
    for change in (torch.ones(height, width), rules, shade):
        along = (latents.grad * change).sum((2, 3)).abs()
        length = latents.grad.norm(dim=(2, 3)) * change.norm()
        assert (along < 0.02 * length).all()


def test_lines_of_any_size_are_read(written: torch.Tensor) -> None:
    large = torch.nn.functional.interpolate(written, scale_factor=1.5, mode="bilinear")
    costs = torch.stack([reader.cost(large, [text] * len(TEXTS)) for text in TEXTS])
    assert costs.argmin(0).tolist() == list(range(len(TEXTS)))


def test_a_character_it_does_not_know_is_refused(written: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="犬"):
        reader.cost(written[:1], ["犬"])


def test_the_cost_is_that_of_all_ways_to_say_it() -> None:
    """Two columns, one letter: "a" is said by a nothing, nothing a, or a a."""
    logits = torch.tensor([[[0.0, 1.0], [0.5, 0.0]]])
    (nothing, a), (nothing_then, a_then) = logits[0].softmax(1).tolist()
    way = a * nothing_then + nothing * a_then + a * a_then
    assert reader.missed(logits, ["a"], "a").item() == pytest.approx(-math.log(way))


def test_equal_answers_side_by_side_are_one_letter() -> None:
    columns = [0, 1, 1, 0, 1, 2, 2, 0]
    logits = torch.nn.functional.one_hot(torch.tensor([columns]), 3).float()
    assert reader.spelled(logits, "ab") == ["aab"]
