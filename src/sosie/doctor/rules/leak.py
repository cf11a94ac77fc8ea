"""Crops of one photograph: a close-up beside the picture it was cut from.

They are too different to be near copies, so a split does not hold them together; but where one is
withheld and the other taught, what is measured on the withheld one was learned by heart. What they
share is the face, pixel by pixel.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from sosie.core.records import Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import NO_FACE, Case, Clustering, Family, Rule, Unread
from sosie.doctor.rules import twins
from sosie.doctor.view import View
from sosie.models import near
from sosie.models.glance import Glance

Floats = NDArray[np.float32]

SIDE = 64
"""Pixels of the patch in which a face is compared."""
AROUND_FACE = 0.15
"""How much is taken around it, in its size."""
DETAIL = 2.0
"""Deviation in patch pixels of the blur that is taken off before faces are compared."""
PART = 44
"""Side of the part of one face that is sought in the other."""
SIZES = range(50, 79)
"""Sides to which a face is scaled: a detector's box differs between two crops by a fifth."""
COARSE = slice(None, None, 4)
"""The sizes that are tried first."""
AFAR = Glance(side=16, part=11, sizes=[(side, side) for side in range(13, 21)], blur=1.0)
SEEN_AFAR = 0.65
"""Correlation at a glance that makes it worth comparing two faces: of crops that are found all have
.71 and more (795 pairs), of other pictures of one drawn person one pair in fourteen, of different
people one in a hundred."""
PROMISING, NEARLY = 0.6, 0.7
"""Correlation at one of the first sizes, on patches of half the side and then of the whole, that
makes it worth going on: crops that are found reach .61 and .75."""
SAME_FACE = 0.85
"""Correlation from which two faces are one photograph: two photographs of one drawn person stay
below .81 (1,785 pairs), crops of one to 65% or more above .88, to a half above .86 in 19 of 20."""


class Reading(Record):
    """What is compared of one picture."""

    face: str
    """The largest face, `SIDE` squared bytes of luma, base64."""


def _measure(view: View) -> Record:
    import cv2

    if view.face is None:
        return Unread(reason=NO_FACE)
    box = view.face.box
    side = max(box.width, box.height) * (1 + 2 * AROUND_FACE) * view.scale
    left = (box.left + box.right) / 2 * view.scale - side / 2
    top = (box.top + box.bottom) / 2 * view.scale - side / 2
    scale = SIDE / side
    grey = view.grey
    if scale < 1:
        # No further than the patch and what the blur brings into it.
        reach = int(side + 2 / scale) + 1
        x, y = max(0, int(left + side) - reach), max(0, int(top + side) - reach)
        near = grey[y : int(top) + reach, x : int(left) + reach]
        grey = np.asarray(cv2.GaussianBlur(near, (0, 0), 0.4 / scale), np.float32)
        left, top = left - x, top - y
    move = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]], np.float32)
    # Beyond the picture's edge its last pixels are repeated.
    patch = cv2.warpAffine(grey, move, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    levels = np.clip(np.asarray(patch) * 255 + 0.5, 0, 255).astype(np.uint8)
    return Reading(face=base64.b64encode(levels.tobytes()).decode())


FAMILY = Family("leak", 1, Reading, _measure)


class _Face:
    """A face; once it was compared, what is sought of it in others is kept."""

    def __init__(self, text: str) -> None:
        import cv2

        flat = np.frombuffer(base64.b64decode(text), np.uint8)
        self._patch = flat.reshape(SIDE, SIDE).astype(np.float32)
        self._half = np.asarray(cv2.resize(self._patch, (SIDE // 2, SIDE // 2)), np.float32)
        self.places, self.parts = AFAR.places(self._half), AFAR.parts(self._half)

    @cached_property
    def _middles(self) -> list[Floats]:
        return [_middle(self._half, side // 2, 2) for side in SIZES[COARSE]]

    def is_same(self, other: _Face) -> bool:
        """Whether the middle of `other` lies in this one, at some place and size."""
        half = _detail(self._half, DETAIL / 2)
        if max(_likeness(half, middle) for middle in other._middles) < PROMISING:
            return False
        whole = _detail(self._patch, DETAIL)

        def at(sides: Sequence[int]) -> Iterator[float]:
            return (_likeness(whole, _middle(other._patch, side, 1)) for side in sides)

        first = max(at(SIZES[COARSE]))
        return first >= SAME_FACE or (first >= NEARLY and max(at(SIZES)) >= SAME_FACE)


def worth(faces: Sequence[_Face]) -> Iterator[tuple[int, int]]:
    """Pairs of rows, the later one first, that may be crops of one photograph."""
    if not faces:
        return
    sizes = len(AFAR.sizes)
    parts = np.concatenate([face.parts for face in faces])
    for i, face in enumerate(faces[1:], start=1):
        best = AFAR.best(face.places, parts[: i * sizes])
        yield from ((i, j) for j in np.flatnonzero(best >= SEEN_AFAR).tolist())


def _detail(patch: Floats, blur: float) -> Floats:
    import cv2

    return np.asarray(patch - cv2.GaussianBlur(patch, (0, 0), blur), np.float32)


def _middle(patch: Floats, side: int, smaller: int) -> Floats:
    """The middle of a patch scaled to `side`, all of it `smaller` times smaller than full size."""
    import cv2

    how = cv2.INTER_AREA if side < len(patch) else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(patch, (side, side), interpolation=how), np.float32)
    part = PART // smaller
    edge = (side - part) // 2
    inside = slice(edge, edge + part)
    return np.ascontiguousarray(_detail(scaled, DETAIL / smaller)[inside, inside])


def _likeness(ground: Floats, part: Floats) -> float:
    import cv2

    return float(cv2.matchTemplate(ground, part, cv2.TM_CCOEFF_NORMED).max())


@lru_cache(maxsize=1)
def groups(case: Case) -> Sequence[tuple[int, ...]]:
    """Groups of two or more pictures with crops of one photograph; near copies are no news."""
    read = list(case.read(FAMILY, Reading))
    faces = [_Face(reading.face) for _, reading in read]
    numbers = [number for number, _ in read]
    shot = {number: index for index, group in enumerate(twins.groups(case)) for number in group}

    def together(i: int, j: int) -> bool:
        first, second = (shot.get(numbers[row]) for row in (i, j))
        return (first is None or first != second) and faces[i].is_same(faces[j])

    found = near.joined(len(read), worth(faces), together)
    return [tuple(numbers[i] for i in group) for group in found if len(group) > 1]


def _leak(case: Case) -> Iterator[Finding]:
    for group in groups(case):
        which = case.dataset.items[group[0]].file_name
        yield case.finding(
            "twins.leak", "warning", group, value=len(group), threshold=1, which=which
        )


RULES = (Rule(name="twins.leak", judge=_leak, needs=(FAMILY, twins.FAMILY), unit="pictures"),)
ONE_PHOTOGRAPH = Clustering(rules=("twins.leak",), cap=lambda config: 1, groups=groups)
