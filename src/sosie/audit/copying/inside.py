"""What the weights themselves tell, without a picture: evidence about one caption, and no verdict.

Conditional noise magnitude, after Wen et al., "Detecting, explaining, and mitigating memorization
in diffusion models" (ICLR 2024): how far a prompt pulls the first step, whatever the noise, away
from what the model would do unasked. They take the answer to the empty prompt for that. Of an
adapter the same caption's answer by the base alone is the better measure: it knows what the caption
pulls by its own words, and training moves the empty prompt too.
"""

from __future__ import annotations

import torch
from pydantic import model_validator
from torch import Tensor

from sosie.core.records import Record
from sosie.models.diffusion.base import DiffusionBase, SampleRequest, repeat

NOISES = 8
"""Noises that are answered to."""
START = 0.001
"""How near to the noisy end of the family's times, in (0, 1)."""


_BEFORE = ("magnitude_base", "magnitude")


class Inside(Record):
    """One training picture, or one that was withheld; near-duplicates are told once."""

    name: str
    withheld: bool
    loss_base: float
    """Mean loss of the base alone at fixed noise and times, as in validation."""
    loss: float
    """The same with the LoRA."""
    moved: float | None = None
    """By how much training moved the answer to noise under this caption, as `moved` tells; None in
    audits from before it was asked."""

    @model_validator(mode="before")
    @classmethod
    def _from_before(cls, given: object) -> object:
        """Audits on file may tell the magnitude against the empty caption, which is no longer
        compared with anything."""
        if isinstance(given, dict):
            return {key: value for key, value in given.items() if key not in _BEFORE}
        return given

    @property
    def drop(self) -> float:
        """By what share the LoRA lowers the loss; negative where it raises it."""
        return 1 - self.loss / self.loss_base


@torch.no_grad()
def answer(base: DiffusionBase, caption: str) -> Tensor:
    """What the base, as it is or inside `lora.applied`, answers to `NOISES` fixed noises under a
    caption at the first step: (NOISES, C, h, w), float32 on the CPU, velocity or noise as its
    family has it.
    """
    usual = base.info.defaults
    request = SampleRequest(
        prompts=("",) * NOISES,
        seeds=tuple(range(NOISES)),
        width=usual.width,
        height=usual.height,
        steps=1,
        guidance=usual.guidance,
    )
    noise = base.noise(request)
    nothing = torch.zeros_like(noise)
    geometry = base.picture_conditioning(
        original=(usual.width, usual.height), crop=(0, 0), target=(usual.width, usual.height)
    )
    cells = (noise.shape[-2], noise.shape[-1])
    ends = [
        base.times(torch.full((NOISES,), end, device=base.device), latent_shape=cells)
        for end in (START, 1 - START)
    ]
    noisy, times = max(
        ((base.add_noise(nothing, noise, end).to(base.dtype), end) for end in ends),
        key=lambda pair: float(pair[0].abs().sum()),
    )
    conditioning = repeat(base.encode_text([caption]) | geometry, NOISES)
    return base.predict(noisy, times, conditioning).float().cpu()


def moved(alone: Tensor, taught: Tensor) -> float:
    """‖mean over noises of v_LoRA(noise, caption) − v_base(noise, caption)‖ per value (root mean
    square), of two answers to one caption; 0 where training changed nothing.

    The mean first: what is known by heart is the same under every noise.
    """
    return float((taught - alone).mean(0).square().mean().sqrt())
