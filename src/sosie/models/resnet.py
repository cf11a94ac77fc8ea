"""dlib's ResNet-34 of faces in torch: the network of `second`, with gradients to the pixels.

The weights are read from the very file that dlib reads, whose hash `second` pins; the outputs are
dlib's own to the last digits of float32, which a test holds.

Conventions:
    chip        150x150 pixels, RGB in 0..255, the face's five points where dlib puts them
    file        dlib's serialization: integers as a length byte and little-endian bytes; a tensor is
                its version (2), four dimensions and raw little-endian float32. Layers follow each
                other from the picture on; a convolution is filters (out, in, rows, columns), then
                biases; after it an affine layer, which is scale and shift for each channel.
    shortcut    where a block halves its map, the shortcut is an average over 2x2; what is missing
                in channels or at the lower and right edge is zero, as in dlib's `add_prev`.

Architecture: dlib, examples/dnn_face_recognition_ex.cpp, by which the weights were published.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from sosie.models import second

SIDE = 150
"""Pixels of a chip's side."""
PADDING = 0.25
"""Room that dlib leaves around the face, as a share of its side."""
POINTS = (
    np.array(
        [
            [0.8595674595992, 0.2134981538014],
            [0.6460604764104, 0.2289674387677],
            [0.1205750620789, 0.2137274526848],
            [0.3340850613712, 0.2290642403242],
            [0.4901123135679, 0.6277975316475],
        ]
    )
    + PADDING
) * (SIDE / (1 + 2 * PADDING))
"""(5, 2), where dlib puts the corners of the eyes and the foot of the nose, in pixels of a chip."""
MEAN = (122.782, 117.001, 104.298)
_STAGES = (
    (32, (False, False, False)),
    (64, (True, False, False, False)),
    (128, (True, False, False)),
    (256, (True, False, False)),
    (256, (True,)),
)
"""Channels of each stage, and which of its blocks halve the map."""


class FaceNetwork(nn.Module):
    """Chips (N, 3, 150, 150) to (N, 128), not of unit length."""

    mean: Tensor

    def __init__(self, file: bytes) -> None:
        super().__init__()
        tensors = _tensors(file)

        def convolution(
            inputs: int, outputs: int, size: int, *, stride: int = 1, padding: int = 0
        ) -> nn.Conv2d:
            weights, affine = next(tensors), next(tensors)
            filters, biases = weights[:-outputs], weights[-outputs:]
            scale, shift = affine[:outputs], affine[outputs:]
            layer = nn.Conv2d(inputs, outputs, size, stride, padding)
            # The affine layer is folded into the convolution before it.
            layer.weight.data = filters.view(layer.weight.shape) * scale.view(-1, 1, 1, 1)
            layer.bias = nn.Parameter(biases * scale + shift)
            return layer

        self.first = convolution(3, 32, 7, stride=2)
        self.blocks = nn.ModuleList()
        before = 32
        for channels, halving in _STAGES:
            for halves in halving:
                stride, padding = (2, 0) if halves else (1, 1)
                one = convolution(before, channels, 3, stride=stride, padding=padding)
                self.blocks.append(_Block(one, convolution(channels, channels, 3, padding=1)))
                before = channels
        self.last = nn.Linear(before, 128, bias=False)
        self.last.weight.data = next(tensors).view(before, 128).T.contiguous()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, chips: Tensor) -> Tensor:
        """(N, 3, 150, 150), RGB in 0..255, to (N, 128)."""
        x = F.relu(self.first((chips - self.mean) / 256))
        x = F.max_pool2d(x, 3, 2)
        for block in self.blocks:
            x = block(x)
        described: Tensor = self.last(x.mean((2, 3)))
        return described


class _Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, one: nn.Conv2d, two: nn.Conv2d) -> None:
        super().__init__()
        self.one, self.two = one, two

    def forward(self, x: Tensor) -> Tensor:
        y = self.two(F.relu(self.one(x)))
        past = F.avg_pool2d(x, 2, 2) if self.one.stride[0] == 2 else x
        shape = [max(a, b) for a, b in zip(past.shape[1:], y.shape[1:], strict=True)]
        return F.relu(_grown(past, shape) + _grown(y, shape))


def _grown(x: Tensor, shape: list[int]) -> Tensor:
    """`x` with zeros up to (channels, rows, columns)."""
    channels, rows, columns = (new - old for new, old in zip(shape, x.shape[1:], strict=True))
    return F.pad(x, (0, columns, 0, rows, 0, channels))


@cache
def face_network() -> FaceNetwork:
    """The network with its weights. Raises WeightsRefused if they are missing or altered."""
    return FaceNetwork(second.weights()).eval()


def chips(pictures: Tensor, points: NDArray[np.float64], landing: NDArray[np.float64]) -> Tensor:
    """(N, 3, H, W) pictures to (N, 3, 150, 150) chips, with gradient to the pictures.

    `points` (N, 5, 2) are the five points in pixels of the pictures, x and y; `landing` (N, 5, 2)
    where they are to lie in the chip, as nearly as turning, scaling and moving can. What lies
    outside the picture is black.
    """
    height, width = pictures.shape[-2:]
    size = np.array([width, height])
    rows = []
    for here, there in zip(points, landing, strict=True):
        turn, offset = _similarity(there, here)
        # torch counts from -1 to 1 over the edges of the outermost pixels.
        scaled = turn * SIDE / size[:, None]
        middle = turn @ np.full(2, (SIDE - 1) / 2) + offset
        rows.append(np.column_stack([scaled, (2 * middle + 1) / size - 1]))
    theta = torch.as_tensor(np.stack(rows), dtype=pictures.dtype, device=pictures.device)
    grid = F.affine_grid(theta, [len(rows), 3, SIDE, SIDE], align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="zeros", align_corners=False)


def _similarity(
    source: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix (2, 2) and offset (2,) that bring `source` nearest to `target`, in least squares.

    Umeyama, "Least-squares estimation of transformation parameters" (1991), equations 40 to 42.
    """
    middle, goal = source.mean(0), target.mean(0)
    s, t = source - middle, target - goal
    u, spread, v = np.linalg.svd(t.T @ s / len(s))
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(v))])
    turn = (u * signs) @ v * ((spread * signs).sum() / s.var(0).sum())
    return turn, goal - turn @ middle


def _tensors(file: bytes) -> Iterator[Tensor]:
    """Every trained tensor of a dlib network file, flat, from the picture on.

    Between them lie settings and empty tensors; a trained one is known by four dimensions of which
    the last two are 1, more than 32 numbers, and none of them absurd.
    """
    place = file.find(b"\x01\x02")
    while place >= 0:
        shape, start = _dimensions(file, place + 2)
        count = math.prod(shape)
        if count > 32 and shape[2:] == (1, 1) and start + 4 * count <= len(file):
            found = np.frombuffer(file, "<f4", count, start)
            if np.isfinite(found).all() and np.abs(found).max() < 1e4:
                yield torch.from_numpy(found.copy())
                place = file.find(b"\x01\x02", start + 4 * count)
                continue
        place = file.find(b"\x01\x02", place + 1)


def _dimensions(file: bytes, place: int) -> tuple[tuple[int, ...], int]:
    """Four integers in dlib's coding and where they end; all zero where there are none."""
    found = []
    for _ in range(4):
        length = file[place] if place < len(file) else 0
        if not 1 <= length <= 4:
            return (0, 0, 0, 0), place
        found.append(int.from_bytes(file[place + 1 : place + 1 + length], "little"))
        place += 1 + length
    return tuple(found), place
