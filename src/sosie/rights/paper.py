"""The paper to sign: one page, in the words that the record holds, with the hash of these words.

The hash is that of the record's text, not of the record, which also holds when it was recorded: so
a paper that was printed and signed first can be compared with what was recorded later.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from sosie.core.consent import Consent
from sosie.core.errors import BadInput
from sosie.core.files import sha256_bytes
from sosie.rights.wording import Section, sections, title, wording

INK, SOFT, LINE = "#1d2430", "#5c6675", "#c9cfd6"
MARKS = {"Allowed": ("✔", "#2e6b3e"), "Not allowed": ("✘", "#b3261e")}
"""A tick and a cross in ZapfDingbats, and their colours."""

MARGIN = 56.0
"""Points (1/72 inch)."""
SIZES = (11.0, 10.5, 10.0, 9.5, 9.0, 8.5, 8.0, 7.5, 7.0)
"""Of the type, in points: the largest that leaves all on one page is taken."""

SUBJECT = "Permission, words of SHA-256 {}"
"""What the properties of the file say, for programs."""
_SUBJECT = re.compile(rb"/Subject \(" + SUBJECT.format("([0-9a-f]{64})").encode() + rb"\)")

DEJAVU = ("DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf")
JAPANESE = "HeiseiMin-W3"


class Face(NamedTuple):
    """The type that can show all that is said."""

    plain: str
    bold: str


def paper(consent: Consent) -> bytes:
    """One A4 page as PDF. Equal records give equal bytes.

    Raises BadInput if it is a withdrawal, if a letter has no type here, or if it is too long.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    if not consent.acts:
        raise BadInput("A withdrawal needs no paper: a word is enough.")
    words = consent.bounds.text or wording(consent)
    face = _face(f"{words}{consent.signed_by}")
    width, height = A4
    for size in SIZES:
        story = _story(consent, face, size, width - 2 * MARGIN)
        foot = _foot(consent, face, size, words, width - 2 * MARGIN)
        tall = [part.wrap(width - 2 * MARGIN, height)[1] for part in (*story, foot)]
        if sum(tall) <= height - 2 * MARGIN:
            break
    else:
        raise BadInput("The permission is too long for one page.", advice="Say it in fewer words.")
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=A4, invariant=1)
    canvas.setTitle(title(consent))
    canvas.setAuthor("Sosie")
    canvas.setSubject(SUBJECT.format(text_sha256(consent)))
    top = height - MARGIN
    for part, used in zip(story, tall, strict=False):
        part.drawOn(canvas, MARGIN, top - used)
        top -= used
    foot.drawOn(canvas, MARGIN, MARGIN)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def text_sha256(consent: Consent) -> str:
    """The hash that stands on the paper."""
    return sha256_bytes((consent.bounds.text or wording(consent)).encode())


def words_of(pdf: bytes) -> str | None:
    """The hash of the words on a paper, as the properties of its file name it; None if it is none
    of these papers.
    """
    found = _SUBJECT.search(pdf)
    return found[1].decode() if found else None


def _story(consent: Consent, face: Face, size: float, width: float) -> list[Any]:
    """From the heading to the last section."""
    from reportlab.platypus import Paragraph, Spacer, Table

    parts = {part.title: part for part in sections(consent)}
    who = parts.pop("Who")
    plain, small = _style(face.plain, size), _style(face.plain, size - 1.5, SOFT)
    head = _style(face.plain, 2.2 * size)
    beside = [_marked(parts.pop(name), face, size, width / 2 - 12) for name in MARKS]
    rows = [
        [
            Paragraph(escape(part.title), _style(face.bold, size)),
            Paragraph(escape(" ".join(part.lines)), plain),
        ]
        for part in parts.values()
    ]
    rest = Table(rows, colWidths=[0.24 * width, 0.76 * width], style=_rows())
    return [
        Paragraph("MODEL RELEASE FOR MACHINE LEARNING", small),
        Spacer(width, 0.3 * size),
        Paragraph(escape(title(consent)), head),
        Spacer(width, 0.7 * size),
        Paragraph(escape(" ".join(who.lines)), plain),
        Spacer(width, 1.2 * size),
        Table([beside], colWidths=[width / 2, width / 2], style=_beside()),
        Spacer(width, 1.2 * size),
        rest,
    ]


def _marked(part: Section, face: Face, size: float, width: float) -> Any:
    """What is allowed, or what is not, line by line."""
    from reportlab.platypus import Paragraph, Table

    sign, colour = MARKS[part.title]
    mark = f'<font name="ZapfDingbats" color="{colour}">{sign}</font>'
    heading = Paragraph(escape(part.title), _style(face.bold, size + 1.5, colour))
    rows = [[heading, ""]] + [
        [
            Paragraph(mark, _style(face.plain, size)),
            Paragraph(escape(line), _style(face.plain, size)),
        ]
        for line in part.lines
    ]
    style = [*_rows(), ("SPAN", (0, 0), (1, 0)), ("BOTTOMPADDING", (0, 0), (1, 0), 0.5 * size)]
    return Table(rows, colWidths=[1.6 * size, width - 1.6 * size], style=style)


def _foot(consent: Consent, face: Face, size: float, words: str, width: float) -> Any:
    """Where one signs, and what the paper is compared by."""
    from reportlab.graphics.barcode.qr import QrCodeWidget
    from reportlab.graphics.shapes import Drawing
    from reportlab.platypus import Paragraph, Table

    sha256 = sha256_bytes(words.encode())
    plain, small = _style(face.plain, size), _style(face.plain, size - 2, SOFT)
    trainer = consent.bounds.trainer or "Who trains the model"
    lines = Table(
        [
            [Paragraph("I have read this, and sign of my own free will.", plain), "", ""],
            ["", "", ""],
            [
                Paragraph(f"{escape(name)}<br/>Date and signature", small) if name else ""
                for name in (consent.signed_by, "", trainer)
            ],
        ],
        colWidths=[0.46 * width, 0.08 * width, 0.46 * width],
        rowHeights=[None, 3.2 * size, None],
        style=[
            *_rows(),
            ("SPAN", (0, 0), (2, 0)),
            *(("LINEABOVE", (x, 2), (x, 2), 0.7, INK) for x in (0, 2)),
        ],
    )
    side = 5.2 * size
    code = QrCodeWidget(sha256, barLevel="L", barWidth=side, barHeight=side, barBorder=0)
    drawing = Drawing(side, side)
    drawing.add(code)
    halves = f"{sha256[:32]}<br/>{sha256[32:]}"
    told = Paragraph(
        "These words are on record under this SHA-256. Whoever signed can ask to see the record, "
        f'and compare.<br/><font name="Courier">{halves}</font>',
        small,
    )
    stamp = Table([[told, drawing]], colWidths=[width - side, side], style=_rows())
    return Table(
        [[lines], [stamp]],
        colWidths=[width],
        style=[*_rows(), ("TOPPADDING", (0, 1), (0, 1), 1.6 * size)],
    )


def _style(font: str, size: float, colour: str = INK) -> Any:
    from reportlab.lib.styles import ParagraphStyle

    wrap = "CJK" if font == JAPANESE else None
    return ParagraphStyle(
        f"{font}{size}{colour}",
        fontName=font,
        fontSize=size,
        leading=1.32 * size,
        textColor=colour,
        wordWrap=wrap,
    )


def _rows() -> list[Any]:
    """A table without anything that is seen."""
    return [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]


def _beside() -> list[Any]:
    """Two columns between two lines."""
    return [
        *_rows(),
        ("LEFTPADDING", (1, 0), (1, 0), 12),
        ("TOPPADDING", (0, 0), (-1, -1), 8),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
        ("LINEABOVE", (0, 0), (-1, 0), 0.7, LINE),
        ("LINEBELOW", (0, 0), (-1, 0), 0.7, LINE),
    ]


def _face(text: str) -> Face:
    """The first type that has all letters of a text: Times; DejaVu where it is installed; a
    Japanese one, which is not in the file: the reader must have one."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    if not _missing(text, "cp1252"):
        return Face("Times-Roman", "Times-Bold")
    if (found := _dejavu()) and all(ord(c) in found[1] or c == "\n" for c in text):
        return found[0]
    if missing := _missing(text, "shift_jis_2004"):
        raise BadInput(
            f'The paper cannot show "{missing}": no type here has it.',
            advice="Install the DejaVu fonts, or write the name in other letters.",
        )
    pdfmetrics.registerFont(UnicodeCIDFont(JAPANESE))
    return Face(JAPANESE, JAPANESE)


def _missing(text: str, codec: str) -> str:
    """The letters of a text that a set of letters lacks."""
    return "".join(c for c in dict.fromkeys(text) if not c.encode(codec, "ignore"))


def _dejavu() -> tuple[Face, Sequence[int]] | None:
    """The type and the letters it has, if it is installed."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    try:
        plain, bold = (TTFont(Path(file).stem, file) for file in DEJAVU)
    except TTFError:
        return None
    for font in (plain, bold):
        pdfmetrics.registerFont(font)
    return Face(plain.fontName, bold.fontName), tuple(plain.face.charToGlyph)
