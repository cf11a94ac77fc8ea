"""A frozen linear layer with a plain LoRA beside it: y = W·x + b + s·B·A·x, in few steps.

Written out, the sum, the scale and their gradients are five passes over activations that are as
large as the layer's answer; here matrix products add into what is there already, and the scale is
left to them. Layers that read the same input, as the three of an attention do, answer together:
their As are one product, and their gradients to the input add up in place. The arithmetic is that
of peft's own layer (Hu et al. 2021, arXiv:2106.09685), in another order of rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LoraLinear(nn.Module):
    """`base_layer`, whose weights get no gradient, and a LoRA that may be switched off.

    The factors are fp32; they are multiplied in the precision in which the layer answers.
    """

    def __init__(
        self, base_layer: nn.Linear, *, a: Tensor, b: Tensor, scale: float, dropout: float
    ) -> None:
        """`a` is (r, in) and `b` (out, r); `dropout` is the share of inputs dropped in training."""
        super().__init__()
        self.base_layer = base_layer
        self.lora_A = nn.Parameter(a)
        self.lora_B = nn.Parameter(b)
        self.scale = scale
        self.dropout = dropout
        self.enabled = True

    @property
    def weight(self) -> Tensor:
        """The base layer's, (out, in), for those who ask a layer for its shape or precision."""
        return self.base_layer.weight

    @property
    def plain(self) -> bool:
        """Whether nothing happens between input and answer but the products and the sum."""
        # A file applied beside this LoRA works by a hook on the layer, which must be called then.
        hooked = self._forward_hooks or self._forward_pre_hooks or self.base_layer._forward_hooks
        return self.enabled and not self._drops and not hooked

    @property
    def _drops(self) -> bool:
        return self.training and self.dropout > 0

    def forward(self, x: Tensor) -> Tensor:
        """(…, in) to (…, out)."""
        if self.plain:
            return _fused([self], x)[0]
        answer: Tensor = self.base_layer(x)
        if not self.enabled:
            return answer
        seen = F.dropout(x, self.dropout) if self._drops else x
        low = F.linear(seen, self.lora_A.to(seen.dtype))
        return answer + self.scale * F.linear(low, self.lora_B.to(low.dtype))


def answers(layers: Sequence[nn.Module], x: Tensor) -> tuple[Tensor, ...]:
    """What layers say of one input, (…, in), each (…, out): together where all are plain LoRAs."""
    lora = [layer for layer in layers if isinstance(layer, LoraLinear) and layer.plain]
    if len(lora) == len(layers) and len({layer.scale for layer in lora}) == 1:
        return _fused(lora, x)
    return tuple(layer(x) for layer in layers)


def _fused(layers: Sequence[LoraLinear], x: Tensor) -> tuple[Tensor, ...]:
    kind = x.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    linear = [layer.base_layer for layer in layers]
    fused: tuple[Tensor, ...] = _Fused.apply(  # type: ignore[no-untyped-call]
        x.to(dtype),
        layers[0].scale,
        *(part.weight.to(dtype) for part in linear),
        *(None if part.bias is None else part.bias.to(dtype) for part in linear),
        *(layer.lora_A.to(dtype) for layer in layers),
        *(layer.lora_B.to(dtype) for layer in layers),
    )
    return fused


class _Fused(torch.autograd.Function):
    """Whole layers with one input as one node of the graph; no gradient goes to their weights."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float, *parts: Any) -> tuple[Tensor, ...]:
        """`parts` are the n layers' weights, then their biases, their As and their Bs."""
        n = len(parts) // 4
        weights, biases, a, b = parts[:n], parts[n : 2 * n], parts[2 * n : 3 * n], parts[3 * n :]
        ranks = [len(part) for part in a]
        rows, stacked = _rows(x), a[0] if n == 1 else torch.cat(a)
        low = rows @ stacked.t()
        told = []
        for weight, bias, up, part in zip(
            weights, biases, b, torch.split(low, ranks, 1), strict=True
        ):
            answer = F.linear(rows, weight, bias)
            told.append(answer.addmm_(part, up.t(), alpha=scale).view(*x.shape[:-1], -1))
        ctx.save_for_backward(rows, low, stacked, *weights, *b)
        ctx.scale, ctx.ranks, ctx.shape = scale, ranks, x.shape
        return tuple(told)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, low, stacked, *parts = ctx.saved_tensors
        n = len(gradients)
        above = [_rows(gradient) for gradient in gradients]
        low_g = torch.cat([g @ up for g, up in zip(above, parts[n:], strict=True)], 1)
        low_g.mul_(ctx.scale)
        # The transpose of what is wanted is the faster product: its rows are long.
        to_b = [
            (part.t() @ g).mul_(ctx.scale).t()
            for g, part in zip(above, torch.split(low, ctx.ranks, 1), strict=True)
        ]
        to_a = torch.split(low_g.t() @ rows, ctx.ranks)
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = above[0] @ parts[0]
            for g, weight in zip(above[1:], parts[1:n], strict=True):
                to_x.addmm_(g, weight)
            to_x = to_x.addmm_(low_g, stacked).view(ctx.shape)
        return to_x, None, *[None] * (2 * n), *to_a, *to_b


def _rows(tensor: Tensor) -> Tensor:
    """(…, n) as a matrix (rows, n)."""
    return tensor.reshape(-1, tensor.shape[-1])
