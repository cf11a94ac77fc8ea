"""Random LoRAs, and files as other programs write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from sosie.models.diffusion.base import DiffusionBase

ALPHA, RANK = 2.0, 4


def random_state(base: DiffusionBase, *, rank: int = RANK, seed: int = 0) -> dict[str, Tensor]:
    """A trained-looking state, by the keys of `inject`."""
    draw = torch.Generator().manual_seed(seed)
    modules = dict(base.denoiser.named_modules())
    state = {}
    for target in sorted(base.lora_targets()):
        rows, columns = modules[target].weight.shape
        state[f"{target}.lora_A"] = torch.randn(rank, columns, generator=draw) / columns**0.5
        state[f"{target}.lora_B"] = torch.randn(rows, rank, generator=draw) / 2
    return state


def factors(rows: int, columns: int, *, rank: int = RANK, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Random (A, B)."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(rank, columns, generator=draw), torch.randn(rows, rank, generator=draw)


def save(
    path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str] | None = None
) -> Path:
    """Write tensors as any other program would, sharing no memory."""
    save_file({k: v.clone().contiguous() for k, v in tensors.items()}, path, dict(header or {}))
    return path
