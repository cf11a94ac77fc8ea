"""Who is in the pictures: nobody, others, somebody else, two people, one person at many ages.

Faces are compared by SFace's description (sosie.models.faces). The doctor never says who somebody
is: it asks whether a picture that is unlike the others shows the same person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sosie.core.records import Box, Record
from sosie.doctor.closeup import turn_of
from sosie.doctor.records import Finding, Severity
from sosie.doctor.rule import NO_FACE, Case, Family, Rule, Unread, packed, unpacked
from sosie.doctor.view import View
from sosie.models.faces import Face, embed

Vectors = NDArray[np.float32]

MOST = 4
"""Faces of one picture that are described: of a crowd, the largest are enough to ask about."""
BESIDE = 0.3
"""How large another face must be, in sides of the largest one, to be learned with it: at 512 px a
face of 250 px is taught with every neighbour from 75 px, where a detector has no doubt left."""
SURE = 0.8
"""Detection score from which a second face is one: below it, folds of cloth begin to look back."""
CROWD = 6
"""Faces of any size from which a picture shows a crowd."""
NOBODY = 0.5
"""Share of pictures without a face from which the set is not one of a person."""

LEAST = 5
"""Faces from which on there is a usual look to be unlike."""
STRANGER, FAMILIAR = 0.5, 0.6
"""Cosines to the mean of the others: below the first a picture is doubted in any set, above the
second in none; between them the set's own spread decides. On the Olivetti set the person's own
pictures have 0.67 and more (95 of 100) and those of the two nearest strangers at most 0.51."""
ASIDE, LENIENT, MOST_LENIENT = 0.15, 0.3, 0.2
"""How much lower the cosine of the same face is when it is turned: so much for each `turn` beyond
the first, at most the last. Measured on drawn people; a face embedder sees a profile poorly."""
SPREADS = 5.0
"""Robust standard deviations below the set's median at which a picture is unlike."""
SECOND = 0.3
"""Share of pictures that show one same other person from which the set has two."""
DOUBTED, NEARER = 0.75, 0.22
"""Cosine to the first person below which a face may be the second, and by how much more it must be
like the second."""

GROWING, GROWN = 4, 15
"""Years apart at which a face has become another one to learn: before and after 20."""
STATED = re.compile(
    r"\b(?:aged?|at the age of) (\d{1,2})\b|\b(\d{1,2})[ -]years?[ -]old\b"
    r"|\b(\d{1,2}) ans\b|(\d{1,2}) ?[歳才]"
)
"""An age in a caption: "aged 40", "at age 40", "40 years old", "40 ans", "40歳"."""


class Faces(Record):
    """The faces of a picture; none is a reading too."""

    boxes: tuple[Box, ...]
    """In pixels of the stored picture, the largest first."""
    scores: tuple[float, ...]
    """The detector's confidence in each, in [0, 1]."""


class Likeness(Record):
    """What the largest faces look like."""

    vectors: tuple[str, ...]
    """SFace's description of each, packed; the largest face first, at most `MOST`."""
    boxes: tuple[Box, ...]
    turns: tuple[float, ...]
    """How far each is turned, as in `pose.Reading`."""
    year: int | None
    """When the camera says that the picture was taken."""


def _find(view: View) -> Record:
    return Faces(
        boxes=tuple(face.box for face in view.faces),
        scores=tuple(round(face.score, 3) for face in view.faces),
    )


def _describe(view: View) -> Record:
    if not view.faces:
        return Unread(reason=NO_FACE)
    first = view.faces[0]
    others = [face for face in view.faces[1:MOST] if _beside(face.box, face.score, first.box)]
    shown: list[Face] = [first, *others]
    return Likeness(
        vectors=tuple(packed(embed(view.rgb, face)) for face in shown),
        boxes=tuple(face.box for face in shown),
        turns=tuple(round(turn_of(face), 2) for face in shown),
        year=_year(view),
    )


def _beside(box: Box, score: float, largest: Box) -> bool:
    """Whether a face is large and sure enough to be learned beside the largest."""
    side, most = (max(b.width, b.height) for b in (box, largest))
    return score >= SURE and side >= BESIDE * most


def _year(view: View) -> int | None:
    taken = re.match(r"(\d{4}):", str(view.exif.get("DateTimeOriginal", "")))
    return int(taken[1]) if taken and int(taken[1]) > 1800 else None


FACES = Family("faces", 1, Faces, _find)
FAMILY = Family("who", 2, Likeness, _describe, original=True)


def _no_face(case: Case) -> Iterator[Finding]:
    numbers = [number for number, faces in case.read(FACES, Faces) if not faces.boxes]
    if numbers:
        share = len(numbers) / len(case.dataset.items)
        severity: Severity = "blocker" if share > NOBODY else "warning"
        yield case.finding("who.no_face", severity, numbers, value=0, threshold=1)


def _others(case: Case) -> Iterator[Finding]:
    """Pictures with more than the person: the most crowded first."""
    mine = person_of(case)
    found = []
    for number, faces in case.read(FACES, Faces):
        crowd = len(faces.boxes) >= CROWD
        shown = [
            box
            for box, score in zip(faces.boxes, faces.scores, strict=True)
            if crowd or _beside(box, score, faces.boxes[0])
        ]
        if len(shown) > 1:
            # The person need not be the largest: who looks like the other pictures is them.
            person = mine.get(number, shown[0])
            rest = [box for box in shown if box != person]
            found.append((len(rest), number, rest))
    if found:
        found.sort(key=lambda entry: (-entry[0], entry[1]))
        yield case.finding(
            "who.others",
            "warning",
            [number for _, number, _ in found],
            value=found[0][0],
            threshold=0,
            boxes=[(number, box) for _, number, rest in found for box in rest],
        )


@dataclass(frozen=True, eq=False)
class _Known:
    """The person a set shows, as far as the set itself can tell."""

    centre: Vectors
    cosines: dict[int, tuple[float, int]]
    """Item number -> cosine of the likest face to the mean of the others, with what is allowed for
    its being turned, and which face it is."""
    limit: float
    """Cosine below which a picture is unlike."""


def _known(case: Case) -> _Known | None:
    """Who most pictures show; None where there are too few to tell."""
    read = list(case.read(FAMILY, Likeness))
    if len(read) < LEAST:
        return None
    first = np.stack([unpacked(reading.vectors[0]) for _, reading in read])
    core = _core(first)
    total = first[sorted(core)].sum(0)
    cosines = {}
    for row, (number, reading) in enumerate(read):
        # Left out of its own mean, or a stranger would vouch for itself.
        mean = _unit(total - first[row] if row in core else total)
        each = [
            float(unpacked(vector) @ mean) + _allowance(turn)
            for vector, turn in zip(reading.vectors, reading.turns, strict=True)
        ]
        cosines[number] = (max(each), int(np.argmax(each)))
    values = np.array([cosine for cosine, _ in cosines.values()])
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    limit = float(np.clip(middle - SPREADS * spread, STRANGER, FAMILIAR))
    return _Known(_unit(total), cosines, limit)


def _core(vectors: Vectors, starts: int = 64) -> set[int]:
    """The half of the rows that lie closest together, so that no minority moves their mean."""
    half = len(vectors) // 2 + 1
    best: tuple[float, set[int]] = (-2.0, set())
    for start in range(0, len(vectors), max(1, len(vectors) // starts)):
        mean = vectors[start]
        for _ in range(3):
            rows = np.argpartition(-(vectors @ mean), half - 1)[:half]
            mean = _unit(vectors[rows].sum(0))
        closeness = float((vectors[rows] @ mean).mean())
        best = max(best, (closeness, set(rows.tolist())), key=lambda entry: entry[0])
    return best[1]


def _allowance(turn: float) -> float:
    return float(np.clip(LENIENT * (abs(turn) - ASIDE), 0, MOST_LENIENT))


def _unit(vector: Vectors) -> Vectors:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def person_of(case: Case) -> dict[int, Box]:
    """Item number -> which of its faces is the person, where that can be told."""
    known = _known(case)
    if known is None:
        return {}
    boxes = {number: reading.boxes for number, reading in case.read(FAMILY, Likeness)}
    return {
        number: boxes[number][face]
        for number, (cosine, face) in known.cosines.items()
        if cosine >= known.limit
    }


def _second(case: Case, known: _Known) -> list[int]:
    """The pictures of one same other person, if they are so many that the set has two people."""
    rows = [
        (number, unpacked(vector))
        for number, reading in case.read(FAMILY, Likeness)
        for index, vector in enumerate(reading.vectors)
        if known.cosines[number][0] < DOUBTED or index != known.cosines[number][1]
    ]
    enough = max(4, SECOND * len(known.cosines))
    if len(rows) < enough:
        return []
    vectors = np.stack([vector for _, vector in rows])
    mean = _unit(vectors[sorted(_core(vectors))].sum(0))
    nearer = vectors @ mean - vectors @ known.centre
    same = sorted({row[0] for row, more in zip(rows, nearer, strict=True) if more >= NEARER})
    return same if len(same) >= enough else []


def _two(case: Case) -> Iterator[Finding]:
    known = _known(case)
    if known and (same := _second(case, known)):
        # Childhood and old age look like two people as well: where ages differ, only ask.
        severity: Severity = "warning" if list(_ages(case)) else "blocker"
        share = round(len(same) / len(known.cosines), 2)
        yield case.finding("who.two_people", severity, same, value=share, threshold=SECOND)


def _unlike(case: Case) -> Iterator[Finding]:
    known = _known(case)
    if known is None:
        return
    second = set(_second(case, known))
    doubted = sorted(
        (cosine, number)
        for number, (cosine, _) in known.cosines.items()
        if cosine < known.limit and number not in second
    )
    if doubted:
        boxes = {number: reading.boxes[0] for number, reading in case.read(FAMILY, Likeness)}
        yield case.finding(
            "who.unlike",
            "warning",
            [number for _, number in doubted],
            value=round(doubted[0][0], 2),
            threshold=round(known.limit, 2),
            boxes=[(number, boxes[number]) for _, number in doubted],
        )


def stated_age(caption: str) -> int | None:
    """The age in years that a caption states."""
    found = STATED.search(caption)
    return int(next(group for group in found.groups() if group)) if found else None


def _ages(case: Case) -> Iterator[Finding]:
    """Only advice: captions and cameras may be wrong, and 20 years may change a person little."""
    stated = {
        number: age
        for number, item in enumerate(case.dataset.items)
        if (age := stated_age(item.caption)) is not None
    }
    taken = {n: reading.year for n, reading in case.read(FAMILY, Likeness) if reading.year}
    for times, young in ((stated, min(stated.values(), default=99) < 20), (taken, False)):
        if not times:
            continue
        first, last = min(times.values()), max(times.values())
        grows = times is taken and case.config.age is not None and case.config.age < 20
        apart = GROWING if young or grows else GROWN
        if last - first >= apart and (times is stated or _aged(case, taken)):
            ordered = sorted(times, key=lambda number: (times[number], number))
            yield case.finding(
                "who.ages",
                "advice",
                ordered,
                value=last - first,
                threshold=apart,
                first=first,
                last=last,
            )
            return


def _aged(case: Case, taken: dict[int, int]) -> bool:
    """Whether early and late pictures look less alike than those of one time."""
    middle = (min(taken.values()) + max(taken.values())) / 2
    by_time: tuple[list[Vectors], list[Vectors]] = ([], [])
    for number, reading in case.read(FAMILY, Likeness):
        if number in taken:
            by_time[taken[number] > middle].append(unpacked(reading.vectors[0]))
    early, late = (np.stack(rows) for rows in by_time)
    across = float((early @ late.T).mean())
    within = [_pairs(rows) for rows in (early, late) if len(rows) > 1]
    return not within or across < float(np.mean(within)) - 0.05


def _pairs(rows: Vectors) -> float:
    """Mean cosine of the pairs of rows."""
    total = rows.sum(0)
    return float((total @ total - len(rows)) / (len(rows) * (len(rows) - 1)))


RULES = (
    Rule(name="who.no_face", judge=_no_face, needs=(FACES,), unit="faces", unfit=True),
    Rule(
        name="who.others",
        judge=_others,
        needs=(FACES, FAMILY),
        unit="faces",
        fix="crop-shoulders",
    ),
    Rule(name="who.two_people", judge=_two, needs=(FAMILY,), least=LEAST, unit="of the pictures"),
    Rule(name="who.unlike", judge=_unlike, needs=(FAMILY,), least=LEAST, unit="cosine"),
    Rule(name="who.ages", judge=_ages, needs=(FAMILY,), unit="years", against=False),
)
