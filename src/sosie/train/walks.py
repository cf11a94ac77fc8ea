"""What a LoRA draws while it learns, and what is learned from that.

The denoising loss counts every pixel alike, and asks nothing of prompts that the set does not
answer. So from some step on the LoRA also draws. Every `REFRESH` steps it walks from noise to
pictures of new prompts; at points of these walks it says what the finished picture will be, that is
decoded, and an `Aim` says what is wrong with it, with gradient: a face that is not the person's
(`identity.py`), a text that cannot be read (`legible.py`).

Conventions:
    late        walks start in pure noise, but only points after the first step are learned from
    jitter      what is drawn is moved and stained anew each time before it is looked at, so that a
                face or a letter is learned rather than what fools one network

    held        what is said at these points is to stay near what the base alone says there, which
                knows what no aim looks at

After Xu et al. 2023 (ImageReward, arXiv:2304.05977, algorithm 1: feedback through one late step),
and Fan et al. 2023 (DPOK, arXiv:2305.16381: held to the network that it began as).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from sosie.models import lora
from sosie.models.diffusion.base import Conditioning, DiffusionBase, SampleRequest, repeat
from sosie.train.config import TrainConfig
from sosie.train.losses import arithmetic
from sosie.train.seeds import derive, generator

REFRESH = 20
"""Steps between two sets of walks."""
WALKS = 6
WALK_STEPS = 10
SETS = 2
"""Sets of walks that are learned from: the last ones."""
PICTURES = 3
"""Points of walks in one step."""
_FIRST = 0.9999
"""Where a walk begins, of 1 for the noisiest training time."""


class Judged(NamedTuple):
    """What an aim says of pictures."""

    loss: Tensor
    """A number with gradient, weighed as the settings ask."""
    told: Mapping[str, float]
    """What was seen, for who watches: a likeness, under "identity" or "hand"; what a letter costs
    the reader, under "reading"."""


class Aim(Protocol):
    """What pictures that are drawn on the way shall show."""

    @property
    def name(self) -> str:
        """What sets its chance apart: of two aims the walks differ."""

    def judge(
        self, base: DiffusionBase, clean: Tensor, rows: Tensor, jitter: torch.Generator
    ) -> Judged | None:
        """Look at scaled latents (N, C, h, w) that answer the prompts `rows` (N,) of the text bank;
        None where nothing can be said."""

    def held(self, change: Tensor) -> Tensor:
        """What of a change (N, C, h, w) of the answers is asked not to be; of the same shape."""


@dataclass(frozen=True, eq=False)
class Points:
    """Places on walks from noise to picture; row i of every tensor is one."""

    latents: Tensor
    """(N, C, h, w)."""
    stages: Tensor
    """(N,) which step of its walk each is about to take."""
    rows: Tensor
    """(N,) prompts, as rows of the text bank."""


@dataclass(frozen=True, eq=False)
class Walker:
    """Walks from noise to pictures by the base as it is, with its usual guidance."""

    base: DiffusionBase
    config: TrainConfig
    bank: Conditioning
    empty: int
    size: tuple[int, int]
    """Width and height of what is drawn, in pixels."""

    def begin(self, rows: Tensor, purpose: str) -> Tensor:
        """(N, C, h, w) noise for the prompts `rows`."""
        width, height = self.size
        request = SampleRequest(
            prompts=("",) * len(rows),
            seeds=tuple(derive(purpose, self.config.seed, i) % 2**32 for i in range(len(rows))),
            width=width,
            height=height,
            steps=WALK_STEPS,
            guidance=self.base.info.defaults.guidance,
        )
        return self.base.noise(request).float()

    def times(self, stages: Tensor, latents: Tensor) -> Tensor:
        """(N,) training times, the noisiest first, at equal shares of the base's own density."""
        places = (1 - stages.float() / WALK_STEPS).clamp(max=_FIRST)
        height, width = latents.shape[-2:]
        return self.base.times(places.to(self.base.device), latent_shape=(height, width))

    def guess(self, latents: Tensor, stages: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The finished latents and the noise that the base now expects, (N, C, h, w) each.

        Gradient flows through the answer to the prompt alone, not through that to the empty one.
        """
        times = self.times(stages, latents)
        answer = self._answer(latents, times, rows)
        weight = getattr(self.base.info.defaults, self.base.negative_setting)
        if weight > 1:
            with torch.no_grad():
                away = self._answer(latents, times, torch.full_like(rows, self.empty))
            answer = away + weight * (answer - away)
        return self.base.unmix(latents, times, answer)

    @torch.no_grad()
    def walk(self, latents: Tensor, rows: Tensor) -> Iterator[Tensor]:
        """The latents before each of the `WALK_STEPS` steps, then the finished ones."""
        for stage in range(WALK_STEPS):
            yield latents
            clean, noise = self.guess(latents, torch.full_like(rows, stage), rows)
            latents = clean
            if stage + 1 < WALK_STEPS:
                times = self.times(torch.full_like(rows, stage + 1), latents)
                latents = self.base.add_noise(clean, noise, times)
        yield latents

    def _answer(self, latents: Tensor, times: Tensor, rows: Tensor) -> Tensor:
        size = self.size
        geometry = self.base.picture_conditioning(original=size, crop=(0, 0), target=size)
        conditioning = {key: value[rows] for key, value in self.bank.items()}
        conditioning |= repeat(geometry, len(rows))
        with arithmetic(self.base, self.config):
            answer = self.base.predict(latents.to(self.base.dtype), times, conditioning)
        return answer.float()


@dataclass(eq=False)
class Coach:
    """Adds the gradient of what is drawn on the way. All that is random in step n is a function of
    seed and n; the points of the last walks are what it remembers, see `state`."""

    walker: Walker
    aim: Aim
    rows: tuple[int, ...]
    """Rows of the text bank that are asked for."""
    first: int
    """The step with which it begins, counted from 0."""
    hold: float = 0.0
    """Weight of the mean squared change since what the base alone says, as far as the aim has it
    held; 0 asks nothing of it."""
    points: Points | None = None

    def teach(self, number: int) -> Mapping[str, float]:
        """Add the gradient of step `number`; what the aim tells. Nothing before `first`, nor where
        the aim has nothing to say."""
        if number < self.first:
            return {}
        if (number - self.first) % REFRESH == 0 or self.points is None:
            self.points = self._walked(number)
        config = self.walker.config
        source = generator(f"{self.aim.name}-points", config.seed, number)
        chosen = torch.randint(len(self.points.rows), (PICTURES,), generator=source)
        latents, stages, rows = (
            part[chosen.to(part.device)]
            for part in (self.points.latents, self.points.stages, self.points.rows)
        )
        if config.dropout:
            torch.manual_seed(derive(f"{self.aim.name}-dropout", config.seed, number))
        clean, noise = self.walker.guess(latents, stages, rows)
        judged = self.aim.judge(self.walker.base, clean, rows, source)
        if judged is None:
            return {}
        loss = judged.loss
        if self.hold:
            loss = loss + self.hold * self._gone(clean, noise, latents, stages, rows)
        torch.autograd.backward([loss])
        return judged.told

    def _gone(
        self, clean: Tensor, noise: Tensor, latents: Tensor, stages: Tensor, rows: Tensor
    ) -> Tensor:
        """How far the answers with guidance are from the base's alone, where that is asked not to
        be, as a mean square."""
        base, times = self.walker.base, self.walker.times(stages, latents)
        with torch.no_grad(), lora.enabled(base, False):
            alone = base.target(*self.walker.guess(latents, stages, rows), times)
        return self.aim.held(base.target(clean, noise, times) - alone).square().mean()

    def _walked(self, number: int) -> Points:
        """The points of new walks, after those of the last set."""
        base, seed, name = self.walker.base, self.walker.config.seed, self.aim.name
        source = generator(f"{name}-walks", seed, number)
        drawn = torch.randint(len(self.rows), (WALKS,), generator=source)
        rows = torch.tensor(self.rows)[drawn].to(base.device)
        start = self.walker.begin(rows, f"{name}-noise-{number}")
        base.denoiser.eval()
        # Without the pure noise at the beginning and the finished picture at the end.
        passed = list(self.walker.walk(start, rows))[1:-1]
        base.denoiser.train()
        stages = torch.arange(1, WALK_STEPS, device=base.device).repeat_interleave(WALKS)
        new = Points(torch.cat(passed), stages, rows.repeat(len(passed)))
        if self.points is None:
            return new
        kept = (SETS - 1) * len(new.rows)
        before = self.points
        return Points(
            torch.cat([before.latents[-kept:], new.latents]),
            torch.cat([before.stages[-kept:], new.stages]),
            torch.cat([before.rows[-kept:], new.rows]),
        )

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps of it."""
        return {} if self.points is None else dict(vars(self.points))

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        device = self.walker.base.device
        moved = {key: value.to(device) for key, value in state.items()}
        self.points = Points(**moved) if moved else None
