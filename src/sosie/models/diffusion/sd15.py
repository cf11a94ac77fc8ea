"""Stable Diffusion 1.5, and every folder in its diffusers layout.

Conventions beyond those of `sosie.models.diffusion.unet`, as diffusers' StableDiffusionPipeline has
them: CLIP-L gives 77 tokens, from its last layer, normalised. The safety checker of the original
release is not loaded: it judges pictures for one policy by an unexamined classifier, and blackens
them without a word.
"""

# diffusers carries no types:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import diffusers
import torch
from diffusers import PNDMScheduler, UNet2DConditionModel

from sosie.models.diffusion import Defaults, twins
from sosie.models.diffusion.base import Conditioning
from sosie.models.diffusion.components import Layout
from sosie.models.diffusion.unet import CHANNELS, UNetDiffusion

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


class StableDiffusion15(UNetDiffusion):
    """A Stable Diffusion 1.x model."""

    family = "sd15"
    layout: ClassVar[Layout] = {
        "unet": ("UNet2DConditionModel",),
        "vae": ("AutoencoderKL",),
        "text_encoder": ("CLIPTextModel",),
        "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
        "scheduler": (),
    }

    def _check_parts(self) -> None:
        super()._check_parts()
        # The pipeline mends schedulers that were configured before it knew better (steps_offset,
        # clip_sample); pictures are equal only with the mended one.
        mended: Any = self.pipeline()
        self.scheduler = mended.scheduler

    @classmethod
    def usual_defaults(cls, folder: Path) -> Defaults:
        return Defaults(width=512, height=512, steps=30, guidance=7.5, buckets=(512,))

    @classmethod
    def lora_header(cls) -> dict[str, str]:
        return {
            "modelspec.architecture": "stable-diffusion-v1/lora",
            "ss_base_model_version": "sd_v1",
        }

    @classmethod
    def write_tiny(cls, folder: Path, *, seed: int = 0) -> None:
        defaults = Defaults(width=32, height=32, steps=4, guidance=7.5, buckets=(32, 48))
        twins.write_twin(folder, _build_twin, seed=seed, defaults=defaults)

    def _encode_caption(self, caption: str) -> Conditioning:
        ids = self.token_ids("tokenizer", caption, self.parts["tokenizer"].model_max_length)
        return {"prompt": self.parts["text_encoder"](ids)[0].to(self.dtype)}

    def pipeline(self) -> DiffusionPipeline:
        pipeline: DiffusionPipeline = self._assemble(
            "StableDiffusionPipeline",
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        return pipeline


def _build_twin() -> Any:
    """A random StableDiffusionPipeline with every block of the original, 8 channels wide."""
    unet: Any = UNet2DConditionModel(
        sample_size=4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=2,
        norm_num_groups=4,
        attention_head_dim=2,
        cross_attention_dim=twins.WIDTH,
    )
    twins.scale_to_unit(
        unet.conv_out,
        lambda: (
            unet(
                torch.randn(2, CHANNELS, 8, 8),
                torch.tensor([300, 800]),
                encoder_hidden_states=torch.randn(2, 77, twins.WIDTH),
            ).sample
        ),
    )
    tokenizer = twins.clip_tokenizer()
    return diffusers.StableDiffusionPipeline(
        scheduler=PNDMScheduler(**twins.SD_SCHEDULE, skip_prk_steps=True, set_alpha_to_one=False),
        vae=twins.autoencoder(channels=CHANNELS, scale=0.18215),
        text_encoder=twins.clip_encoder(tokenizer),
        tokenizer=tokenizer,
        unet=unet,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
