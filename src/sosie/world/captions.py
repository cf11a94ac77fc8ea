"""The truth about a picture in the words in which users write prompts."""

from __future__ import annotations

import numpy as np

from sosie.world.photo import Truth

_OPENINGS = ("photo of", "a photo of", "portrait of", "a portrait photo of", "picture of")
_KEEP = {
    "age": 0.6,
    "expression": 0.75,
    "hair": 0.6,
    "glasses": 0.92,
    "hat": 0.92,
    "beard": 0.75,
    "garment": 0.85,
    "place": 0.88,
    "view": 0.96,
    "light": 0.3,
}
"""Share of captions in which each part is said."""
_USUAL = {"front view": 0.4, "neutral expression": 0.5}
"""The same of what goes without saying: who names no view means the front."""
CONSTANT = ("age", "hair", "beard")
"""Parts that say who somebody is; left out where a trigger word stands for the person."""


def noun(truth: Truth) -> str:
    """What a stranger would call the person: "a woman", "a boy", "an old man"."""
    if truth.age < 13:
        return "a girl" if truth.woman else "a boy"
    if truth.age < 18:
        return "a teenage girl" if truth.woman else "a teenage boy"
    if truth.age > 66:
        return "an old woman" if truth.woman else "an old man"
    return "a woman" if truth.woman else "a man"


def parts(truth: Truth) -> dict[str, str]:
    """Each thing that can be said of a picture, in words; what is not there is not said."""
    hair = {
        "bald": "bald",
        "bun": f"{truth.hair_colour} hair in a bun",
        "ponytail": f"{truth.hair_colour} hair in a ponytail",
        "afro": f"{truth.hair_colour} afro hair",
        "crop": f"cropped {truth.hair_colour} hair",
        "bob": f"{truth.hair_colour} bob",
    }
    pattern = "" if truth.pattern == "plain" else f"{truth.pattern} "
    where = {
        "plain wall": f"{truth.wall_colour} background",
        "beach": "on a beach",
        "forest": "in a forest",
        "city street": "in a city street",
        "library": "in a library",
        "garden": "in a garden",
        "mountains": "in the mountains",
        "city at night": "in a city at night",
        "kitchen": "in a kitchen",
        "sunset": "at sunset",
    }
    said = {
        "age": f"{truth.age} years old",
        "expression": {"neutral": "neutral expression"}.get(truth.expression, truth.expression),
        "hair": hair.get(truth.hair_style, f"{truth.hair_style} {truth.hair_colour} hair"),
        "glasses": truth.glasses,
        "hat": f"wearing a {truth.hat}",
        "beard": {
            "moustache": "with a moustache",
            "goatee": "with a goatee",
            "full beard": "with a beard",
        }.get(truth.beard, truth.beard),
        "garment": f"{truth.garment_colour} {pattern}{truth.garment}",
        "place": where[truth.place],
        "view": truth.view,
        "light": truth.light,
    }
    for part in ("glasses", "hat", "beard"):
        if getattr(truth, part) == "none":
            del said[part]
    return said


def caption(truth: Truth, *, rng: np.random.Generator, subject: str | None = None) -> str:
    """A caption with some parts left out and the rest in a loose order.

    With a `subject` (a trigger word) it stands for the person, and what is constant about them is
    not said, so that the word learns it.
    """
    said = parts(truth)
    kept = [
        part
        for part, words in said.items()
        if rng.random() < _USUAL.get(words, _KEEP[part]) and not (subject and part in CONSTANT)
    ]
    if rng.random() < 0.5:
        kept = [kept[i] for i in rng.permutation(len(kept))]
    opening = str(rng.choice(_OPENINGS, p=[0.6, 0.12, 0.16, 0.06, 0.06]))
    return ", ".join([f"{opening} {subject or noun(truth)}", *(said[p] for p in kept)])
