from __future__ import annotations

import pytest
import torch

from sosie.core.errors import BadInput, NotFound
from sosie.models import lora
from tests.models.lora.bases import answer, base

FAMILIES = ("flux", "sd15", "sdxl")


@pytest.mark.parametrize("family", FAMILIES)
def test_starts_as_the_base_learns_and_leaves_no_trace(family: str) -> None:
    b = base(family)
    modules, alone = dict(b.denoiser.named_modules()), answer(b)
    attributes = set(vars(b.denoiser))
    random_state = torch.get_rng_state()

    parameters = lora.inject(b, lora.LoraSpec(rank=4, alpha=2), seed=7)

    assert torch.equal(torch.get_rng_state(), random_state)
    assert list(parameters) == sorted(parameters)
    assert {k.rpartition(".")[0] for k in parameters} == set(b.lora_targets())
    assert all(p.dtype == torch.float32 and p.requires_grad for p in parameters.values())
    asking = {id(p) for p in b.denoiser.parameters() if p.requires_grad}
    assert asking == {id(p) for p in parameters.values()}
    assert torch.equal(answer(b), alone)

    answer(b).square().mean().backward()
    grown = [k for k, p in parameters.items() if p.grad is not None and p.grad.abs().sum() > 0]
    assert grown and all(key.endswith(".lora_B") for key in grown)
    with torch.no_grad():
        for key in grown:
            parameters[key] += 0.1
    assert not torch.allclose(answer(b), alone)
    with lora.enabled(b, False):
        assert torch.equal(answer(b), alone)
    assert all(p.requires_grad for p in parameters.values())

    lora.remove(b)
    after = dict(b.denoiser.named_modules())
    assert list(after) == list(modules) and all(after[n] is modules[n] for n in modules)
    assert set(vars(b.denoiser)) == attributes
    assert torch.equal(answer(b), alone)


def test_a_depends_on_seed_and_name_alone() -> None:
    names = base("flux").lora_targets()
    few = lora.inject(base("flux"), lora.LoraSpec(rank=2, targets=names[3:1:-1]), seed=1)
    every = lora.inject(base("flux"), lora.LoraSpec(rank=2), seed=1)
    other = lora.inject(base("flux"), lora.LoraSpec(rank=2), seed=2)
    key = f"{names[2]}.lora_A"
    assert torch.equal(few[key], every[key]) and not torch.equal(other[key], every[key])
    bound = every[key].shape[1] ** -0.5
    assert bound * 0.8 < every[key].abs().max() <= bound


def test_state_goes_round_and_is_a_copy() -> None:
    b = base("sd15")
    parameters = lora.inject(b, lora.LoraSpec(rank=2), seed=0)
    kept = lora.state(b)
    assert list(kept) == list(parameters)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.add_(1)
    lora.load_state(b, kept)
    assert all(torch.equal(parameters[k], kept[k]) for k in kept)
    assert lora.state(b)[next(iter(kept))] is not kept[next(iter(kept))]
    with pytest.raises(BadInput, match="keys differ"):
        lora.load_state(b, dict(list(kept.items())[1:]))
    with pytest.raises(BadInput, match="keys differ"):
        lora.load_state(b, {k: v[:1] for k, v in kept.items()})


def test_bad_targets_are_refused() -> None:
    b = base("sd15")
    with pytest.raises(NotFound, match="to_qq"):
        lora.inject(b, lora.LoraSpec(targets=("mid_block.to_qq",)), seed=0)
    with pytest.raises(BadInput, match="not one"):
        lora.inject(b, lora.LoraSpec(targets=("conv_in",)), seed=0)
    with pytest.raises(BadInput, match="at least one"):
        lora.inject(b, lora.LoraSpec(targets=()), seed=0)
    lora.inject(b, lora.LoraSpec(rank=1), seed=0)
    with pytest.raises(BadInput, match="already"):
        lora.inject(b, lora.LoraSpec(rank=1), seed=0)


def test_dropout_acts_in_train_mode_only() -> None:
    b = base("flux")
    parameters = lora.inject(b, lora.LoraSpec(rank=2, dropout=0.5), seed=0)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.add_(0.1)
    assert torch.equal(answer(b), answer(b))
    b.denoiser.train()
    assert not torch.equal(answer(b), answer(b))
