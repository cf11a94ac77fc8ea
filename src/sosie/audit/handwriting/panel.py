"""Who judges a handwriting: a reader of what is written, and judges of whose hand it is.

The judges look at lines. A picture several times as wide as tall is one; on others the reader says
where lines stand, and what is said of the picture is the mean over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from sosie.audit.handwriting.notes import TEXT
from sosie.audit.intervals import Interval
from sosie.audit.panel import Panel, Unmeasured
from sosie.audit.report import Worth
from sosie.models import hinges, ocr
from sosie.models.faces import Embedder, Picture

STRIP = 3.0
"""Width over height from which a picture is one line: the judges then see it whole, with the room
that the hand leaves above and below."""
ROOM = 0.2
"""What is left around a line that is cut out, as a share of its height."""
AMONG = 100
"""Drawn writers on whom the judges' errors were measured."""
LARGEST = 1600
"""Pixels of the longer side beyond which a scan is shrunk before it is read."""


@dataclass(frozen=True, eq=False)
class Written:
    """What is written on one picture."""

    text: str
    """As it was read, line by line; "" where nothing was."""
    lines: tuple[Picture, ...]
    """The lines of writing, each (h, w, 3); empty where there seem to be none."""


def panel(*, synthetic: bool, taught_by_second: bool = False) -> Panel:
    """The judges of a handwriting; raises WeightsRefused where the reader is not installed.

    The first, which also chooses, has learned nothing and so judges every hand. `synthetic` says
    that the writer is of the synthetic world: its judge of writers then judges too, unless, as
    `taught_by_second` says, it taught the LoRA by a hand loss.
    """
    from sosie.models import judges as world

    ocr.find(np.full((8, 8, 3), 255, np.uint8))
    hands, missing = [hand_judge()], []
    if synthetic and not taught_by_second:
        hands.append(_of_pictures(world.writer_judge()))
    else:
        why = "The only other judge of writers here was taught with drawn ones alone."
        if synthetic:
            why = (
                f"{world.writer_judge().name} taught this LoRA by its hand loss, and is no judge of"
                " it: what `--set hand_weight=0` trains it may judge."
            )
        missing.append(Unmeasured(what="the hand by a second judge", why=why, mend=None))
    return Panel(
        faces=tuple(hands),
        scene=None,
        reader=lambda rgb: {TEXT: written(rgb).text},
        missing=tuple(missing),
    )


def worth(panel: Panel) -> tuple[Worth, ...]:
    """What the judges of a panel are worth, as it was measured (`python -m bench judges`)."""
    from sosie.models import judges as world

    errors = world.about()["errors"]["drawn"]
    hinged = hinges.hand_judge().name
    found = []
    for judge in panel.faces:
        of = f", {hinged}" if judge.name == hinged else ""
        found.append(
            Worth(
                judge=judge.name,
                pairs=Interval.model_validate(errors[f"writer AUC{of}"]),
                named=Interval.model_validate(errors[f"writer rank 1 among {AMONG}{of}"]),
                among=AMONG,
            )
        )
    return tuple(found)


def written(rgb: Picture) -> Written:
    """What is written on a (H, W, 3) uint8 RGB picture. Raises WeightsRefused without a reader."""
    return _written(rgb.tobytes(), rgb.shape)


# The judges and the reader ask for the same picture in turn.
@lru_cache(maxsize=2)
def _written(data: bytes, shape: tuple[int, ...]) -> Written:
    rgb = _shrunk(np.frombuffer(data, np.uint8).reshape(shape))
    found = ocr.read(rgb, upright=True)
    rows = _rows([line.quad for line in found])
    text = "\n".join(" ".join(found[i].text for i in row) for row in rows)
    quads = [line.quad for line in found] or ocr.find(rgb)
    height, width = rgb.shape[:2]
    if not quads:
        return Written(text, ())
    if width >= STRIP * height:
        return Written(text, (rgb,))
    cut = [_cut(rgb, [quads[i] for i in row]) for row in _rows(quads)]
    return Written(text, tuple(cut))


def hand_judge() -> Embedder:
    """The first judge of a panel: whose hand is a picture of writing in?"""
    return _of_pictures(hinges.hand_judge())


def _of_pictures(judge: Embedder) -> Embedder:
    """The judge of lines as one of pictures."""
    return Embedder(judge.name, judge.sha256, partial(_hand, judge))


def _hand(judge: Embedder, rgb: Picture) -> NDArray[np.float32] | None:
    lines = written(rgb).lines
    rows = [(line.shape[1] / line.shape[0], judge(line)) for line in lines]
    # A long line says more than a short one.
    seen = [long * hand for long, hand in rows if hand is not None]
    if not seen:
        return None
    whole = np.sum(seen, axis=0)
    return np.asarray(whole / np.linalg.norm(whole), np.float32)


def _rows(quads: Sequence[NDArray[np.float32]]) -> list[list[int]]:
    """Quads by line of writing, from above, each from the left: the reader may part a line."""
    middles = [float(quad[:, 1].mean()) for quad in quads]
    heights = [float(np.ptp(quad[:, 1])) for quad in quads]
    rows: list[list[int]] = []
    for i in sorted(range(len(quads)), key=middles.__getitem__):
        if rows and middles[i] - middles[rows[-1][0]] < 0.5 * heights[rows[-1][0]]:
            rows[-1].append(i)
        else:
            rows.append([i])
    return [sorted(row, key=lambda i: float(quads[i][:, 0].min())) for row in rows]


def _cut(rgb: Picture, quads: Sequence[NDArray[np.float32]]) -> Picture:
    """The part of the picture that these quads cover, with some room."""
    corners = np.concatenate(quads)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    room = ROOM * (bottom - top)
    rows = slice(max(0, int(top - room)), int(np.ceil(bottom + room)) + 1)
    columns = slice(max(0, int(left - room)), int(np.ceil(right + room)) + 1)
    return rgb[rows, columns]


def _shrunk(rgb: Picture) -> Picture:
    import cv2

    scale = LARGEST / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
