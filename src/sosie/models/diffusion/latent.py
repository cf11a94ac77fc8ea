"""What the families share: parts from a folder, an autoencoder, a walk from noise to picture."""

from __future__ import annotations

import copy
import inspect
import math
import re
import unicodedata
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import diffusers
import torch
from torch import Tensor, nn

from sosie.core.errors import BadInput, WeightsRefused
from sosie.models.diffusion.base import (
    BaseInfo,
    Conditioning,
    DiffusionBase,
    SampleRequest,
    concatenate,
    repeat,
)
from sosie.models.diffusion.components import Layout, load_components, quiet
from sosie.models.diffusion.folder import content_sha256, read_index
from sosie.models.diffusion.resolve import describe

VAE_FACTOR = 8
"""Pixels per latent cell, along each side, in all three families."""

_ENCODER_LAYER = re.compile(r"(?:text_model\.)?encoder\.(layers\..+)")


@dataclass(frozen=True, eq=False)
class Walk:
    """What stays the same on the way from noise to picture."""

    scheduler: Any
    """Set to the request, and the walk's own: it keeps count of the steps."""
    request: SampleRequest
    conditioning: Conditioning
    negative: Conditioning | None
    """None if the guidance needs none."""


class LatentDiffusion(DiffusionBase):
    """A denoiser in the latents of an AutoencoderKL, told what to draw by text encoders.

    A family adds its parts, its text encoding, its noise schedule and its denoiser's call.
    """

    layout: ClassVar[Layout]
    """The parts that are loaded."""
    denoiser_part: ClassVar[str]
    sequence_tokenizer: ClassVar[str] = "tokenizer"
    """The part that cuts captions for the encoder of the token sequence."""

    # Classes of diffusers, which carry no types.
    denoiser: Any
    vae: Any
    scheduler: Any

    def __init__(
        self, info: BaseInfo, parts: dict[str, Any], device: torch.device, dtype: torch.dtype
    ) -> None:
        self.info = info
        self.parts = parts
        self.device = device
        self.dtype = dtype
        self.denoiser = parts[self.denoiser_part]
        self.vae = parts["vae"]
        self.scheduler = parts["scheduler"]
        # Named now, because an injected LoRA replaces the very modules that are looked for.
        self._lora_targets = tuple(
            name
            for name, module in self.denoiser.named_modules()
            if isinstance(module, nn.Linear) and self.is_lora_target(name)
        )
        self._check_parts()

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        name: str,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Self:
        if dtype not in (torch.float32, torch.bfloat16):
            raise BadInput(
                f"{dtype} is no precision that Sosie offers.", advice="Use float32 or bfloat16."
            )
        index = read_index(folder)
        if index.family != cls.family:
            raise WeightsRefused(
                f"{folder} holds a {index.pipeline}, not a base of the family {cls.family}."
            )
        where = torch.device(device)
        parts = load_components(index, cls.layout, device=where, dtype=dtype)
        base = describe(name, folder)
        info = BaseInfo(
            name=name,
            family=base.family,
            folder=base.folder,
            content_sha256=content_sha256(folder),
            licence=base.licence,
            defaults=base.defaults,
        )
        return cls(info, parts, where, dtype)

    def _check_parts(self) -> None:
        """Refuse what loads but would draw wrongly. Raises WeightsRefused."""
        config = self.vae.config
        factor = 2 ** (len(config.block_out_channels) - 1)
        if factor != VAE_FACTOR:
            raise WeightsRefused(
                f"{self.info.folder / 'vae'} shrinks pictures by {factor}; {self.family} does by "
                f"{VAE_FACTOR}."
            )
        if getattr(config, "latents_mean", None) is not None:
            raise WeightsRefused(
                f"{self.info.folder / 'vae'} normalises each channel by itself (latents_mean), "
                f"which {self.family} does not."
            )

    # -- describing --------------------------------------------------------------------------------

    def encode_text(self, captions: Sequence[str]) -> Conditioning:
        self._need_encoders()
        # One at a time: a row must not depend, even in its last bit, on the captions beside it.
        with torch.no_grad():
            rows = {caption: self._encode_caption(caption) for caption in dict.fromkeys(captions)}
        return concatenate([rows[caption] for caption in captions])

    def encoder_modules(self) -> dict[str, nn.Module]:
        return {
            f"{part}.{found[1]}": module
            for part, encoder in self.parts.items()
            if part.startswith("text_encoder") and encoder is not None
            for name, module in encoder.named_modules()
            if (found := _ENCODER_LAYER.fullmatch(name))
        }

    def unread(self, caption: str) -> str:
        self._need_encoders()
        tokenizer, caption = self.parts[self.sequence_tokenizer], _composed(caption)
        room = self.info.defaults.text_length - tokenizer.num_special_tokens_to_add()
        with quiet():
            encoded = tokenizer(caption, add_special_tokens=False, return_offsets_mapping=True)
        starts = [start for start, _ in encoded.offset_mapping]
        return caption[starts[room] :] if len(starts) > room else ""

    def _need_encoders(self) -> None:
        if self.parts["tokenizer"] is None:
            raise RuntimeError("The text encoders were released; keep the conditionings you need.")

    @abstractmethod
    def _encode_caption(self, caption: str) -> Conditioning:
        """Encode one caption, batch of one."""

    def token_ids(self, tokenizer: str, caption: str, length: int) -> Tensor:
        """(1, length) token ids of a caption, padded or cut, by the part named `tokenizer`."""
        encoded = self.parts[tokenizer](
            _composed(caption),
            padding="max_length",
            max_length=length,
            truncation=True,
            return_tensors="pt",
        )
        ids: Tensor = encoded.input_ids
        return ids.to(self.device)

    def release_encoders(self) -> None:
        for name in self.parts:
            if name.startswith(("text_encoder", "tokenizer")):
                self.parts[name] = None

    @torch.no_grad()
    def encode_pixels(self, pixels: Tensor) -> Tensor:
        mean: Tensor = self.vae.encode(pixels.to(self.device, self.dtype)).latent_dist.mode()
        return (mean - self._shift) * float(self.vae.config.scaling_factor)

    def decode(self, latents: Tensor) -> Tensor:
        latents = latents.to(self.device, self.dtype) / self.vae.config.scaling_factor + self._shift
        pixels: Tensor = self.vae.decode(latents, return_dict=False)[0]
        return pixels.float().clamp(-1, 1)

    @property
    def _shift(self) -> float:
        return getattr(self.vae.config, "shift_factor", None) or 0.0

    # -- teaching ----------------------------------------------------------------------------------

    def lora_targets(self) -> tuple[str, ...]:
        return self._lora_targets

    @classmethod
    @abstractmethod
    def is_lora_target(cls, name: str) -> bool:
        """Whether a LoRA adapts, by default, the linear module of that name."""

    # -- drawing -----------------------------------------------------------------------------------

    def noise(self, request: SampleRequest) -> Tensor:
        return self._draw_noise(request, _generators(request))

    def _draw_noise(self, request: SampleRequest, generators: list[torch.Generator]) -> Tensor:
        # On CPU in float32 whatever the device and precision, so that a seed means one picture.
        cells = (request.height // VAE_FACTOR, request.width // VAE_FACTOR)
        shape = (1, self.vae.config.latent_channels, *cells)
        rows = [torch.randn(shape, generator=generator) for generator in generators]
        return torch.cat(rows).to(self.device, self.dtype)

    @torch.no_grad()
    def sample(
        self,
        request: SampleRequest,
        *,
        conditioning: Conditioning | None = None,
        negative: Conditioning | None = None,
        init: Tensor | None = None,
    ) -> Tensor:
        self._check_request(request, conditioning, init)
        count = len(request.prompts)
        if conditioning is None:
            conditioning = self.encode_text(request.prompts)
        negative = (
            self._negative(request, conditioning, negative) if self.uses_negative(request) else None
        )
        size = (request.width, request.height)
        geometry = self.picture_conditioning(original=size, crop=(0, 0), target=size)
        geometry = repeat(geometry, count)
        conditioning = self._here({**geometry, **conditioning})
        negative = None if negative is None else self._here({**geometry, **negative})

        generators = _generators(request)
        noise = self._draw_noise(request, generators)
        scheduler = copy.deepcopy(self.scheduler)
        self._set_schedule(scheduler, request, noise)
        first = 0 if init is None else self._first_step(request)
        times = scheduler.timesteps[first * scheduler.order :]
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first * scheduler.order)
        clean = None if init is None else self.encode_pixels(init)
        latents = self._start(scheduler, noise, clean, times[:1].repeat(count))
        # As in the pipelines: a few schedulers add noise at every step.
        takes_generator = "generator" in inspect.signature(scheduler.step).parameters
        extra = {"generator": generators} if takes_generator else {}
        walk = Walk(scheduler, request, conditioning, negative)
        with _evaluating(self.denoiser):
            for time in times:
                answer = self._guided(walk, latents, time)
                latents = scheduler.step(answer, time, latents, **extra, return_dict=False)[0]
        # One picture at a time, because the autoencoder needs the most memory of all.
        return torch.cat([self.decode(latents[i : i + 1]) for i in range(count)])

    def _here(self, conditioning: Conditioning) -> Conditioning:
        return {key: value.to(self.device) for key, value in conditioning.items()}

    @abstractmethod
    def _set_schedule(self, scheduler: Any, request: SampleRequest, noise: Tensor) -> None:
        """Set the scheduler's timesteps for the request."""

    @abstractmethod
    def _skipped(self, steps: int, strength: float) -> int:
        """How many of `steps` image-to-image leaves out, by the family's own rounding."""

    @abstractmethod
    def _start(self, scheduler: Any, noise: Tensor, clean: Tensor | None, times: Tensor) -> Tensor:
        """The latents the walk starts from: noise, or `clean` latents noised to `times`, (B,)."""

    @abstractmethod
    def _guided(self, walk: Walk, latents: Tensor, time: Tensor) -> Tensor:
        """The denoiser's answer at one of the scheduler's timesteps, with guidance."""

    def _negative(
        self, request: SampleRequest, conditioning: Conditioning, given: Conditioning | None
    ) -> Conditioning:
        """The negative conditioning for every picture of the request."""
        row = self.encode_text([request.negative]) if given is None else given
        count = len(request.prompts)
        return repeat(row, count) if len(next(iter(row.values()))) == 1 else row

    def _first_step(self, request: SampleRequest) -> int:
        skipped = self._skipped(request.steps, request.strength)
        if skipped >= request.steps:
            least = math.ceil(1000 / request.steps) / 1000
            raise BadInput(
                f"A strength of {request.strength} leaves none of {request.steps} steps to draw.",
                advice=f"With {request.steps} steps it must be at least {least}.",
            )
        return skipped

    def _check_request(
        self, request: SampleRequest, conditioning: Conditioning | None, init: Tensor | None
    ) -> None:
        count = len(request.prompts)
        if count == 0 or len(request.seeds) != count:
            raise BadInput(f"There are {count} prompts and {len(request.seeds)} seeds.")
        multiple = self.spatial_multiple
        if min(request.width, request.height) < multiple or (
            request.width % multiple or request.height % multiple
        ):
            raise BadInput(
                f"{request.width}x{request.height} is no size that {self.info.name} draws.",
                advice=f"Both sides must be multiples of {multiple}.",
            )
        if request.steps < 1 or not 0 < request.strength <= 1:
            raise BadInput(
                f"{request.steps} steps at strength {request.strength} cannot be drawn.",
                advice="Ask for at least one step, and a strength above 0 and up to 1.",
            )
        if conditioning is not None:
            rows = {key: len(value) for key, value in conditioning.items()}
            assert set(rows.values()) == {count}, f"conditioning rows {rows} for {count} prompts"
        if init is not None and init.shape != (count, 3, request.height, request.width):
            raise BadInput(
                f"The start pictures have shape {tuple(init.shape)}; "
                f"{(count, 3, request.height, request.width)} is needed."
            )

    def _assemble(self, class_name: str, **options: Any) -> Any:
        """A diffusers pipeline over the shared parts, with its own scheduler (which has state)."""
        parts = {**self.parts, "scheduler": copy.deepcopy(self.scheduler)}
        with quiet():
            pipeline = getattr(diffusers, class_name)(**parts, **options)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def _composed(caption: str) -> str:
    """With accents composed (NFC): not every tokenizer does it, and one that counts letters would
    count loose accents too."""
    return unicodedata.normalize("NFC", caption)


def _generators(request: SampleRequest) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in request.seeds]


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while: a preview in mid-training must not meet dropout.

    Module by module: layers injected into a model in evaluation mode may be in training mode.
    """
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True
