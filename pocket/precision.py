"""What to train in: bfloat16 where the processor multiplies it, float32 elsewhere.

A processor without AMX or AVX512-BF16 computes bfloat16 by way of float32: there a training step
took four times as long in it, much of that for Muon's products.
"""

from __future__ import annotations

import torch


def half() -> bool:
    """Whether this processor multiplies matrices of bfloat16 itself."""
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def fast() -> torch.dtype:
    """The precision of products that stand some rounding."""
    return torch.bfloat16 if half() else torch.float32


def autocast() -> torch.autocast:
    """The context to train and to encode in."""
    return torch.autocast("cpu", torch.bfloat16, enabled=half())
