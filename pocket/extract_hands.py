"""Extract the letters of `sosie.world` from fonts: `python -m pocket.extract_hands DIR`.

Needs a Python of its own, since nothing else here does, with `pip install fonttools brotli
uharfbuzz skia-pathops numpy opencv-python-headless`, and a folder that holds the unpacked font
packages named in `src/sosie/world/hands.LICENSES.md`: npm's in `DIR/node_modules` as `npm install`
leaves them; Debian's in `DIR/deb`, each unpacked by `dpkg -x` in a folder of its name with its
version in a file VERSION.

A family is kept if its licence file says OFL-1.1, Apache-2.0, MIT or CC0, if it can write all of
`NEEDED`, if its small letters are not capitals, if its letters are not those of another family,
and if to the eye they are a hand (`BY_EYE`). Accented letters that it lacks are composed of letter
and mark. A family that is kept gets a neutral name, `hand-` and a number, because several
licences reserve the font's own.

What is written, for F families and C characters, all lengths in thousandths of an em, y upwards:

- `names` (F,), `chars` one string, `held_out` (F,) bool
- `clan` (F,) int16: families of one number are siblings, by the first word of the font's name
- `advance` (F, C) int16: -32768 where the family lacks the character
- `contours` (F, C) uint8: closed outlines of each glyph, without overlaps
- `lengths` (N,) uint16: points of each outline, families and characters in order
- `starts` (N, 2) int16: each outline's first point
- `steps` (M, 2) int8: from each point of an outline to its next, up to its last
- `kern_family`, `kern_left`, `kern_right`, `kern` (K,): what a pair adds to the left one's advance
- `x_height`, `ascender`, `descender` (F,) int16: of x, of the tallest and of the deepest letters
- `slant` (F,) float32: degrees to the right of upright
- `stroke`, `hairline` (F,) int16: width of the common stroke, and of a thin one
- `joined` (F,) bool: whether the letters of a word touch each other
"""

from __future__ import annotations

import argparse
import io
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pathops
import uharfbuzz as hb
from fontTools.misc.transform import Transform
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont
from numpy.typing import NDArray

from pocket.font_files import Font, Glyph, debian_fonts, licences, npm_fonts
from pocket.letter_looks import boxed, joined, overlap, slant, strokes

OUT = Path(__file__).parents[1] / "src/sosie/world/hands.npz"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
NEEDED = LETTERS + "0123456789.,'!?-:"
ACCENTED = "àâäçéèêëîïôöùûüÿœæÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸŒÆ"
CHARS = NEEDED + ACCENTED + ' ;"()/&+=%*#@°€«»’–…'
EPSILON = 1.8
"""Outlines are simplified as far as no point moves further than this."""
LONGEST_STEP = 127
"""A longer side of an outline gets points in between, so that steps are small numbers."""
MISSING = -32768
TWINS, SIBLINGS = 0.8, 0.9
"""Families whose letters overlap by more are one under two names; siblings may be more alike."""
MEASURES = ("x_height", "ascender", "descender", "stroke", "hairline")
BY_EYE = {
    "capitals alone": "amatic-sc rock-salt sedgwick-ave-display trade-winds walter-turncoat",
    "no hand, a sign or a poster": (
        "aladin atma berkshire-swash boogaloo chelsea-market galindo gluten kirang-haerang "
        "lakki-reddy leckerli-one lily-script-one mountains-of-christmas oleo-script playball "
        "pompiere potta-one risque sail sansita-swashed sarina supermercado-one"
    ),
    "no hand, print": (
        "averia-libre bellota cherry-swash cute-font emilys-candy englebert gowun-dodum "
        "grandiflora-one hubballi life-savers macondo ruluko sofadi-one tagesschrift "
        "winky-rough winky-sans yuji-syuku zcool-kuaile zen-loop"
    ),
    "no pen": "finger-paint moo-lah-lah neonderthaw splash stick",
    "broken where a pen of one width writes it": "nerko-one",
    "broken where its letters do not know their neighbours": "edu-nsw-act-cursive",
    "ornaments in its letters": "festive fleur-de-leah",
    "letters that are read otherwise today": "joscelyn kings",
}
"""Families that are left out, by what the eye found in them."""

MARKS = "`´^¨¸"
COMPOSED = {
    **dict(zip("àèùÀÈÙ", ("a`", "e`", "u`", "A`", "E`", "U`"), strict=True)),
    **dict(zip("éÉ", ("e´", "E´"), strict=True)),
    **dict(zip("âêîôûÂÊÎÔÛ", (c + "^" for c in "aeiouAEIOU"), strict=True)),
    **dict(zip("äëïöüÿÄËÏÖÜŸ", (c + "¨" for c in "aeiouyAEIOUY"), strict=True)),
    **dict(zip("çÇ", ("c¸", "C¸"), strict=True)),
}
STAND_INS = {"’": "'", "–": "-", "…": "...", "«": "<<", "»": ">>", "œ": "oe", "Œ": "OE",
             "æ": "ae", "Æ": "AE", '"': "''", "‰": "o/o"}  # fmt: skip
"""What a writer would write for want of the character itself."""


def bernstein(degree: int) -> NDArray[np.float64]:
    """(12, degree + 1): the weights of a curve's control points at twelve places on it."""
    t = np.linspace(0, 1, 13)[1:, None]
    k = np.arange(degree + 1)
    return np.array([math.comb(degree, int(i)) for i in k]) * t**k * (1 - t) ** (degree - k)


CURVES = {2: bernstein(2), 3: bernstein(3)}


def flatten(path: pathops.Path) -> list[NDArray[np.int16]]:
    """Closed outlines as polygons of few points."""
    outlines: list[list[tuple[float, float]]] = []
    for verb, points in path:
        if verb == pathops.PathVerb.MOVE:
            outlines.append([points[0]])
        elif verb != pathops.PathVerb.CLOSE and len(points) == 1:
            outlines[-1].append(points[0])
        elif verb != pathops.PathVerb.CLOSE:
            hull = np.array([outlines[-1][-1], *points])
            outlines[-1].extend((CURVES[len(points)] @ hull).tolist())
    kept = []
    for line in outlines:
        simple = cv2.approxPolyDP(np.array(line, np.float32)[:, None], EPSILON, True)[:, 0]
        simple = np.round(simple)
        simple = simple[np.any(simple != np.roll(simple, 1, 0), axis=1)]
        if len(simple) >= 3 and abs(cv2.contourArea(simple.astype(np.float32))) > 30:
            kept.append(simple.astype(np.int16))
    return kept


def united(outlines: list[NDArray[np.int16]]) -> list[NDArray[np.int16]]:
    """The outlines of all that some outlines enclose together."""
    path = pathops.Path()
    pen = path.getPen()
    for outline in outlines:
        corners = [(float(x), float(y)) for x, y in outline]
        pen.moveTo(corners[0])
        for corner in corners[1:]:
            pen.lineTo(corner)
        pen.closePath()
    path.simplify(fix_winding=True, keep_starting_points=False)
    return flatten(path)


def read(font: Font) -> None:
    """Fill `font.glyphs` with all of CHARS that the file has or, beyond NEEDED, can be composed."""
    file = TTFont(font.path)
    scale = 1000 / file["head"].unitsPerEm
    table, glyphs = file.getBestCmap(), file.getGlyphSet()

    def glyph(character: str) -> Glyph | None:
        if ord(character) not in table:
            return None
        name = table[ord(character)]
        path = pathops.Path()
        pen = TransformPen(path.getPen(glyphSet=glyphs), Transform(scale, 0, 0, scale, 0, 0))
        glyphs[name].draw(pen)
        path.simplify(fix_winding=True, keep_starting_points=False)
        outlines = flatten(path)
        if not outlines and character != " ":
            return None
        return Glyph(outlines, round(glyphs[name].width * scale))

    font.glyphs = {c: g for c in CHARS if (g := glyph(c)) is not None}
    if not set(NEEDED) <= set(font.glyphs):
        return
    marks = _marks(font.glyphs, glyph)
    for character in CHARS:
        if character in font.glyphs:
            continue
        made = _compose(font.glyphs, marks, character) or _stand_in(font, glyph, character)
        if made is not None:
            font.glyphs[character] = made
            font.made += character


def _marks(glyphs: dict[str, Glyph], glyph: Any) -> dict[str, Glyph]:
    """The accents by themselves, made of other signs where the file lacks them."""
    marks = {m: g for m in MARKS if (g := glyph(m)) is not None and g.outlines}
    tick = glyphs["'"]
    for mark, other, lean in (("`", "´", -0.5), ("´", "`", 0.5)):
        if other in marks and mark not in marks:
            mirrored = [(o * [-1, 1])[::-1].astype(np.int16) for o in marks[other].outlines]
            marks[mark] = Glyph(mirrored, marks[other].advance)
        elif mark not in marks:
            leaning = [np.round(o @ [[0.8, 0], [lean, 0.8]]) for o in tick.outlines]
            marks[mark] = Glyph([o.astype(np.int16) for o in leaning], tick.advance)
    if "^" not in marks:
        right = marks["`"].moved(marks["´"].box()[2] - marks["`"].box()[0] - 20)
        marks["^"] = Glyph(united(marks["´"].outlines + right), tick.advance)
    dot, comma = glyphs.get("."), glyphs.get(",")
    if dot and "¨" not in marks:
        x0, _, x1, _ = dot.box()
        marks["¨"] = Glyph(dot.outlines + dot.moved(1.8 * (x1 - x0)), dot.advance)
    if comma and "¸" not in marks:
        marks["¸"] = comma
    return marks


def _compose(glyphs: dict[str, Glyph], marks: dict[str, Glyph], character: str) -> Glyph | None:
    """A letter with its mark set over or under the middle of it."""
    base, mark = (*COMPOSED.get(character, ""), None, None)[:2]
    if base not in glyphs or mark not in marks:
        return None
    # An accent on i or j takes the place of the dot.
    letter = glyphs[base]
    outlines = letter.outlines
    if base in "ij" and len(outlines) > 1:
        outlines = [max(outlines, key=lambda o: float(np.ptp(o[:, 1])))]
    p = np.concatenate(outlines)
    x0, y0, x1, y1 = marks[mark].box()
    gap = 60
    middle = (int(p[:, 0].min()) + int(p[:, 0].max())) / 2 - (x0 + x1) / 2
    up = p[:, 1].min() - y1 + 20 if mark == "¸" else p[:, 1].max() + gap - y0
    return Glyph(united(outlines + marks[mark].moved(middle, up)), letter.advance)


def _stand_in(font: Font, glyph: Any, character: str) -> Glyph | None:
    """The characters of STAND_INS side by side, as one glyph; a euro is a C with two strokes."""
    if character == "€" and "=" in font.glyphs:
        c, bars = font.glyphs["C"], font.glyphs["="]
        (x0, y0, _, y1), (u0, v0, _, v1) = c.box(), bars.box()
        over = bars.moved(x0 - u0 - 60, (y0 + y1 - v0 - v1) / 2)
        return Glyph(united(c.outlines + over), c.advance)
    if character == "%" and "/" in font.glyphs:
        return _stand_in(font, glyph, "‰")
    outlines, x = [], 0.0
    for part in STAND_INS.get(character, ""):
        one = font.glyphs.get(part) or glyph(part)
        if one is None:
            return None
        tight = 0.8 if character in "œŒæÆ«»" else 1.0
        outlines += one.moved(x)
        x += one.advance * tight
    return Glyph(united(outlines), round(x)) if outlines else None


def without_twins(fonts: list[Font]) -> list[Font]:
    """The families less those whose letters another one, read earlier, has too.

    Held-out ones come last: what is held out must be like nothing that is taught.
    """
    kept: list[tuple[Font, NDArray[np.bool_]]] = []
    for font in sorted(fonts, key=lambda f: f.held_out):
        shapes = np.stack([boxed(font.glyphs[c]) for c in LETTERS])
        for other, theirs in kept:
            if overlap(shapes, theirs) > (SIBLINGS if font.clan == other.clan else TWINS):
                print(f"left out: {font.name}: its letters are those of {other.name}")
                break
        else:
            kept.append((font, shapes))
    return [font for font, _ in kept]


def kerning(font: Font) -> list[tuple[int, int, int]]:
    """Left and right characters' places in CHARS, and what the pair adds to the left's advance."""
    file = TTFont(font.path)
    file.flavor = None
    for shapes in {"glyf", "loca", "gvar", "CFF "} & set(file.keys()):
        del file[shapes]  # widths are asked for alone
    plain = io.BytesIO()
    file.save(plain)
    face = hb.Face(plain.getvalue())
    shaper = hb.Font(face)
    scale = 1000 / face.upem
    off = {"liga": False, "clig": False, "calt": False, "dlig": False, "rlig": False}

    def advances(text: str) -> list[int]:
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        hb.shape(shaper, buffer, off)
        return [p.x_advance for p in buffer.glyph_positions]

    alone = {c: advances(c)[0] for c in LETTERS + ".,'"}
    found = []
    for left in alone:
        for right in alone:
            pair = advances(left + right)
            by = round((pair[0] - alone[left]) * scale)
            if len(pair) == 2 and abs(by) >= 4:
                found.append((CHARS.index(left), CHARS.index(right), int(np.clip(by, -400, 400))))
    return found


def why_not(font: Font) -> str | None:
    """Why a family is left out, or None."""
    lacking = [c for c in NEEDED if c not in font.glyphs]
    if lacking:
        return f"lacks {''.join(lacking)[:20]}"
    small = np.mean(
        [overlap(boxed(font.glyphs[c]), boxed(font.glyphs[c.upper()])) for c in "aegrbdnqt"]
    )
    return f"its small letters are capitals ({small:.2f})" if small > 0.62 else None


def stepwise(outline: NDArray[np.int16]) -> NDArray[np.int8]:
    """From each point of an outline to its next, up to its last, none over LONGEST_STEP."""
    dense = [outline[:1].astype(float)]
    for a, b in pairwise(outline.astype(float)):
        parts = max(1, math.ceil(np.abs(b - a).max() / LONGEST_STEP))
        dense.append(a + (b - a) * np.arange(1, parts + 1)[:, None] / parts)
    return np.diff(np.concatenate(dense).round(), axis=0).astype(np.int8)


def arrays(fonts: list[Font]) -> dict[str, NDArray[Any]]:
    """The table at the head of this file."""
    advance = np.full((len(fonts), len(CHARS)), MISSING, np.int16)
    contours = np.zeros((len(fonts), len(CHARS)), np.uint8)
    lengths, starts, steps, kern = [], [], [], []
    measures = []
    for f, font in enumerate(fonts):
        for c, character in enumerate(CHARS):
            glyph = font.glyphs.get(character)
            if glyph is None:
                continue
            advance[f, c], contours[f, c] = glyph.advance, len(glyph.outlines)
            for outline in glyph.outlines:
                starts.append(outline[0])
                steps.append(stepwise(outline))
                lengths.append(1 + len(steps[-1]))
        tops = [font.glyphs[c].box()[3] for c in LETTERS]
        feet = [font.glyphs[c].box()[1] for c in LETTERS]
        round_letters = [font.glyphs[c].box()[3] for c in "xvzuneo"]
        stroke, hairline = strokes(font.glyphs)
        measures.append((np.median(round_letters), max(tops), min(feet), stroke, hairline))
        kern += [(f, *k) for k in kerning(font)]
    table = np.array(measures).round().astype(np.int16).T
    pairs = np.array(kern, np.int16).T
    return {
        "names": np.array([f.hand for f in fonts]),
        "chars": np.array(CHARS),
        "held_out": np.array([f.held_out for f in fonts]),
        "clan": np.unique([f.clan for f in fonts], return_inverse=True)[1].astype(np.int16),
        "advance": advance,
        "contours": contours,
        "lengths": np.array(lengths, np.uint16),
        "starts": np.array(starts, np.int16),
        "steps": np.concatenate(steps),
        **dict(zip(("kern_family", "kern_left", "kern_right", "kern"), pairs, strict=True)),
        **dict(zip(MEASURES, table, strict=True)),
        "slant": np.array([slant(f.glyphs) for f in fonts], np.float32),
        "joined": np.array([joined(f.glyphs) for f in fonts]),
    }


def write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(path)


def main() -> None:
    """Parse the command line, extract, and write the file whole or not at all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    fonts: list[Font] = []
    found = [
        *npm_fonts(options.folder / "node_modules"),
        *debian_fonts(options.folder / "deb"),
    ]
    for font in found:
        if isinstance(font, str):
            print("left out:", font)
            continue
        seen = next((why for why, names in BY_EYE.items() if font.name in names.split()), None)
        if seen:
            print(f"left out: {font.name}: {seen}")
            continue
        read(font)
        reason = why_not(font)
        if reason:
            print(f"left out: {font.name}: {reason}")
        else:
            fonts.append(font)
            print("read", font.name, flush=True)
    fonts = sorted(without_twins(fonts), key=lambda f: f.hand)
    data = arrays(fonts)
    file = io.BytesIO()
    np.savez_compressed(file, **data)
    write(options.out, file.getvalue())
    beside = options.out.with_name(options.out.stem + ".LICENSES.md")
    write(beside, licences(fonts, options.folder).encode())
    print(f"{options.out}: {len(fonts)} families, {len(file.getvalue()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
