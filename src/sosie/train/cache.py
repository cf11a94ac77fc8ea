"""Pictures and captions as tensors, computed once and held in memory.

Everything is keyed by content: pixels, crop, size, caption and base. So two equal pictures are
encoded once, and nothing stale can be taught: there is no cache on disk to go stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sosie.core.errors import UnreadablePicture
from sosie.models.diffusion.base import Conditioning, DiffusionBase, concatenate
from sosie.train.crops import Version, Window


@dataclass(frozen=True, eq=False)
class Lesson:
    """One crop with its caption, before batching."""

    picture: int
    """What the loss is told under: an index into the dataset's items."""
    path: Path
    pixels_sha256: str
    caption: str
    version: Version


@dataclass(frozen=True, eq=False)
class Bucket:
    """Lessons of one size; row i of every tensor is lesson i."""

    width: int
    height: int
    pictures: tuple[int, ...]
    keys: tuple[str, ...]
    """Content keys, for fixed noise."""
    latents: Tensor
    """(n, C, h, w), float32."""
    texts: Tensor
    """(n,) rows of the text bank."""
    geometry: Conditioning
    """What the base is told of the crops, (n, …); often empty."""


@dataclass(eq=False)
class Cache:
    """Encodes through a base, each content once."""

    base: DiffusionBase
    _latents: dict[str, Tensor] = field(default_factory=dict)
    _captions: dict[str, int] = field(default_factory=dict)
    _texts: list[Conditioning] = field(default_factory=list)
    _bank: Conditioning | None = None

    def text_row(self, caption: str) -> int:
        """The row of `caption` in `bank()`, encoding it if it is new."""
        if caption not in self._captions:
            with torch.no_grad():
                self._texts.append(self.base.encode_text([caption]))
            self._captions[caption] = len(self._texts) - 1
            self._bank = None
        return self._captions[caption]

    def bank(self) -> Conditioning:
        """All captions so far, one row each."""
        if self._bank is None:
            self._bank = concatenate(self._texts)
        return self._bank

    def conditioning(self, captions: Sequence[str]) -> Conditioning:
        """The conditioning of `captions`, one row each."""
        rows = torch.tensor([self.text_row(c) for c in captions], device=self.base.device)
        return {key: value[rows] for key, value in self.bank().items()}

    def latents(self, lesson: Lesson) -> Tensor:
        """(1, C, h, w), float32, of the lesson's crop."""
        key = self._key(lesson)
        if key not in self._latents:
            v = lesson.version
            pixels = crop_pixels(lesson.path, v.crop, (v.width, v.height))
            with torch.no_grad():
                encoded = self.base.encode_pixels(pixels.to(self.base.device, self.base.dtype))
            self._latents[key] = encoded.float()
        return self._latents[key]

    def buckets(self, lessons: Sequence[Lesson]) -> tuple[Bucket, ...]:
        """The lessons by size, sizes ascending, in the given order within."""
        sizes = sorted({(lesson.version.width, lesson.version.height) for lesson in lessons})
        return tuple(
            self._bucket(size, [x for x in lessons if (x.version.width, x.version.height) == size])
            for size in sizes
        )

    def _bucket(self, size: tuple[int, int], lessons: Sequence[Lesson]) -> Bucket:
        rows = [self.text_row(lesson.caption) for lesson in lessons]
        return Bucket(
            width=size[0],
            height=size[1],
            pictures=tuple(lesson.picture for lesson in lessons),
            keys=tuple(self._key(lesson) for lesson in lessons),
            latents=torch.cat([self.latents(lesson) for lesson in lessons]).contiguous(),
            texts=torch.tensor(rows, device=self.base.device),
            geometry=concatenate([self._geometry(lesson) for lesson in lessons]),
        )

    def _geometry(self, lesson: Lesson) -> Conditioning:
        v = lesson.version
        with Image.open(lesson.path) as picture:
            full = picture.size
        # SDXL's convention: the crop's corner is counted after resizing.
        corner = (round(v.crop[0] * v.enlargement), round(v.crop[1] * v.enlargement))
        return self.base.picture_conditioning(
            original=full, crop=corner, target=(v.width, v.height)
        )

    def _key(self, lesson: Lesson) -> str:
        v = lesson.version
        corners = ",".join(f"{x:.4f}" for x in v.crop)
        base = self.base.info.content_sha256
        return f"{base}/{lesson.pixels_sha256}/{corners}/{v.width}x{v.height}"


def crop_pixels(path: Path, crop: Window, size: tuple[int, int]) -> Tensor:
    """(1, 3, H, W) in [-1, 1]: the crop resampled, with antialiasing, to `size` (width, height).

    Raises UnreadablePicture if the file does not decode.
    """
    try:
        with Image.open(path) as picture:
            resized = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=crop)
    except (OSError, ValueError) as error:
        raise UnreadablePicture(
            f"{path.name} cannot be read: {error}.", advice="Add the picture again."
        ) from error
    array = np.asarray(resized, dtype=np.float32) / 127.5 - 1.0
    return torch.from_numpy(array).permute(2, 0, 1).unsqueeze(0)
