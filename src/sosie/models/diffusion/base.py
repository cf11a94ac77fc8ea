"""The protocol between the stages and a base model: one class a family, and no model named above.

A family file opens with the conventions of its model (encoder, VAE, direction of time, sign of the
target) and implements `DiffusionBase`. The trainer, the generator and the audits call only what is
here. Shapes: B pictures, C latent channels, H and W in pixels, h and w in latent cells.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from sosie.core.errors import WeightsRefused
from sosie.core.records import Record
from sosie.models.diffusion import Defaults

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

LoraStyle = Literal["peft", "kohya"]
GuidanceSetting = Literal["guidance", "true_guidance"]

Conditioning = dict[str, Tensor]
"""What the denoiser needs besides the noisy latents and the time: tensors with the batch first."""


class BaseInfo(Record):
    """What a manifest says of a loaded base."""

    name: str
    """Short name, hub id or folder, as the user named it."""
    family: str
    folder: Path
    content_sha256: str
    """Hash over the weights and configuration files (path-independent)."""
    licence: str
    defaults: Defaults


class SampleRequest(Record):
    """One batch of pictures to draw; equal requests with equal noise give equal pictures on CPU."""

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    """One for each prompt: picture i depends on prompt i and seed i alone, not on the batch."""
    negative: str = ""
    width: int
    height: int
    steps: int
    guidance: float
    true_guidance: float = 1.0
    strength: float = 1.0
    """Share of the noise schedule that is walked when `init` pictures are given, in (0, 1]."""


def shifted(times: Tensor, shift: float) -> Tensor:
    """Times in [0, 1] moved towards noise (above 1) or away: t to s t / (1 + (s - 1) t).

    Esser et al. 2024, arXiv:2403.03206, equation 23, with s for the root of m / n. Shifts by s and
    by r are one by s r.
    """
    return shift * times / (1 + (shift - 1) * times)


class DiffusionBase(ABC):
    """A base image model, loaded. Nothing here is trained; a LoRA is injected into `denoiser`."""

    family: ClassVar[str]
    lora_style: ClassVar[LoraStyle]
    """Key names and scale of exported LoRA files."""
    spatial_multiple: ClassVar[int]
    """Picture sides must be multiples of this, in pixels."""
    negative_setting: ClassVar[GuidanceSetting]
    """The setting that weighs a negative prompt: it acts above 1, and not at all up to 1."""

    info: BaseInfo
    device: torch.device
    dtype: torch.dtype
    denoiser: nn.Module

    # -- coming in ---------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def load(
        cls,
        folder: Path,
        *,
        name: str,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Self:
        """Load a diffusers folder. Raises WeightsRefused if a part is missing, foreign or NaN."""

    @classmethod
    def usual_defaults(cls, folder: Path) -> Defaults:
        """What a folder of this family without its own `sosie.json` draws best with.

        Raises WeightsRefused if the family has no such defaults, or the folder is unusable.
        """
        raise WeightsRefused(f"{folder} has no sosie.json, which a {cls.family} base needs.")

    @classmethod
    @abstractmethod
    def write_tiny(cls, folder: Path, *, seed: int = 0) -> None:
        """Write a twin with random weights to `folder`: the family's exact layout, in kilobytes."""

    @classmethod
    def tiny(cls, folder: Path, *, seed: int = 0) -> Self:
        """Write the twin to `folder` and load it."""
        cls.write_tiny(folder, seed=seed)
        return cls.load(folder, name="tiny")

    # -- describing --------------------------------------------------------------------------------

    @abstractmethod
    def encode_text(self, captions: Sequence[str]) -> Conditioning:
        """Encode captions, batch first, without gradient; caption i depends on caption i alone."""

    def encoder_modules(self) -> dict[str, nn.Module]:
        """Modules of CLIP text encoders that a LoRA file may adapt, under names that do not depend
        on the library: `text_encoder.layers.0.self_attn.q_proj`, `text_encoder_2.layers…`.

        None after `release_encoders`.
        """
        return {}

    def unread(self, caption: str) -> str:
        """The end of a caption that the text encoder cuts off; empty if it reads all of it.

        Raises RuntimeError after `release_encoders`.
        """
        return ""

    def picture_conditioning(
        self, *, original: tuple[int, int], crop: tuple[int, int], target: tuple[int, int]
    ) -> Conditioning:
        """What the denoiser is told of a picture's geometry, batch of one; most need nothing.

        `original` and `target` are (width, height), `crop` is (left, top), in pixels.
        """
        return {}

    def release_encoders(self) -> None:  # noqa: B027, a family without encoders frees nothing
        """Free the text encoders and, for training, whatever else `predict` does not need.

        Afterwards `encode_text` raises RuntimeError; `predict`, `encode_pixels` and `sample` with
        ready conditionings go on working.
        """

    @abstractmethod
    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] to scaled latents (B, C, h, w): the posterior's mean."""

    @abstractmethod
    def decode(self, latents: Tensor) -> Tensor:
        """Scaled latents to (B, 3, H, W), clamped to [-1, 1]; with gradient to the latents."""

    # -- teaching ----------------------------------------------------------------------------------

    @abstractmethod
    def times(
        self, uniform: Tensor, *, latent_shape: tuple[int, int], shift: float = 1.0
    ) -> Tensor:
        """Map (B,) uniform numbers in (0, 1) to training times, by the family's usual density.

        Times are what `add_noise` and `predict` take. A pure monotone map, so that the caller may
        stratify. `latent_shape` is (h, w), for densities shifted by resolution; `shift` moves them
        further, as `shifted` does.
        """

    @abstractmethod
    def add_noise(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """The noisy latents at `times`, (B, C, h, w)."""

    @abstractmethod
    def target(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """What `predict` should have said: velocity, noise or v, (B, C, h, w)."""

    @abstractmethod
    def unmix(self, noisy: Tensor, times: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
        """The clean latents and the noise, each (B, C, h, w), that `answer` says are in `noisy`.

        Undoes `add_noise` and `target`: where the answer is the target, these are what was mixed.
        """

    @abstractmethod
    def predict(self, noisy: Tensor, times: Tensor, conditioning: Conditioning) -> Tensor:
        """The denoiser's answer, (B, C, h, w), with gradient to its trainable parameters."""

    @abstractmethod
    def lora_targets(self) -> tuple[str, ...]:
        """Full names, inside `denoiser`, of the linear modules that a LoRA adapts by default."""

    # -- drawing -----------------------------------------------------------------------------------

    def uses_negative(self, request: SampleRequest) -> bool:
        """Whether the request's guidance lets its negative prompt act."""
        weight: float = getattr(request, self.negative_setting)
        return weight > 1

    @abstractmethod
    def sample(
        self,
        request: SampleRequest,
        *,
        conditioning: Conditioning | None = None,
        negative: Conditioning | None = None,
        init: Tensor | None = None,
    ) -> Tensor:
        """Draw (B, 3, H, W) pixels in [-1, 1], without gradient.

        Equals the family's diffusers pipeline to float tolerance, given `noise(request)`.
        `conditioning` and `negative` stand in for encoding (needed after `release_encoders`);
        `init` holds pictures of the requested size for image-to-image.
        """

    @abstractmethod
    def noise(self, request: SampleRequest) -> Tensor:
        """The start noise of `sample`, (B, C, h, w): row i drawn on CPU from seed i alone."""

    @abstractmethod
    def pipeline(self) -> DiffusionPipeline:
        """The family's own diffusers pipeline over the same (shared) components."""

    # -- files -------------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def lora_header(cls) -> dict[str, str]:
        """The family's `modelspec.architecture`, `ss_base_model_version`, … header entries."""


def concatenate(conditionings: Sequence[Conditioning]) -> Conditioning:
    """Stack conditionings along the batch. All must have the same keys."""
    return {key: torch.cat([c[key] for c in conditionings]) for key in conditionings[0]}


def repeat(conditioning: Conditioning, times: int) -> Conditioning:
    """Each row of a conditioning `times` times in a row."""
    return {key: value.repeat_interleave(times, dim=0) for key, value in conditioning.items()}
