"""What a base's answer costs, and the arithmetic in which it answers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from sosie.models.diffusion.base import Conditioning, DiffusionBase
from sosie.train.config import TrainConfig


def picture_losses(
    base: DiffusionBase,
    latents: Tensor,
    noise: Tensor,
    times: Tensor,
    conditioning: Conditioning,
    *,
    precision: AbstractContextManager[Any],
) -> Tensor:
    """(B,) mean squared error of the base's answer, in float32."""
    noisy = base.add_noise(latents, noise, times)
    with precision:
        answer = base.predict(noisy.to(base.dtype), times, conditioning)
    error = answer.float() - base.target(latents, noise, times).float()
    return error.square().flatten(1).mean(1)


def arithmetic(base: DiffusionBase, config: TrainConfig) -> AbstractContextManager[Any]:
    """The context in which the base predicts."""
    return torch.autocast(
        base.device.type, dtype=torch.bfloat16, enabled=config.precision == "bf16"
    )
