"""FLUX's attention written out in plain products, for training on a CPU.

The fused kernel behind `scaled_dot_product_attention` has a backward pass that took a third of a
training step here; at 96 tokens the written-out form in bfloat16 takes a sixth of its time. The
weights are those of diffusers' own processor, which the finished model uses.
"""

from __future__ import annotations

import torch
from diffusers.models.transformers.transformer_flux import FluxAttention
from torch import Tensor, nn


class PlainAttention:
    """Stands in for diffusers' `FluxAttnProcessor` while training."""

    _attention_backend = None
    _parallel_config = None

    def __call__(
        self,
        attn: FluxAttention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        image_rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        assert attention_mask is None and image_rotary_emb is not None

        def heads(layer: nn.Linear, states: Tensor) -> Tensor:
            return layer(states).unflatten(-1, (-1, attn.head_dim))

        query = attn.norm_q(heads(attn.to_q, hidden_states))
        key = attn.norm_k(heads(attn.to_k, hidden_states))
        value = heads(attn.to_v, hidden_states)
        if encoder_hidden_states is not None:
            text_query = attn.norm_added_q(heads(attn.add_q_proj, encoder_hidden_states))
            text_key = attn.norm_added_k(heads(attn.add_k_proj, encoder_hidden_states))
            query = torch.cat([text_query, query], dim=1)
            key = torch.cat([text_key, key], dim=1)
            value = torch.cat([heads(attn.add_v_proj, encoder_hidden_states), value], dim=1)
        query, key, value = (
            states.transpose(1, 2)
            for states in (
                rotated(query, image_rotary_emb) * attn.head_dim**-0.5,
                rotated(key, image_rotary_emb),
                value,
            )
        )
        mixed = (query @ key.transpose(-1, -2)).softmax(dim=-1).to(value.dtype) @ value
        mixed = mixed.transpose(1, 2).flatten(2, 3)
        if encoder_hidden_states is None:
            return mixed
        text = encoder_hidden_states.shape[1]
        return attn.to_out[0](mixed[:, text:]), attn.to_add_out(mixed[:, :text])


def rotated(states: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Turn neighbouring elements of (B, tokens, heads, width) by their position's angles."""
    cosine, sine = (part.to(states.dtype)[:, None] for part in rotary)
    first, second = states.unflatten(-1, (-1, 2)).unbind(-1)
    crossed = torch.stack([-second, first], dim=-1).flatten(-2)
    return states * cosine + crossed * sine
