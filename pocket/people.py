"""Whom the base model learns to draw: people who do not exist, two pictures each."""

from __future__ import annotations

from pocket.shards import Drawn
from sosie.world.people import is_held_out, person
from sosie.world.photo import as_dict, photo

PER_PERSON = 2
"""Pictures of each person: few, so that there are many people."""


def is_unseen(garment: str, colour: str, place: str) -> bool:
    """Combinations that are kept from training, to see whether words combine: some clothes in some
    colours, and one garment in one place."""
    return (garment, colour) in {("coat", "turquoise"), ("hoodie", "pink"), ("suit", "green")} or (
        garment == "dress" and place == "mountains"
    )


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
