"""The trainable weights as one flat vector, the optimizers over it, the rate, and the average.

LoRA weights are hundreds of small matrices. Laid end to end in one buffer (each still its own
parameter, viewing its part), clipping, the optimizer, the average and a checkpoint are each one
operation on one tensor.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sosie.core.errors import BadInput
from sosie.train.config import TrainConfig

ALIGNMENT = 16
"""Floats: parts start at multiples of 64 bytes, so that equal work rounds equally everywhere."""


class Weights:
    """The LoRA's parameters, their gradient and their running average, each one flat tensor."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], *, ema: float) -> None:
        self._spans: dict[str, tuple[int, torch.Size]] = {}
        end = 0
        for name, parameter in parameters.items():
            self._spans[name] = (end, parameter.shape)
            end += -(-parameter.numel() // ALIGNMENT) * ALIGNMENT
        device = next(iter(parameters.values())).device
        self.flat = nn.Parameter(torch.zeros(end, device=device))
        self.flat.grad = torch.zeros(end, device=device)
        for name, parameter in parameters.items():
            own, gradient = self._view(self.flat.data, name), self._view(self.flat.grad, name)
            own.copy_(parameter.data)
            parameter.data = own
            parameter.grad = gradient
        self.decay = ema
        self.average: Tensor | None = self.flat.detach().clone() if ema else None
        self.averaged = True
        """Whether a file gets the average, where there is one."""

    @property
    def gradient(self) -> Tensor:
        """The flat gradient; parameters accumulate into it."""
        assert self.flat.grad is not None
        return self.flat.grad

    def follow(self, step: int) -> None:
        """Move the average towards the weights after step `step`, faster in the first steps."""
        if self.average is not None:
            decay = min(self.decay, (1 + step) / (10 + step))
            self.average.lerp_(self.flat.detach(), 1 - decay)

    def exported(self) -> dict[str, Tensor]:
        """What a file gets: the average where there is one that it is to get, else the weights, by
        parameter name."""
        source = self.average if self.average is not None and self.averaged else self.flat.detach()
        return {name: self._view(source, name) for name in self._spans}

    @contextmanager
    def as_exported(self) -> Iterator[None]:
        """Within, the model computes with what a file would get; afterwards exactly as before."""
        if self.average is None or not self.averaged:
            yield
            return
        kept = self.flat.detach().clone()
        self.flat.data.copy_(self.average)
        try:
            yield
        finally:
            self.flat.data.copy_(kept)

    def _view(self, flat: Tensor, name: str) -> Tensor:
        start, shape = self._spans[name]
        return flat[start : start + shape.numel()].view(shape)


def optimizer(weights: Weights, config: TrainConfig) -> torch.optim.Optimizer:
    """The configured optimizer over the flat weights.

    Raises BadInput if 8-bit AdamW is asked for without CUDA and bitsandbytes.
    """
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "adamw":
        return torch.optim.AdamW([weights.flat], lr=rate, weight_decay=decay, fused=True)
    if config.optimizer == "prodigy":
        from prodigyopt import Prodigy

        # Prodigy prints a remark about its weight decay; progress on screen is not its to break.
        with contextlib.redirect_stdout(io.StringIO()):
            prodigy: torch.optim.Optimizer = Prodigy(
                [weights.flat],
                lr=rate,
                weight_decay=decay,
                use_bias_correction=True,
                safeguard_warmup=True,
            )
        return prodigy
    return _eight_bit(weights, config)


def _eight_bit(weights: Weights, config: TrainConfig) -> torch.optim.Optimizer:
    if weights.flat.device.type != "cuda":
        raise BadInput("8-bit AdamW needs a CUDA device.", advice='Use optimizer="adamw".')
    try:
        from bitsandbytes.optim import AdamW8bit
    except ImportError as error:
        raise BadInput(
            "8-bit AdamW needs bitsandbytes.", advice='Install it with: pip install "sosie[cuda]"'
        ) from error
    made: torch.optim.Optimizer = AdamW8bit(
        [weights.flat], lr=config.learning_rate, weight_decay=config.weight_decay
    )
    return made


def rate(config: TrainConfig, step: int, steps: int) -> float:
    """The learning rate of step `step`, counted from 0, of `steps`."""
    warm = min(1.0, (step + 1) / (config.warmup + 1))
    if config.schedule == "constant":
        return config.learning_rate * warm
    left = 1 - max(0, step - config.warmup) / max(1, steps - config.warmup)
    if config.schedule == "cosine":
        left = (1 - math.cos(math.pi * left)) / 2
    return config.learning_rate * warm * left


def unload(made: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The optimizer's whole state: tensors for safetensors, and numbers for JSON."""
    state = made.state[made.param_groups[0]["params"][0]]
    tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}
    numbers = {key: value for key, value in state.items() if not isinstance(value, Tensor)}
    group = {key: value for key, value in made.param_groups[0].items() if key != "params"}
    return tensors, {"state": numbers, "group": group}


def reload(
    made: torch.optim.Optimizer, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]
) -> None:
    """Put back what `unload` gave, bit by bit."""
    group = made.param_groups[0]
    flat = group["params"][0]
    # Counters that an optimizer keeps on the CPU stay there; the long vectors go to the weights.
    placed = {
        key: value.to(flat.device) if value.dim() else value for key, value in tensors.items()
    }
    made.state[flat] = {**placed, **numbers["state"]}
    for key, value in numbers["group"].items():
        group[key] = tuple(value) if isinstance(value, list) else value
