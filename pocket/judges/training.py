"""What the training of both judges has in common: steps, their rate, and the contrast."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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
    rate: float,
    state: Path,
    weight_decay: float = 0.05,
) -> None:
    """Take `steps` steps on `loss(step)`, from where the `state` on disk left off.

    A cosine takes the rate to nothing. Mixed precision, where that is faster.
    """
    optimiser = torch.optim.AdamW(pupil.parameters(), lr=rate, weight_decay=weight_decay)
    begin = 0
    if state.exists():
        kept = torch.load(state, weights_only=True)
        pupil.load_state_dict(kept["pupil"])
        optimiser.load_state_dict(kept["optimiser"])
        begin = kept["step"]
    pupil.train()
    started, mean = time.process_time(), 0.0
    for number in range(begin, steps):
        share = min(1, (number + 1) / WARMUP) * 0.5 * (1 + math.cos(math.pi * number / steps))
        for group in optimiser.param_groups:
            group["lr"] = rate * share
        with torch.autocast("cpu", torch.bfloat16):
            wrong = loss(number)
        optimiser.zero_grad(set_to_none=True)
        wrong.backward()
        nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
        optimiser.step()
        mean += (wrong.item() - mean) / (number % 50 + 1)
        if number % 50 == 49:
            seconds = time.process_time() - started
            print(f"step {number + 1}: loss {mean:.3f}, {seconds:.0f} s of processor", flush=True)
            mean = 0.0
        if (number + 1) % SAVE_EVERY == 0 or number + 1 == steps:
            save_whole(
                {
                    "pupil": pupil.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": number + 1,
                },
                state,
            )
    pupil.eval()
