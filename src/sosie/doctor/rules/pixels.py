"""What the pixels are worth: compression, enlargement, bars, and how much of them is the face.

Judged in true pixels, before anything is made smaller, and against the side that training uses.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sosie.core.records import Box, Record
from sosie.doctor.records import Finding
from sosie.doctor.rule import Case, Family, Rule, naming, over
from sosie.doctor.rules import focus
from sosie.doctor.view import View
from sosie.models.decoders import opened

Floats = NDArray[np.float32]

LOOKED_AT = 1024
"""Side in pixels of the part, around the face, in which compression and detail are measured."""
BLOCK = 8
"""Side of the blocks of JPEG, in pixels."""
BLOCKY = 1.6
"""Steps at the edges of blocks against steps elsewhere: at most 1.21 in uncompressed drawn pictures
and 1.42 in photographs of faces as they were published; 1.66 and more at JPEG quality 20."""
LEVELS = 10
"""Steps in levels of 255 beyond which a step is an edge of the picture's own."""
COARSE_QUALITY = 40
"""JPEG quality of the file as given, on the usual scale to 100, below which detail is gone."""
USUAL_TABLE = 3688
"""Sum of the luma table that JPEG's quality 50 uses (ITU-T T.81, table K.1)."""
PATCH = 64
"""Side in pixels of the patches whose spectrum is taken."""
PATCHES = 12
"""How many of them, those with most detail: a soft background says nothing."""
DEPTH = 1.45
"""Powers of ten by which detail (power times frequency squared, which is about constant in
photographs) falls where an enlarged picture ends: at most 1.0 in drawn pictures, 1.2 in
photographs, 1.4 after JPEG quality 30; 1.5 and more after enlargement by 1.5."""
SHARE = 0.85
"""Real pixels for each that the spectrum seems to hold: an enlargement's edge is not steep."""
LITTLE = 0.62
"""Share of real pixels below which an enlargement is worth a word even where enough are left."""
BLURRED = 1.4
"""Pixels of blur above which a picture is out of focus rather than enlarged: enlarged by 3 it
measures 1.37 at most, blurred by 2.2 pixels 1.41 at least (12 drawn pictures each)."""
ENLARGED = 1.2
"""Times that training may enlarge a picture before it teaches blur."""
BAR = 0.02
"""Share of a picture's side from which a plain strip on two opposite sides is a bar."""
FRAME = 0.01
"""The same where a strip goes all around: as much of the picture is lost."""
PLAIN = 8
"""Levels of 255 within which a strip is plain; JPEG leaves it as plain as that."""
STAINS = 0.02
"""Share of a plain line that may differ all the same."""
BORDER = 0.8
"""Share of the line beside a bar that must differ from it: beside a wall it is only the person."""


class Reading(Record):
    """Of one picture, in pixels as stored."""

    width: int
    height: int
    blocks: float
    """Steps at the edges of 8x8 blocks against steps elsewhere; about 1 if there are none."""
    quality: float | None
    """JPEG quality of the file as given, 1 to 100; None if it is no JPEG or not at hand."""
    detail: float
    """Share of each side, in (0, 1], that fewer pixels could hold as well."""
    bars: tuple[int, int, int, int]
    """Width of plain strips at the left, top, right and bottom."""


def _measure(view: View) -> Record:
    grey = _looked_at(view)
    return Reading(
        width=view.rgb.shape[1],
        height=view.rgb.shape[0],
        blocks=round(min(_blocks(grey), _blocks(grey.T)), 3),
        quality=_quality(view),
        detail=round(_detail(grey), 3),
        bars=_bars(view),
    )


def _looked_at(view: View) -> Floats:
    """Luma in [0, 1] around the face, or the middle, in true pixels."""
    height, width = view.rgb.shape[:2]
    box = view.face.box if view.face else Box(left=0, top=0, right=width, bottom=height)
    across, down = (box.left + box.right) // 2, (box.top + box.bottom) // 2
    left = min(max(across - LOOKED_AT // 2, 0), max(width - LOOKED_AT, 0))
    top = min(max(down - LOOKED_AT // 2, 0), max(height - LOOKED_AT, 0))
    part = view.rgb[top : top + LOOKED_AT, left : left + LOOKED_AT]
    return np.asarray(part @ np.array([0.299, 0.587, 0.114], np.float32) / 255)


def _blocks(grey: Floats) -> float:
    """The blocks may begin anywhere: a picture may have been cropped since."""
    steps = np.minimum(np.abs(np.diff(grey, axis=1)), LEVELS / 255).mean(0)
    if len(steps) < 2 * BLOCK:
        return 1.0
    phases = np.array([steps[first::BLOCK].mean() for first in range(BLOCK)])
    where = int(phases.argmax())
    rest = float(np.median(np.delete(phases, where)))
    return float(phases[where]) / rest if rest > 0 else 1.0


def _quality(view: View) -> float | None:
    if view.original is None:
        return None
    try:
        with opened(view.original) as original:
            tables = getattr(original, "quantization", None)
    except (OSError, SyntaxError, ValueError):
        return None
    if not tables:
        return None
    scale = 100 * float(sum(tables[min(tables)])) / USUAL_TABLE
    return round((200 - scale) / 2 if scale <= 100 else 5000 / scale, 1)


def _detail(grey: Floats) -> float:
    """The frequency beyond which there is nothing, as a share of the highest possible."""
    patches = _busiest(grey)
    if not patches:
        return 1.0
    window = np.hanning(PATCH)[:, None] * np.hanning(PATCH)[None]
    power = sum(np.abs(np.fft.fft2((patch - patch.mean()) * window)) ** 2 for patch in patches)
    line = np.fft.fftfreq(PATCH)
    ring = (np.hypot(line[:, None], line[None]) * PATCH / 2).astype(int)
    count = PATCH // 4
    middle = (np.arange(count) + 0.5) / (2 * count)
    mean = np.array([np.asarray(power)[ring == which].mean() for which in range(count)])
    flat = np.log10(mean * middle**2 + 1e-12)
    fallen = flat[2:5].mean() - flat
    # From the top down: what comes back after a gap is an echo of the enlargement.
    beyond = np.flatnonzero(fallen > DEPTH)
    beyond = beyond[beyond > 4]
    return float(beyond[0] / count) * SHARE if len(beyond) else 1.0


def _busiest(grey: Floats) -> list[Floats]:
    """The patches with most fine detail."""
    half = PATCH // 2
    rows, columns = (side // half for side in grey.shape)
    if min(rows, columns) < 2:
        return []
    inside = grey[: rows * half, : columns * half]
    bends = np.zeros_like(inside)
    bends[1:-1] = np.abs(2 * inside[1:-1] - inside[:-2] - inside[2:])
    bends[:, 1:-1] += np.abs(2 * inside[:, 1:-1] - inside[:, :-2] - inside[:, 2:])
    cells = bends.reshape(rows, half, columns, half).mean((1, 3))
    whole = cells[:-1, :-1] + cells[1:, :-1] + cells[:-1, 1:] + cells[1:, 1:]
    best = [int(at) for at in np.argsort(whole, axis=None)[::-1][:PATCHES] if whole.flat[at] > 0]
    corners = [(half * (at // (columns - 1)), half * (at % (columns - 1))) for at in best]
    return [inside[top : top + PATCH, left : left + PATCH] for top, left in corners]


def _bars(view: View) -> tuple[int, int, int, int]:
    lines = (view.small.transpose(1, 0, 2), view.small)
    across, down = (_pair(both, FRAME) for both in lines)
    if 0 in (*across, *down):
        across, down = (_pair(both, BAR) for both in lines)
    a, b, c, d = (round(n / view.scale) for n in (across[0], down[0], across[1], down[1]))
    return a, b, c, d


def _pair(lines: NDArray[np.uint8], share: float) -> tuple[int, int]:
    """Lines of the bar at the start and of the one at the end; zeros unless both are there and
    have that share of all."""
    colours = np.median(lines[[0, -1]], axis=1)
    if np.abs(colours[0] - colours[1]).max() > PLAIN:
        return 0, 0
    first, last = (_strip(side, colours[0]) for side in (lines, lines[::-1]))
    return (first, last) if min(first, last) >= max(2, share * len(lines)) else (0, 0)


def _strip(lines: NDArray[np.uint8], colour: NDArray[np.float64]) -> int:
    """How many lines from the start are that one colour, if they end at a border."""
    for count, line in enumerate(lines[: len(lines) // 2]):
        if _other(line, colour) > STAINS:
            beside = _other(lines[count + 1], colour)
            return count if beside >= BORDER else 0
    return 0


def _other(line: NDArray[np.uint8], colour: NDArray[np.float64]) -> float:
    """Share of a line that is not of that colour."""
    return float((np.abs(line - colour).max(1) > PLAIN).mean())


FAMILY = Family("pixels", 3, Reading, _measure, original=True)


def _compressed(case: Case) -> Iterator[Finding]:
    read = list(case.read(FAMILY, Reading))
    shown = [(number, reading.blocks, None) for number, reading in read]
    # Where squares show, what the file says of itself adds nothing.
    told = [
        (number, reading.quality, None)
        for number, reading in read
        if reading.quality and reading.blocks <= BLOCKY
    ]
    name = "pixels.compressed"
    yield from naming("blocks", over(case, name, "warning", shown, BLOCKY))
    yield from naming("quality", over(case, name, "warning", told, COARSE_QUALITY, below=True))


def _upscaled(case: Case) -> Iterator[Finding]:
    # Focus has said it of these: they lack real pixels too, but no larger original is to be had.
    soft = {number for number, blur in focus.blurred(case).items() if blur > BLURRED}
    real = [
        (number, round(reading.detail * min(reading.width, reading.height)), reading.detail)
        for number, reading in case.read(FAMILY, Reading)
        if reading.detail < 1 and number not in soft
    ]
    side = case.config.side
    short = [(number, pixels, None) for number, pixels, _ in real if pixels < side]
    yield from over(case, "pixels.upscaled", "warning", short, side, below=True)
    waste = [(n, share, None) for n, pixels, share in real if pixels >= side]
    yield from over(case, "pixels.wasted", "advice", waste, LITTLE, below=True)


def _only(name: str, case: Case) -> Iterator[Finding]:
    return (finding for finding in _upscaled(case) if finding.rule == name)


def _small(case: Case) -> Iterator[Finding]:
    measured = (
        (number, round(case.config.side / (reading.width * reading.height) ** 0.5, 2), None)
        for number, reading in case.read(FAMILY, Reading)
    )
    return over(case, "pixels.small", "warning", measured, ENLARGED)


def _barred(case: Case) -> Iterator[Finding]:
    barred = [(n, r) for n, r in case.read(FAMILY, Reading) if any(r.bars)]
    barred.sort(key=lambda entry: -_lost(entry[1]))
    if barred:
        yield case.finding(
            "pixels.bars",
            "warning",
            [number for number, _ in barred],
            value=round(_lost(barred[0][1]), 3),
            threshold=2 * BAR,
            boxes=[(number, box) for number, reading in barred for box in _boxes(reading)],
        )


def _lost(reading: Reading) -> float:
    """Share of the picture under its bars."""
    left, top, right, bottom = reading.bars
    kept = (reading.width - left - right) * (reading.height - top - bottom)
    return 1 - kept / (reading.width * reading.height)


def _boxes(reading: Reading) -> Iterator[Box]:
    left, top, right, bottom = reading.bars
    width, height = reading.width, reading.height
    if left:
        yield Box(left=0, top=0, right=left, bottom=height)
        yield Box(left=width - right, top=0, right=width, bottom=height)
    if top:
        yield Box(left=0, top=0, right=width, bottom=top)
        yield Box(left=0, top=height - bottom, right=width, bottom=height)


RULES = (
    Rule(
        name="pixels.compressed",
        judge=_compressed,
        needs=(FAMILY,),
        unit="blockiness",
        units={"quality": "JPEG quality"},
    ),
    Rule(
        name="pixels.upscaled",
        judge=lambda case: _only("pixels.upscaled", case),
        needs=(FAMILY, focus.FAMILY),
        unit="real pixels",
    ),
    Rule(
        name="pixels.wasted",
        judge=lambda case: _only("pixels.wasted", case),
        needs=(FAMILY, focus.FAMILY),
        unit="share of each side",
        fix="resize",
    ),
    Rule(name="pixels.small", judge=_small, needs=(FAMILY,), unit="times enlarged"),
    Rule(
        name="pixels.bars",
        judge=_barred,
        needs=(FAMILY,),
        unit="share of the picture",
        fix="cut-bars",
    ),
)
