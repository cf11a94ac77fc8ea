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
from sosie.models.judges import lines
from sosie.models.judges.network import ReaderNetwork

_STRONGEST, _USUAL = 0.995, 0.75
"""Of a line's pixels so many are no darker than is made the usual darkness of ink."""
_LEANED = 0.1
"""How far a line is slanted before it is read, see `lines.jittered`."""


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
        ink = lines.jittered(ink, jitter, leaned=_LEANED)
    return missed(_network().to(ink.device)(ink), texts, letters())


def read(pixels: Tensor) -> list[str]:
    """What it reads on each of (N, 3, H, W) pixels from 0 to 1."""
    with torch.no_grad():
        ink = inked(pixels)
        return spelled(_network().to(ink.device)(ink), letters())


def inked(pixels: Tensor) -> Tensor:
    """(N, 1, 64, W): `lines.against_paper` of (N, 3, H, W) pixels from 0 to 1, of one strength in
    all lines, so that a letter that is blacker is not read better."""
    ink = lines.against_paper(pixels)
    strongest = ink.flatten(1).quantile(_STRONGEST, dim=1).view(-1, 1, 1, 1)
    return _USUAL * ink / strongest.clamp(min=0.15)


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


@cache
def _network() -> ReaderNetwork:
    network = judges.loaded(ReaderNetwork(len(letters())), "reader", what="reader of lines")
    return network.requires_grad_(False)
