"""Walks of the network that are read: whom they teach, and what a stopped training finds again."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from pocket import build, data, reading, standin
from pocket.autoencoder import build as coder_of
from pocket.recipe import Recipe, smoke
from pocket.transformer import pack, unpack


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    recipe = smoke(Recipe())
    torch.manual_seed(0)
    coder = coder_of(recipe.autoencoder).eval()
    taught = data.Material(standin.people(8), *[standin.lines(8)] * 4)
    lessons, parts = build.prepare(taught, coder, recipe, tmp_path_factory.mktemp("run"))
    with torch.no_grad():  # it begins with saying nothing, whatever the words
        parts.network.denoiser.proj_out.weight.normal_(std=0.05)
    return lessons, parts, coder


def walks(made) -> reading.Walks:
    lessons, parts, coder = made
    return reading.Walks(parts.network, lessons, coder, smoke(Recipe()))


def test_unpacking_is_the_way_back() -> None:
    latents = torch.randn(2, 16, 8, 32)
    assert torch.equal(unpack(pack(latents), (4, 16)), latents)


def test_denoiser_and_encoders_are_taught_and_nothing_else(made) -> None:
    network = made[1].network
    network.zero_grad()
    walks(made).cost(network.denoiser, 0).nats.backward()
    taught = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert taught == {"denoiser", "text", "pooled"}
    assert all(p.grad is None for p in made[2].parameters())
    assert network.seen() == [], "no reader is asked about them later"
    network.zero_grad()


def test_every_point_of_a_walk_is_read_once(made) -> None:
    lessons, _, _ = made
    one, seen = walks(made), []
    for step in range(len(reading.POINTS)):
        one.cost(made[1].network.denoiser, step)
        seen.append(len(one.points))
    assert seen == [one.batch * left for left in reversed(range(len(reading.POINTS)))]
    one.cost(made[1].network.denoiser, 99)
    assert len(one.points) == one.batch * (len(reading.POINTS) - 1), "and then it walks again"
    asked = lessons.domains[one.book]
    for row, number in zip(one.rows, one.lines, strict=True):
        assert int(row) in asked.rows[number].tolist(), "the caption says what shall be read"


def test_a_stopped_training_reads_on_where_it_was(made, tmp_path: Path) -> None:
    denoiser = made[1].network.denoiser
    one = walks(made)
    one.cost(denoiser, 0)
    torch.save(one.state(), tmp_path / "state.pt")
    torch.manual_seed(4)
    on = float(one.cost(denoiser, 1).nats)
    other = walks(made)
    other.restore(copy.deepcopy(torch.load(tmp_path / "state.pt")))
    torch.manual_seed(4)
    assert float(other.cost(denoiser, 1).nats) == on


def test_what_is_said_of_the_paper_is_held_to_what_was_said_before(made) -> None:
    lessons, parts, coder = made
    network = copy.deepcopy(parts.network)
    began = copy.deepcopy(network).requires_grad_(False)

    def astray(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)  # how far captions are padded
        fresh = reading.Walks(network, lessons, coder, smoke(Recipe()), began=began)
        return fresh.cost(network.denoiser, seed).astray

    assert float(astray(0)) < 1e-4, "nothing has changed yet"
    with torch.no_grad():
        network.denoiser.proj_out.bias[0] += 0.5  # all of each line in one channel: paper
    before = astray(0)
    before.backward()
    assert float(before) > 0.01
    with torch.no_grad():
        network.denoiser.proj_out.bias -= 0.1 * network.denoiser.proj_out.bias.grad
    assert float(astray(0)) < float(before), "the slope leads back"
    assert all(weight.grad is None for weight in began.parameters())
