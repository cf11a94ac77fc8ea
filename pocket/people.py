"""Whom the base model learns to draw: people who do not exist, two pictures each."""

from __future__ import annotations

from pocket.shards import Drawn
from sosie.world.people import is_held_out, person
from sosie.world.photo import as_dict, photo

PER_PERSON = 2
"""Pictures of each person: few, so that there are many people."""


UNSEEN_COLOURS = (("turquoise", "coat"), ("pink", "hoodie"), ("green", "suit"))
UNSEEN_PLACES = (("dress", "mountains"),)
"""Combinations that are kept from training, to see whether words combine: some clothes in some
colours, and one garment in one place."""


def is_unseen(garment: str, colour: str, place: str) -> bool:
    """Whether a picture shows one of these combinations."""
    return (colour, garment) in UNSEEN_COLOURS or (garment, place) in UNSEEN_PLACES


def one(index: int, seed: int) -> Drawn | None:
    """Picture `index`, or None if its person or what is on it is kept from training."""
    who = index // PER_PERSON
    if is_held_out(who):
        return None
    drawn = photo(person(who), seed=seed + index)
    truth = drawn.truth
    if is_unseen(truth.garment, truth.garment_colour, truth.place):
        return None
    return Drawn(drawn.picture, as_dict(truth))
