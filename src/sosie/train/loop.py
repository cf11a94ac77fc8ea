"""The loop draws batches, takes steps, keeps watch. It knows a few methods of a base, no model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from sosie.core.errors import TrainingStopped
from sosie.models.diffusion.base import Conditioning, DiffusionBase
from sosie.train.cache import Bucket
from sosie.train.config import TrainConfig
from sosie.train.losses import arithmetic, picture_losses
from sosie.train.optim import Weights, rate
from sosie.train.order import Order
from sosie.train.seeds import derive, generator
from sosie.train.walks import Coach

SMOOTHING = 0.95
EXPLODED = 10.0
"""The smoothed loss has exploded when it is this many times the base's own."""


class Step(NamedTuple):
    """What one optimizer step did."""

    loss: float
    """Mean over its pictures."""
    norm: float
    """Of the whole gradient, before clipping."""
    rate: float
    pictures: tuple[int, ...]
    drawn: Mapping[str, float]
    """What is told of pictures that the LoRA drew on the way, see `walks.Judged`; empty where it
    drew none."""


@dataclass(eq=False)
class Watch:
    """Notices a loss that explodes."""

    usual: float | None = None
    """Loss of the base before the first step; nothing explodes while it is unknown."""
    smoothed: float | None = None

    def see(self, loss: float) -> bool:
        """Take note of a finite loss; False when the course has exploded."""
        before = loss if self.smoothed is None else self.smoothed
        self.smoothed = SMOOTHING * before + (1 - SMOOTHING) * loss
        return self.usual is None or self.smoothed <= EXPLODED * self.usual


@dataclass(eq=False)
class Tally:
    """The loss of each picture, over all the times it was taught."""

    sums: list[float]
    counts: list[int]

    @classmethod
    def of(cls, pictures: int) -> Tally:
        """An empty tally."""
        return cls(sums=[0.0] * pictures, counts=[0] * pictures)

    def add(self, pictures: Sequence[int], losses: Sequence[float]) -> None:
        """Count one batch."""
        for picture, loss in zip(pictures, losses, strict=True):
            self.sums[picture] += loss
            self.counts[picture] += 1

    def mean(self, picture: int) -> float | None:
        """Mean loss of a picture; None if it was never taught."""
        return self.sums[picture] / self.counts[picture] if self.counts[picture] else None


def stratified(count: int, source: torch.Generator) -> Tensor:
    """(count,) numbers in (0, 1), one in each of `count` equal strata, in random order."""
    strata = torch.randperm(count, generator=source)
    inside = torch.rand(count, generator=source)
    return ((strata + inside) / count).clamp(1e-5, 1 - 1e-5)


def _backward(loss: Tensor) -> None:
    torch.autograd.backward([loss])


@dataclass(eq=False)
class Teacher:
    """Takes optimizer steps. Everything random in step n is a function of the seed and n."""

    base: DiffusionBase
    config: TrainConfig
    steps: int
    weights: Weights
    optimizer: torch.optim.Optimizer
    buckets: Sequence[Bucket]
    prior: Sequence[Bucket]
    bank: Conditioning
    empty: int
    """Row of the empty caption in `bank`."""
    names: Sequence[str]
    """File names of the pictures, to name those that break a run."""
    tally: Tally
    coach: Coach | None = None
    """Adds the loss of what is drawn on the way."""
    watch: Watch = field(default_factory=Watch)
    _order: Order = field(init=False)
    _prior_order: Order = field(init=False)

    def __post_init__(self) -> None:
        c = self.config
        self._order = Order([len(b.pictures) for b in self.buckets], c.batch, c.seed, "order")
        self._prior_order = Order([len(b.pictures) for b in self.prior], c.batch, c.seed, "prior")

    def skip(self, steps: int) -> None:
        """Go past steps that an interrupted run already took."""
        self._order.skip(steps * self.config.accumulate)
        if self.prior:
            self._prior_order.skip(steps * self.config.accumulate)

    def step(self, number: int) -> Step:
        """Take step `number`, counted from 0.

        Raises TrainingStopped, before the weights are touched, at a loss or gradient that is not
        finite, and at an exploding loss.
        """
        config, accumulate = self.config, self.config.accumulate
        height = rate(config, number, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = height
        self.weights.gradient.zero_()
        uniform = self._uniform("times", number)
        prior_uniform = self._uniform("prior-times", number) if self.prior else uniform
        told: list[Tensor] = []
        pictures: list[int] = []
        for part in range(accumulate):
            which, rows = next(self._order)
            bucket = self.buckets[which]
            losses = self._losses(bucket, rows, uniform[part], ("noise", number, part))
            _backward(losses.mean() / accumulate)
            told.append(losses.detach())
            pictures += [bucket.pictures[row] for row in rows]
            if self.prior:
                which, rows = next(self._prior_order)
                purpose = ("prior-noise", number, part)
                losses = self._losses(self.prior[which], rows, prior_uniform[part], purpose)
                _backward(config.prior_weight * losses.mean() / accumulate)
        drawn = self.coach.teach(number) if self.coach else {}
        length = torch.linalg.vector_norm(self.weights.gradient)
        # One copy to the CPU per step: a GPU may run ahead until here.
        *losses_told, norm = torch.cat([*told, length.reshape(1)]).tolist()
        loss = self._check(number, losses_told, norm, pictures)
        if norm > config.clip:
            self.weights.gradient.mul_(config.clip / norm)
        self.optimizer.step()
        self.weights.follow(number)
        return Step(loss=loss, norm=norm, rate=height, pictures=tuple(pictures), drawn=drawn)

    def _uniform(self, purpose: str, number: int) -> Tensor:
        config = self.config
        source = generator(purpose, config.seed, number)
        drawn = stratified(config.pictures_per_step(), source).to(self.base.device)
        return drawn.view(config.accumulate, config.batch)

    def _losses(
        self, bucket: Bucket, rows: list[int], uniform: Tensor, purpose: tuple[str, int, int]
    ) -> Tensor:
        config, device = self.config, self.base.device
        source = generator(config.seed, *purpose)
        chosen = torch.tensor(rows, device=device)
        latents = bucket.latents[chosen]
        noise = torch.randn(latents.shape, generator=source).to(device)
        texts = bucket.texts[chosen]
        if config.caption_dropout:
            dropped = torch.rand(len(rows), generator=source) < config.caption_dropout
            texts = texts.masked_fill(dropped.to(device), self.empty)
        conditioning = {key: value[texts] for key, value in self.bank.items()}
        conditioning |= {key: value[chosen] for key, value in bucket.geometry.items()}
        height, width = latents.shape[-2:]
        times = self.base.times(uniform, latent_shape=(height, width), shift=config.shift)
        if config.dropout:
            torch.manual_seed(derive("dropout", config.seed, *purpose))
        precision = arithmetic(self.base, config)
        return picture_losses(self.base, latents, noise, times, conditioning, precision=precision)

    def _check(
        self, number: int, losses: Sequence[float], norm: float, pictures: Sequence[int]
    ) -> float:
        loss = math.fsum(losses) / len(losses)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise self._stopped(number, "The loss or its gradient is not finite", pictures)
        if not self.watch.see(loss):
            raise self._stopped(
                number,
                f"The loss has risen from {self.watch.usual:.3g} to {self.watch.smoothed:.3g}",
                pictures,
            )
        self.tally.add(pictures, losses)
        return loss

    def _stopped(self, number: int, what: str, pictures: Sequence[int]) -> TrainingStopped:
        names = ", ".join(dict.fromkeys(self.names[i] for i in pictures))
        advice = [f"Try a lower learning rate (now {self.config.learning_rate:g})"]
        if self.config.precision != "fp32":
            advice.append("fp32 instead of bf16")
        if self.config.warmup < 50:
            advice.append("a longer warm-up")
        advice.append("and look at these pictures; the last checkpoint is whole.")
        return TrainingStopped(f"{what} at step {number + 1} ({names}).", advice=", ".join(advice))
