"""The yardstick for training speed: a plain LoRA loop in the way of diffusers' own example scripts.

Every step opens its pictures, encodes them with the VAE, encodes their captions with both text
encoders, and then takes one optimizer step: no cached embeddings, no buckets. It uses diffusers and
peft alone, so that the ratio to Sosie's loop is a ratio to what a user would otherwise write.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import FluxPipeline
from peft import LoraConfig
from PIL import Image

TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj"]
TARGETS += ["to_add_out", "ff.net.0.proj", "ff.net.2", "ff_context.net.0.proj", "ff_context.net.2"]
TARGETS += ["proj_mlp", "proj_out"]


def _pixels(path: Path, side: int) -> torch.Tensor:
    picture = Image.open(path).convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.asarray(picture, np.float32) / 127.5 - 1).permute(2, 0, 1)


def steps_per_second(
    folder: Path,
    pictures: list[Path],
    captions: list[str],
    *,
    steps: int,
    batch: int,
    rank: int,
    side: int,
    text_length: int,
) -> float:
    """Optimizer steps per second over `steps` steps, after three that are not counted."""
    pipeline = FluxPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    transformer, vae = pipeline.transformer, pipeline.vae
    for part in (transformer, vae, pipeline.text_encoder, pipeline.text_encoder_2):
        part.requires_grad_(False)
    transformer.add_adapter(
        LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=TARGETS)
    )
    transformer.train()
    parameters = [p for p in transformer.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=1e-2)
    generator = torch.Generator().manual_seed(0)
    started = 0.0
    for step in range(steps + 3):
        if step == 3:
            started = time.perf_counter()
        chosen = torch.randint(len(pictures), (batch,), generator=generator).tolist()
        with torch.no_grad():
            pixels = torch.stack([_pixels(pictures[i], side) for i in chosen])
            prompt, pooled, text_ids = pipeline.encode_prompt(
                [captions[i] for i in chosen], None, max_sequence_length=text_length
            )
            latents = vae.encode(pixels).latent_dist.sample(generator)
            latents = (latents - vae.config.shift_factor) * vae.config.scaling_factor
        b, c, h, w = latents.shape
        ids = FluxPipeline._prepare_latent_image_ids(b, h // 2, w // 2, "cpu", torch.float32)
        noise = torch.randn(latents.shape, generator=generator)
        times = torch.sigmoid(torch.randn(b, generator=generator))
        sigma = times.view(-1, 1, 1, 1)
        noisy = FluxPipeline._pack_latents((1 - sigma) * latents + sigma * noise, b, c, h, w)
        prediction = transformer(
            hidden_states=noisy,
            timestep=times,
            guidance=None,
            pooled_projections=pooled,
            encoder_hidden_states=prompt,
            txt_ids=text_ids,
            img_ids=ids,
            return_dict=False,
        )[0]
        target = FluxPipeline._pack_latents(noise - latents, b, c, h, w)
        F.mse_loss(prediction, target).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return steps / (time.perf_counter() - started)
