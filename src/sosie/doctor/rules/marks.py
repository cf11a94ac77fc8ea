"""Marks that belong to a face: moles and birthmarks, found again from picture to picture.

A mark is a small dark round spot on smooth skin. Pictures from nearly the front are compared, where
a spot keeps its place between eyes and mouth. A mark in many pictures is the person's; where it is
missing although skin is seen at its place, it was covered, retouched, or the picture is mirrored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sosie.core.records import Box, Record
from sosie.doctor.closeup import TOO_SMALL, UNIT, Closeup, closeup
from sosie.doctor.records import Finding
from sosie.doctor.rule import NO_FACE, Case, Family, Rule, Unread
from sosie.doctor.view import View

Floats = NDArray[np.float32]

TURNED = 0.25
"""`turn` beyond which a spot's place moves too far to be known again: about 20 degrees."""
SIZES = (1.4, 2.0, 2.9, 4.1)
"""Standard deviations in close-up pixels (about a millimetre each) at which spots are sought."""
FAINT = 0.05
"""Contrast, in shares of the skin's brightness, below which a spot is noise or a pore."""
CLEAR = 0.25
"""Contrast from which a spot may be a mark of the person: drawn moles have 0.34 and more, edges of
hair, stubble and folds up to 0.27."""
GRID = 16
REACH_X, REACH_UP, REACH_DOWN = 0.95, 0.8, 1.4
"""The part of the face that is searched, in units from the middle of the eyes."""
PLACE = 0.13
"""Units within which two spots are at one place: nine millimetres, for turning the head and the
landmarks' own error move them."""
HAIRLINE = -0.4
"""Units from the eyes above which a fringe or a hat may cover a mark, so that none is missed."""
LEAST = 4
"""Pictures from nearly the front below which nothing can be said of a mark."""
OFTEN, RARELY = 0.5, 0.3
"""Shares in which a mark must be seen to be the person's: of the pictures that show its place, and
of all that are compared."""


class Spot(Record):
    """A dark round spot."""

    x: float
    y: float
    """From the middle of the eyes, to the right and down, in eye-to-mouth ways."""
    contrast: float
    """How much darker than the skin around, as a natural logarithm."""
    clear: bool
    """Round, and with smooth skin all around. Others only tell that a mark may be there."""
    box: Box


class Reading(Record):
    """The spots on a face."""

    spots: tuple[Spot, ...]
    skin: str
    """`GRID` x `GRID` cells of the searched part: "1" is smooth skin, "2" a feature of the face."""


def _measure(view: View) -> Record:
    face = view.once(closeup)
    if face is None:
        return Unread(reason=TOO_SMALL if view.face else NO_FACE)
    if abs(face.turn) > TURNED:
        return Unread(reason="the head is turned too far to compare marks")
    look = _look(face)
    if look is None:
        return Unread(reason="no cheek is in the picture")
    spots = [spot for spot in _spots(face, look) if not _feature(_places(face), spot.x, spot.y)]
    return Reading(spots=tuple(spots[:90]), skin="".join(_cells(face, look).ravel()))


def _look(face: Closeup) -> Floats | None:
    """(H, W, 4): CIELAB from the cheeks' colour on, and the logarithm of grey."""
    import cv2

    lab = cv2.cvtColor(face.rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    cheeks = [mask for centre in face.cheeks() if (mask := face.disc(centre, 0.13)).any()]
    if not cheeks:
        return None
    usual = np.median(np.concatenate([lab[mask] for mask in cheeks]), axis=0)
    dark = np.log(face.rgb @ np.array([0.299, 0.587, 0.114], np.float32) + 8)
    return np.dstack([lab - usual, dark]).astype(np.float32)


def _smooth_skin(pixels: Floats) -> NDArray[np.bool_]:
    """Whether pixels (..., N, 4) of a look are of the cheeks' colour and calm, mole or not."""
    middle = np.median(pixels, axis=-2)
    rough = np.median(np.abs(pixels[..., 3] - middle[..., None, 3]), axis=-1)
    alike = (middle[..., 0] > -30) & (middle[..., 0] < 20)
    alike &= np.hypot(middle[..., 1], middle[..., 2]) < 14
    return np.asarray(alike & (rough < 0.06), bool)


def _cells(face: Closeup, look: Floats) -> NDArray[np.str_]:
    """What is seen in each cell: smooth skin "1", a feature of the face "2", or neither "0"."""
    import cv2

    # The searched part, drawn upright with ten pixels a cell.
    across, down = 2 * REACH_X / GRID / 10 * UNIT, (REACH_UP + REACH_DOWN) / GRID / 10 * UNIT
    start = face.at(face.middle, -REACH_X, -REACH_UP)
    drawn = cv2.warpAffine(
        look,
        np.stack([face.right * across, face.down * down, start], axis=1),
        (10 * GRID, 10 * GRID),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderValue=(-100, 0, 0, 0),
    )
    cells = np.asarray(drawn, np.float32).reshape(GRID, 10, GRID, 10, 4).transpose(0, 2, 1, 3, 4)
    skin = _smooth_skin(cells.reshape(GRID, GRID, 100, 4))
    places = _places(face)
    feature = [[_feature(places, *_middle(r, c)) for c in range(GRID)] for r in range(GRID)]
    return np.where(np.array(feature), "2", np.where(skin, "1", "0"))


def _places(face: Closeup) -> list[tuple[float, float]]:
    return [face.place(point) for point in face.points]


def _feature(places: list[tuple[float, float]], x: float, y: float) -> bool:
    """Whether eyes, brows, nostrils or mouth lie here, where dark spots are no marks."""
    left, right, nose, *corners = places
    if any(abs(x - eye[0]) < 0.42 and -0.42 < y - eye[1] < 0.24 for eye in (left, right)):
        return True
    # The nostrils lie beside and a little below the tip.
    if np.hypot(x - nose[0], y - nose[1]) < 0.24 or (
        abs(x - nose[0]) < 0.38 and -0.12 < y - nose[1] < 0.24
    ):
        return True
    low, high = corners[0][0] - 0.12, corners[1][0] + 0.12
    level = (corners[0][1] + corners[1][1]) / 2
    return bool(low < x < high and abs(y - level) < 0.22)


def _middle(row: int, column: int) -> tuple[float, float]:
    """The middle of a cell, in units from the middle of the eyes."""
    x = ((column + 0.5) / GRID * 2 - 1) * REACH_X
    return x, -REACH_UP + (row + 0.5) / GRID * (REACH_UP + REACH_DOWN)


def _cell(x: float, y: float) -> tuple[int, int]:
    """The cell in which a place lies, the nearest for a place outside."""
    column = int((x / REACH_X + 1) / 2 * GRID)
    row = int((y + REACH_UP) / (REACH_UP + REACH_DOWN) * GRID)
    return min(max(row, 0), GRID - 1), min(max(column, 0), GRID - 1)


def _spots(face: Closeup, look: Floats) -> list[Spot]:
    """Dark round spots on skin, the clearest first: maxima of the Laplacian over place and size.

    A Gaussian spot of contrast c answers with c/2 at its own size (Lindeberg 1998).
    """
    import cv2

    dark = look[..., 3]
    answers, round_ = [], []
    for size in SIZES:
        calm = cv2.GaussianBlur(dark, (0, 0), size)
        xx, yy, xy = (
            cv2.Sobel(calm, cv2.CV_32F, *order, ksize=3) * size**2 / 4
            for order in ((2, 0), (0, 2), (1, 1))
        )
        root = np.hypot((xx - yy) / 2, xy)
        answers.append(xx + yy)
        # A line bends one way only; a spot bends both ways alike.
        round_.append((xx + yy) / 2 - root > 0.4 * ((xx + yy) / 2 + root))
    stack = np.stack(answers)
    best = stack.max(0)
    size_of = stack.argmax(0)
    peaks = (best == cv2.dilate(best, np.ones((7, 7), np.uint8))) & (2 * best > FAINT)
    round_there = np.take_along_axis(np.stack(round_), size_of[None], 0)[0]
    found = []
    for row, column in np.argwhere(peaks):
        point = np.array([column, row], np.float32)
        x, y = face.place(point)
        size = SIZES[int(size_of[row, column])]
        if abs(x) <= REACH_X and -REACH_UP <= y <= REACH_DOWN:
            round_here = bool(round_there[row, column])
            spot = Spot(
                x=round(x, 3),
                y=round(y, 3),
                contrast=round(2 * float(best[row, column]), 3),
                clear=round_here and _on_skin(look, int(row), int(column), size),
                box=face.box(point, 3 * size / UNIT),
            )
            found.append(spot)
    return sorted(found, key=lambda spot: -spot.contrast)


def _on_skin(look: Floats, row: int, column: int, size: float) -> bool:
    """Whether smooth skin lies all around a spot."""
    reach = round(4 * size) + 1
    top, left = max(0, row - reach), max(0, column - reach)
    part = look[top : row + reach + 1, left : column + reach + 1]
    rows, columns = np.ogrid[: part.shape[0], : part.shape[1]]
    way = np.hypot(rows - (row - top), columns - (column - left)) / size
    ring = part[(way > 2.3) & (way < 4)]
    return len(ring) > 10 and bool(_smooth_skin(ring))


FAMILY = Family("marks", 1, Reading, _measure)


@dataclass(frozen=True)
class _Mark:
    """One mark of the person."""

    x: float
    y: float
    seen: dict[int, Spot]
    """Item number -> the spot."""
    missing: tuple[int, ...]
    """Items that show skin at its place and no spot."""
    contrast: float


def _marks(case: Case) -> list[_Mark]:
    """The person's marks, the clearest first."""
    read = list(case.read(FAMILY, Reading))
    if len(read) < LEAST:
        return []
    seeds = sorted(
        (
            spot
            for _, reading in read
            for spot in reading.spots
            if spot.clear and spot.contrast >= CLEAR
        ),
        key=lambda spot: -spot.contrast,
    )
    found: list[_Mark] = []
    for seed in seeds:
        if any(np.hypot(seed.x - mark.x, seed.y - mark.y) < 2 * PLACE for mark in found):
            continue
        mark = _mark(seed, read)
        if mark is not None:
            found.append(mark)
    return found


def _mark(seed: Spot, read: list[tuple[int, Reading]]) -> _Mark | None:
    """The mark of which a spot is one sight; None if it is not seen often enough."""
    near: dict[int, list[Spot]] = {}
    for number, reading in read:
        # Ordered by contrast already: the first is the clearest.
        near[number] = [
            spot for spot in reading.spots if np.hypot(spot.x - seed.x, spot.y - seed.y) < PLACE
        ]
    sure = {n: [s for s in spots if s.clear and s.contrast >= CLEAR] for n, spots in near.items()}
    seen = {number: spots[0] for number, spots in sure.items() if spots}
    shown = {
        number
        for number, reading in read
        if number in seen or _skin_around(reading.skin, seed.x, seed.y)
    }
    if len(seen) < max(3, OFTEN * len(shown), RARELY * len(read)):
        return None
    usual = float(np.median([spot.contrast for spot in seen.values()]))
    missing = [
        number
        for number in sorted(shown - set(seen))
        if not near[number] or near[number][0].contrast < 0.35 * usual
    ]
    if seed.y < HAIRLINE:
        missing = []
    place = np.median([(spot.x, spot.y) for spot in seen.values()], axis=0)
    return _Mark(float(place[0]), float(place[1]), seen, tuple(missing), usual)


def _skin_around(skin: str, x: float, y: float) -> bool:
    """Whether a place and what is around it, features apart, is skin: nothing hides a mark."""
    cells = {_cell(x + across, y + down) for across in (-0.1, 0, 0.1) for down in (-0.1, 0, 0.1)}
    seen = [skin[row * GRID + column] for row, column in cells]
    return "0" not in seen and seen.count("1") >= 2


def _some(case: Case) -> Iterator[Finding]:
    for mark in _marks(case):
        if mark.missing:
            # Clearest first: with most of the others showing it, a lack is surer.
            shown = len(mark.seen) + len(mark.missing)
            yield case.finding(
                "marks.some",
                "warning",
                mark.missing,
                value=round(len(mark.seen) / shown, 2),
                threshold=1,
                boxes=[(number, spot.box) for number, spot in mark.seen.items()],
                seen=len(mark.seen),
                which=_where(mark),
                at=f"{mark.x:.1f} {mark.y:.1f}",
            )


def _kept(case: Case) -> Iterator[Finding]:
    for mark in _marks(case):
        if not mark.missing:
            order = sorted(mark.seen, key=lambda number: -mark.seen[number].contrast)
            yield case.finding(
                "marks.kept",
                "advice",
                order,
                value=round(mark.contrast, 2),
                threshold=CLEAR,
                boxes=[(number, mark.seen[number].box) for number in order],
                which=_where(mark),
                at=f"{mark.x:.1f} {mark.y:.1f}",
            )


def _where(mark: _Mark) -> str:
    """The part of the picture's face, for words."""
    height = "forehead" if mark.y < -0.3 else "cheek" if mark.y < 1.2 else "chin"
    if abs(mark.x) < 0.2:
        return height
    return f"{'left' if mark.x < 0 else 'right'} {height}"


RULES = (
    Rule(
        name="marks.some",
        judge=_some,
        needs=(FAMILY,),
        least=LEAST,
        unit="of the pictures",
        advisory=True,
    ),
    Rule(
        name="marks.kept",
        judge=_kept,
        needs=(FAMILY,),
        least=LEAST,
        unit="contrast",
        fix="strengthen-mark",
        advisory=True,
        against=False,
    ),
)
