"""An audit as one self-contained HTML page: the choice, the curve, the sheet, the figures.

It shows pictures of the person, so it is for those who may see them. No link leads anywhere.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from sosie.audit.choice import Point
from sosie.audit.figures import Figure
from sosie.audit.intervals import Interval
from sosie.audit.prompts import Prompt
from sosie.audit.report import Audit, Worth
from sosie.core.terms import Kind

if TYPE_CHECKING:
    import jinja2

THUMBNAIL = 224
"""Longer side in pixels of a picture on the page."""
WIDE, HIGH, LEFT, BELOW = 640, 260, 52, 34
"""The curve's size and margins, in pixels."""
COLOURS = ("#2f6f8f", "#2e6b3e", "#a05a00", "#8a4f9e", "#b3261e", "#5c6675")


@dataclass(frozen=True)
class Line:
    """One strength on the curve, or the only line there is."""

    name: str
    colour: str
    path: str
    """Points of a polyline."""
    dots: list[tuple[float, float, float, float, str]]
    """x, y, and the ends of the interval on y; what it says."""


@dataclass(frozen=True)
class Curve:
    """The curve, in pixels."""

    lines: list[Line]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    said: str
    """What goes across."""


@dataclass(frozen=True)
class Cell:
    """A picture on the sheet."""

    data: str
    note: str
    chosen: bool


@dataclass(frozen=True)
class Sheet:
    """Checkpoints by strengths at one prompt and seed."""

    prompt: str
    columns: list[str]
    rows: list[tuple[str, list[Cell]]]


@dataclass(frozen=True)
class Told:
    """A figure on the page."""

    title: str
    judge: str
    means: str
    value: str
    interval: str
    bound: str
    state: str
    why: str
    mend: str


@dataclass(frozen=True)
class Words:
    """What is said otherwise of a person and of a handwriting."""

    whose: str
    unit: str
    """What two real ones are, whose likeness to each other is 100%."""
    grouped: str
    """What the intervals are over."""
    held: str


WORDS: dict[Kind, Words] = {
    "person": Words(
        whose="pictures of the person",
        unit="two real pictures of the person",
        grouped="the prompts",
        held="pictures",
    ),
    "handwriting": Words(
        whose="the writer's notes",
        unit="two real notes of the writer",
        grouped="the texts",
        held="notes",
    ),
}


def render(
    audit: Audit,
    *,
    held_out: Sequence[Path],
    shown: Sequence[Prompt],
    picture: Callable[[Prompt, Point], Path],
) -> str:
    """The page. `held_out` are the pictures that judged; `shown` the prompts of the sheet, and
    `picture` says where the picture of a prompt lies that a point of the curve drew first.
    """
    return template("page.html.j2").render(
        audit=audit,
        held_out=[thumbnail(path) for path in held_out],
        curve=_curve(audit),
        sheets=[_sheet(audit, prompt, picture) for prompt in shown],
        words=WORDS[audit.kind],
        worth=[worth(one) for one in audit.worth],
        figures=[told(figure) for figure in audit.figures],
        wide=WIDE,
        high=HIGH,
        left=LEFT,
        floor=HIGH - BELOW,
    )


def template(name: str) -> jinja2.Template:
    """A page of this package, which may include its neighbours."""
    import jinja2

    folder = files("sosie.audit")
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda file: folder.joinpath(file).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    ).get_template(name)


def worth(one: Worth) -> str:
    """What a judge of hands is worth, in a sentence."""

    def said(interval: Interval) -> str:
        ends = "" if interval.low is None else f" ({interval.low:.0%} to {interval.high:.0%})"
        return f"{interval.value:.0%}{ends}"

    return (
        f"{one.judge[:1].upper()}{one.judge[1:]}: two lines of one drawn writer are more alike to "
        f"it than lines of two in {said(one.pairs)} of cases, and of {one.among} drawn writers "
        f"whom it never saw it names the right one for {said(one.named)} of lines. How often it is "
        "right about real hands is not known."
    )


def told(figure: Figure) -> Told:
    """A figure in words."""
    kind, interval = figure.kind, figure.interval
    bound = ""
    if figure.least is not None:
        bound = f"at least {amount(figure.least, figure)}"
    if figure.most is not None:
        bound = f"at most {amount(figure.most, figure)}"
    return Told(
        title=kind.title,
        judge=figure.judge or "",
        means=kind.means,
        value="–" if interval is None else amount(interval.value, figure),
        interval=ends(interval, figure),
        bound=bound,
        state=figure.state,
        why=figure.why or "",
        mend=figure.mend or "",
    )


def amount(value: float, figure: Figure) -> str:
    """A number of a figure, in its unit."""
    if figure.kind.unit == "cosine":
        return f"{value:.2f}"
    # A chance of a thousandth is not none, and there is no "-0%".
    return f"{value:.1%}" if figure.kind.unit == "chance" else f"{round(value, 2) + 0.0:.0%}"


def ends(interval: Interval | None, figure: Figure) -> str:
    """ "61% to 74%"; empty where there is none."""
    if interval is None or interval.low is None or interval.high is None:
        return ""
    return f"{amount(interval.low, figure)} to {amount(interval.high, figure)}"


def _curve(audit: Audit) -> Curve:
    """Likeness over the checkpoints, a line for each strength; over the strengths where there is
    one checkpoint."""
    steps = sorted({point.step for point in audit.curve})
    strengths = sorted({point.strength for point in audit.curve})
    over_steps = len(steps) > 1
    places: list[float] = [*map(float, steps)] if over_steps else strengths
    judge = next(iter(audit.judges))
    values = [
        end
        for point in audit.curve
        for end in (point.likeness[judge].low, point.likeness[judge].high, point.score)
        if end is not None
    ]
    bottom, top = min(0.0, *values), max(1.0, *values)

    def x(value: float) -> float:
        span = places[-1] - places[0] or 1
        return round(LEFT + 24 + (value - places[0]) / span * (WIDE - LEFT - 48), 1)

    def y(value: float) -> float:
        return round(12 + (top - value) / (top - bottom) * (HIGH - BELOW - 12), 1)

    names = [f"strength {s:g}" for s in strengths] if over_steps else [f"step {steps[0]}"]
    lines = []
    for number, name in enumerate(names):
        if over_steps:
            few = [p for p in audit.curve if p.strength == strengths[number]]
            few.sort(key=lambda p: p.step)
        else:
            few = sorted(audit.curve, key=lambda p: p.strength)
        dots = []
        for p in few:
            own = p.likeness[judge]
            place = x(p.step if over_steps else p.strength)
            low = own.value if own.low is None else own.low
            high = own.value if own.high is None else own.high
            said = f"step {p.step}, strength {p.strength:g}: {p.told}"
            # Beside each other, so that no whisker hides another.
            place += 5 * (number - (len(names) - 1) / 2)
            dots.append((round(place, 1), y(own.value), y(low), y(high), said))
        path = " ".join(f"{dot[0]},{dot[1]}" for dot in dots)
        lines.append(Line(name, COLOURS[number % len(COLOURS)], path, dots))
    marks = [mark / 4 for mark in range(9) if bottom <= mark / 4 <= top]
    return Curve(
        lines=lines,
        across=[(x(place), f"{place:g}") for place in places],
        up=[(y(mark), f"{mark:.0%}") for mark in marks],
        said="step" if over_steps else "strength",
    )


def _sheet(audit: Audit, prompt: Prompt, picture: Callable[[Prompt, Point], Path]) -> Sheet:
    strengths = sorted({p.strength for p in audit.curve})
    by_place = {(p.step, p.strength): p for p in audit.curve}
    rows = []
    for step in sorted({p.step for p in audit.curve}):
        cells = []
        for strength in strengths:
            p = by_place[step, strength]
            chosen = (step, strength) == (audit.choice.step, audit.choice.strength)
            cells.append(Cell(thumbnail(picture(prompt, p)), p.told, chosen))
        rows.append((f"step {step}", cells))
    return Sheet(
        prompt=prompt.text.replace("{trigger}", "…"),
        columns=[f"{strength:g}" for strength in strengths],
        rows=rows,
    )


def thumbnail(path: Path) -> str:
    """A picture file as a data address, small."""
    with Image.open(path) as opened:
        return small(opened.convert("RGB"))


def small(picture: Image.Image) -> str:
    """A picture as a data address, no larger than `THUMBNAIL`."""
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
