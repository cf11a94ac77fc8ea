"""The references, ready to be searched: of each a thumbnail is kept, and of a few a closer look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sosie.audit.copying import detectors
from sosie.audit.copying.calibration import UNKNOWN
from sosie.audit.copying.evidence import PARTS, Evidence, Part, compare
from sosie.audit.copying.look import Figure, Look, cut, look, thumbnail
from sosie.audit.copying.records import Shot
from sosie.core.errors import SosieError
from sosie.models import near, neighbours
from sosie.models.faces import Picture

CLOSER = 2
"""References that are looked at closely, of the whole and of the face each."""
PARTS_SCREENED = tuple(
    (zoom, down, across)
    for zoom in (0.8, 0.65)
    for down, across in ((0.5, 0.5), (0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
)
"""Parts of a reference that are screened too, since a copy may be a crop: how large, and where in
what is left over. Of 64 corners of drawn people 47 were looked at closely without the corners,
most of these for the face, and all with them; of crops from anywhere 29 of 32 either way."""
FEW = 1000
"""References of which all parts are screened: of more it is the middle alone, since a new shape
would take a minute."""
KEPT = 256
"""References of which a close look is kept, under 1 MiB each."""
SHAPES_KEPT = 4
"""Shapes whose screens are kept, 44 KiB for each of few references and 8 of many: of free crops
every one has its own."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One picture against all references."""

    closest: dict[int, Evidence]
    """Evidence by reference, of those that were looked at closely."""

    def score(self, part: Part) -> float:
        """The best correlation of a part with any reference; `UNKNOWN` where none can be told."""
        scores = (getattr(evidence, part) for evidence in self.closest.values())
        return max((score for score in scores if score is not None), default=UNKNOWN)

    @property
    def scores(self) -> dict[Part, float]:
        """That of every part."""
        return {part: self.score(part) for part in PARTS}


class References:
    """Pictures that may have been copied; those that cannot be read are left out and told."""

    def __init__(
        self,
        shots: Sequence[Shot],
        *,
        figure: Figure | None,
        on_picture: Callable[[int, int], None] = lambda done, of: None,
    ) -> None:
        self.figure = figure
        self.shots: list[Shot] = []
        self.unreadable: dict[str, str] = {}
        """Why, by name."""
        prints, faces = [], []
        self._thumbnails: list[NDArray[np.uint8]] = []
        for number, shot in enumerate(shots):
            try:
                rgb = shot.read()
            except SosieError as error:
                self.unreadable[shot.name] = str(error)
                continue
            self.shots.append(shot)
            prints.append(near.shrunk(Image.fromarray(rgb)))
            faces.append(_face_screen(look(rgb)))
            self._thumbnails.append(thumbnail(rgb))
            on_picture(number + 1, len(shots))
        self._parts = PARTS_SCREENED if len(self.shots) <= FEW else PARTS_SCREENED[:1]
        self._prints = [near.fingerprint(kept) for kept in prints]
        self._faces = np.stack(faces) if faces else np.empty((0, 1), np.float32)
        self._screened = lru_cache(maxsize=SHAPES_KEPT)(self._screens)
        self._look = lru_cache(maxsize=KEPT)(self._read)

    def __len__(self) -> int:
        return len(self.shots)

    @cached_property
    def clusters(self) -> list[tuple[int, ...]]:
        """References by number, near-duplicates together."""
        return near.groups(self._prints)

    def holds(self, rgb: Picture) -> bool:
        """Whether a near-duplicate of a picture is among them."""
        print_ = near.fingerprint(Image.fromarray(rgb))
        return any(near.near(print_, other) for other in self._prints)

    def see(self, rgb: Picture, *, without: Sequence[int] = ()) -> Seen:
        """Look for a picture among the references but those of the numbers `without`."""
        made = look(rgb, figure=self.figure)
        worth = [number for number in self._worth(made, len(without)) if number not in without]
        return Seen({number: compare(self._look(made.shape, number), made) for number in worth})

    def _worth(self, made: Look, more: int) -> list[int]:
        """The references that are worth a close look."""
        ways = np.stack([made.screen, made.mirrored.screen])
        count = CLOSER + more
        each = 1 + len(self._parts)
        found = neighbours.top_k(ways, self._screened(made.shape), each * count)
        order = np.argsort(-found.scores.ravel(), kind="stable")
        nearest = list(dict.fromkeys((found.rows.ravel()[order] // each).tolist()))[:count]
        face = np.stack([_face_screen(made), _face_screen(made.mirrored)])
        if face.any():
            alike = neighbours.top_k(face, self._faces, count)
            order = np.argsort(-alike.scores.ravel(), kind="stable")
            nearest += list(dict.fromkeys(alike.rows.ravel()[order].tolist()))[:count]
        return list(dict.fromkeys(nearest))

    def _screens(self, shape: float) -> NDArray[np.float32]:
        """((1 + P)·M, 1024): each reference's screens at a shape, of the whole and its P parts."""
        rows = []
        for small in self._thumbnails:
            seen = Look(np.repeat(cut(small, shape)[..., None], 3, axis=2), shape, None)
            rows += [seen.screen, *(_part(seen, *part) for part in self._parts)]
        return np.stack(rows)

    def _read(self, shape: float, number: int) -> Look:
        return look(self.shots[number].read(), shape, figure=self.figure).small


def _part(seen: Look, zoom: float, down: float, across: float) -> NDArray[np.float32]:
    side = round(zoom * len(seen.grey))
    top, left = (round(share * (len(seen.grey) - side)) for share in (down, across))
    return detectors.screen(detectors.details(seen.grey[top : top + side, left : left + side]))


def _face_screen(seen: Look) -> NDArray[np.float32]:
    blank = np.zeros(detectors.SCREEN**2, np.float32)
    return blank if seen.features is None else detectors.screen(seen.features)
