"""Pictures that copy another in a known way, and pictures that copy nothing: the truth about copies
is how they were made, and no detector has a part in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sosie.models.faces import Picture, find_faces
from sosie.world import tables
from sosie.world.people import Person
from sosie.world.photo import Photo, photo

Make = Callable[["Original"], Picture | None]


@dataclass(frozen=True)
class Original:
    """A picture that training saw, and how to take others like it."""

    who: Person
    seed: int
    age: int
    size: int

    def shot(self, **fixed: object) -> Photo:
        """The picture, or with some of its setting changed."""
        return photo(self.who, seed=self.seed, size=self.size, **({"age": self.age} | fixed))  # type: ignore[arg-type]

    def other(self, step: int = 1000, **fixed: object) -> Photo:
        """Another picture of the person."""
        return photo(self.who, seed=self.seed + step, age=self.age, size=self.size, **fixed)  # type: ignore[arg-type]

    def alike(self) -> Photo:
        """Another picture in the same pose, with the same face, hair and light: a perfect likeness
        with new pixels."""
        truth = self.shot().truth
        kept = ("view", "expression", "hat", "hair_style", "glasses", "light")
        return self.other(2000, **{name: getattr(truth, name) for name in kept})


def whole(of: Original) -> Picture:
    """The picture, toned, softened and cut a little."""
    import cv2

    rgb, draw = of.shot().picture, np.random.default_rng(of.seed)
    cut = round(of.size * draw.uniform(0.01, 0.05))
    inside = cv2.resize(rgb[cut:-cut, cut:], (of.size, of.size), interpolation=cv2.INTER_AREA)
    toned = 255 * (cv2.GaussianBlur(inside, (0, 0), of.size / 300) / 255) ** draw.uniform(0.8, 1.2)
    return np.asarray(np.round(toned), np.uint8)


def template(of: Original) -> Picture | None:
    """The picture with the person's face from another one."""
    return with_face(of.shot().picture, of.alike().picture)


def background(of: Original) -> Picture:
    """Another picture of the person, taken before the very same background."""
    truth = of.shot().truth
    return of.other(
        3000, place_seed=of.seed, place=truth.place, wall_colour=truth.wall_colour
    ).picture


def face(of: Original) -> Picture:
    """The same head, pixel for pixel, in other clothes and another place."""
    truth = of.shot().truth

    def another(given: str, first: str, second: str) -> str:
        return first if given != first else second

    return of.shot(
        place=another(truth.place, "library", "beach"),
        garment=another(truth.garment, "coat", "shirt"),
        garment_colour=another(truth.garment_colour, "red", "blue"),
        pattern=another(truth.pattern, "plain", "striped"),
    ).picture


def new(of: Original) -> Picture:
    """A picture of the same person in the same pose that copies nothing."""
    truth = of.shot().truth
    places = [place for place in tables.PLACES if place not in (truth.place, "plain wall")]
    kept = ("view", "expression", "hat", "hair_style", "glasses", "light")
    fixed = {name: getattr(truth, name) for name in kept}
    return of.other(2000, place=places[of.seed % len(places)], **fixed).picture


MAKES: dict[str | None, Make] = {
    "whole": whole,
    "template": template,
    "background": background,
    "face": face,
    None: new,
}
"""How a copy of each kind is made; None is none."""


def with_face(onto: Picture, source: Picture) -> Picture | None:
    """`onto` with the face of `source` laid over its own; None if either shows none."""
    import cv2

    there, here = find_faces(onto), find_faces(source)
    if not there or not here:
        return None
    matrix, _ = cv2.estimateAffinePartial2D(here[0].landmarks, there[0].landmarks, method=cv2.LMEDS)
    if matrix is None:
        return None
    height, width = onto.shape[:2]
    warped = cv2.warpAffine(source, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    box = here[0].box
    mask: NDArray[np.float32] = np.zeros(source.shape[:2], np.float32)
    middle = ((box.left + box.right) // 2, (box.top + box.bottom) // 2)
    cv2.ellipse(
        mask, middle, (round(box.width * 0.5), round(box.height * 0.55)), 0, 0, 360, 1, cv2.FILLED
    )
    soft = cv2.GaussianBlur(mask, (0, 0), box.width * 0.04)
    share = cv2.warpAffine(soft, matrix, (width, height))[..., None]
    return np.asarray(np.round(onto * (1 - share) + warped * share), np.uint8)
