"""Judges of what the synthetic world can know: attributes, people and hands, each with its error.

They were trained on the world's own pictures (`python -m pocket.judges`), never on what a base
drew, and without the people and writers that are held out. They say nothing about photographs.
How often each of them is wrong on held-out people is stored beside the weights, for exactly these
weights, and belongs beside every figure that rests on it. CARD.md tells how they were made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from sosie.models.faces import Embedder, Picture
from sosie.models.judges.network import (
    AGE_MIDDLE,
    AGE_SPREAD,
    LINE_HEIGHT,
    SIDE,
    PeopleNetwork,
    ReaderNetwork,
    WriterNetwork,
)
from sosie.models.verified import shipped

Network = TypeVar("Network", PeopleNetwork, ReaderNetwork, WriterNetwork)

FOLDER = Path(__file__).parent
ABOUT = "judges.json"
"""Hashes, answers, origin and measured errors."""
_TOGETHER = 64
"""Pictures that are looked at in one go."""


@dataclass(frozen=True)
class Reading:
    """What the judge reads from one picture, in the words of the world's tables."""

    age: float
    """Years."""
    view: str
    hat: str
    garment: str
    garment_colour: str
    place: str
    wall_colour: str
    """Of a plain wall; means nothing elsewhere."""
    hair_style: str
    hair_colour: str
    glasses: str
    beard: str
    expression: str
    woman: bool

    @property
    def background(self) -> str:
        """Place and wall as one: the colour of a plain wall, else the place."""
        return self.wall_colour if self.place == "plain wall" else self.place


def read(pictures: Sequence[Picture]) -> list[Reading]:
    """Read square (H, H, 3) pictures of one person each; a picture's reading is its own alone.

    Raises ValueError for other shapes, WeightsRefused if the weights are missing or altered.
    """
    network = _people()
    found = []
    for start in range(0, len(pictures), _TOGETHER):
        out = _look(pictures[start : start + _TOGETHER])
        ages = (out["age"] * AGE_SPREAD + AGE_MIDDLE).tolist()
        words = {
            ask: [answers[number] for number in out[ask].argmax(1).tolist()]
            for ask, answers in network.answers.items()
        }
        for row, age in enumerate(ages):
            said = {ask: words[ask][row] for ask in words}
            woman = said.pop("woman") == "True"
            found.append(Reading(age=age, woman=woman, **said))
    return found


@cache
def person_judge() -> Embedder:
    """Who is in the middle square of a picture, as 128 numbers; unlike a face network it never says
    "no face"."""
    return Embedder("Sosie's judge of people", about()["people"]["sha256"], _who)


@cache
def writer_judge() -> Embedder:
    """Whose hand a line of handwriting is in, as 128 numbers, whatever it says."""
    return Embedder("Sosie's judge of writers", about()["writers"]["sha256"], _hand)


@cache
def about() -> Mapping[str, Any]:
    """What is stored beside the weights: `people`, `writers` and `errors`.

    `errors` holds intervals (value, low, high, n) under `drawn` for held-out pictures as the world
    draws them, and under `decoded` for the same once through the base's autoencoder, which is what
    a base could at best draw. Of attributes it is the share read right, of age the mean error in
    years, of identities the area under the ROC curve and the share ranked first.
    """
    told: Mapping[str, Any] = json.loads((FOLDER / ABOUT).read_text(encoding="utf-8"))
    return told


def _who(rgb: Picture) -> NDArray[np.float32]:
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    square = np.ascontiguousarray(rgb[top : top + side, left : left + side])
    return np.asarray(_look([square])["who"][0].numpy())


def _hand(rgb: Picture) -> NDArray[np.float32]:
    network = writers()  # not in there: what is made there takes part in no gradient later
    with torch.inference_mode():
        return np.asarray(network(torch.from_numpy(ink(rgb))[None, None])[0].numpy())


def ink(rgb: Picture) -> NDArray[np.float32]:
    """(64, W): how dark a line is against its paper, from 0 to 1, scaled to the known height."""
    import cv2

    if rgb.dtype != np.uint8 or rgb.ndim != 3 or 0 in rgb.shape:
        raise ValueError(f"a line is uint8 (H, W, 3), not {rgb.dtype} {rgb.shape}")
    grey = rgb.mean(2, dtype=np.float32)
    dark = np.clip(1 - grey / np.quantile(grey, 0.8), 0, 1)
    if len(dark) != LINE_HEIGHT:
        width = max(1, round(dark.shape[1] * LINE_HEIGHT / len(dark)))
        dark = cv2.resize(dark, (width, LINE_HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(dark, np.float32)


def _look(pictures: Sequence[Picture]) -> dict[str, torch.Tensor]:
    seen = np.stack([_sized(picture) for picture in pictures])
    with torch.inference_mode():
        out: dict[str, torch.Tensor] = _people()(
            torch.from_numpy(seen).permute(0, 3, 1, 2).float() / 255
        )
    return out


def _sized(rgb: Picture) -> Picture:
    import cv2

    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[0] != rgb.shape[1] or not rgb.size:
        raise ValueError(f"a picture is judged as uint8 (H, H, 3), not {rgb.dtype} {rgb.shape}")
    if len(rgb) == SIDE:
        return rgb
    how = cv2.INTER_AREA if len(rgb) > SIDE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, (SIDE, SIDE), interpolation=how), np.uint8)


@cache
def _people() -> PeopleNetwork:
    answers = about()["people"]["answers"]
    return loaded(PeopleNetwork(answers), "people", what="judge of people")


@cache
def writers() -> WriterNetwork:
    """The network behind `writer_judge`; its weights take no gradient."""
    return loaded(WriterNetwork(), "writers", what="judge of writers").requires_grad_(False)


def loaded(network: Network, name: str, *, what: str) -> Network:
    """The network with its weights, which are shipped in half precision, and ready to judge."""
    from safetensors.torch import load

    data = shipped(f"judges/{name}.safetensors", about()[name]["sha256"], what=what)
    network.load_state_dict({key: value.float() for key, value in load(data).items()})
    return network.eval()
