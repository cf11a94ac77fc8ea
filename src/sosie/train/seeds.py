"""Randomness as a function of what it is for.

Every draw has its own generator, seeded by the run's seed, the purpose and the step. So nothing is
perturbed by a preview or a validation between two steps, and a resumed run needs no saved state of
a generator to draw what it would have drawn.
"""

from __future__ import annotations

import hashlib

import torch


def derive(*parts: object) -> int:
    """A number in [0, 2^63) that depends on the text of all `parts`."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def generator(*parts: object) -> torch.Generator:
    """A CPU generator seeded by `derive(*parts)`."""
    return torch.Generator().manual_seed(derive(*parts))
