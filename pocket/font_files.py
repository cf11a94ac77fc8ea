"""Where the letters of `sosie.world` come from: font packages, and the terms they are under."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HELD_OUT_EVERY = 10


@dataclass
class Glyph:
    """Closed outlines in thousandths of an em, and how far the pen moves on."""

    outlines: list[NDArray[np.int16]]
    advance: int

    def moved(self, x: float, y: float = 0.0) -> list[NDArray[np.int16]]:
        return [(o + np.round([x, y])).astype(np.int16) for o in self.outlines]

    def box(self) -> tuple[int, int, int, int]:
        p = np.concatenate(self.outlines)
        return (*p.min(0).tolist(), *p.max(0).tolist())


@dataclass
class Font:
    """One font file, where it came from and under which terms."""

    name: str
    package: str
    version: str
    path: Path
    licence: str
    copyright: str
    glyphs: dict[str, Glyph] = field(default_factory=dict)
    made: str = ""
    """Characters that were composed, or written with others that stand in for them."""

    @property
    def hand(self) -> str:
        return f"hand-{hashlib.sha1(self.name.encode()).hexdigest()[:8]}"

    @property
    def clan(self) -> str:
        """The first word of the name: what siblings such as "caveat" and "caveat brush" share."""
        return self.name.split("-")[0]

    @property
    def held_out(self) -> bool:
        # By the clan, so that siblings are never on either side.
        return hashlib.sha1(self.clan.encode()).digest()[0] % HELD_OUT_EVERY == HELD_OUT_EVERY - 1


def licence_of(text: str) -> str | None:
    """The SPDX name of a licence text, or None where it is not one that is wanted."""
    flat = " ".join(text.split())
    if re.search(r"SIL Open Font License,? Version 1\.1", flat, re.I) or "SIL-1.1" in flat:
        return "OFL-1.1"
    if "Apache License" in flat and "Version 2.0" in flat:
        return "Apache-2.0"
    if "CC0 1.0" in flat:
        return "CC0-1.0"
    return "MIT" if "Permission is hereby granted, free of charge" in flat else None


def tidy(line: str) -> str:
    """A copyright statement on one line."""
    line = re.split(r"\s\S+\.ttf:", " ".join(line.split()))[0]
    return line.removeprefix("-").strip().rstrip("/")


def npm_fonts(folder: Path) -> Iterator[Font | str]:
    """Fonts of the @fontsource scope; a string says why one is left out."""
    for package in sorted(folder.glob("@*/*")):
        name = package.name
        about = json.loads((package / "package.json").read_text())
        texts = [p for p in (package / "LICENSE_FONT", package / "LICENSE") if p.exists()]
        files = sorted(
            [
                p
                for p in package.glob(f"files/{name}-latin-*-normal.woff2")
                if "latin-ext-" not in p.name
            ],
            key=lambda p: abs(int(re.findall(r"-(\d+)-normal|$", p.name)[0] or 400) - 400),
        )
        if not texts or not files:  # the terms are read, never guessed
            yield f"{name}: no licence file" if files else f"{name}: no Latin letters"
            continue
        text = texts[0].read_text()
        lines = [x for x in text.splitlines() if x.lower().strip().startswith("copyright")]
        meta = package / "metadata.json"
        given = json.loads(meta.read_text()).get("license", {}) if meta.exists() else {}
        credit = given.get("attribution") if isinstance(given, dict) else None
        spdx = licence_of(text)
        if spdx is None:
            yield f"{name}: licence not recognised"
            continue
        if spdx == "Apache-2.0":  # its text opens with no statement of its own
            lines = []
        yield Font(name, about["name"], about["version"], files[0], spdx,
                   tidy(lines[0] if lines else credit or ""))  # fmt: skip


def debian_fonts(folder: Path) -> Iterator[Font | str]:
    """Fonts of Debian packages, unpacked in folders of their names with versions beside them."""
    for package in sorted(p for p in folder.iterdir() if p.is_dir()):
        (about,) = package.glob("usr/share/doc/*/copyright")
        text = about.read_text()
        first = text.split("Files:", 2)[1] if "Files:" in text else text
        terms = (re.findall(r"License: *(\S+)", first) or [""])[0]
        named = re.search(r"OFL-1\.1|SIL-1\.1|SIL_Open_Font_License_1\.1|CC0", terms)
        spdx = ("CC0-1.0" if "CC0" in terms else "OFL-1.1") if named else licence_of(first)
        if spdx is None:
            yield f"{package.name}: fonts under {terms or 'unread terms'}"
            continue
        credit = re.search(r"Copyright:? +(.+)", first)
        version = (package / "VERSION").read_text().strip()
        for path in sorted(package.glob("usr/share/fonts/**/*.?tf")):
            if re.search(r"Bold|Italic|SemiBold", path.stem):
                continue
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", path.stem.removesuffix("-Regular")).lower()
            yield Font(name, package.name, version, path, spdx,
                       tidy("Copyright " + (credit.group(1) if credit else "")))  # fmt: skip


def licences(fonts: list[Font], folder: Path) -> str:
    """The file beside the data: whose letters these are, and the terms in full, once each."""
    count = Counter(f.licence for f in fonts)
    lines = [
        "# hands.npz",
        "",
        "Outlines of letters, simplified, extracted by `pocket/extract_hands.py` from the fonts",
        "below, each under the licence that its package carries. They are data derived from those",
        "fonts, and stay under the same terms: "
        + ", ".join(f"{n} under {name}" for name, n in sorted(count.items()))
        + ".",
        "The neutral names stand for fonts whose own names some licences reserve. The last column",
        "lists characters that a font lacked and that were composed of others.",
        "",
        "| Hand | Font package | Version | Licence | Copyright | Composed |",
        "|---|---|---|---|---|---|",
    ]
    for f in fonts:
        package = f.package if f.package.endswith(f.name) else f"{f.package}: {f.name}"
        cells = (f.hand, package, f.version, f.licence, f.copyright, f.made)
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    for name in sorted(count):
        first = next(f for f in fonts if f.licence == name and f.package.startswith("@fontsource/"))
        text = (folder / "node_modules" / first.package / "LICENSE").read_text()
        text = text[text.find("SIL OPEN FONT LICENSE") :] if name == "OFL-1.1" else text
        text = text.replace("-" * 59, "").strip("\n")
        lines += ["", f"## {name}", "", "```text", *(x.rstrip() for x in text.splitlines()), "```"]
    return "\n".join(lines) + "\n"
