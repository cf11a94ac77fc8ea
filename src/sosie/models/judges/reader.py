"""The reader of lines: what a picture of writing costs that should say a given text, with gradient.

It judges nobody: it teaches LoRAs of hands to stay legible (`sosie.train.legible`). What is said of
how well a LoRA writes comes from another reader, which learned from print and scans
(`sosie.models.ocr`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from sosie.models import judges
from sosie.models.judges.network import LINE_HEIGHT, ReaderNetwork

_STRONGEST, _USUAL = 0.995, 0.75
"""Of a line's pixels so many are no darker than is made the usual darkness of ink."""
# How a line is changed before it is read, as shares of its size, of its slant and of its ink.
_MOVED, _SCALED, _LEANED, _DARKER, _GRAIN = 0.02, 0.03, 0.1, 0.12, 0.03


@cache
def letters() -> str:
    """All that it can read, one character each."""
    return str(judges.about()["reader"]["letters"])


def cost(pixels: Tensor, texts: Sequence[str], *, jitter: torch.Generator | None = None) -> Tensor:
    """(N,) nats a character that each of `texts` costs on its picture in `pixels` (N, 3, H, W),
    from 0 to 1: the less can be read, the more.

    `jitter` moves, bends and stains each line anew, so that what is learned is a letter and not
    what fools one network. Raises ValueError for a text with a character that is not in `letters`.
    """
    ink = inked(pixels)
    if jitter is not None:
        ink = _jittered(ink, jitter)
    return missed(_network().to(ink.device)(ink), texts, letters())


def read(pixels: Tensor) -> list[str]:
    """What it reads on each of (N, 3, H, W) pixels from 0 to 1."""
    with torch.no_grad():
        ink = inked(pixels)
        return spelled(_network().to(ink.device)(ink), letters())


def spare_the_paper(latents: Tensor) -> None:
    """Let no gradient that comes to (N, C, h, w) `latents` change what one of their rows has in
    common from left to right: that is the paper and the rules on it, by which no letter is read.
    Without this, networks that were taught by `cost` wrote on purple and orange paper."""
    if latents.requires_grad:
        latents.register_hook(  # type: ignore[no-untyped-call]
            lambda slope: slope - slope.mean(3, keepdim=True)
        )


def inked(pixels: Tensor) -> Tensor:
    """(N, 1, 64, W): how dark (N, 3, H, W) pixels from 0 to 1 are against their paper, as
    `judges.ink` has it, scaled to the known height; of one strength in all lines, so that a letter
    that is blacker is not read better."""
    grey = pixels.mean(1, keepdim=True)
    paper = grey.flatten(1).quantile(0.8, dim=1).view(-1, 1, 1, 1)
    ink = (1 - grey / paper.clamp(min=1e-3)).clamp(0, 1)
    strongest = ink.flatten(1).quantile(_STRONGEST, dim=1).view(-1, 1, 1, 1)
    ink = _USUAL * ink / strongest.clamp(min=0.15)
    height, width = ink.shape[-2:]
    if height == LINE_HEIGHT:
        return ink
    size = (LINE_HEIGHT, max(1, round(width * LINE_HEIGHT / height)))
    return F.interpolate(ink, size, mode="area" if height > LINE_HEIGHT else "bilinear")


def missed(logits: Tensor, texts: Sequence[str], known: str) -> Tensor:
    """(N,) nats a character that texts cost by what each column answers, (N, columns, letters + 1):
    the negative log-likelihood of connectionist temporal classification (Graves et al. 2006)."""
    codes = {letter: number for number, letter in enumerate(known, 1)}
    if unknown := {letter for text in texts for letter in text} - codes.keys():
        raise ValueError(f"the reader knows no {' '.join(sorted(unknown))}")
    asked = torch.tensor([codes[letter] for text in texts for letter in text])
    lengths = torch.tensor([len(text) for text in texts])
    answers = F.log_softmax(logits.float(), 2).transpose(0, 1)
    columns = torch.full_like(lengths, len(answers))
    # A text that is too long for the line teaches nothing.
    total = F.ctc_loss(
        answers, asked.to(logits.device), columns, lengths, reduction="none", zero_infinity=True
    )
    return total / lengths.to(total)


def spelled(logits: Tensor, known: str) -> list[str]:
    """What the columns answer, each the likeliest."""
    found = []
    for line in logits.argmax(2).tolist():
        columns = [code for code, before in zip(line, [0, *line], strict=False) if code != before]
        found.append("".join(known[code - 1] for code in columns if code))
    return found


def _jittered(ink: Tensor, source: torch.Generator) -> Tensor:
    def chance(*shape: int) -> Tensor:
        return torch.randn(len(ink), *shape, generator=source)

    bend = torch.eye(2, 3).repeat(len(ink), 1, 1)
    bend[:, [0, 1], [0, 1]] += _SCALED * chance(2)
    # Coordinates run from -1 to 1 along either side, and a line is wider than tall.
    bend[:, 0, 1] = _LEANED * chance() * ink.shape[-2] / ink.shape[-1]
    bend[:, :, 2] = 2 * _MOVED * chance(2)
    grid = F.affine_grid(bend, list(ink.shape), align_corners=False).to(ink)
    moved = F.grid_sample(ink, grid, align_corners=False)
    darker = 1 + _DARKER * chance(1, 1, 1)
    grain = _GRAIN * chance(*ink.shape[1:])
    return (moved * darker.to(ink) + grain.to(ink)).clamp(0, 1)


@cache
def _network() -> ReaderNetwork:
    network = judges.loaded(ReaderNetwork(len(letters())), "reader", what="reader of lines")
    return network.requires_grad_(False)
