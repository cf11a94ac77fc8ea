"""Loss on withheld pictures, and on as many taught ones, at fixed noise and times.

Because noise and times never change, two values differ only by what the LoRA learned; the gap
between the two courses is what was learned by heart.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import torch

from sosie.core.errors import TrainingStopped
from sosie.core.records import Record
from sosie.models import lora
from sosie.models.diffusion.base import Conditioning, DiffusionBase
from sosie.train.cache import Bucket
from sosie.train.config import TrainConfig
from sosie.train.losses import arithmetic, picture_losses
from sosie.train.material import Material
from sosie.train.seeds import generator


class Validation(Record):
    """Mean losses after `step` steps."""

    step: int
    withheld: float | None
    """None if nothing is withheld."""
    training: float

    @property
    def gap(self) -> float | None:
        """By how much withheld pictures are harder than taught ones."""
        return None if self.withheld is None else self.withheld - self.training


def validate(
    base: DiffusionBase,
    *,
    withheld: Sequence[Bucket],
    training: Sequence[Bucket],
    bank: Conditioning,
    config: TrainConfig,
    step: int,
) -> Validation:
    """Measure both sides."""
    seen = measure(base, training, bank, config)
    unseen = measure(base, withheld, bank, config)
    return Validation(
        step=step,
        withheld=statistics.fmean(unseen.values()) if unseen else None,
        training=statistics.fmean(seen.values()),
    )


@torch.no_grad()
def measure(
    base: DiffusionBase, buckets: Sequence[Bucket], bank: Conditioning, config: TrainConfig
) -> dict[int, float]:
    """Mean loss of each picture over its crops and the fixed times."""
    found: dict[int, list[float]] = {}
    for bucket in buckets:
        for start in range(0, len(bucket.pictures), config.batch):
            rows = slice(start, start + config.batch)
            losses = _losses(base, bucket, rows, bank, config)
            for picture, loss in zip(bucket.pictures[rows], losses, strict=True):
                found.setdefault(picture, []).append(loss)
    return {picture: statistics.fmean(losses) for picture, losses in sorted(found.items())}


@torch.no_grad()
def measure_effect(base: DiffusionBase, material: Material, config: TrainConfig) -> float:
    """How far the LoRA in the base moves a prediction, as a share of the prediction's length.

    Raises TrainingStopped if it does not move it at all.
    """
    bucket = material.training[0]
    latents = bucket.latents[:1]
    height, width = latents.shape[-2:]
    conditioning = {key: value[bucket.texts[:1]] for key, value in material.bank.items()}
    conditioning |= {key: value[:1] for key, value in bucket.geometry.items()}
    noise = torch.randn(latents.shape, generator=generator("effect", config.seed)).to(base.device)
    times = base.times(torch.full((1,), 0.5, device=base.device), latent_shape=(height, width))
    noisy = base.add_noise(latents, noise, times).to(base.dtype)
    answers = []
    for on in (True, False):
        with lora.enabled(base, on), arithmetic(base, config):
            answers.append(base.predict(noisy, times, conditioning).float())
    effect = float((answers[0] - answers[1]).norm() / answers[1].norm().clamp_min(1e-12))
    if effect == 0.0:
        raise TrainingStopped(
            "The trained LoRA changes nothing: predictions with and without it are equal.",
            advice="Train longer, or with a higher learning rate.",
        )
    return effect


def _losses(
    base: DiffusionBase, bucket: Bucket, rows: slice, bank: Conditioning, config: TrainConfig
) -> list[float]:
    latents, keys = bucket.latents[rows], bucket.keys[rows]
    conditioning = {key: value[bucket.texts[rows]] for key, value in bank.items()}
    conditioning |= {key: value[rows] for key, value in bucket.geometry.items()}
    height, width = latents.shape[-2:]
    total = torch.zeros(len(keys), device=base.device)
    for k in range(config.validation_times):
        sources = [generator("validation", config.seed, key, k) for key in keys]
        noise = torch.stack([torch.randn(latents.shape[1:], generator=s) for s in sources])
        place = torch.full((len(keys),), (k + 0.5) / config.validation_times, device=base.device)
        total += picture_losses(
            base,
            latents,
            noise.to(base.device),
            base.times(place, latent_shape=(height, width)),
            conditioning,
            precision=arithmetic(base, config),
        )
    losses: list[float] = (total / config.validation_times).tolist()
    return losses
