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
from sosie.doctor import table, wording
from sosie.doctor.records import Checkup, Finding

THUMBNAIL = 160
"""Longer side in pixels of a picture on the page."""
SHOWN = 12
"""Pictures under one finding; the others are counted."""
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
        findings=[_told(checkup, finding, paths, language) for finding in checkup.findings],
        unseen=_not_examined(checkup),
        pictures=_roles(checkup, paths),
    )


def _told(checkup: Checkup, finding: Finding, paths: dict[str, Path], language: Language) -> Told:
    boxes: dict[str, list[Box]] = {}
    for mark in finding.marks:
        boxes.setdefault(mark.sample, []).append(mark.box)
    shown = [
        Shown(checkup.names[sample], _thumbnail(paths[sample], boxes.get(sample, [])))
        for sample in finding.samples[:SHOWN]
        if sample in paths
    ]
    return Told(
        severity=finding.severity,
        dismissed=finding.dismissed,
        advisory=table.rule(finding.rule).advisory,
        rule=finding.rule,
        id=finding.id,
        title=wording.title(finding, language),
        advice=wording.advice(finding, language),
        measured=measured(finding),
        mend=f"sosie mend {checkup.subject} {finding.mend}" if finding.mend else None,
        pictures=shown,
        more=len(finding.samples) - len(shown),
    )


def measured(finding: Finding) -> str:
    """ "6 pictures, threshold 1"; empty where nothing was measured."""
    if finding.value is None:
        return ""
    rule = table.rule(finding.rule)
    unit = rule.units.get(str(finding.said.get("which")), rule.unit)
    bound = "" if finding.threshold is None else f", threshold {finding.threshold:.4g}"
    return f"{finding.value:.4g}{f' {unit}' if unit else ''}{bound}"


def _not_examined(checkup: Checkup) -> list[tuple[str, str, str]]:
    """(rules, pictures, reason), the rules that one reason silences together."""
    by_reason: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for entry in checkup.not_examined:
        by_reason.setdefault((entry.reason, entry.samples), []).append(entry.rule)
    return [
        (", ".join(rules), ", ".join(checkup.names[s] for s in samples), reason)
        for (reason, samples), rules in by_reason.items()
    ]


def _roles(checkup: Checkup, paths: dict[str, Path]) -> list[Shown]:
    """Every picture: those to train on, those to hold out, then those left out and why."""
    why = {left.sample: ", ".join(left.rules) for left in checkup.proposal.left_out}
    order = [(sample, "train") for sample in checkup.proposal.train]
    order += [(sample, "hold_out") for sample in checkup.proposal.hold_out]
    order += [(sample, "") for sample in why]
    return [
        Shown(checkup.names[sample], _thumbnail(paths[sample], []), role, why.get(sample, ""))
        for sample, role in order
        if sample in paths
    ]


def _thumbnail(path: Path, boxes: list[Box]) -> str:
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    before = picture.size
    picture.thumbnail((2 * THUMBNAIL, 2 * THUMBNAIL))
    scale = picture.width / before[0]
    draw = ImageDraw.Draw(picture)
    for box in boxes:
        corners = (box.left, box.top, box.right, box.bottom)
        draw.rectangle([round(c * scale) for c in corners], outline=MARK, width=3)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
