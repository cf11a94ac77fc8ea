"""What the training of both judges has in common: steps, their rate, and the contrast."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocket import muon
from pocket.schedule import save_whole

WARMUP = 60
SAVE_EVERY = 100


def contrast(vectors: Tensor, temperature: float) -> Tensor:
    """Whether each of (2N, D) unit vectors is nearest to the one that shares its pair.

    Rows 2k and 2k+1 are a pair; a vector's nearness to itself does not count.
    """
    near = vectors @ vectors.T / temperature
    near = near.masked_fill(torch.eye(len(vectors), dtype=torch.bool), -math.inf)
    other = torch.arange(len(vectors)) ^ 1
    return F.cross_entropy(near, other)


def train(
    pupil: nn.Module,
    loss: Callable[[int], Tensor],
    *,
    steps: int,
    rates: tuple[float, float],
    ends: tuple[str, ...],
    state: Path,
) -> None:
    """Take `steps` steps on `loss(step)`, from where the `state` on disk left off.

    `rates` are Muon's and AdamW's (`pocket.muon`), `ends` the layers that AdamW is to have; a
    cosine takes both to nothing. In mixed precision.
    """
    optimizers = muon.optimizers(
        pupil.named_parameters(), matrix_rate=rates[0], vector_rate=rates[1], ends=ends
    )
    begin = 0
    if state.exists():
        kept = torch.load(state, weights_only=True)
        pupil.load_state_dict(kept["pupil"])
        for optimizer, was in zip(optimizers, kept["optimizers"], strict=True):
            optimizer.load_state_dict(was)
        begin = kept["step"]
    pupil.train()
    started, mean = time.process_time(), 0.0
    for number in range(begin, steps):
        share = min(1, (number + 1) / WARMUP) * 0.5 * (1 + math.cos(math.pi * number / steps))
        muon.set_rates(optimizers, share)
        with torch.autocast("cpu", torch.bfloat16):
            wrong = loss(number)
        pupil.zero_grad(set_to_none=True)
        wrong.backward()
        for optimizer in optimizers:
            optimizer.step()
        mean += (wrong.item() - mean) / (number % 50 + 1)
        if number % 50 == 49:
            seconds = time.process_time() - started
            print(f"step {number + 1}: loss {mean:.3f}, {seconds:.0f} s of processor", flush=True)
            mean = 0.0
        if (number + 1) % SAVE_EVERY == 0 or number + 1 == steps:
            save_whole(
                {
                    "pupil": pupil.state_dict(),
                    "optimizers": [optimizer.state_dict() for optimizer in optimizers],
                    "step": number + 1,
                },
                state,
            )
    pupil.eval()
