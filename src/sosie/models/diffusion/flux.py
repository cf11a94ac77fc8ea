"""FLUX.1 (-dev, -schnell and every folder in diffusers' FLUX.1 layout).

Conventions of the model, as black-forest-labs/flux and diffusers' FluxPipeline have them:

- *Text.* T5 gives the sequence (padded to `text_length`, without a mask); CLIP-L gives one pooled
  vector. Text tokens have position (0, 0, 0); their order is known to T5 alone.
- *Latents.* f8 autoencoder with 16 channels; scaled latents are (z - shift) * scale. 2x2 cells are
  one token: channel order (c, dy, dx), position ids (0, row, column) of the token.
- *Time.* Runs from 1 (noise) to 0 (picture): x_t = (1 - t) x_0 + t noise. The transformer takes t
  and multiplies it by 1000 itself, as it does with the guidance.
- *Target.* The velocity d x_t / dt = noise - x_0.
- *Guidance.* -dev is distilled: its guidance is an input (`guidance_embeds`), 3.5 to draw and 1.0
  to teach, as the trainers do. -schnell has no such input. Classifier-free guidance against a
  negative prompt ("true" guidance) is possible on both, at twice the time.
- *Training times.* Logit-normal (Esser et al. 2024, arXiv:2403.03206, section 3.1), then shifted as
  the scheduler shifts its own: by resolution where it does so dynamically, else by its constant.
"""

# diffusers carries no types:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import diffusers
import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxTransformer2DModel
from torch import Tensor

from sosie.core.errors import WeightsRefused
from sosie.models.diffusion import Defaults, flux_steps, twins
from sosie.models.diffusion.base import Conditioning, SampleRequest, shifted
from sosie.models.diffusion.components import Layout
from sosie.models.diffusion.folder import read_json
from sosie.models.diffusion.latent import VAE_FACTOR, LatentDiffusion, Walk

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

_PATCH = 2
_TRAINING_GUIDANCE = 1.0
_LORA_TARGET = re.compile(
    r"transformer_blocks\.\d+\.attn\.(to_[qkv]|to_out\.0|add_[qkv]_proj|to_add_out)"
    r"|transformer_blocks\.\d+\.ff(_context)?\.net\.(0\.proj|2)"
    r"|single_transformer_blocks\.\d+\.(attn\.to_[qkv]|proj_mlp|proj_out)"
)
_DEV = Defaults(
    width=1024,
    height=1024,
    steps=28,
    guidance=3.5,
    text_length=512,
    buckets=(512, 768, 1024),
)
_SCHNELL = _DEV.model_copy(update={"steps": 4, "guidance": 0.0, "text_length": 256})


class Flux(LatentDiffusion):
    """A FLUX.1 model: rectified flow by a multimodal transformer."""

    family = "flux"
    lora_style = "peft"
    spatial_multiple = VAE_FACTOR * _PATCH
    negative_setting = "true_guidance"
    denoiser_part = "transformer"
    sequence_tokenizer = "tokenizer_2"
    layout: ClassVar[Layout] = {
        "transformer": ("FluxTransformer2DModel",),
        "vae": ("AutoencoderKL",),
        "text_encoder": ("CLIPTextModel",),
        "text_encoder_2": ("T5EncoderModel",),
        "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast", "PreTrainedTokenizerFast"),
        "tokenizer_2": ("T5TokenizerFast", "T5Tokenizer", "PreTrainedTokenizerFast"),
        "scheduler": ("FlowMatchEulerDiscreteScheduler",),
    }

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        flux_steps.prepare(self.denoiser)

    def _check_parts(self) -> None:
        super()._check_parts()
        channels, packed = self.vae.config.latent_channels, self.denoiser.config.in_channels
        if packed != channels * _PATCH**2:
            raise WeightsRefused(
                f"{self.info.folder} is no text-to-image FLUX.1: its transformer takes {packed} "
                f"channels, and 2x2 cells of its autoencoder have {channels * _PATCH**2}."
            )

    @classmethod
    def usual_defaults(cls, folder: Path) -> Defaults:
        config = read_json(folder / "transformer" / "config.json")
        return _DEV if config.get("guidance_embeds") else _SCHNELL

    @classmethod
    def is_lora_target(cls, name: str) -> bool:
        return _LORA_TARGET.fullmatch(name) is not None

    @classmethod
    def lora_header(cls) -> dict[str, str]:
        return {"modelspec.architecture": "flux-1-dev/lora", "ss_base_model_version": "flux1"}

    @classmethod
    def write_tiny(cls, folder: Path, *, seed: int = 0, guidance_embeds: bool = True) -> None:
        """Write a twin like -dev, or without `guidance_embeds` like -schnell."""
        twins.write_twin(
            folder,
            lambda: _build_twin(guidance_embeds),
            seed=seed,
            defaults=Defaults(
                width=32,
                height=32,
                steps=4,
                guidance=3.5 if guidance_embeds else 0.0,
                text_length=32,
                buckets=(32, 48),
            ),
        )

    # -- describing --------------------------------------------------------------------------------

    def _encode_caption(self, caption: str) -> Conditioning:
        clip_length = self.parts["tokenizer"].model_max_length
        clip = self.parts["text_encoder"](self.token_ids("tokenizer", caption, clip_length))
        length = self.info.defaults.text_length
        t5 = self.parts["text_encoder_2"](self.token_ids("tokenizer_2", caption, length))
        return {"prompt": t5[0].to(self.dtype), "pooled": clip.pooler_output.to(self.dtype)}

    # -- teaching ----------------------------------------------------------------------------------

    def times(
        self, uniform: Tensor, *, latent_shape: tuple[int, int], shift: float = 1.0
    ) -> Tensor:
        times: Tensor = torch.sigmoid(torch.special.ndtri(uniform.double()))
        if self.scheduler.config.use_dynamic_shifting:
            times = self.scheduler.time_shift(self._mu(latent_shape), 1.0, times)
        else:
            times = shifted(times, self.scheduler.config.shift)
        return shifted(times, shift).float()

    def _mu(self, latent_shape: tuple[int, int]) -> float:
        """The shift for a number of picture tokens: linear between the scheduler's two anchors."""
        config = self.scheduler.config
        tokens = (latent_shape[0] // _PATCH) * (latent_shape[1] // _PATCH)
        slope = (config.max_shift - config.base_shift) / (
            config.max_image_seq_len - config.base_image_seq_len
        )
        return float(config.base_shift + slope * (tokens - config.base_image_seq_len))

    def add_noise(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        t = times.to(latents).view(-1, 1, 1, 1)
        return (1 - t) * latents + t * noise

    def target(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        return noise - latents

    def unmix(self, noisy: Tensor, times: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
        t = times.to(noisy).view(-1, 1, 1, 1)
        return noisy - t * answer, noisy + (1 - t) * answer

    def predict(self, noisy: Tensor, times: Tensor, conditioning: Conditioning) -> Tensor:
        return self._velocity(noisy, times, conditioning, _TRAINING_GUIDANCE)

    def _velocity(
        self, noisy: Tensor, times: Tensor, conditioning: Conditioning, guidance: float
    ) -> Tensor:
        count, _, h, w = noisy.shape
        prompt = conditioning["prompt"].to(self.device, self.dtype)
        strength = None
        if self.denoiser.config.guidance_embeds:
            strength = torch.full((count,), guidance, device=self.device)
        answer: Tensor = self.denoiser(
            hidden_states=pack(noisy.to(self.device, self.dtype)),
            timestep=times.to(self.device, self.dtype),
            guidance=strength,
            pooled_projections=conditioning["pooled"].to(self.device, self.dtype),
            encoder_hidden_states=prompt,
            txt_ids=torch.zeros(prompt.shape[1], 3, device=self.device, dtype=self.dtype),
            img_ids=token_positions(h, w).to(self.device, self.dtype),
            return_dict=False,
        )[0]
        return unpack(answer, h, w)

    # -- drawing -----------------------------------------------------------------------------------

    def _set_schedule(self, scheduler: Any, request: SampleRequest, noise: Tensor) -> None:
        sigmas = np.linspace(1.0, 1 / request.steps, request.steps)
        mu = self._mu((noise.shape[2], noise.shape[3]))
        scheduler.set_timesteps(sigmas=sigmas, mu=mu, device=self.device)

    def _skipped(self, steps: int, strength: float) -> int:
        return math.floor(steps - steps * strength)

    def _start(self, scheduler: Any, noise: Tensor, clean: Tensor | None, times: Tensor) -> Tensor:
        return noise if clean is None else scheduler.scale_noise(clean, times, noise)

    def _guided(self, walk: Walk, latents: Tensor, time: Tensor) -> Tensor:
        # Rounded to the latents' precision before the division, as the pipeline does.
        times = time.expand(len(latents)).to(latents.dtype) / 1000
        guidance = walk.request.guidance
        if walk.negative is None:
            return self._velocity(latents, times, walk.conditioning, guidance)
        # Both in one batch: a small model on a CPU spends more on the call than on the numbers.
        both = {
            key: torch.cat([walk.conditioning[key], away]) for key, away in walk.negative.items()
        }
        said = self._velocity(latents.repeat(2, 1, 1, 1), times.repeat(2), both, guidance)
        answer, away = said.chunk(2)
        return away + walk.request.true_guidance * (answer - away)

    def pipeline(self) -> DiffusionPipeline:
        pipeline: DiffusionPipeline = self._assemble("FluxPipeline")
        return pipeline


def pack(latents: Tensor) -> Tensor:
    """(B, C, h, w) latents to (B, h/2 * w/2, 4C) tokens of 2x2 cells, channels (c, dy, dx)."""
    count, channels, h, w = latents.shape
    cells = latents.reshape(count, channels, h // 2, 2, w // 2, 2)
    return cells.permute(0, 2, 4, 1, 3, 5).reshape(count, (h // 2) * (w // 2), channels * 4)


def unpack(tokens: Tensor, h: int, w: int) -> Tensor:
    """The inverse of `pack`, for latents of h by w cells."""
    count, _, packed = tokens.shape
    cells = tokens.reshape(count, h // 2, w // 2, packed // 4, 2, 2)
    return cells.permute(0, 3, 1, 4, 2, 5).reshape(count, packed // 4, h, w)


def token_positions(h: int, w: int) -> Tensor:
    """(h/2 * w/2, 3) position ids of the picture tokens: (0, row, column)."""
    rows, columns = torch.meshgrid(torch.arange(h // 2), torch.arange(w // 2), indexing="ij")
    return torch.stack([torch.zeros_like(rows), rows, columns], dim=-1).reshape(-1, 3)


def _build_twin(guidance_embeds: bool) -> Any:
    """A random FluxPipeline: two double and two single blocks of width 16."""
    transformer: Any = FluxTransformer2DModel(
        in_channels=64,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=twins.WIDTH,
        pooled_projection_dim=twins.WIDTH,
        guidance_embeds=guidance_embeds,
        axes_dims_rope=(2, 2, 4),
    )
    twins.scale_to_unit(
        transformer.proj_out,
        lambda: (
            transformer(
                hidden_states=torch.randn(2, 16, 64),
                encoder_hidden_states=torch.randn(2, 8, twins.WIDTH),
                pooled_projections=torch.randn(2, twins.WIDTH),
                timestep=torch.tensor([0.3, 0.8]),
                guidance=torch.ones(2) if guidance_embeds else None,
                img_ids=token_positions(8, 8),
                txt_ids=torch.zeros(8, 3),
            ).sample
        ),
    )
    tokenizer, tokenizer_2 = twins.clip_tokenizer(), twins.t5_tokenizer()
    return diffusers.FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(
            shift=3.0 if guidance_embeds else 1.0, use_dynamic_shifting=guidance_embeds
        ),
        vae=twins.autoencoder(channels=16, scale=0.3611, shift=0.1159),
        text_encoder=twins.clip_encoder(tokenizer),
        tokenizer=tokenizer,
        text_encoder_2=twins.t5_encoder(tokenizer_2),
        tokenizer_2=tokenizer_2,
        transformer=transformer,
    )
