"""The drawn people as training reads them."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class People:
    """Pictures with captions, row by row."""

    pictures: np.ndarray
    """(N, side, side, 3), uint8."""
    captions: list[list[str]]
    """For each picture, as many captions as every other has."""
    persons: list[int]
    """Who is on each picture, as the world numbers them."""

    def sha256(self) -> str:
        """One hash over all pictures and captions."""
        digest = hashlib.sha256(np.ascontiguousarray(self.pictures))
        digest.update(json.dumps(self.captions).encode())
        return digest.hexdigest()


def load(files: Iterable[Path]) -> People:
    """The shards that `pocket.draw` wrote, in the order given."""
    pictures, captions, persons = [], [], []
    for file in files:
        with np.load(file) as shard:
            pictures.append(shard["pictures"])
            captions += shard["captions"].tolist()
            persons += [json.loads(truth)["person"] for truth in shard["truths"]]
    return People(np.concatenate(pictures), captions, persons)


_NOUN = re.compile(r"\bof (an? (?:[a-z]+ )?(?:woman|man|girl|boy|person))\b")


def name(person: int) -> str:
    """An invented word for a person, as users invent trigger words: "kamilo", "tir4", "xqv"."""
    draw = random.Random(person)
    if draw.random() < 0.2:
        return "".join(draw.choices("bcdfghjklmnpqrstvwxz", k=3))
    syllables = [draw.choice("bdfgklmnprstvz") + draw.choice("aeiou") for _ in range(3)]
    word = "".join(syllables)[draw.randrange(2) : 6 - draw.randrange(2)]
    return word + (str(draw.randrange(1, 10)) if draw.random() < 0.3 else "")


def named(caption: str, person: int, *, draw: random.Random) -> str:
    """The caption with the person's name for the noun, or before it.

    So the model learns that a spelled word stands for somebody, which is what a LoRA's trigger
    word will ask of it.
    """
    word = name(person)
    keep = draw.random() < 0.4
    return _NOUN.sub(lambda match: f"of {word} {match[1]}" if keep else f"of {word}", caption, 1)
