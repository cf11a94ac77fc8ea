"""A checkup as one self-contained HTML page: thumbnails, marks, and no link to anywhere."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from PIL import Image, ImageDraw

from sosie.core.records import Box, Dataset
from sosie.core.terms import Language
from sosie.doctor import told, wording
from sosie.doctor.records import Checkup, Finding

THUMBNAIL = 160
"""Longer side in pixels of a picture on the page."""
SHOWN = 12
"""Pictures under one finding; the others are counted."""
COMPARED = 4
"""Pictures that show what others lack, beside them."""
SMALL = 1 / 8
"""Side of a mark, in longer sides of its picture, below which it is shown enlarged as well."""
AROUND = 4.0
"""Side of what is enlarged, in sides of the mark."""
MARK = "#e0482f"


@dataclass(frozen=True)
class Shown:
    """A picture on the page."""

    name: str
    data: str
    """A data address."""
    role: str = ""
    """ "train", "hold_out" or ""."""
    note: str = ""
    closer: str = ""
    """A data address of what is marked, enlarged, where it is small."""


@dataclass(frozen=True)
class Told:
    """A finding on the page."""

    severity: str
    dismissed: bool
    advisory: bool
    rule: str
    id: str
    title: str
    advice: str
    measured: str
    mend: str | None
    """The command that answers it."""
    pictures: list[Shown]
    more: int


def render(checkup: Checkup, dataset: Dataset, language: Language = "en") -> str:
    """The page. `dataset` is the set that was examined: the pictures are read from it."""
    import jinja2

    source = files("sosie.doctor").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    paths = {item.sample: item.path for item in dataset.items}
    return environment.from_string(source).render(
        checkup=checkup,
        language=language,
        page=wording.page(language),
        parts=[
            (heading, [_told(checkup, finding, paths, language) for finding in findings])
            for heading, findings in told.parts(checkup)
        ],
        unseen=_not_examined(checkup, language),
        pictures=_roles(checkup, paths, language),
    )


def _told(checkup: Checkup, finding: Finding, paths: dict[str, Path], language: Language) -> Told:
    boxes: dict[str, list[Box]] = {}
    for mark in finding.marks:
        boxes.setdefault(mark.sample, []).append(mark.box)
    words = wording.page(language)
    # A mark may lie on another picture: on those that have what the pictures named lack.
    others = [sample for sample in boxes if sample not in finding.samples][:COMPARED]
    notes = {
        **dict.fromkeys(finding.samples[:SHOWN], ""),
        **dict.fromkeys(others, words["compare"]),
    }
    shown = [
        Shown(
            checkup.names[sample],
            _thumbnail(paths[sample], boxes.get(sample, [])),
            note=note,
            closer=_closer(paths[sample], boxes.get(sample, [])),
        )
        for sample, note in notes.items()
        if sample in paths
    ]
    said = told.finding(finding, checkup.subject, language)
    return Told(
        severity=finding.severity,
        dismissed=finding.dismissed,
        advisory=said["advisory"],
        rule=finding.rule,
        id=said["id"],
        title=said["title"],
        advice=said["advice"],
        measured=measured(finding, language),
        mend=said["command"],
        pictures=shown,
        more=max(0, len(finding.samples) - SHOWN),
    )


def measured(finding: Finding, language: Language = "en") -> str:
    """ "6 pictures, threshold 1"; empty where nothing was measured."""
    if finding.value is None:
        return ""
    unit = told.unit(finding, language)
    bound = ""
    if finding.threshold is not None:
        bound = wording.page(language)["threshold"].format(bound=f"{finding.threshold:.4g}")
    gap = " " if unit and language != "ja" else ""
    return f"{finding.value:.4g}{gap}{unit}{bound}"


def _not_examined(checkup: Checkup, language: Language) -> list[tuple[str, str, str]]:
    """(rules, pictures, reason), the rules that one reason silences together."""
    by_reason: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for entry in checkup.not_examined:
        by_reason.setdefault((entry.reason, entry.samples), []).append(entry.rule)
    return [
        (
            ", ".join(rules),
            ", ".join(checkup.names[s] for s in samples),
            wording.reason(reason, language),
        )
        for (reason, samples), rules in by_reason.items()
    ]


def _roles(checkup: Checkup, paths: dict[str, Path], language: Language) -> list[Shown]:
    """Every picture: those to train on, those to hold out, then those left out and why."""
    enough = wording.page(language)["enough"]
    why = {left.sample: ", ".join(left.rules) or enough for left in checkup.proposal.left_out}
    order = [(sample, "train") for sample in checkup.proposal.train]
    order += [(sample, "hold_out") for sample in checkup.proposal.hold_out]
    order += [(sample, "") for sample in why]
    return [
        Shown(checkup.names[sample], _thumbnail(paths[sample], []), role, why.get(sample, ""))
        for sample, role in order
        if sample in paths
    ]


def _thumbnail(path: Path, boxes: list[Box]) -> str:
    """The whole picture, with its marks, as a data address."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    return _drawn(picture, Box(left=0, top=0, right=picture.width, bottom=picture.height), boxes)


def _closer(path: Path, boxes: list[Box]) -> str:
    """What is around the first mark that is small on the picture; "" if none is."""
    if not boxes:
        return ""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    least = SMALL * max(picture.size)
    small = [box for box in boxes if max(box.width, box.height) < least]
    if not small:
        return ""
    (width, height), mark = picture.size, small[0]
    half = round(AROUND * max(mark.width, mark.height) / 2)
    across, down = (mark.left + mark.right) // 2, (mark.top + mark.bottom) // 2
    place = Box(
        left=max(0, across - half),
        top=max(0, down - half),
        right=min(width, across + half),
        bottom=min(height, down + half),
    )
    return _drawn(picture, place, [mark])


def _drawn(picture: Image.Image, place: Box, boxes: list[Box]) -> str:
    """A part of a picture with marks on it, at twice the size of a thumbnail for dense screens; a
    part that is smaller is enlarged to it."""
    corners = (place.left, place.top, place.right, place.bottom)
    part, whole = picture.crop(corners), picture.size == (place.width, place.height)
    scale = 2 * THUMBNAIL / max(part.size)
    if scale < 1 or not whole:
        size = (max(1, round(part.width * scale)), max(1, round(part.height * scale)))
        part = part.resize(size, Image.Resampling.LANCZOS)
    scale = part.width / place.width
    draw = ImageDraw.Draw(part)
    for box in boxes:
        across = [round((side - place.left) * scale) for side in (box.left, box.right)]
        down = [round((side - place.top) * scale) for side in (box.top, box.bottom)]
        draw.rectangle([across[0], down[0], across[1], down[1]], outline=MARK, width=3)
    file = io.BytesIO()
    part.save(file, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
