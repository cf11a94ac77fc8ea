"""The demo's page: one self-contained HTML file."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image, ImageOps

from sosie.audit.page import Told
from sosie.core.files import save_atomically, write_atomically


@dataclass(frozen=True)
class Shown:
    """A picture on the page."""

    data: str
    caption: str = ""
    prompt: str = ""
    note: str = ""
    held_out: bool = False


@dataclass(frozen=True)
class Figure:
    """A number on the page, and what it says."""

    value: str
    label: str


@dataclass(frozen=True)
class Page:
    """All that the page shows; the template may use these names and no others."""

    title: str
    lead: str
    headline: Sequence[Figure]
    samples: Sequence[Shown]
    lesson: str
    curves: Markup
    drawn: Sequence[Shown]
    control: Sequence[Shown]
    figures: Sequence[Told]
    unmeasured: str
    """Why there are none."""
    again: str
    """The command of the whole audit."""
    facts: Sequence[tuple[str, str]]
    honest: str

    def write(self, path: Path) -> None:
        """Render to `path`, with every picture inside the file."""
        loader = FileSystemLoader(Path(__file__).parent)
        environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
        html = environment.get_template("page.html.j2").render(**self.__dict__)
        write_atomically(path, html.encode())


def strip(rows: Sequence[Sequence[Path]], path: Path, *, side: int = 112, gap: int = 6) -> None:
    """Write rows of pictures, scaled to `side` pixels, as one PNG on white."""
    width = max(len(row) for row in rows)
    size = (width * (side + gap) + gap, len(rows) * (side + gap) + gap)
    sheet = Image.new("RGB", size, "white")
    for y, row in enumerate(rows):
        for x, file in enumerate(row):
            with Image.open(file) as picture:
                small = ImageOps.fit(picture.convert("RGB"), (side, side))
            sheet.paste(small, (gap + x * (side + gap), gap + y * (side + gap)))
    save_atomically(path, lambda temporary: sheet.save(temporary, "PNG"))


def data_uri(path: Path) -> str:
    """A picture's bytes as a `data:` address."""
    kind = mimetypes.guess_type(path.name)[0] or "image/png"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def curves(
    lines: dict[str, list[tuple[int, float]]], *, width: int = 900, height: int = 240
) -> Markup:
    """Loss curves as inline SVG, one colour each; the y axis spans the values."""
    colours = ("#c9c2b4", "#b4532a", "#2f6f8f")
    points = [point for line in lines.values() for point in line]
    if not points:
        return Markup("")
    last = max(x for x, _ in points) or 1
    low, high = min(y for _, y in points), max(y for _, y in points)
    span = (high - low) or 1.0
    left, right, top, bottom = 52, width - 12, 14, height - 30

    def place(point: tuple[int, float]) -> str:
        x = left + (right - left) * point[0] / last
        y = bottom - (bottom - top) * (point[1] - low) / span
        return f"{x:.1f},{y:.1f}"

    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Loss over steps">']
    for share in (0.0, 0.5, 1.0):
        y = bottom - (bottom - top) * share
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="#dfe3e8"/>')
        value = low + span * share
        parts.append(
            f'<text x="{left - 8}" y="{y + 4}" text-anchor="end" fill="#5c6675">{value:.3f}</text>'
        )
    for number, (name, line) in enumerate(lines.items()):
        colour = colours[number % len(colours)]
        path = " ".join(place(point) for point in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x = left + 8 + number * 190
        parts.append(f'<rect x="{x}" y="{height - 14}" width="18" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{x + 24}" y="{height - 8}" fill="#1d2430">{name}</text>')
    parts.append(
        f'<text x="{right}" y="{height - 8}" text-anchor="end" fill="#5c6675">'
        f"step {last}</text></svg>"
    )
    return Markup("".join(parts))
