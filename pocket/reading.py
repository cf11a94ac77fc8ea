"""What the network writes, read while it learns.

Squared error hardly tells a letter from the mean of two: at high noise the right letters lower it
by a hundredth. So the network also writes, from noise, as a user will have it write. At points of
these walks it says what the line will be, that is decoded and read by the world's own reader, and
the text that was asked for is to become the likeliest. It is for the base what the reading loss is
for a LoRA (`sosie.train.legible`); how well either writes is measured by another reader.

No letter is read by the paper, so whoever is taught by a reader alone lets it go astray: slopes
that are kept from it at each point still add up through the weights. What a network that knew how
to write said of the paper at these points is therefore to be said still, as a policy is held to the
one that it began as (Ouyang et al. 2022, arXiv:2203.02155).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from pocket import precision
from pocket.lessons import Domain, Lessons
from pocket.recipe import Recipe
from pocket.transformer import Denoise, Network, positions, unpack
from sosie.models.judges import reader
from sosie.models.judges.lines import paper, sparing_the_paper

STEPS = 10
"""Of a walk from noise to a line."""
POINTS = range(1, STEPS)
"""Where on it is read: pure noise says nothing, and a finished line cannot change any more."""
MANY_LETTERS = 15
"""Columns of latents over which the paper is held to what it was. Held over fewer, ink could not
come to lie elsewhere, and letters were learned more slowly."""
BOOKS = ("lines", "lines", "lines", "lines", "plain")
"""Of which domain walks are, each as often as the others."""


class Read(NamedTuple):
    """What reading the next points cost, with gradient."""

    nats: Tensor
    """A letter, in the mean."""
    astray: Tensor
    """Mean squared change of the paper's part of the velocity, with guidance, since the training
    began; 0 if it began with nothing."""


class Walks:
    """Lines on their way, and what reading them costs."""

    def __init__(
        self,
        network: Network,
        lessons: Lessons,
        coder: AutoencoderKL,
        recipe: Recipe,
        *,
        began: Network | None = None,
    ) -> None:
        """`began` is what the network was when it knew how to write and was not read yet; None if
        it learns that only now. It is not changed."""
        self.began = began
        self.network, self.lessons, self.coder = network, lessons, coder.requires_grad_(False)
        self.batch, self.guidance = recipe.transformer.reading_batch, recipe.true_guidance
        self.book = 0
        """The number, in the lessons, of the domain that walks are of."""
        self.points = torch.zeros(0)
        """(N, tokens, 64): what is left to read, of all steps in any order."""
        self.stages = torch.zeros(0, dtype=torch.long)
        """(N,) the step of its walk that each is about to take."""
        self.lines = torch.zeros(0, dtype=torch.long)
        """(N,) which line of the domain is asked for."""
        self.rows = torch.zeros(0, dtype=torch.long)
        """(N,) in which caption."""

    def cost(self, denoise: Denoise, seed: int) -> Read:
        """What the next points cost; what is random follows from `seed`."""
        source = torch.Generator().manual_seed(seed)
        if not len(self.points):
            self._walk(source)
        domain = self.lessons.domains[self.book]
        states, stages, lines, rows = (
            part[: self.batch] for part in (self.points, self.stages, self.lines, self.rows)
        )
        self.points, self.stages = self.points[self.batch :], self.stages[self.batch :]
        self.lines, self.rows = self.lines[self.batch :], self.rows[self.batch :]
        asked = (states, stages, rows, domain)
        answer = self._answer(self.network, denoise, *asked)
        self.network.seen()
        said = self._guided(answer, *asked)
        at = 1 - stages / STEPS
        clean = sparing_the_paper(unpack(states - at[:, None, None] * said, domain.grid))
        scaling, shift = self.coder.config["scaling_factor"], self.coder.config["shift_factor"]
        with precision.autocast():
            pixels = self.coder.decode(clean / scaling + shift).sample
        texts = [domain.texts[line] for line in lines.tolist()]
        seen = (pixels.float() + 1).div(2).clamp(0, 1)
        nats = reader.cost(seen, texts, jitter=source).mean()
        return Read(nats, self._astray(answer, *asked))

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps: the points that are left."""
        names = ("book", "points", "stages", "lines", "rows")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave."""
        for name, value in state.items():
            setattr(self, name, value)

    @torch.no_grad()
    def _walk(self, source: torch.Generator) -> None:
        """New walks, and their points to read."""
        chance = np.random.default_rng(int(torch.randint(1 << 30, (), generator=source)))
        name = BOOKS[chance.integers(len(BOOKS))]
        self.book = [domain.name for domain in self.lessons.domains].index(name)
        domain = self.lessons.domains[self.book]
        lines = torch.from_numpy(chance.integers(len(domain.packed), size=self.batch))
        columns = torch.from_numpy(chance.integers(domain.rows.shape[1], size=self.batch))
        rows = domain.rows[lines, columns]
        states = torch.randn(domain.packed[lines].shape, generator=source).to(rows.device)
        passed = []
        for step in range(STEPS):
            passed.append(states)
            stages = torch.full_like(rows, step)
            asked = (states, stages, rows, domain)
            answer = self._answer(self.network, self.network.denoiser, *asked)
            states = states - self._guided(answer, *asked) / STEPS
        order = torch.randperm(len(POINTS) * self.batch, generator=source).to(rows.device)
        self.points = torch.cat([passed[step] for step in POINTS])[order]
        self.stages = torch.tensor(POINTS).to(rows).repeat_interleave(self.batch)[order]
        self.lines = lines.to(rows).repeat(len(POINTS))[order]
        self.rows = rows.repeat(len(POINTS))[order]

    def _guided(
        self, answer: Tensor, states: Tensor, stages: Tensor, rows: Tensor, domain: Domain
    ) -> Tensor:
        """The velocity with guidance; gradient flows through the `answer` to the captions alone."""
        with torch.no_grad():
            nothing = torch.zeros_like(rows)
            away = self._answer(
                self.network, self.network.denoiser, states, stages, nothing, domain
            )
        return away + self.guidance * (answer - away)

    def _astray(
        self, answer: Tensor, states: Tensor, stages: Tensor, rows: Tensor, domain: Domain
    ) -> Tensor:
        if self.began is None:
            return torch.zeros(())
        with torch.no_grad():
            before = self._answer(self.began, self.began.denoiser, states, stages, rows, domain)
        change = unpack(answer - before, domain.grid)
        return (self.guidance * paper(change, MANY_LETTERS)).square().mean()

    def _answer(
        self,
        network: Network,
        denoise: Denoise,
        states: Tensor,
        stages: Tensor,
        rows: Tensor,
        domain: Domain,
    ) -> Tensor:
        with precision.autocast():
            told, pooled = network.encode(*self.lessons.told(rows))
            said: Tensor = denoise(
                hidden_states=states,
                encoder_hidden_states=told,
                pooled_projections=pooled,
                timestep=1 - stages / STEPS,
                img_ids=positions(*domain.grid),
                txt_ids=torch.zeros(told.shape[1], 3),
                return_dict=False,
            )[0]
        return said.float()
