"""A small identity network for the synthetic people of `sosie.world`, trained on others of them.

SFace learned from photographs; drawn people differ in ways it was never shown. This network was
trained by `pocket/identity.py` on people of the world who appear in no figure; it judges the demo
and the benchmarks, and is no judge of real faces.

Input: the aligned RGB face of `faces.aligned`, (112, 112, 3), halved to 56x56 inside. Output: 128
numbers of unit length. Residual blocks without dilation (He et al. 2016, arXiv:1512.03385), a
weighted mean over the last cells for each channel, as MobileFaceNet has it (arXiv:1804.07573).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from sosie.core.errors import WeightsRefused
from sosie.core.files import sha256_bytes
from sosie.models import faces

WEIGHTS = "identity.safetensors"
WIDTHS = (24, 48, 96)
SIZE = 128


class IdentityNet(nn.Module):
    """(B, 3, 112, 112) in [-1, 1] to (B, 128) of unit length; about 300,000 parameters."""

    def __init__(self) -> None:
        super().__init__()
        stem, *deeper = WIDTHS
        blocks: list[nn.Module] = [
            nn.AvgPool2d(2),
            _convolution(3, stem, 2),
            nn.ReLU(),
            _Block(stem),
        ]
        for before, after in zip(WIDTHS, deeper, strict=False):
            blocks += [_convolution(before, after, 2), nn.ReLU(), _Block(after)]
        self.cells = nn.Sequential(*blocks)
        self.gather = nn.Conv2d(WIDTHS[-1], WIDTHS[-1], 7, groups=WIDTHS[-1], bias=False)
        self.head = nn.Sequential(
            nn.BatchNorm1d(WIDTHS[-1]), nn.Linear(WIDTHS[-1], SIZE, bias=False)
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeddings of unit length."""
        gathered = self.gather(self.cells(pixels)).flatten(1)
        return F.normalize(self.head(gathered), dim=1)


class _Block(nn.Module):
    """x + f(x), with the sizes unchanged."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            _convolution(width, width, 1), nn.ReLU(), _convolution(width, width, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.inner(x))


def _convolution(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after))


def to_input(crops: NDArray[np.uint8]) -> Tensor:
    """(B, 112, 112, 3) RGB bytes to what the network takes."""
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 127.5 - 1


@cache
def judge() -> faces.Embedder:
    """The trained network. Raises WeightsRefused if its file is missing or damaged."""
    source = files("sosie.models") / "data" / WEIGHTS
    try:
        data = source.read_bytes()
        network = IdentityNet()
        network.load_state_dict({key: value.float() for key, value in load(data).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WeightsRefused(
            f"The identity network {source} cannot be loaded: {error}",
            advice="Install Sosie again.",
        ) from error
    return embedder(network, sha256_bytes(data))


def embedder(network: IdentityNet, sha256: str) -> faces.Embedder:
    """A network as a judge of pictures: find the largest face, align it, describe it."""
    network.eval().requires_grad_(False)

    def describe(rgb: faces.Picture) -> NDArray[np.float32] | None:
        found = faces.find_faces(rgb)
        if not found:
            return None
        crop = faces.aligned(rgb, found[0])
        with torch.inference_mode():
            vector: NDArray[np.float32] = network(to_input(crop[None]))[0].numpy()
        return vector

    return faces.Embedder("sosie identity", sha256, describe)
