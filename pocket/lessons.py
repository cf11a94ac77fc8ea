"""What the transformer learns from, and what is taught when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pocket import precision
from pocket.recipe import Stage

_GOLDEN = (5**0.5 - 1) / 2
_STRIDE = 8
"""Captions are cut to a multiple of this."""


@dataclass(frozen=True)
class Domain:
    """Pictures of one shape to learn from."""

    name: str
    packed: Tensor
    """(N, tokens, 64), bfloat16, scaled."""
    grid: tuple[int, int]
    """Rows and columns of tokens."""
    rows: Tensor
    """(N, K): for each picture, the rows of its K captions in the ids."""
    counts: Tensor
    """(tokens,) or (N, tokens): how much an error counts at each, 1 on average."""
    time_mean: float
    """Mean of the times' logit."""
    asked: str = "lines"
    """Which of the network's readers is asked what is in the picture."""
    answers: Tensor | None = None
    """(N, columns, answers): what is right, see `pocket.questions`; None: nothing is asked."""
    spans: Tensor | None = None
    """(N, PLACES, 2): where the letters of each text are, see `pocket.questions`."""
    hands: Tensor | None = None
    """(N, 1, answers): whose hand each text is in, see `pocket.questions`."""
    texts: Sequence[str] = ()
    """What each line says."""
    asked_weight: float = 0.0
    order: np.ndarray | None = None
    """Numbers of pictures, some more than once: how often each is shown; None: each once."""

    def asked_of(self, index: Tensor) -> Tensor:
        """What is right about these pictures, (B, columns, answers): of lines whose hand it is,
        too, which is the same in all columns."""
        assert self.answers is not None, "something is asked"
        answers = self.answers[index].float()
        if self.hands is None:
            return answers
        hands = self.hands[index].float().expand(-1, answers.shape[1], -1)
        return torch.cat([answers, hands], dim=2)


@dataclass(frozen=True)
class Lessons:
    """What the transformer learns from; row 0 of the ids is the empty caption."""

    domains: Sequence[Domain]
    t5_ids: Tensor
    clip_ids: Tensor
    stages: Sequence[Stage]

    def told(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The numbers of these captions, (B, length) each, without the padding that all have.

        One batch in four is padded in full, as the pipeline does: pads are part of a FLUX sequence,
        and how many there are must not matter. The others take a processor a third less time.
        """
        t5, clip = self.t5_ids[rows], self.clip_ids[rows]
        if not precision.on_cpu() or torch.rand(()) < 0.25:
            return t5, clip
        longest = int((t5 != 0).sum(dim=1).max())
        return t5[:, : -(-longest // _STRIDE) * _STRIDE], clip

    def stage(self, done: float) -> Stage:
        """The one that it is the turn of when `done` of the training is."""
        return [stage for stage in self.stages if stage.since <= done][-1]

    def turn(self, step: int, now: Stage) -> int:
        """Which domain step `step` is of: each as often as its share of the stage says, evenly
        spread."""
        shares = [getattr(now, domain.name) for domain in self.domains]
        bounds = np.cumsum(shares) / sum(shares)
        return int(np.searchsorted(bounds, step * _GOLDEN % 1, side="right"))
