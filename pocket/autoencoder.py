"""The f8 autoencoder: diffusers' AutoencoderKL with FLUX's 16 latent channels, made small."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from pocket import precision
from pocket.muon import optimizers, set_rates
from pocket.recipe import AutoencoderRecipe
from pocket.schedule import Log, rate, save_whole

WHOLE, DECODER = "autoencoder.pt", "decoder.pt"
"""The state of the two phases, in the run's folder."""

POSTERIOR_NOISE = 0.05
"""What is added to a code by those who sample it, which nothing here does."""

_ENDS = ("encoder.conv_in", "encoder.conv_out", "decoder.conv_in", "decoder.conv_out")


def build(recipe: AutoencoderRecipe, **statistics: float) -> AutoencoderKL:
    """An untrained autoencoder; `statistics` are `scaling_factor` and `shift_factor` once known."""
    levels = len(recipe.channels)
    model = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=recipe.channels,
        layers_per_block=1,
        latent_channels=recipe.latent_channels,
        norm_num_groups=8,
        sample_size=128,
        use_quant_conv=False,
        use_post_quant_conv=False,
        mid_block_add_attention=False,
        force_upcast=False,
        **statistics,
    )
    with torch.no_grad():
        last = model.encoder.conv_out
        last.weight[recipe.latent_channels :] = 0
        last.bias[recipe.latent_channels :] = 2 * math.log(POSTERIOR_NOISE)
    model.to(memory_format=torch.channels_last)
    return model


def to_unit(pictures: np.ndarray) -> Tensor:
    """uint8 (B, H, W, 3) to float (B, 3, H, W) in [-1, 1], channels last in memory."""
    bytes_ = torch.from_numpy(pictures).to(precision.device())
    return bytes_.permute(0, 3, 1, 2).float() / 127.5 - 1


def crops(albums: Sequence[np.ndarray], count: int, side: int, draw: np.random.Generator) -> Tensor:
    """`count` random crops, half of them mirrored, (count, 3, side, side) in [-1, 1].

    From each of `albums`, pictures of one shape (N, H, W, 3), in turn. Every other one is near the
    middle of the upper half, where a portrait has its face and an error is seen first.
    """
    out = np.empty((count, side, side, 3), np.uint8)
    for row in range(count):
        pictures = albums[row // 2 % len(albums)]
        down, across = (length - side for length in pictures.shape[1:3])
        if row % 2 and down and across:
            top = int(draw.triangular(0, down * 0.4, down))
            left = int(draw.triangular(0, across * 0.5, across))
        else:
            top, left = draw.integers(down + 1), draw.integers(across + 1)
        crop = pictures[draw.integers(len(pictures)), top : top + side, left : left + side]
        out[row] = crop[:, ::-1] if draw.random() < 0.5 else crop
    return to_unit(out)


def loss(
    model: AutoencoderKL, pixels: Tensor, recipe: AutoencoderRecipe, *, whole: bool
) -> tuple[Tensor, Tensor]:
    """The training loss and, for the log, the squared error on [-1, 1].

    `whole` is False once the encoder is fixed: then sharpness counts more, and the code is given.
    """
    with torch.set_grad_enabled(whole):
        code = model.encode(pixels).latent_dist.mean
    most = recipe.latent_noise * code.detach().float().std()
    noisy = code + most * torch.rand(len(code), 1, 1, 1) * torch.randn_like(code)
    error = model.decode(noisy).sample.float() - pixels
    squared = error.square().mean()
    edges = (error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()) / 2
    weight = recipe.gradient_weight if whole else recipe.refining_gradient_weight
    total = squared + 0.5 * error.abs().mean() + weight * 0.5 * edges
    # Without the variance, which nothing here samples: the mean's pull to zero bounds the code.
    return total + recipe.kl_weight * code.float().square().mean(), squared.detach()


class Trainer:
    """One of the two phases and its state: the whole autoencoder, then its decoder alone."""

    def __init__(
        self, model: AutoencoderKL, recipe: AutoencoderRecipe, folder: Path, *, whole: bool
    ) -> None:
        self.model, self.recipe, self.whole = model, recipe, whole
        self.steps = recipe.steps if whole else recipe.refining_steps
        model.requires_grad_(True).train()
        if not whole:
            model.encoder.requires_grad_(False)
        self.optimizers = optimizers(
            ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad),
            matrix_rate=recipe.matrix_rate,
            vector_rate=recipe.vector_rate,
            ends=_ENDS,
        )
        self.step = 0
        self.file = folder / (WHOLE if whole else DECODER)
        self.log = Log(self.file.with_suffix(".jsonl"))
        if self.file.exists():
            state = torch.load(self.file, map_location=precision.device())
            model.load_state_dict(state["model"])
            self.step = state["step"]
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)

    def save(self) -> None:
        """Write the whole state."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
        }
        save_whole(state, self.file)

    def run(self, albums: Sequence[np.ndarray]) -> AutoencoderKL:
        """Train to the end on albums of (N, H, W, 3) uint8 pictures."""
        began, first, errors = time.monotonic(), self.step, []
        while self.step < self.steps:
            errors.append(self._one(albums))
            if self.step % 25 == 0 or self.step == self.steps:
                ratio = 10 * math.log10(4 * len(errors) / sum(errors))
                seconds = (time.monotonic() - began) / (self.step - first)
                self.log(step=self.step, psnr=ratio, seconds_per_step=seconds)
                errors.clear()
            if self.step % 200 == 0 or self.step == self.steps:
                self.save()
        return self.model.requires_grad_(True).eval()

    def _one(self, albums: Sequence[np.ndarray]) -> float:
        recipe = self.recipe
        # Seeded by the step, so that a resumed run sees what an unbroken one would have seen.
        seed = 2 * recipe.seed + self.whole
        draw = np.random.default_rng((seed, self.step))
        torch.manual_seed(seed * 1_000_003 + self.step)
        pixels = crops(albums, recipe.batch, recipe.crop, draw)
        factor = rate(self.step, steps=self.steps, warmup=50, decay_share=0.5)
        set_rates(self.optimizers, factor)
        with precision.autocast():
            total, squared = loss(self.model, pixels, recipe, whole=self.whole)
        total.backward()
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return squared.item()


def train(albums: Sequence[np.ndarray], recipe: AutoencoderRecipe, folder: Path) -> AutoencoderKL:
    """The autoencoder, trained from nothing, or on from `folder`/autoencoder.pt if it is there."""
    torch.manual_seed(recipe.seed)
    return Trainer(build(recipe), recipe, folder, whole=True).run(albums)


def refine(
    model: AutoencoderKL, albums: Sequence[np.ndarray], recipe: AutoencoderRecipe, folder: Path
) -> AutoencoderKL:
    """Train the decoder further with the codes as they are, so that latents stay valid."""
    return Trainer(model, recipe, folder, whole=False).run(albums)


@torch.no_grad()
def encode(model: AutoencoderKL, pictures: np.ndarray, *, batch: int = 64) -> Tensor:
    """The codes' means, (N, 16, h, w), bfloat16 and unscaled, in the processor's memory."""
    codes = []
    with precision.autocast():
        for at in range(0, len(pictures), batch):
            mean = model.encode(to_unit(pictures[at : at + batch])).latent_dist.mean
            codes.append(mean.contiguous().to(torch.bfloat16).cpu())
    return torch.cat(codes)


def statistics(codes: Tensor) -> dict[str, float]:
    """FLUX's two numbers: (code - shift) * scaling has mean 0 and standard deviation 1."""
    values = codes.float()
    return {
        "scaling_factor": round(1 / values.std().item(), 4),
        "shift_factor": round(values.mean().item(), 4),
    }


@torch.no_grad()
def psnr(model: AutoencoderKL, pictures: np.ndarray, *, batch: int = 32) -> float:
    """Peak signal-to-noise ratio of a round trip, in decibels, averaged over pictures."""
    values = []
    with precision.autocast():
        for at in range(0, len(pictures), batch):
            pixels = to_unit(pictures[at : at + batch])
            back = model.decode(model.encode(pixels).latent_dist.mean).sample.float().clamp(-1, 1)
            error = F.mse_loss(back, pixels, reduction="none").mean(dim=(1, 2, 3))
            values.append(10 * torch.log10(4 / error))
    return float(torch.cat(values).mean())
