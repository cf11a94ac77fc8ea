"""What asks the questions, taught by itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from pocket import asking, autoencoder, build, data, standin, transformer
from pocket.recipe import Recipe, smoke

pytestmark = pytest.mark.slow


def test_it_learns_to_ask_of_a_network_that_is_held_still(tmp_path: Path) -> None:
    recipe = smoke(Recipe())
    again = dataclasses.replace(recipe.transformer.again, lines=1.0, batch=8)
    size = dataclasses.replace(
        recipe.transformer, asking_steps=60, stages=(again,), vector_rate=1e-2
    )
    recipe = dataclasses.replace(recipe, transformer=size)
    material = data.Material(standin.people(24), *[standin.lines(24)] * 4)
    coder = autoencoder.build(recipe.autoencoder)
    lessons, parts = build.prepare(material, coder, recipe, tmp_path)
    network = parts.network

    def wrong() -> float:
        torch.manual_seed(1)
        (lines,) = (domain for domain in lessons.domains if domain.name == "lines")
        _, (_, _, missed) = transformer.loss(
            network, network.denoiser, lessons, lines, torch.arange(16), size
        )
        return missed.mean().item()

    untaught = wrong()
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    asking.train(network, lessons, size, tmp_path)
    assert wrong() < 0.9 * untaught
    changed = {
        name for name, weight in network.state_dict().items() if not weight.equal(before[name])
    }
    assert changed
    assert all(name.startswith(("readers.", "hearers.")) for name in changed)
    assert all(weight.requires_grad for weight in network.parameters())
    network.load_state_dict(before)
    asking.train(network, lessons, size, tmp_path)
    assert all(not network.state_dict()[name].equal(before[name]) for name in changed)
