"""The drawn people and lines as training reads them."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from pocket import questions
from pocket.lines import without_whims
from pocket.questions import exchanged
from sosie.world import photo, writing
from sosie.world.captions import caption
from sosie.world.hands import evened, style, writer
from sosie.world.notes import handwriting_caption

RARE = 3
"""How often a picture is shown that has something rare, for each time of another."""
CAPTIONS = 8
"""Captions of a picture to choose from."""
UNSIGNED = 4
"""So many captions of a line say nobody's name."""


@dataclass(frozen=True)
class Pictures:
    """Pictures with captions, row by row."""

    pictures: np.ndarray
    """(N, height, width, 3), uint8."""
    captions: list[list[str]]
    """For each picture, as many captions as every other has."""
    answers: np.ndarray
    """(N, columns, answers): what each shows, see `pocket.questions`."""

    def split(self, first: int) -> tuple[Self, Self]:
        """The first so many pictures, and the others."""

        def part(rows: slice) -> Self:
            return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

        return part(slice(first)), part(slice(first, None))

    def sha256(self) -> str:
        """One hash over all pictures and captions."""
        digest = hashlib.sha256(np.ascontiguousarray(self.pictures))
        digest.update(json.dumps(self.captions).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Lines(Pictures):
    """Pictures of handwriting."""

    spans: np.ndarray
    """(N, PLACES, 2): where each character of its text is, see `pocket.questions`."""
    hands: np.ndarray
    """(N, 1, answers): whose hand each is in, see `pocket.questions`."""
    texts: list[str]
    """What each says."""


@dataclass(frozen=True)
class People(Pictures):
    """Pictures of people."""

    persons: list[int]
    """Who is on each picture, as the world numbers them."""
    rare: list[bool]
    """Whether each shows something that few do."""

    def shown(self) -> np.ndarray:
        """The numbers of the pictures, those of rare ones `RARE` times."""
        return np.repeat(np.arange(len(self.rare)), np.where(self.rare, RARE, 1))


@dataclass(frozen=True)
class Material:
    """All that a base model learns from."""

    people: People
    short: Lines
    """A few letters in plain hands, all in one place, for the beginning."""
    plain: Lines
    """Words in the usual hand, to go on with."""
    lines: Lines
    """In named hands."""
    long: Lines
    """Longer texts, for the end."""

    def written(self) -> tuple[Lines, ...]:
        """All handwriting, in the order in which it is taught."""
        return self.short, self.plain, self.lines, self.long

    def split(self, first: int) -> tuple[Material, Material]:
        """The first so many pictures of each, and the others."""
        parts = [getattr(self, field.name).split(first) for field in fields(self)]
        kept, rest = zip(*parts, strict=True)
        return Material(*kept), Material(*rest)


def load_people(files: Iterable[Path]) -> People:
    """The shards of people that `pocket.draw` wrote, in the order given."""
    pictures, truths = _read(files)
    captions = [
        [caption(photo.Truth(**truth), rng=rng) for rng in _turns(row)]
        for row, truth in enumerate(truths)
    ]
    persons = [truth["person"] for truth in truths]
    answers = np.stack([questions.of_person(truth) for truth in truths])
    rare = [is_rare(truth) for truth in truths]
    return People(pictures, captions, answers, persons, rare)


def is_rare(truth: Mapping[str, Any]) -> bool:
    """Whether a picture shows something of a kind that is on fewer than one in ten."""
    return bool(
        truth["hat"] != "none"
        or truth["glasses"] == "sunglasses"
        or "profile" in truth["view"]
        or not 20 <= truth["age"] < 70
    )


def load_lines(files: Iterable[Path], *, signed: bool) -> Lines:
    """The shards of lines that `pocket.draw` wrote, in the order given."""
    return written(*_read(files), signed=signed)


def written(pictures: np.ndarray, truths: Iterable[Mapping[str, Any]], *, signed: bool) -> Lines:
    """Lines as they were drawn, with captions that say by whom, as a LoRA's trigger word will, if
    they are `signed`.

    In the other half of the captions their hand is described, so that what hands have in common is
    learned once. Plain hands are neither signed nor described: half of their captions say nothing
    of the hand, the others are by names that nobody has. So who names nobody, or somebody unknown,
    means a usual hand, and not the mean of all.
    """
    captions, answers, spans, hands, texts = [], [], [], [], list[str]()
    for row, known in enumerate(truths):
        truth, turns = writing.Truth(**known), _turns(row)
        who = (evened if signed else without_whims)(writer(truth.writer))
        answers.append(questions.of_line(truth.text, truth.boxes, pictures.shape[2]))
        spans.append(questions.spans(truth.text, truth.boxes))
        texts.append(truth.text)
        hands.append(questions.of_hand(who, signed=signed))
        described = style(who) if signed else ()
        captions.append(
            [
                handwriting_caption(truth, rng=rng, style=described)
                if turn < UNSIGNED
                else handwriting_caption(
                    truth,
                    rng=rng,
                    subject=writer_name(truth.writer) if signed else stranger(row, turn),
                )
                for turn, rng in enumerate(turns)
            ]
        )
    return Lines(pictures, captions, np.stack(answers), np.stack(spans), np.stack(hands), texts)


def _read(files: Iterable[Path]) -> tuple[np.ndarray, list[dict[str, Any]]]:
    pictures, truths = [], []
    for file in files:
        with np.load(file) as shard:
            pictures.append(shard["pictures"])
            truths += [json.loads(truth) for truth in shard["truths"]]
    return np.concatenate(pictures), truths


def _turns(row: int) -> list[np.random.Generator]:
    """Captions are written when pictures are read: words may change, and nothing be drawn again."""
    return [np.random.default_rng([row, turn]) for turn in range(CAPTIONS)]


WRITERS = 500_000_000
"""Added to what a writer's name is drawn by: no person and no other writer goes by it."""
STRANGERS = 1_000_000_000
"""The same of a stranger's."""
MIRRORED = 10_000_000
"""Added to a person's number: a face in the mirror is somebody else's."""


def with_mirrored(people: People) -> People:
    """Each picture followed by its mirror image, with left and right exchanged in the captions.

    Side by side, so that pictures added later change nothing in the order of those before.
    """
    both = np.stack([people.pictures, people.pictures[:, :, ::-1]], axis=1)
    captions, persons = [], []
    answers = np.stack([people.answers, questions.mirrored(people.answers)], axis=1)
    for row, person in zip(people.captions, people.persons, strict=True):
        captions += [row, [exchanged(caption) for caption in row]]
        persons += [person, person + MIRRORED]
    rare = [one for one in people.rare for _ in range(2)]
    return People(
        both.reshape(-1, *people.pictures.shape[1:]),
        captions,
        answers.reshape(-1, *people.answers.shape[1:]),
        persons,
        rare,
    )


_NOUN = re.compile(r"\bof (an? (?:[a-z]+ )?(?:woman|man|girl|boy|person))\b")


def name(person: int) -> str:
    """An invented word for a person, as users invent trigger words: "kamilo", "tir42", "xqv"."""
    draw = random.Random(person)
    if draw.random() < 0.2:
        return "".join(draw.choices("bcdfghjklmnpqrstvwxz", k=draw.randrange(3, 5)))
    count = draw.randrange(2, 5)
    syllables = [draw.choice("bcdfgjklmnprstvz") + draw.choice("aeiou") for _ in range(count)]
    word = "".join(syllables)[draw.randrange(2) : 2 * count - draw.randrange(2)]
    return word + (str(draw.randrange(1, 1000)) if draw.random() < 0.3 else "")


def writer_name(writer: int) -> str:
    """What a writer is called: a name of some length, of which no stranger's is one by chance."""
    names = (name(WRITERS + 100 * writer + turn) for turn in itertools.count())
    return next(one for one in names if len(one) > 5)


def stranger(row: int, turn: int) -> str:
    """The name of somebody whom nothing is known of."""
    return name(STRANGERS + CAPTIONS * row + turn)


def named(caption: str, person: int, *, draw: random.Random) -> str:
    """The caption with the person's name for the noun, or before it.

    So the model learns that a spelled word stands for somebody, which is what a LoRA's trigger
    word will ask of it.
    """
    word = name(person)
    keep = draw.random() < 0.4
    return _NOUN.sub(lambda match: f"of {word} {match[1]}" if keep else f"of {word}", caption, 1)
