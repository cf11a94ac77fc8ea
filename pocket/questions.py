"""What a picture shows, asked of the network while it is still noise.

The loss of a denoiser hardly says whether a text was heard: at high noise the right letters lower
it by a hundredth. So a reader behind the double blocks, where text and picture meet, is asked at
each picture token what will be there: at every column of a written line which letters, of a person
the clothes, the place, the age and so on. The world knows, and the answer's slope is steep. What a
caption leaves unsaid is answered by how often it is so, which does no harm. The readers do not
ship.

It is the thought of REPA (Yu et al. 2024, arXiv 2410.06940), whose targets are another network's
states, with the truth in their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pocket.tokens import WRITTEN
from sosie.world import tables

Answers = NDArray[np.float16]
"""(columns, answers): how much of each answer is right at each column; one column: everywhere."""

CELL = 8
"""Pixels across of what one question is asked of: half a token."""
LETTERS = ("", *WRITTEN)
"""What may be at a place of a written line; first nothing."""

_ABOUT: dict[str, Sequence[str]] = {
    "view": tuple(tables.VIEWS),
    "expression": tables.EXPRESSIONS,
    "hair_style": tables.HAIR_STYLES,
    "hair_colour": tuple(tables.HAIR_COLOURS),
    "glasses": tables.GLASSES,
    "hat": tables.HATS,
    "beard": tables.BEARDS,
    "garment": tables.GARMENTS,
    "garment_colour": tuple(tables.COLOURS),
    "pattern": tables.PATTERNS,
    "light": tables.LIGHTS,
    "place": (*tables.PLACES[1:], *tables.COLOURS),
    "woman": ("False", "True"),
    "age": tuple(str(decade) for decade in range(9)),
}
"""What is asked of a person, by the fields of `world.photo.Truth`, and the answers."""

PEOPLE = tuple(len(answers) for answers in _ABOUT.values())
LINES = (len(LETTERS), len(LETTERS))
"""Answers to each question: of lines one for each half of a token."""


def of_person(truth: Mapping[str, Any]) -> Answers:
    """The answers about a picture of a person, whose truth is `world.photo.Truth` as a mapping."""
    said = {**truth, "age": min(int(truth["age"]) // 10, len(_ABOUT["age"]) - 1)}
    if truth["place"] == "plain wall":
        said["place"] = truth["wall_colour"]
    right = np.concatenate(
        [[one == str(said[ask]) for one in answers] for ask, answers in _ABOUT.items()]
    )
    return right.astype(np.float16)[None]


def mirrored(answers: NDArray[np.float16]) -> NDArray[np.float16]:
    """The answers about people, (N, 1, answers), when the pictures are seen in the mirror."""
    views = [_ABOUT["view"].index(exchanged(view)) for view in _ABOUT["view"]]
    order = np.arange(answers.shape[-1])
    order[: len(views)] = views
    return answers[..., order]


def exchanged(said: str) -> str:
    """The words with left and right exchanged."""
    other = {"left": "right", "right": "left"}
    return re.sub(r"\b(left|right)\b", lambda match: other[match[1]], said)


def of_line(text: str, boxes: Iterable[tuple[int, int, int, int]], width: int) -> Answers:
    """The answers about a written line `width` pixels wide, from its text and the boxes of its
    characters: at each half of each token, how much of it each letter covers."""
    shares = np.zeros((width // CELL, len(LETTERS)))
    for letter, (left, _, right, _) in zip(text, boxes, strict=True):
        for cell in range(max(left // CELL, 0), min(-(-right // CELL), len(shares))):
            covered = min(right, CELL * (cell + 1)) - max(left, CELL * cell)
            if letter in LETTERS[1:]:
                shares[cell, LETTERS.index(letter)] += covered / CELL
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1)
    shares[:, 0] = 1 - shares.sum(axis=1)
    return shares.astype(np.float16).reshape(width // CELL // 2, -1)


class Reader(nn.Module):
    """Answers from a token's state, by one linear map."""

    def __init__(self, width: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.norm = nn.LayerNorm(width)
        self.answers = nn.Linear(width, sum(sizes))

    def forward(self, states: Tensor, answers: Tensor, grid: tuple[int, int]) -> Tensor:
        """The cross entropy of each picture, (B,), in nats: a column's mean, summed over questions.

        `states` are (B, tokens, width), row by row of `grid`; `answers` (B, columns or 1, answers).
        """
        said = self.answers(self.norm(states.float())).unflatten(1, grid)
        # By question: each one's answers are a distribution of their own.
        logs = torch.cat(
            [part.log_softmax(-1) for part in said.split(self.sizes, dim=-1)], dim=-1
        ).mean(dim=1)
        return -(answers * logs).sum(-1).mean(dim=1)
