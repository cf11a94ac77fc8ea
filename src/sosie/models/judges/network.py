"""The networks behind the judges: convolutions, then a few numbers for each question.

Conventions:
    input       people: RGB, 0..1, (N, 3, 128, 128); writers: ink on paper, 0..1, (N, 1, 64, W)
    people      `whole` sees the picture at 64 pixels: place, clothes, hat, hair, view.
                `face` sees its middle at full resolution: age, glasses, beard, expression, who.
    embedding   unit length; the cosine of two is their dot product
    age         years, as `AGE_MIDDLE + AGE_SPREAD * output`
    letters     what is written, as CTC has it: column by column, nothing first
    norm        over groups of channels, never over a batch: a picture is judged the same alone or
                among others
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 128
"""Pixels: what pictures of people are scaled to before anything else."""
MIDDLE = (slice(12, 108), slice(16, 112))
"""Rows and columns of the 128 where the world's faces are: 96 pixels a side."""
AGE_MIDDLE, AGE_SPREAD = 45.0, 25.0
EMBEDDING = 128
LINE_HEIGHT = 64
"""Pixels: what lines of handwriting are scaled to."""

FACE_ASKS = ("glasses", "beard", "expression", "woman")
"""Read from the face, with the age; all other questions are answered from the whole picture."""


class Trunk(nn.Sequential):
    """(N, in, H, W) -> (N, channels[-1], H/16, W/16)."""

    def __init__(self, inputs: int, channels: Sequence[int]) -> None:
        first, *rest = channels
        layers: list[nn.Module] = [_Step(inputs, first, stride=2)]
        for before, after in zip(channels, rest, strict=False):
            layers += [_Step(before, after, stride=2), _Step(after, after, stride=1)]
        super().__init__(*layers)


class _Step(nn.Module):
    """Convolution, group norm, ReLU; around it a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, *, stride: int | tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm = nn.GroupNorm(8, outputs)
        self.keeps = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm(self.conv(x)))
        return x + y if self.keeps else y


class _Flat(nn.Sequential):
    """What is where: the trunk's map in few channels, position by position, to `width` numbers."""

    def __init__(self, channels: int, cells: int, width: int, narrow: int = 24) -> None:
        super().__init__(
            nn.Conv2d(channels, narrow, 1),
            nn.Flatten(),
            nn.Linear(narrow * cells, width),
            nn.SiLU(),
        )


class PeopleNetwork(nn.Module):
    """Everything that is read from a picture of a person.

    `answers` names, for each question, the words between which it chooses.
    """

    def __init__(self, answers: Mapping[str, Sequence[str]], width: int = 192) -> None:
        super().__init__()
        self.answers = {ask: tuple(words) for ask, words in answers.items()}
        small, fine = (16, 32, 64, 96), (16, 32, 64, 128)
        self.whole = nn.Sequential(Trunk(3, small), _Flat(small[-1], 4 * 4, width))
        self.face = Trunk(3, fine)
        self.features = _Flat(fine[-1], 6 * 6, width)
        self.who = _Flat(fine[-1], 6 * 6, width)
        self.embedding = nn.Linear(width, EMBEDDING)
        self.age = nn.Linear(width, 1)
        self.asks = nn.ModuleDict(
            {ask: nn.Linear(width, len(words)) for ask, words in self.answers.items()}
        )

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """(N, 3, 128, 128) -> the logits of each question, `age` (N,) and `who` (N, 128)."""
        whole = self.whole(F.avg_pool2d(pictures - 0.5, 2))
        seen = self.face(pictures[:, :, *MIDDLE] - 0.5)
        features = self.features(seen)
        out = {
            ask: head(features if ask in FACE_ASKS else whole) for ask, head in self.asks.items()
        }
        out["age"] = self.age(features)[:, 0]
        out["who"] = F.normalize(self.embedding(self.who(seen)).float(), dim=1)
        return out


class WriterNetwork(nn.Module):
    """A line of handwriting, of any width, to a description of the hand."""

    def __init__(self, channels: Sequence[int] = (24, 48, 96, 160)) -> None:
        super().__init__()
        self.trunk = Trunk(1, channels)
        self.embedding = nn.Linear(2 * channels[-1], EMBEDDING)

    def forward(self, ink: Tensor) -> Tensor:
        """(N, 1, 64, W), 0 for paper and 1 for ink, to (N, 128).

        Which letters stand where must not count, and the empty paper neither: only means and
        deviations over the line are kept, each position weighed by the ink that is there.
        """
        seen = self.trunk(ink).float().flatten(2)
        weight = F.avg_pool2d(ink.float(), 16, ceil_mode=True).flatten(2) + 1e-4
        weight = weight / weight.sum(2, keepdim=True)
        mean = (seen * weight).sum(2, keepdim=True)
        spread = ((seen - mean).square() * weight).sum(2).add(1e-5).sqrt()
        return F.normalize(self.embedding(torch.cat([mean[..., 0], spread], dim=1)).float(), dim=1)


class ReaderNetwork(nn.Module):
    """A line of handwriting, of any width, to the letters that stand in it, from left to right.

    A convolutional reader with connectionist temporal classification (Graves et al. 2006, CTC):
    every column answers a letter or nothing, and equal answers side by side are one letter.
    """

    def __init__(self, letters: int, channels: Sequence[int] = (24, 48, 80, 112)) -> None:
        super().__init__()
        first, second, third, last = channels
        self.trunk = nn.Sequential(
            _Step(1, first, stride=2),
            _Step(first, second, stride=2),
            _Step(second, second, stride=1),
            _Step(second, third, stride=(2, 1)),
            _Step(third, third, stride=1),
            _Step(third, last, stride=(2, 1)),
            _Step(last, last, stride=1),
        )
        width = 160
        self.narrow = nn.Conv1d(last * LINE_HEIGHT // 16, width, 1)
        self.along = nn.Sequential(*(_Along(width) for _ in range(3)))
        self.letters = nn.Linear(width, letters + 1)

    def forward(self, ink: Tensor) -> Tensor:
        """(N, 1, 64, W), 0 for paper and 1 for ink, to logits (N, W/4, letters + 1) for each
        column; the first says that no letter is there."""
        seen: Tensor = self.narrow(self.trunk(ink).flatten(1, 2))
        logits: Tensor = self.letters(self.along(seen).transpose(1, 2))
        return logits.float()


class _Along(nn.Module):
    """What stands to the left and to the right of each column."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 5, padding=2, bias=False)
        self.norm = nn.GroupNorm(8, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.relu(self.norm(self.conv(x)))
