"""The judge of pictures of people: every attribute at once, and who it is.

Identity is learned by contrast: of a batch of people with two pictures each, the other picture of
the same person is to be the nearest (van den Oord et al., arXiv:1807.03748; supervised form, Khosla
et al., arXiv:2004.11362). From the description the person's own numbers are to be told as well,
which two pictures a person alone would not teach.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocket.judges import identity, training
from pocket.judges.augment import worsened
from pocket.questions import exchanged
from sosie.models.judges.network import AGE_MIDDLE, AGE_SPREAD, EMBEDDING, PeopleNetwork
from sosie.world import tables

ANSWERS: dict[str, tuple[str, ...]] = {
    "view": tuple(tables.VIEWS),
    "hat": tables.HATS,
    "garment": tables.GARMENTS,
    "garment_colour": tuple(tables.COLOURS),
    "place": tables.PLACES,
    "wall_colour": tuple(tables.COLOURS),
    "hair_style": tables.HAIR_STYLES,
    "hair_colour": tuple(tables.HAIR_COLOURS),
    "glasses": tables.GLASSES,
    "beard": tables.BEARDS,
    "expression": tables.EXPRESSIONS,
    "woman": ("False", "True"),
}
"""The questions, by the fields of `world.photo.Truth`, and between which words each chooses."""
RARE = ("view", "hat", "glasses")
"""Questions to which the world draws some answers rarely; prompts ask for all alike."""
UNKNOWN = -100
"""In place of an answer that the picture does not show."""
_SIDES = np.array([list(tables.VIEWS).index(exchanged(view)) for view in tables.VIEWS])
"""Which view each view is in the mirror."""


@dataclass(frozen=True, kw_only=True)
class PeopleRecipe:
    """How the judge of people is trained."""

    steps: int = 4500
    people: int = 32
    """In a batch, with two pictures each."""
    matrix_rate: float = 1e-3
    vector_rate: float = 2e-3
    temperature: float = 0.1
    contrast_weight: float = 0.3
    """Its slope is one over the temperature: with more, faces teach nothing else."""
    code_weight: float = 2.0
    """Of the error in the person's own numbers."""
    age_weight: float = 4.0
    smoothing: float = 0.02
    seed: int = 11


@dataclass(frozen=True)
class Album:
    """Two pictures of each person, row by row."""

    pictures: np.ndarray
    """(N, 2, 128, 128, 3), uint8."""
    answers: dict[str, np.ndarray]
    """For each question (N, 2) numbers of words, or UNKNOWN."""
    ages: np.ndarray
    """(N, 2) years."""
    codes: np.ndarray
    """(N, identity.SIZE)"""

    def mirrored(self, rows: np.ndarray) -> Album:
        """The same with those of the people seen in a mirror where `rows` (N,) is true."""
        view = self.answers["view"]
        sides = {"view": np.where(rows[:, None], _SIDES[view], view)}
        return Album(
            np.where(rows[:, None, None, None, None], self.pictures[..., ::-1, :], self.pictures),
            self.answers | sides,
            self.ages,
            np.where(rows[:, None], identity.mirrored(self.codes), self.codes),
        )

    def rarity(self) -> np.ndarray:
        """(N,) chances that sum to 1: who shows a rare view, hat, glasses or age comes oftener.

        A picture counts as the sum of its answers' inverse frequencies.
        """
        answers = [self.answers[ask] for ask in RARE] + [self.ages.astype(int) // 10]
        counts = [np.bincount(given.reshape(-1)) for given in answers]
        weights = sum(1 / count[given] for given, count in zip(answers, counts, strict=True))
        return np.asarray(weights.sum(1) / weights.sum())

    def some(self, rows: np.ndarray) -> Album:
        """The people of these rows."""
        answers = {ask: given[rows] for ask, given in self.answers.items()}
        return Album(self.pictures[rows], answers, self.ages[rows], self.codes[rows])


def answer(ask: str, truth: dict[str, object]) -> int:
    """The number of the true word, or UNKNOWN where the picture does not show it."""
    hidden = (
        (ask == "wall_colour" and truth["place"] != "plain wall")
        or (ask == "hair_style" and truth["hat"] != "none")
        or (ask == "hair_colour" and truth["hair_style"] == "bald")
    )
    return UNKNOWN if hidden else ANSWERS[ask].index(str(truth[ask]))


def album(files: Iterable[Path]) -> Album:
    """The people of `pocket.draw`'s shards of whom there are two pictures."""
    shown: dict[int, list[tuple[np.ndarray, dict[str, object]]]] = {}
    for file in files:
        with np.load(file) as shard:
            pictures, truths = shard["pictures"], map(json.loads, shard["truths"])
            for picture, truth in zip(pictures, truths, strict=True):
                shown.setdefault(truth["person"], []).append((picture, truth))
    pairs = [both[:2] for both in shown.values() if len(both) >= 2]
    return Album(
        np.stack([[picture for picture, _ in pair] for pair in pairs]),
        {
            ask: np.array([[answer(ask, truth) for _, truth in pair] for pair in pairs])
            for ask in ANSWERS
        },
        np.array([[truth["age"] for _, truth in pair] for pair in pairs], np.float32),
        np.stack([identity.code(pair[0][1]) for pair in pairs]),
    )


class Pupil(nn.Module):
    """The network, and what it must tell in training only: the person's own numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.network = PeopleNetwork(ANSWERS)
        self.code = nn.Linear(EMBEDDING, identity.SIZE - 1)  # the last number is the age

    def loss(self, given: Album, recipe: PeopleRecipe, rng: np.random.Generator) -> Tensor:
        """What is wrong with the answers about a batch."""
        flat = given.pictures.reshape(-1, *given.pictures.shape[2:])
        out = self.network(worsened(flat, rng))
        total = recipe.contrast_weight * training.contrast(out["who"], recipe.temperature)
        codes = torch.from_numpy(given.codes[:, :-1]).repeat_interleave(2, 0)
        told = self.code(out["who"] * EMBEDDING**0.5).float()
        total = total + recipe.code_weight * F.smooth_l1_loss(told, codes)
        ages = torch.from_numpy((given.ages.reshape(-1) - AGE_MIDDLE) / AGE_SPREAD)
        total = total + recipe.age_weight * F.smooth_l1_loss(out["age"].float(), ages, beta=0.4)
        for ask, true in given.answers.items():
            total = total + F.cross_entropy(
                out[ask].float(),
                torch.from_numpy(true.reshape(-1)),
                ignore_index=UNKNOWN,
                label_smoothing=recipe.smoothing,
            ).nan_to_num(0)
        return total


def train(files: Iterable[Path], recipe: PeopleRecipe, run: Path) -> PeopleNetwork:
    """Train, or go on where the state in `run` left off."""
    pupil = Pupil()

    @cache
    def lessons() -> tuple[Album, np.ndarray]:
        known = album(files)
        return known, known.rarity()

    def step(number: int) -> Tensor:
        known, chances = lessons()
        rng = np.random.default_rng([recipe.seed, number])
        rows = rng.choice(len(chances), recipe.people, replace=False, p=chances)
        seen = known.some(rows).mirrored(rng.random(recipe.people) < 0.5)
        return pupil.loss(seen, recipe, rng)

    training.train(
        pupil,
        step,
        steps=recipe.steps,
        rates=(recipe.matrix_rate, recipe.vector_rate),
        ends=("code", "network.asks", "network.age", "network.embedding"),
        state=run / "people.pt",
    )
    return pupil.network
