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

from pocket.lines import NAMED_WRITERS
from pocket.tokens import PLACES, WRITTEN
from sosie.world import tables
from sosie.world.hands import STYLES, Writer, style

Answers = NDArray[np.float16]
"""(columns, answers): how much of each answer is right at each column; one column: everywhere."""

Spans = NDArray[np.float16]
"""(PLACES, 2): from where to where each of a text's first characters reaches, in cells from the
picture's left edge; two zeros: there is none, or nothing to see of it."""

CELL = 8
"""Pixels across of what one question is asked of: half a token."""
CELLS = 64
"""Cells across of the widest picture."""
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

_COUNTS = {"garment_colour": 3.0, "place": 3.0}
"""How many times as much an answer counts as the others."""

PEOPLE = tuple(len(answers) for answers in _ABOUT.values())
LINES = (len(LETTERS), len(LETTERS))
HANDS = (1 + len(NAMED_WRITERS), *map(len, STYLES.values()))
"""Answers to each question: of lines one for each half of a token, of hands whose it is and what
one would say of it."""


def of_person(truth: Mapping[str, Any]) -> Answers:
    """The answers about a picture of a person, whose truth is `world.photo.Truth` as a mapping."""
    said = {**truth, "age": min(int(truth["age"]) // 10, len(_ABOUT["age"]) - 1)}
    if truth["place"] == "plain wall":
        said["place"] = truth["wall_colour"]
    right = np.concatenate(
        [
            [_COUNTS.get(ask, 1.0) * (one == str(said[ask])) for one in answers]
            for ask, answers in _ABOUT.items()
        ]
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


def of_hand(who: Writer, *, signed: bool) -> Answers:
    """The answers about the hand a line is in: whose it is, of the named, or the usual one; and
    its style."""
    whose = 1 + NAMED_WRITERS.index(who.seed) if signed else 0
    said = zip(STYLES.values(), style(who), strict=True)
    levels = [whose, *(words.index(word) for words, word in said)]
    right = [np.eye(answers)[level] for answers, level in zip(HANDS, levels, strict=True)]
    return np.concatenate(right).astype(np.float16)[None]


def inked(answers: NDArray[np.float16]) -> NDArray[np.float16]:
    """How much of each column letters cover, (N, columns), by the answers about lines."""
    nothing = answers.reshape(*answers.shape[:2], len(LINES), -1)[..., 0]
    return 1 - nothing.mean(axis=2)


def spans(text: str, boxes: Iterable[tuple[int, int, int, int]]) -> Spans:
    """Where the characters of a written line are, from its text and their boxes."""
    found = np.zeros((PLACES, 2))
    for place, (letter, (left, _, right, _)) in enumerate(zip(text, boxes, strict=True)):
        if place < PLACES and letter != " ":
            found[place] = max(left, 0) / CELL, max(right, 0) / CELL
    return found.astype(np.float16)


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


class Finder(nn.Module):
    """Where a letter will be, from T5's state at it, by one linear map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.cells = nn.Linear(width, CELLS)
        self.edges: Tensor
        self.register_buffer("edges", torch.arange(CELLS + 1.0), persistent=False)

    def forward(self, states: Tensor, placed: Tensor, spans: Tensor) -> Tensor:
        """The cross entropy of each text, (B,), in nats: the mean of its letters.

        `states` are (B, length, width); `placed` (B, length), each token's place from 1, or 0 for
        what is no letter; `spans` (B, PLACES, 2).
        """
        left, right = spans.gather(1, (placed - 1).clamp(min=0)[..., None].expand(-1, -1, 2)).split(
            1, dim=2
        )
        # How much of each cell lies left of the letter's ends, and so of what is between them.
        covered = (self.edges.clamp(min=left, max=right)).diff(dim=2)
        shares = covered / covered.sum(dim=2, keepdim=True).clamp(min=1e-3)
        seen = ((placed > 0) & (right > left)[..., 0]).float()
        logs = self.cells(self.norm(states.float())).log_softmax(-1)
        wrong = -(shares * logs).sum(-1) * seen
        return wrong.sum(dim=1) / seen.sum(dim=1).clamp(min=1)


class Hearers(nn.Module):
    """The same asked of the encoders' states, of which a denoiser then has to learn less."""

    def __init__(self, width: int, pooled_width: int) -> None:
        super().__init__()
        self.states = Reader(width, PEOPLE)
        self.pooled = Reader(pooled_width, PEOPLE)
        self.letters = Finder(width)
        self.hands = Reader(pooled_width, HANDS)

    def about_people(self, states: Tensor, pooled: Tensor, answers: Tensor) -> Tensor:
        """The cross entropy of each caption, (B,): what T5's states say in the mean, which is what
        a token sees that looks at all of them alike, and what CLIP's vector says."""
        mean = states.mean(dim=1, keepdim=True)
        return self.states(mean, answers, (1, 1)) + self.pooled(pooled[:, None], answers, (1, 1))

    def about_lines(
        self, states: Tensor, placed: Tensor, pooled: Tensor, spans: Tensor, hands: Tensor
    ) -> Tensor:
        """The same of a line: where T5's states say that its letters will be, and whose hand CLIP's
        vector says it is and of what style; `hands` are answers, (B, 1, answers)."""
        return self.letters(states, placed, spans) + self.hands(pooled[:, None], hands, (1, 1))
