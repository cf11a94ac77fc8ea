"""What Stable Diffusion 1.5 and XL share: a U-Net that undoes a variance-preserving diffusion.

- *Latents.* f8 autoencoder with 4 channels; scaled latents are z * scale.
- *Time.* Integers from 0 (nearly clean) to 999 (nearly noise): with a_t the scheduler's cumulative
  alphas, x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise (Ho et al. 2020, arXiv:2006.11239, equation 4).
- *Target.* By the scheduler's `prediction_type`: the noise ("epsilon"), or
  v = sqrt(a_t) noise - sqrt(1 - a_t) x_0 (Salimans and Ho 2022, arXiv:2202.00512, appendix D).
- *Guidance.* Classifier-free, in one batch of negatives, then positives.
- *Training times.* Uniform.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from sosie.core.errors import WeightsRefused
from sosie.models.diffusion.base import Conditioning, SampleRequest, shifted
from sosie.models.diffusion.latent import VAE_FACTOR, LatentDiffusion, Walk

CHANNELS = 4
_PREDICTIONS = ("epsilon", "v_prediction")
_LORA_TARGET = re.compile(
    r".*\.attentions\.\d+\."
    r"(proj_in|proj_out|transformer_blocks\.\d+\."
    r"(attn[12]\.(to_[qkv]|to_out\.0)|ff\.net\.(0\.proj|2)))"
)


class UNetDiffusion(LatentDiffusion):
    """A Stable Diffusion model; a family adds its text and what the U-Net is told besides."""

    lora_style = "kohya"
    spatial_multiple = VAE_FACTOR
    negative_setting = "guidance"
    denoiser_part = "unet"

    def _check_parts(self) -> None:
        super()._check_parts()
        unet, scheduler = self.denoiser.config, self.scheduler
        folder = self.info.folder
        if unet.in_channels != CHANNELS or self.vae.config.latent_channels != CHANNELS:
            raise WeightsRefused(
                f"{folder} is no text-to-image model: its U-Net takes {unet.in_channels} channels "
                f"and its autoencoder has {self.vae.config.latent_channels}; both need {CHANNELS}."
            )
        if unet.time_cond_proj_dim is not None:
            raise WeightsRefused(
                f"{folder} is distilled for guidance (time_cond_proj_dim); {self.family} is not."
            )
        prediction = scheduler.config.get("prediction_type")
        if prediction not in _PREDICTIONS or not hasattr(scheduler, "alphas_cumprod"):
            raise WeightsRefused(
                f"{folder / 'scheduler'} is a {type(scheduler).__name__} that predicts "
                f"{prediction}; {self.family} needs a diffusion scheduler that predicts "
                f"{' or '.join(_PREDICTIONS)}."
            )

    @classmethod
    def is_lora_target(cls, name: str) -> bool:
        return _LORA_TARGET.fullmatch(name) is not None

    # -- teaching ----------------------------------------------------------------------------------

    def times(
        self, uniform: Tensor, *, latent_shape: tuple[int, int], shift: float = 1.0
    ) -> Tensor:
        count = len(self.scheduler.alphas_cumprod)
        return (shifted(uniform.double(), shift) * count).long().clamp(0, count - 1)

    def add_noise(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        signal, spread = self._signal_and_spread(latents, times)
        return signal * latents + spread * noise

    def target(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        if self.scheduler.config.prediction_type == "epsilon":
            return noise
        signal, spread = self._signal_and_spread(latents, times)
        return signal * noise - spread * latents

    def unmix(self, noisy: Tensor, times: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
        signal, spread = self._signal_and_spread(noisy, times)
        if self.scheduler.config.prediction_type == "epsilon":
            return (noisy - spread * answer) / signal, answer
        return signal * noisy - spread * answer, signal * answer + spread * noisy

    def _signal_and_spread(self, latents: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """sqrt(a_t) and sqrt(1 - a_t), (B, 1, 1, 1), like `latents`; computed in float32."""
        alphas = self.scheduler.alphas_cumprod.float().to(times.device)[times].view(-1, 1, 1, 1)
        return alphas.sqrt().to(latents), (1 - alphas).sqrt().to(latents)

    def predict(self, noisy: Tensor, times: Tensor, conditioning: Conditioning) -> Tensor:
        prompt = conditioning["prompt"].to(self.device, self.dtype)
        answer: Tensor = self.denoiser(
            noisy.to(self.device, self.dtype),
            times.to(self.device),
            encoder_hidden_states=prompt,
            added_cond_kwargs=self._added(conditioning),
            return_dict=False,
        )[0]
        return answer

    def _added(self, conditioning: Conditioning) -> dict[str, Tensor] | None:
        """What the U-Net is told besides the prompt."""
        return None

    # -- drawing -----------------------------------------------------------------------------------

    def _set_schedule(self, scheduler: Any, request: SampleRequest, noise: Tensor) -> None:
        scheduler.set_timesteps(request.steps, device=self.device)

    def _skipped(self, steps: int, strength: float) -> int:
        return steps - int(steps * strength)

    def _start(self, scheduler: Any, noise: Tensor, clean: Tensor | None, times: Tensor) -> Tensor:
        start: Tensor
        if clean is None:
            start = noise * scheduler.init_noise_sigma
        else:
            start = scheduler.add_noise(clean, noise, times)
        return start

    def _guided(self, walk: Walk, latents: Tensor, time: Tensor) -> Tensor:
        scaled = walk.scheduler.scale_model_input(latents, time)
        negative, positive = walk.negative, walk.conditioning
        if negative is None:
            return self.predict(scaled, time.expand(len(scaled)), positive)
        both = {key: torch.cat([negative[key], value]) for key, value in positive.items()}
        doubled = torch.cat([scaled, scaled])
        away, answer = self.predict(doubled, time.expand(len(doubled)), both).chunk(2)
        return away + walk.request.guidance * (answer - away)
