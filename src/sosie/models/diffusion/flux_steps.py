"""FLUX's blocks as they are taught: diffusers' own, in fewer and larger steps.

The projections of one stream read one input and answer together; the norm of queries and keys and
their turn by position are one step each way, whose turn is a product of complex numbers; and the
last block leaves out what it would say of the text, which nobody reads. Only the order of rounding
differs. Drawing, which takes no gradient, is left to diffusers to the bit.
"""

# diffusers carries no types:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn
from diffusers.models.transformers.transformer_flux import (
    FluxAttention,
    FluxAttnProcessor,
    FluxSingleTransformerBlock,
)
from torch import Tensor, nn

from sosie.models.lora.layer import answers


def prepare(denoiser: Any) -> None:
    """Let a FluxTransformer2DModel take gradients on a CPU in these steps."""
    denoiser.set_attn_processor(TaughtAttention())
    for last in denoiser.single_transformer_blocks[-1:]:
        last.forward = partial(_of_picture, last, last.forward)


def _taught(states: Tensor) -> bool:
    return torch.is_grad_enabled() and states.device.type == "cpu"


class TaughtAttention(FluxAttnProcessor):
    """Stands in for diffusers' processor wherever a gradient is asked for on a CPU."""

    def __call__(  # type: ignore[override]
        self,
        attn: FluxAttention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        image_rotary_emb: tuple[Tensor, Tensor] | None = None,
        unasked: int = 0,
    ) -> Any:
        """(B, tokens, width) to the same; with text, (picture's, text's).

        The first `unasked` tokens are looked at and get no answer; only where a gradient is taken.
        """
        if not _taught(hidden_states) or image_rotary_emb is None:
            drawn: Any = super().__call__
            return drawn(
                attn, hidden_states, encoder_hidden_states, attention_mask, image_rotary_emb
            )
        turn = torch.complex(*(part[:, None, ::2] for part in image_rotary_emb))
        text = 0 if encoder_hidden_states is None else encoder_hidden_states.shape[1]
        query, key, value = _projected(
            hidden_states,
            (attn.to_q, attn.to_k, attn.to_v),
            (attn.norm_q, attn.norm_k),
            turn[text:],
            unasked=unasked,
        )
        if encoder_hidden_states is not None:
            of_text = _projected(
                encoder_hidden_states,
                (attn.add_q_proj, attn.add_k_proj, attn.add_v_proj),
                (attn.norm_added_q, attn.norm_added_k),
                turn[:text],
            )
            query, key, value = (
                torch.cat(both, dim=1) for both in zip(of_text, (query, key, value), strict=True)
            )
        mixed = dispatch_attention_fn(
            query,
            key,
            value,
            attn_mask=attention_mask,
            backend=self._attention_backend,
            parallel_config=self._parallel_config,
        )
        mixed = mixed.flatten(2, 3).to(query.dtype)
        if encoder_hidden_states is None:
            return mixed
        out, text_out = mixed[:, text:].contiguous(), mixed[:, :text].contiguous()
        return attn.to_out[1](attn.to_out[0](out)), attn.to_add_out(text_out)


def _projected(
    states: Tensor,
    layers: tuple[nn.Module, nn.Module, nn.Module],
    norms: tuple[nn.RMSNorm, nn.RMSNorm],
    turn: Tensor,
    *,
    unasked: int = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries and keys, normed and turned, and values of one stream: (B, tokens, heads, width)."""
    if unasked:
        told = (layers[0](states[:, unasked:].contiguous()), *answers(layers[1:], states))
    else:
        told = answers(layers, states)
    query, key, value = (part.unflatten(-1, (-1, 2 * turn.shape[-1])) for part in told)
    query, key = (
        _NormAndTurn.apply(part, norm.weight, places, norm.eps)
        for part, norm, places in zip((query, key), norms, (turn[unasked:], turn), strict=True)
    )
    return query, key, value


def _of_picture(
    block: FluxSingleTransformerBlock,
    whole: Callable[..., tuple[Tensor, Tensor]],
    hidden_states: Tensor,
    encoder_hidden_states: Tensor,
    temb: Tensor,
    image_rotary_emb: tuple[Tensor, Tensor] | None = None,
    joint_attention_kwargs: dict[str, Any] | None = None,
) -> tuple[Tensor, Tensor]:
    """The last block's (text, picture): the text as it came, for nothing reads it afterwards."""
    given = (hidden_states, encoder_hidden_states, temb, image_rotary_emb, joint_attention_kwargs)
    if not _taught(hidden_states) or image_rotary_emb is None or joint_attention_kwargs:
        return whole(*given)
    text = encoder_hidden_states.shape[1]
    both = torch.cat([encoder_hidden_states, hidden_states], dim=1)
    seen, gate = block.norm(both, emb=temb)
    mixed = block.attn(hidden_states=seen, image_rotary_emb=image_rotary_emb, unasked=text)
    wide = block.act_mlp(block.proj_mlp(seen[:, text:].contiguous()))
    more = gate.unsqueeze(1) * block.proj_out(torch.cat([mixed, wide], dim=2))
    return encoder_hidden_states, hidden_states + more


class _NormAndTurn(torch.autograd.Function):
    """RMS norm over the last dimension, then neighbouring elements turned as complex numbers.

    y = turn · (w · x · r) with r = 1 / √(mean x² + ε), in fp32; the frozen w gets no gradient.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, turn: Tensor, epsilon: float) -> Tensor:
        """`x` is (B, tokens, heads, width), `turn` (tokens, 1, width / 2) and complex."""
        exact, weight = x.float(), weight.float()
        length = torch.linalg.vector_norm(exact, dim=-1, keepdim=True)
        shrink = (length.square_() / x.shape[-1] + epsilon).rsqrt_()
        ctx.save_for_backward(x, weight, turn, shrink)
        return _turned(exact * weight, turn).mul_(shrink).to(x.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, turn, shrink = ctx.saved_tensors
        exact = x.float()
        g = _turned(gradient.float(), turn.conj()).mul_(weight)
        along = (g * exact).mean(-1, keepdim=True) * shrink.square()
        return g.addcmul_(exact, along, value=-1).mul_(shrink).to(x.dtype), None, None, None


def _turned(states: Tensor, turn: Tensor) -> Tensor:
    pairs = torch.view_as_complex(states.contiguous().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turn).flatten(-2)
