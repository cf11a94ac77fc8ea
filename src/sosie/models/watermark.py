"""An invisible watermark of 32 bits in a picture: RivaGAN.

Its two networks ship with Sosie (models/rivagan/README.md). They see a picture at `SIDE` pixels on
its shorter side, whatever its size: what they would change is enlarged and added to the picture
itself. That is faster than to run them at full size, and a copy of another size is read alike. A
picture below `SIDE` is enlarged for them.

Conventions of the networks: pictures (N, 3, H, W) in BGR and [-1, 1]; bits (N, 32) as -1 or 1; each
convolution is over 11 x 11 pixels and gives 32 channels; a softmax over channels, the attention,
says at each pixel which of the bits is told there. How well bits survive is measured by
`python -m bench watermark`.

Zhang et al., "Robust Invisible Video Watermarking with Attention" (2019), arXiv:1909.01285.
"""

from __future__ import annotations

from functools import cache
from threading import Lock

import cv2
import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sosie.models.faces import Picture
from sosie.models.verified import shipped

BITS = 32
SIDE = 256
"""Pixels of the shorter side at which the networks see a picture."""
SMALLEST = 128
"""Least width and height of a picture that is marked: below, nothing was measured."""
LONGEST = 4
"""Most times that a picture may be longer than it is wide: a strip's cost is without bound."""
STRENGTH = 0.016
"""Most that a value changes, of the 2 between black and white: as the networks were trained. With
half as much again fewer bits are lost, and even skin and sky show a tint."""
EPSILON = 1e-5
"""Added to variances, as the networks were trained."""

FILE = "rivagan/rivagan.safetensors"
SHA256 = "7eb01c2997bcdcb4e7ea5fc4905194e499d26e73fec750c4dfa0cd904431eeae"

# The networks are loaded once, also where several threads ask for them first.
_loading = Lock()

Floats = NDArray[np.float32]


def markable(width: int, height: int) -> bool:
    """Whether a picture of that size can bear a watermark."""
    short, long = sorted((width, height))
    return short >= SMALLEST and long <= LONGEST * short


def marked(rgb: Picture, number: int) -> Picture:
    """`rgb` (H, W, 3) with `number` of 32 bits in it.

    About 0.3 s on one core for a square. Raises ValueError for a size that is not `markable` or a
    number that is none of 32 bits, WeightsRefused if the networks are altered.
    """
    if not markable(rgb.shape[1], rgb.shape[0]) or not 0 <= number < 1 << BITS:
        raise ValueError(f"{rgb.shape} cannot bear {number}")
    seen = _seen(rgb)
    change = _change(seen, number)[0].permute(1, 2, 0).numpy() * 127.5
    size = (rgb.shape[1], rgb.shape[0])
    how = cv2.INTER_AREA if size[0] < seen.shape[3] else cv2.INTER_CUBIC
    whole = cv2.resize(change, size, interpolation=how)[:, :, ::-1]
    return np.asarray(np.clip(rgb + whole + 0.5, 0, 255), np.uint8)


def read(rgb: Picture, *, mirrored: bool = False) -> int:
    """The bits of a picture (H, W, 3) as a number; a picture without a watermark has some too.

    The networks tell left from right: `mirrored` turns the picture round first. About 0.4 s on one
    core for a square. Raises as `marked` does.
    """
    if not markable(rgb.shape[1], rgb.shape[0]):
        raise ValueError(f"{rgb.shape} cannot bear a watermark")
    seen = _seen(rgb)
    return number_of(told(seen.flip(3) if mirrored else seen).mean((2, 3))[0])


def number_of(bits: Tensor) -> int:
    """The number that 32 readings (32,) mean: those above one half are set."""
    return sum(1 << place for place in range(BITS) if bits[place] > 0.5)


@torch.no_grad()
def told(seen: Tensor) -> Tensor:
    """What each pixel of a picture says of each bit, (N, 32, H, W); a bit is what they say in the
    mean."""
    weights = _weights()
    attention = _attention(weights, "decoder", seen)
    said = _normed(weights, "decoder.conv.2", _conv(weights, "decoder.conv.0", seen).tanh())
    return _conv(weights, "decoder.conv.3", said) * attention


@torch.no_grad()
def _change(seen: Tensor, number: int) -> Tensor:
    """What is added to the picture that is seen."""
    weights = _weights()
    bits = torch.tensor([2.0 * (number >> place & 1) - 1 for place in range(BITS)])
    attention = _attention(weights, "encoder", seen)
    message = (bits[None, :, None, None] * attention).sum(1, keepdim=True)
    both = _conv(weights, "encoder.conv.0", torch.cat([seen, message], 1)).tanh()
    drawn = _conv(weights, "encoder.conv.3", _normed(weights, "encoder.conv.2", both))
    return STRENGTH * drawn.tanh()


def _attention(weights: dict[str, Tensor], network: str, seen: Tensor) -> Tensor:
    x = seen
    for conv, norm in ((0, 2), (3, 5)):
        x = _conv(weights, f"{network}.attention.{conv}", x).tanh()
        x = _normed(weights, f"{network}.attention.{norm}", x)
    return x.softmax(1)


def _conv(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding="same")


def _normed(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Batch norm by the means and variances that were kept in training."""
    parts = ("running_mean", "running_var", "weight", "bias")
    mean, variance, scale, shift = (weights[f"{name}.{part}"] for part in parts)
    return F.batch_norm(x, mean, variance, scale, shift, eps=EPSILON)


def _seen(rgb: Picture) -> Tensor:
    """(1, 3, H, W) as the networks take it, with `SIDE` pixels on the shorter side."""
    height, width = rgb.shape[:2]
    scale = SIDE / min(height, width)
    size = (max(SIDE, round(width * scale)), max(SIDE, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    bgr = cv2.resize(np.ascontiguousarray(rgb[:, :, ::-1]), size, interpolation=how)
    return torch.from_numpy(bgr).permute(2, 0, 1)[None].float() / 127.5 - 1


def _weights() -> dict[str, Tensor]:
    with _loading:
        return _loaded()


@cache
def _loaded() -> dict[str, Tensor]:
    return safetensors.torch.load(shipped(FILE, SHA256, what="watermark networks"))
