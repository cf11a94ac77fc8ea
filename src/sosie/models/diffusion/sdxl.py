"""Stable Diffusion XL 1.0, and every folder in its diffusers layout.

Conventions beyond those of `sosie.models.diffusion.unet`, as diffusers' StableDiffusionXLPipeline
has them:

- *Text.* CLIP-L and OpenCLIP-G side by side, 77 tokens each from the layer before the last, without
  the final norm; OpenCLIP-G also gives one pooled vector.
- *Geometry.* The U-Net is told the picture's original size, the crop's corner and the target size
  as (height, width, top, left, height, width) (Podell et al. 2023, arXiv:2307.01952, section 2.2).
- *No negative prompt* is all zeros where the folder says `force_zeros_for_empty_prompt`, as the
  original does, and not the encoding of an empty text.
"""

# diffusers carries no types:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import diffusers
import torch
from diffusers import EulerDiscreteScheduler, UNet2DConditionModel
from torch import Tensor

from sosie.models.diffusion import Defaults, twins
from sosie.models.diffusion.base import Conditioning, SampleRequest
from sosie.models.diffusion.components import Layout
from sosie.models.diffusion.folder import INDEX, read_json
from sosie.models.diffusion.unet import CHANNELS, UNetDiffusion

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

_TIME_IDS = 6


class StableDiffusionXL(UNetDiffusion):
    """A Stable Diffusion XL base model."""

    family = "sdxl"
    layout: ClassVar[Layout] = {
        "unet": ("UNet2DConditionModel",),
        "vae": ("AutoencoderKL",),
        "text_encoder": ("CLIPTextModel",),
        "text_encoder_2": ("CLIPTextModelWithProjection",),
        "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
        "tokenizer_2": ("CLIPTokenizer", "CLIPTokenizerFast"),
        "scheduler": (),
    }

    def _check_parts(self) -> None:
        super()._check_parts()
        self._empty_is_zero = bool(
            read_json(self.info.folder / INDEX).get("force_zeros_for_empty_prompt", True)
        )

    @classmethod
    def usual_defaults(cls, folder: Path) -> Defaults:
        return Defaults(width=1024, height=1024, steps=30, guidance=5.0, buckets=(512, 768, 1024))

    @classmethod
    def lora_header(cls) -> dict[str, str]:
        return {
            "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
            "ss_base_model_version": "sdxl_base_v1-0",
        }

    @classmethod
    def write_tiny(cls, folder: Path, *, seed: int = 0) -> None:
        defaults = Defaults(width=32, height=32, steps=4, guidance=5.0, buckets=(32, 48))
        twins.write_twin(folder, _build_twin, seed=seed, defaults=defaults)

    def _encode_caption(self, caption: str) -> Conditioning:
        sequences = []
        for suffix in ("", "_2"):
            tokenizer = f"tokenizer{suffix}"
            ids = self.token_ids(tokenizer, caption, self.parts[tokenizer].model_max_length)
            encoded = self.parts[f"text_encoder{suffix}"](ids, output_hidden_states=True)
            sequences.append(encoded.hidden_states[-2].to(self.dtype))
        return {
            "prompt": torch.cat(sequences, dim=-1),
            "pooled": encoded.text_embeds.to(self.dtype),
        }

    def picture_conditioning(
        self, *, original: tuple[int, int], crop: tuple[int, int], target: tuple[int, int]
    ) -> Conditioning:
        numbers = [*reversed(original), *reversed(crop), *reversed(target)]
        return {"time_ids": torch.tensor([numbers], dtype=torch.float32, device=self.device)}

    def _added(self, conditioning: Conditioning) -> dict[str, Tensor] | None:
        return {
            "text_embeds": conditioning["pooled"].to(self.device, self.dtype),
            "time_ids": conditioning["time_ids"].to(self.device),
        }

    def _negative(
        self, request: SampleRequest, conditioning: Conditioning, given: Conditioning | None
    ) -> Conditioning:
        if not request.negative and self._empty_is_zero:
            return {key: torch.zeros_like(conditioning[key]) for key in ("prompt", "pooled")}
        return super()._negative(request, conditioning, given)

    def pipeline(self) -> DiffusionPipeline:
        # Marks are put on finished pictures by Sosie itself, where the user sees it.
        pipeline: DiffusionPipeline = self._assemble(
            "StableDiffusionXLPipeline",
            add_watermarker=False,
            force_zeros_for_empty_prompt=self._empty_is_zero,
        )
        return pipeline


def _build_twin() -> Any:
    """A random StableDiffusionXLPipeline with the original's blocks, 8 channels wide."""
    unet: Any = UNet2DConditionModel(
        sample_size=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(8, 8, 8),
        layers_per_block=2,
        transformer_layers_per_block=(1, 1, 2),
        norm_num_groups=4,
        attention_head_dim=(1, 2, 2),
        cross_attention_dim=2 * twins.WIDTH,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=8 * _TIME_IDS + twins.WIDTH,
    )
    twins.scale_to_unit(
        unet.conv_out,
        lambda: (
            unet(
                torch.randn(2, CHANNELS, 8, 8),
                torch.tensor([300, 800]),
                encoder_hidden_states=torch.randn(2, 77, 2 * twins.WIDTH),
                added_cond_kwargs={
                    "text_embeds": torch.randn(2, twins.WIDTH),
                    "time_ids": torch.tensor([[64.0, 64, 0, 0, 64, 64]] * 2),
                },
            ).sample
        ),
    )
    tokenizer, tokenizer_2 = twins.clip_tokenizer(), twins.clip_tokenizer()
    return diffusers.StableDiffusionXLPipeline(
        scheduler=EulerDiscreteScheduler(**twins.SD_SCHEDULE),
        vae=twins.autoencoder(channels=CHANNELS, scale=0.13025),
        text_encoder=twins.clip_encoder(tokenizer),
        text_encoder_2=twins.clip_encoder(tokenizer_2, projected=True),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        unet=unet,
        add_watermarker=False,
    )
