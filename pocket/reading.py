"""What the network writes, read while it learns.

Squared error hardly tells a letter from the mean of two: at high noise the right letters lower it
by a hundredth. So the network also writes, from noise, as a user will have it write. At points of
these walks it says what the line will be, that is decoded and read by the world's own reader, and
the text that was asked for is to become the likeliest. It is for the base what the reading loss is
for a LoRA (`sosie.train.legible`); how well either writes is measured by another reader.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from pocket import precision
from pocket.lessons import Domain, Lessons
from pocket.recipe import Recipe
from pocket.transformer import Denoise, Network, positions, unpack
from sosie.models.judges import reader
from sosie.models.judges.lines import spare_the_paper

STEPS = 10
"""Of a walk from noise to a line."""
POINTS = range(1, STEPS)
"""Where on it is read: pure noise says nothing, and a finished line cannot change any more."""
BOOKS = ("lines", "lines", "lines", "lines", "plain")
"""Of which domain walks are, each as often as the others."""


class Walks:
    """Lines on their way, and what reading them costs."""

    def __init__(
        self,
        network: Network,
        lessons: Lessons,
        coder: AutoencoderKL,
        recipe: Recipe,
    ) -> None:
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

    def cost(self, denoise: Denoise, seed: int) -> Tensor:
        """Nats a letter of the next points, with gradient; what is random follows from `seed`."""
        source = torch.Generator().manual_seed(seed)
        if not len(self.points):
            self._walk(source)
        domain = self.lessons.domains[self.book]
        states, stages, lines, rows = (
            part[: self.batch] for part in (self.points, self.stages, self.lines, self.rows)
        )
        self.points, self.stages = self.points[self.batch :], self.stages[self.batch :]
        self.lines, self.rows = self.lines[self.batch :], self.rows[self.batch :]
        said = self._said(denoise, states, stages, rows, domain)
        self.network.seen()
        at = 1 - stages / STEPS
        clean = unpack(states - at[:, None, None] * said, domain.grid)
        spare_the_paper(clean)
        scaling, shift = self.coder.config["scaling_factor"], self.coder.config["shift_factor"]
        with precision.autocast():
            pixels = self.coder.decode(clean / scaling + shift).sample
        texts = [domain.texts[line] for line in lines.tolist()]
        seen = (pixels.float() + 1).div(2).clamp(0, 1)
        return reader.cost(seen, texts, jitter=source).mean()

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
            said = self._said(self.network.denoiser, states, stages, rows, domain)
            states = states - said / STEPS
        order = torch.randperm(len(POINTS) * self.batch, generator=source).to(rows.device)
        self.points = torch.cat([passed[step] for step in POINTS])[order]
        self.stages = torch.tensor(POINTS).to(rows).repeat_interleave(self.batch)[order]
        self.lines = lines.to(rows).repeat(len(POINTS))[order]
        self.rows = rows.repeat(len(POINTS))[order]

    def _said(
        self, denoise: Denoise, states: Tensor, stages: Tensor, rows: Tensor, domain: Domain
    ) -> Tensor:
        """The velocity with guidance; gradient flows through the answer to the captions alone."""
        answer = self._answer(denoise, states, stages, rows, domain)
        with torch.no_grad():
            nothing = torch.zeros_like(rows)
            away = self._answer(self.network.denoiser, states, stages, nothing, domain)
        return away + self.guidance * (answer - away)

    def _answer(
        self, denoise: Denoise, states: Tensor, stages: Tensor, rows: Tensor, domain: Domain
    ) -> Tensor:
        with precision.autocast():
            told, pooled = self.network.encode(*self.lessons.told(rows))
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
