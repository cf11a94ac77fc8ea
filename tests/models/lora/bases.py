"""Bases of a few kilobytes, one for each family: only what a LoRA touches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from diffusers import FluxTransformer2DModel, UNet2DConditionModel

from sosie.models.diffusion.base import DiffusionBase

HEADERS = {
    "flux": {
        "modelspec.architecture": "flux-1-dev/lora",
        "ss_base_model_version": "flux1",
    },
    "sd15": {
        "modelspec.architecture": "stable-diffusion-v1/lora",
        "ss_base_model_version": "sd_v1",
    },
    "sdxl": {
        "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
        "ss_base_model_version": "sdxl_base_v1-0",
    },
}


def flux_denoiser() -> FluxTransformer2DModel:
    return FluxTransformer2DModel(
        in_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
    )


def unet(family: str) -> UNet2DConditionModel:
    common: dict[str, Any] = {
        "sample_size": 8,
        "block_out_channels": (32, 64),
        "layers_per_block": 2,
        "norm_num_groups": 8,
        "cross_attention_dim": 32,
    }
    if family == "sd15":
        return UNet2DConditionModel(
            **common,
            attention_head_dim=8,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        )
    return UNet2DConditionModel(
        **common,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2),
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=80,
    )


def base(family: str) -> DiffusionBase:
    """A stand-in with what `sosie.models.lora` asks of a base, random and reproducible."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        denoiser = flux_denoiser() if family == "flux" else unet(family)
    denoiser.eval().requires_grad_(False)
    names = targets(denoiser)
    stand_in: Any = SimpleNamespace(
        family=family,
        lora_style="peft" if family == "flux" else "kohya",
        device=torch.device("cpu"),
        dtype=torch.float32,
        denoiser=denoiser,
        lora_targets=lambda: names,
        encoder_modules=dict,
        lora_header=lambda: HEADERS[family],
    )
    return stand_in


def targets(denoiser: torch.nn.Module) -> tuple[str, ...]:
    """Every linear module of the attention blocks."""
    return tuple(
        name
        for name, module in denoiser.named_modules()
        if isinstance(module, torch.nn.Linear) and "transformer_blocks." in name
    )


def answer(base: DiffusionBase, seed: int = 0) -> torch.Tensor:
    """The denoiser's output on fixed random inputs."""
    draw = torch.Generator().manual_seed(seed)

    def randn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draw)

    if base.family == "flux":
        return base.denoiser(
            hidden_states=randn(1, 4, 4),
            encoder_hidden_states=randn(1, 3, 32),
            pooled_projections=randn(1, 32),
            timestep=torch.tensor([0.5]),
            img_ids=torch.zeros(4, 3),
            txt_ids=torch.zeros(3, 3),
            return_dict=False,
        )[0]
    extra = {}
    if base.family == "sdxl":
        extra = {"added_cond_kwargs": {"text_embeds": randn(1, 32), "time_ids": randn(1, 6)}}
    return base.denoiser(
        randn(1, 4, 8, 8), torch.tensor([10]), randn(1, 3, 32), return_dict=False, **extra
    )[0]
