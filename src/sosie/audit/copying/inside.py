"""What the weights themselves tell, without a picture: evidence about one caption, and no verdict.

Conditional noise magnitude (Wen et al., "Detecting, explaining, and mitigating memorization in
diffusion models", ICLR 2024): how far a prompt pulls the first step away from what the model would
do unasked. A memorized prompt pulls hard, whatever the noise. Taken as a multiple of the base's own
it is what training added.
"""

from __future__ import annotations

import torch

from sosie.core.records import Record
from sosie.models.diffusion.base import DiffusionBase, SampleRequest, repeat

NOISES = 8
"""Noises over which the magnitude is averaged."""
START = 0.001
"""How near to the noisy end of the family's times, in (0, 1)."""


class Inside(Record):
    """One training picture, or one that was withheld; near-duplicates are told once."""

    name: str
    withheld: bool
    loss_base: float
    """Mean loss of the base alone at fixed noise and times, as in validation."""
    loss: float
    """The same with the LoRA."""
    magnitude_base: float
    magnitude: float
    """The same with the LoRA."""

    @property
    def drop(self) -> float:
        """By what share the LoRA lowers the loss; negative where it raises it."""
        return 1 - self.loss / self.loss_base

    @property
    def pull(self) -> float:
        """The magnitude as a multiple of the base's."""
        return self.magnitude / self.magnitude_base


@torch.no_grad()
def magnitude(base: DiffusionBase, caption: str) -> float:
    """‖v(noise, caption) − v(noise, "")‖ at the first step, per value (root mean square), over
    `NOISES` fixed noises; of the base as it is, or inside `lora.applied`."""
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
    asked, empty = (
        base.predict(noisy, times, repeat(base.encode_text([text]) | geometry, NOISES))
        for text in (caption, "")
    )
    return float((asked - empty).float().square().mean().sqrt())
