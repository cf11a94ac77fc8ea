from __future__ import annotations

from typing import Any

import peft
import pytest
import torch

from sosie.core.errors import BadInput, NotFound
from sosie.models import lora
from sosie.models.lora.layer import LoraLinear, _Fused, answers
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
    with pytest.raises(BadInput, match="could not be exported"):
        lora.inject(base("flux"), lora.LoraSpec(targets=("x_embedder",)), seed=0)
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


def layers(dropout: float = 0.0, dtype: torch.dtype = torch.float32) -> tuple[LoraLinear, Any]:
    """One layer of ours and one of peft's, with equal numbers."""
    torch.manual_seed(0)
    linear = torch.nn.Linear(24, 40).to(dtype).requires_grad_(False)
    a, b = torch.randn(4, 24) / 5, torch.randn(40, 4) / 5
    theirs = peft.tuners.lora.Linear(
        linear,
        "x",
        peft.LoraConfig(r=4, lora_alpha=2, lora_dropout=dropout),
        r=4,
        lora_alpha=2,
    )
    theirs.lora_A["x"].weight.data.copy_(a)
    theirs.lora_B["x"].weight.data.copy_(b)
    return LoraLinear(linear, a=a.clone(), b=b.clone(), scale=0.5, dropout=dropout), theirs


@pytest.mark.parametrize("shape", [(24,), (5, 24), (2, 5, 24), (2, 3, 5, 24)])
@pytest.mark.parametrize("hooked", [False, True])
def test_a_layer_answers_and_learns_as_pefts_does(shape: tuple[int, ...], hooked: bool) -> None:
    ours, theirs = layers()
    if hooked:
        ours.base_layer.register_forward_hook(lambda module, inputs, output: output + 1)
    x = [torch.randn(shape, generator=torch.Generator().manual_seed(1)) for _ in range(2)]
    mine, other = (layer(t.requires_grad_()) for layer, t in zip((ours, theirs), x, strict=True))
    push = torch.randn(mine.shape)
    for answer_ in (mine, other):
        answer_.backward(push)
    assert torch.allclose(mine, other, rtol=1e-5, atol=1e-6)
    for got, wanted in (
        (x[0].grad, x[1].grad),
        (ours.lora_A.grad, theirs.lora_A["x"].weight.grad),
        (ours.lora_B.grad, theirs.lora_B["x"].weight.grad),
    ):
        assert torch.allclose(got, wanted, rtol=1e-5, atol=1e-5)
    assert ours.base_layer.weight.grad is None


def test_gradients_are_those_of_the_formula() -> None:
    ours, _ = layers(dtype=torch.float64)
    a, b = ours.lora_A.data.double().requires_grad_(), ours.lora_B.data.double().requires_grad_()
    weight, bias = ours.base_layer.weight, ours.base_layer.bias
    x = torch.randn(3, 24, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, a, b: _Fused.apply(x, 0.5, weight, bias, a, b)[0], (x, a, b)
    )


@pytest.mark.parametrize("odd", ["none", "switched off", "dropping", "hooked", "other scale"])
def test_layers_together_answer_and_learn_as_one_by_one(odd: str) -> None:
    torch.manual_seed(5)
    several = [
        LoraLinear(
            torch.nn.Linear(6, out, bias=out != 9).requires_grad_(False),
            a=torch.randn(rank, 6),
            b=torch.randn(out, rank),
            scale=0.5,
            dropout=0.0,
        )
        for out, rank in ((7, 2), (9, 3), (8, 2))
    ]
    if odd == "switched off":
        several[1].enabled = False
    if odd == "dropping":
        several[1].dropout = 0.5
    if odd == "hooked":
        several[1].register_forward_hook(lambda module, inputs, output: output + 1)
    if odd == "other scale":
        several[1].scale = 2.0
    found = []
    for way in (lambda x: answers(several, x), lambda x: [layer(x) for layer in several]):
        x = torch.ones(2, 3, 6).cumsum(1).requires_grad_()
        torch.manual_seed(0)
        told = way(x)
        sum((part**2).sum() for part in told).backward()
        learned = [p.grad for layer in several for p in layer.parameters() if p.grad is not None]
        found.append([*told, x.grad, *(grad.clone() for grad in learned)])
        for layer in several:
            layer.zero_grad()
    together, alone = found
    for got, wanted in zip(together, alone, strict=True):
        assert torch.allclose(got, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("autocast", [False, True])
def test_a_layer_in_bfloat16_stays_there(autocast: bool) -> None:
    ours, theirs = layers(dtype=torch.float32 if autocast else torch.bfloat16)
    x = torch.randn(7, 24).to(ours.base_layer.weight.dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        mine, other = ours(x), theirs(x)
    assert mine.dtype == torch.bfloat16
    assert torch.allclose(mine.float(), other.float(), rtol=2e-2, atol=2e-2)
    mine.float().sum().backward()
    assert ours.lora_A.grad is not None and ours.lora_A.grad.dtype == torch.float32


def test_dropped_inputs_are_scaled_up_in_training_only() -> None:
    ours, _ = layers(dropout=0.5)
    x = torch.randn(64, 24)
    assert torch.equal(ours.eval()(x), ours(x))
    torch.manual_seed(3)
    dropped = ours.train()(x)
    torch.manual_seed(3)
    seen = torch.nn.functional.dropout(x, 0.5)
    expected = ours.base_layer(x) + 0.5 * seen @ ours.lora_A.t() @ ours.lora_B.t()
    assert torch.allclose(dropped, expected, atol=1e-5)
