"""A frozen linear layer with a plain LoRA beside it: y = W·x + b + s·B·A·x, in few steps.

Written out, the sum, the scale and their gradients are five passes over activations that are as
large as the layer's answer; here matrix products add into what is there already, and the scale is
left to them. The arithmetic is that of peft's own layer (Hu et al. 2021, arXiv:2106.09685), in
another order of rounding.
"""

from __future__ import annotations

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

    def forward(self, x: Tensor) -> Tensor:
        """(…, in) to (…, out)."""
        if not self.enabled:
            answer: Tensor = self.base_layer(x)
            return answer
        drops = self.training and self.dropout > 0
        # A file applied beside this LoRA works by a hook on the layer, which must be called then.
        if drops or self.base_layer._forward_hooks:
            seen = F.dropout(x, self.dropout) if drops else x
            low = F.linear(seen, self.lora_A.to(seen.dtype))
            answer = self.base_layer(x)
            return answer + self.scale * F.linear(low, self.lora_B.to(low.dtype))
        weight, bias = self.base_layer.weight, self.base_layer.bias
        kind = x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
        fused: Tensor = _Fused.apply(  # type: ignore[no-untyped-call]
            x.to(dtype),
            weight.to(dtype),
            None if bias is None else bias.to(dtype),
            self.lora_A.to(dtype),
            self.lora_B.to(dtype),
            self.scale,
        )
        return fused


class _Fused(torch.autograd.Function):
    """The whole layer as one node of the graph; no gradient goes to `weight` and `bias`."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float
    ) -> Tensor:
        low = F.linear(x, a)
        answer = F.linear(x, weight, bias).contiguous()
        _rows(answer).addmm_(_rows(low), b.t(), alpha=scale)
        ctx.save_for_backward(x, weight, a, b, low)
        ctx.scale = scale
        return answer

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, a, b, low = ctx.saved_tensors
        g = _rows(gradient)
        low_g = (g @ b).mul_(ctx.scale)
        to_a = low_g.t() @ _rows(x)
        to_b = (g.t() @ _rows(low)).mul_(ctx.scale)
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = (g @ weight).addmm_(low_g, a).view(x.shape)
        return to_x, None, None, to_a, to_b, None


def _rows(tensor: Tensor) -> Tensor:
    """(…, n) as a matrix (rows, n)."""
    return tensor.reshape(-1, tensor.shape[-1])
