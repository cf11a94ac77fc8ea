"""From a picture's size and face to the crops it is taught in.

Pure geometry. A crop has exactly the proportions of its bucket (so nothing is distorted), lies
inside the picture, and holds the whole face.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from sosie.core.records import Box, Record

ASPECTS = (1.0, 4 / 5, 3 / 4, 2 / 3, 9 / 16, 5 / 4, 4 / 3, 3 / 2, 16 / 9)
"""Width / height of the usual buckets."""
LINES = (2.0, 3.0, 4.0, 6.0, 8.0)
"""Those of more buckets for handwriting: a line is long, and a letter that is cut off is lost."""
CLOSE_HEIGHT = 2.2
"""Height of a close-up in heights of the face."""
CLOSE_ENOUGH = 0.75
"""A close-up that would be larger than this share of the wide crop's side teaches nothing new."""
KEPT_BY_MOVING = 0.8
"""A picture may move to a fuller bucket that keeps this share of what its best one keeps."""

Window = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the picture; not whole numbers, to keep proportions."""


class Rules(Record):
    """What crops must obey."""

    sides: tuple[int, ...]
    """Square-equivalent sides of the buckets, in pixels."""
    multiple: int
    """Sides of crops are multiples of this, in pixels."""
    margin: float
    largest_enlargement: float
    close_ups: bool
    aspects: tuple[float, ...] = ASPECTS
    """Width / height of the buckets."""
    batch: int
    """Buckets with fewer pictures are emptied into fuller ones where little is lost."""


class Version(Record):
    """One crop of one picture, as taught."""

    item: int
    """Index into the dataset's items."""
    crop: Window
    width: int
    height: int
    close: bool = False

    @property
    def enlargement(self) -> float:
        """Pixels made out of one pixel of the picture."""
        return self.width / (self.crop[2] - self.crop[0])


class Remark(Record):
    """Something about one picture's crops that must not stay silent."""

    item: int
    kind: str
    """"enlarged", "tight", "left-out" or "no-close-up"."""
    text: str


class Framing(Record):
    """All crops of a dataset."""

    versions: tuple[Version, ...]
    remarks: tuple[Remark, ...] = ()


def frame(sizes: Sequence[tuple[int, int]], faces: Sequence[Box | None], rules: Rules) -> Framing:
    """Crop every picture; `sizes` are (width, height). A picture may be left out, with a remark."""
    wide: list[Version] = []
    remarks: list[Remark] = []
    for item, (size, face) in enumerate(zip(sizes, faces, strict=True)):
        versions, said = _wide(item, size, face, rules)
        wide += versions
        remarks += said
    wide = _gather(wide, sizes, faces, rules)
    close: list[Version] = []
    if rules.close_ups:
        for version in wide:
            found, said = _close(version, sizes[version.item], faces[version.item], rules)
            close += found
            remarks += said
    every = sorted([*wide, *close], key=lambda v: (v.item, v.width * v.height, v.close))
    return Framing(versions=tuple(every), remarks=tuple(remarks))


def shapes(
    side: int, multiple: int, aspects: Sequence[float] = ASPECTS
) -> tuple[tuple[int, int], ...]:
    """The (width, height) of the buckets of about `side`² pixels."""

    def nearest(aspect: float) -> tuple[int, int]:
        def miss(shape: tuple[int, int]) -> float:
            width, height = shape
            wrong_proportions = abs(math.log(width / height / aspect))
            return wrong_proportions + abs(math.log(width * height / side**2)) / 2

        return min(_around(side, aspect, multiple), key=miss)

    return tuple(dict.fromkeys(nearest(aspect) for aspect in aspects))


def window(
    size: tuple[int, int],
    aspect: float,
    keep: Window | None,
    *,
    height: float = math.inf,
) -> Window | None:
    """The largest crop of proportions `aspect`, at most `height` high, that holds `keep`.

    None if there is none. The crop is centred on `keep`, a little below its middle as portraits
    are, as far as the picture's edges allow; without `keep` on the picture.
    """
    full_width, full_height = size
    tall = min(full_height, full_width / aspect, height)
    broad = tall * aspect
    left, top, right, bottom = keep or (full_width / 2, full_height / 2) * 2
    if right - left > broad + 1e-9 or bottom - top > tall + 1e-9:
        return None
    rise = 0.45 if keep else 0.5
    x = _between((left + right - broad) / 2, right - broad, left, full_width - broad)
    y = _between((top + bottom) / 2 - rise * tall, bottom - tall, top, full_height - tall)
    return (x, y, x + broad, y + tall)


def _wide(
    item: int, size: tuple[int, int], face: Box | None, rules: Rules
) -> tuple[list[Version], list[Remark]]:
    remarks: list[Remark] = []
    found: list[Version] = []
    for margin in dict.fromkeys((rules.margin, 0.0)):
        found = [v for s in rules.sides if (v := _best(item, size, face, margin, s, rules))]
        if found:
            if margin < rules.margin and face is not None:
                text = "the crop holds the face but not the room asked for around it"
                remarks.append(Remark(item=item, kind="tight", text=text))
            break
    if not found:
        text = "no bucket holds the whole face, so this picture is not taught"
        return [], [*remarks, Remark(item=item, kind="left-out", text=text)]
    sharp = [v for v in found if v.enlargement <= rules.largest_enlargement]
    if sharp:
        return sharp, remarks
    least = min(found, key=lambda v: v.enlargement)
    text = f"{size[0]}x{size[1]} is enlarged {least.enlargement:.1f} times: it will teach blur"
    return [least], [*remarks, Remark(item=item, kind="enlarged", text=text)]


def _best(
    item: int,
    size: tuple[int, int],
    face: Box | None,
    margin: float,
    side: int,
    rules: Rules,
) -> Version | None:
    """The bucket that keeps most of the picture; the picture's own proportions as a last resort."""
    usual = [
        v
        for s in shapes(side, rules.multiple, rules.aspects)
        if (v := _version(item, size, face, margin, s))
    ]
    if usual:
        return max(usual, key=_area)
    ends = _around(side, size[0] / size[1], rules.multiple)
    last = [v for s in ends if (v := _version(item, size, face, margin, s))]
    return max(last, key=_area, default=None)


def _version(
    item: int, size: tuple[int, int], face: Box | None, margin: float, shape: tuple[int, int]
) -> Version | None:
    crop = window(size, shape[0] / shape[1], _room(face, margin, size))
    return crop and Version(item=item, crop=crop, width=shape[0], height=shape[1])


def _gather(
    wide: list[Version],
    sizes: Sequence[tuple[int, int]],
    faces: Sequence[Box | None],
    rules: Rules,
) -> list[Version]:
    """Move pictures out of buckets too small for a batch, where a full one keeps nearly as much."""
    counts = Counter((v.width, v.height) for v in wide)
    full = [shape for shape, count in counts.items() if count >= rules.batch]
    moved: list[Version] = []
    for version in wide:
        best = version
        if counts[version.width, version.height] < rules.batch:
            others = [
                v
                for shape in full
                if 0.7 < shape[0] * shape[1] / (version.width * version.height) < 1.4
                if (
                    v := _version(
                        version.item, sizes[version.item], faces[version.item], rules.margin, shape
                    )
                )
                if _area(v) >= KEPT_BY_MOVING * _area(version)
                if v.enlargement <= max(rules.largest_enlargement, version.enlargement)
            ]
            best = max(others, key=_area, default=version)
        moved.append(best)
    return moved


def _close(
    wide: Version, size: tuple[int, int], face: Box | None, rules: Rules
) -> tuple[list[Version], list[Remark]]:
    """A crop around the face in the same bucket, unless it would be blurred or nothing new."""
    room = _room(face, rules.margin, size)
    if face is None or room is None:
        return [], []
    aspect = wide.width / wide.height
    least = max(room[3] - room[1], (room[2] - room[0]) / aspect)
    tall = max(CLOSE_HEIGHT * face.height, least)
    crop = window(size, aspect, room, height=tall)
    if crop is None or crop[3] - crop[1] > CLOSE_ENOUGH * (wide.crop[3] - wide.crop[1]):
        return [], []
    version = wide.model_copy(update={"crop": crop, "close": True})
    if version.enlargement > rules.largest_enlargement:
        text = f"no close-up at {wide.width}x{wide.height}: it would be enlarged " + (
            f"{version.enlargement:.1f} times"
        )
        return [], [Remark(item=wide.item, kind="no-close-up", text=text)]
    return [version], []


def _room(face: Box | None, margin: float, size: tuple[int, int]) -> Window | None:
    """The face with its margin, clipped to the picture."""
    if face is None:
        return None
    across, down = margin * face.width, margin * face.height
    left, right = (min(max(x, 0.0), size[0]) for x in (face.left - across, face.right + across))
    top, bottom = (min(max(y, 0.0), size[1]) for y in (face.top - down, face.bottom + down))
    return (left, top, right, bottom)


def _area(version: Version) -> float:
    left, top, right, bottom = version.crop
    return (right - left) * (bottom - top)


def _between(wish: float, low: float, high: float, most: float) -> float:
    """`wish` moved into [low, high], which holds what must be kept, then into the picture."""
    return min(max(min(max(wish, low), high), 0.0), max(most, 0.0))


def _around(side: int, aspect: float, multiple: int) -> list[tuple[int, int]]:
    """The four sizes on the grid around the exact one of `side`² pixels and these proportions."""
    width, height = side * math.sqrt(aspect) / multiple, side / math.sqrt(aspect) / multiple
    return [
        (max(1, across) * multiple, max(1, down) * multiple)
        for across in (math.floor(width), math.ceil(width))
        for down in (math.floor(height), math.ceil(height))
    ]
