"""A base small enough to train in milliseconds, and datasets for it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from sosie import train
from sosie.core.files import sha256_bytes, sha256_file
from sosie.core.records import Box, Dataset, Item
from sosie.models.diffusion.base import (
    BaseInfo,
    Conditioning,
    Defaults,
    DiffusionBase,
    SampleRequest,
    shifted,
)
from sosie.train import TrainConfig, TrainResult

FACE = Box(left=12, top=12, right=30, bottom=32)


class Block(nn.Module):
    """One residual layer under names that LoRA files know."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj_mlp = nn.Linear(width, width)
        self.proj_out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.proj_out(torch.tanh(self.proj_mlp(x)))


class Denoiser(nn.Module):
    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.single_transformer_blocks = nn.ModuleList(Block(width) for _ in range(2))
        self.last = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.single_transformer_blocks:
            x = block(x)
        return self.last(x)


class Toy(DiffusionBase):
    """Rectified flow on cells of 8x8 pixels: three channels, time, and eight numbers of text."""

    family = "flux"
    lora_style = "peft"
    spatial_multiple = 8
    negative_setting = "guidance"

    def __init__(self, folder: Path, *, seed: int = 0, buckets: tuple[int, ...] = ()) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.denoiser = Denoiser()
        self.device, self.dtype = torch.device("cpu"), torch.float32
        defaults = Defaults(width=32, height=32, steps=2, guidance=1.0, buckets=buckets)
        self.info = BaseInfo(
            name="toy",
            family="flux",
            folder=folder,
            content_sha256=sha256_bytes(b"toy %d" % seed),
            licence="Apache-2.0",
            defaults=defaults,
        )
        self.released = False
        self.predicted: list[Tensor] = []
        """Clean pictures of every batch that was noised with gradient, for spies."""
        self.poison_at: int | None = None

    @classmethod
    def load(cls, folder: Path, **_: Any) -> Self:
        return cls(folder)

    @classmethod
    def write_tiny(cls, folder: Path, *, seed: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)

    def encode_text(self, captions: Sequence[str]) -> Conditioning:
        if self.released:
            raise RuntimeError("released")
        rows = [np.frombuffer(hashlib.sha256(c.encode()).digest()[:8], np.uint8) for c in captions]
        return {"text": torch.tensor(np.stack(rows), dtype=torch.float32) / 128 - 1}

    def release_encoders(self) -> None:
        self.released = True

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(pixels, 8)

    def decode(self, latents: Tensor) -> Tensor:
        return nn.functional.interpolate(latents, scale_factor=8).clamp(-1, 1)

    def times(
        self, uniform: Tensor, *, latent_shape: tuple[int, int], shift: float = 1.0
    ) -> Tensor:
        return shifted(uniform, shift)

    def add_noise(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            self.predicted.append(latents.clone())
        t = times.view(-1, 1, 1, 1)
        return (1 - t) * latents + t * noise

    def target(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        return noise - latents

    def unmix(self, noisy: Tensor, times: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
        t = times.view(-1, 1, 1, 1)
        return noisy - t * answer, noisy + (1 - t) * answer

    def predict(self, noisy: Tensor, times: Tensor, conditioning: Conditioning) -> Tensor:
        b, _, h, w = noisy.shape
        cells = noisy.permute(0, 2, 3, 1)
        rest = torch.cat([times[:, None], conditioning["text"]], 1)[:, None, None, :]
        answer = self.denoiser(torch.cat([cells, rest.expand(b, h, w, -1)], -1))
        if self.poison_at is not None and len(self.predicted) > self.poison_at:
            answer = answer * float("nan")
        return answer.permute(0, 3, 1, 2)

    def lora_targets(self) -> tuple[str, ...]:
        return tuple(
            f"single_transformer_blocks.{i}.{part}"
            for i in (0, 1)
            for part in ("proj_mlp", "proj_out")
        )

    def sample(
        self,
        request: SampleRequest,
        *,
        conditioning: Conditioning | None = None,
        negative: Conditioning | None = None,
        init: Tensor | None = None,
    ) -> Tensor:
        x = self.noise(request)
        conditioning = conditioning or self.encode_text(request.prompts)
        torch.manual_seed(1)  # a sampler that tramples on the global state must not matter
        for i in range(request.steps):
            t = torch.full((len(x),), 1 - i / request.steps)
            x = x - self.predict(x, t, conditioning) / request.steps
        return self.decode(x)

    def noise(self, request: SampleRequest) -> Tensor:
        shape = (3, request.height // 8, request.width // 8)
        sources = [torch.Generator().manual_seed(s) for s in request.seeds]
        return torch.stack([torch.randn(shape, generator=s) for s in sources])

    def pipeline(self) -> Any:
        raise NotImplementedError

    @classmethod
    def lora_header(cls) -> dict[str, str]:
        return {"modelspec.architecture": "flux-1-dev/lora", "ss_base_model_version": "flux1"}


def picture(seed: int, size: tuple[int, int] = (48, 48)) -> Image.Image:
    """A picture unlike those of other seeds."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def dataset(
    folder: Path,
    pictures: Sequence[Image.Image],
    *,
    face: Box | None = FACE,
) -> Dataset:
    """File the pictures under `folder` as a dataset of a person."""
    folder.mkdir(parents=True, exist_ok=True)
    items = []
    for i, image in enumerate(pictures):
        path = folder / f"{i:02d}.png"
        image.save(path)
        items.append(
            Item(
                sample=sha256_file(path),
                pixels_sha256=sha256_bytes(repr(image.size).encode() + image.tobytes()),
                file_name=path.name,
                path=path,
                caption=f"photo of ohwx number {i}",
                face=face,
            )
        )
    return Dataset(subject="ada", kind="person", trigger="ohwx", items=tuple(items))


def told_run(
    pictures: Dataset, folder: Path, config: TrainConfig, **more: Any
) -> tuple[TrainResult, list[tuple[str, dict[str, Any]]]]:
    """Train a toy in `folder`/run; gives the result and all that was told on the way."""
    told: list[tuple[str, dict[str, Any]]] = []
    result = train.train(
        pictures,
        Toy(folder),
        config,
        folder=folder / "run",
        consent="c" * 64,
        on_event=lambda kind, data: told.append((kind, data)),
        **more,
    )
    return result, told
