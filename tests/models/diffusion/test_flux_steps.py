"""FLUX as it is taught says and learns what diffusers' own FLUX does."""

from typing import Any

import pytest
import torch
from diffusers import FluxTransformer2DModel

from sosie.models import lora
from sosie.models.diffusion import twins as tiny
from sosie.models.diffusion.flux import token_positions
from sosie.models.diffusion.flux_steps import _NormAndTurn
from sosie.models.diffusion.resolve import load_base


def asked() -> dict[str, Any]:
    """A call of the twin's denoiser: two pictures of 6x4 tokens, with 5 tokens of text."""
    source = torch.Generator().manual_seed(2)
    return {
        "hidden_states": torch.randn(2, 24, 64, generator=source),
        "encoder_hidden_states": torch.randn(2, 5, tiny.WIDTH, generator=source),
        "pooled_projections": torch.randn(2, tiny.WIDTH, generator=source),
        "timestep": torch.tensor([0.2, 0.7]),
        "guidance": torch.ones(2),
        "img_ids": token_positions(12, 8),
        "txt_ids": torch.zeros(5, 3),
        "return_dict": False,
    }


def learned(base: Any, denoiser: Any) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The answer with a LoRA in `denoiser`, and the gradients of its factors."""
    base.denoiser = denoiser
    parameters = lora.inject(base, lora.LoraSpec(rank=4, alpha=2), seed=0)
    source = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.add_(torch.randn(parameter.shape, generator=source), alpha=0.1)
    answer = denoiser(**asked())[0]
    push = torch.randn(answer.shape, generator=source)
    (answer * push).sum().backward()
    return answer.detach(), [p.grad for p in parameters.values() if p.grad is not None]


@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_lora_learns_what_it_would_in_diffusers_own_blocks(
    twins: Any, checkpointing: bool
) -> None:
    base = load_base(str(twins["flux"]))
    theirs = FluxTransformer2DModel.from_pretrained(twins["flux"] / "transformer")
    found = []
    for denoiser in (base.denoiser, theirs):
        if checkpointing:
            denoiser.train().enable_gradient_checkpointing()
        found.append(learned(base, denoiser))
    (mine, my_gradients), (other, their_gradients) = found
    assert torch.allclose(mine, other, rtol=1e-4, atol=1e-5)
    assert len(my_gradients) == 2 * len(base.lora_targets())
    for got, wanted in zip(my_gradients, their_gradients, strict=True):
        assert (got - wanted).norm() <= 1e-4 * wanted.norm()


def test_drawing_is_diffusers_to_the_bit(twins: Any) -> None:
    base = load_base(str(twins["flux"]))
    theirs = FluxTransformer2DModel.from_pretrained(twins["flux"] / "transformer").eval()
    with torch.no_grad():
        mine, other = (d(**asked())[0] for d in (base.denoiser.eval(), theirs))
    assert torch.equal(mine, other)


def test_the_gradient_through_norm_and_turn_is_that_of_the_formula() -> None:
    x = torch.randn(2, 3, 2, 4, dtype=torch.float64, requires_grad=True)
    turn = torch.polar(torch.ones(3, 1, 2), torch.rand(3, 1, 2))
    weight = torch.rand(4) + 0.5
    # fp32 inside, so wide steps and a loose comparison.
    assert torch.autograd.gradcheck(
        lambda t: _NormAndTurn.apply(t, weight, turn, 1e-6), (x,), eps=1e-2, atol=1e-2, rtol=1e-2
    )
