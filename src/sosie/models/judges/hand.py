"""Whose hand lines are in, with gradient: the judge of writers as a teacher of LoRAs.

A LoRA that it taught (`sosie.train.legible`) it judges no more.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sosie.models import judges
from sosie.models.judges import lines


def described(pixels: Tensor, *, jitter: torch.Generator | None = None) -> Tensor:
    """(N, 128) of unit length: the hands of lines (N, 3, H, W) from 0 to 1; the cosine of two says
    how alike they are. `jitter` moves, scales and stains each line anew; its slant stays, which is
    a hand's own."""
    ink = lines.against_paper(pixels)
    if jitter is not None:
        ink = lines.jittered(ink, jitter, leaned=0.0)
    seen: Tensor = judges.writers().to(ink.device)(ink)
    return seen
