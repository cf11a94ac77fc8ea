"""Lines of handwriting as the judges see them, with gradient to the pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sosie.models.judges.network import LINE_HEIGHT

# How a line is changed before it is seen, as shares of its size and of its ink.
_MOVED, _SCALED, _DARKER, _GRAIN = 0.02, 0.03, 0.12, 0.03
SOME_LETTERS = 5
"""Columns of latents, of eight pixels each, that some letters take."""


def against_paper(pixels: Tensor) -> Tensor:
    """(N, 1, 64, W): how dark (N, 3, H, W) pixels from 0 to 1 are against their paper, as
    `judges.ink` has it, scaled to the known height."""
    grey = pixels.mean(1, keepdim=True)
    paper = grey.flatten(1).quantile(0.8, dim=1).view(-1, 1, 1, 1)
    ink = (1 - grey / paper.clamp(min=1e-3)).clamp(0, 1)
    height, width = ink.shape[-2:]
    if height == LINE_HEIGHT:
        return ink
    size = (LINE_HEIGHT, max(1, round(width * LINE_HEIGHT / height)))
    return F.interpolate(ink, size, mode="area" if height > LINE_HEIGHT else "bilinear")


def paper(latents: Tensor, around: int) -> Tensor:
    """(N, C, h, w): of these latents what one of their rows has in common from left to right, and a
    piece of a line of `around` columns, an odd number, from top to bottom: the paper, its rules and
    its shades."""
    rows = latents.mean(3, keepdim=True)
    shade = (latents - rows).mean(2)
    near = F.avg_pool1d(shade, around, 1, around // 2, count_include_pad=False)
    return rows + near[:, :, None]


def sparing_the_paper(latents: Tensor) -> Tensor:
    """The same (N, C, h, w) latents, through which no gradient changes their `paper`: by it no
    letter is read. Without the rows, networks that a reader taught wrote on purple and orange
    paper; without the shades it grew darker towards the right."""

    def spared(slope: Tensor) -> Tensor:
        return slope - paper(slope, SOME_LETTERS)

    seen = latents.view_as(latents)
    if seen.requires_grad:
        seen.register_hook(spared)  # type: ignore[no-untyped-call]
    return seen


def jittered(ink: Tensor, source: torch.Generator, *, leaned: float) -> Tensor:
    """(N, 1, H, W) ink, each line moved, scaled and stained anew, and slanted by `leaned` of its
    height in the mean: what is learned from it is then no single pixel."""

    def chance(*shape: int) -> Tensor:
        return torch.randn(len(ink), *shape, generator=source)

    bend = torch.eye(2, 3).repeat(len(ink), 1, 1)
    bend[:, [0, 1], [0, 1]] += _SCALED * chance(2)
    # Coordinates run from -1 to 1 along either side, and a line is wider than tall.
    bend[:, 0, 1] = leaned * chance() * ink.shape[-2] / ink.shape[-1]
    bend[:, :, 2] = 2 * _MOVED * chance(2)
    grid = F.affine_grid(bend, list(ink.shape), align_corners=False).to(ink)
    moved = F.grid_sample(ink, grid, align_corners=False)
    darker = 1 + _DARKER * chance(1, 1, 1)
    grain = _GRAIN * chance(*ink.shape[1:])
    return (moved * darker.to(ink) + grain.to(ink)).clamp(0, 1)
