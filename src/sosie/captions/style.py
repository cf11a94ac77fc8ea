"""The two styles in which bases were captioned, and how a measured picture is said in each.

FLUX learned from sentences that a language model wrote; Stable Diffusion 1.5 and SDXL from web
captions and, in their fine-tunes, from lists of tags. A caption in the other style still works,
less well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from sosie.core.records import Record

Style = Literal["sentence", "tags"]

_STYLES: Mapping[str, Style] = {"flux": "sentence", "sdxl": "tags", "sd15": "tags"}


def style_of(family: str) -> Style:
    """The style for a base of this family; sentences for one that is not known."""
    return _STYLES.get(family, "sentence")


Part = Literal[
    "framing", "monochrome", "view", "expression", "age", "glasses", "clothes", "background",
    "light",
]  # fmt: skip
"""What can be said of a picture of a person."""


class Measured(Record):
    """What was read off one picture, in plain words; None is not known, and so not said."""

    sample: str
    """`picture_sha256`."""
    framing: str | None = None
    """ "close-up", "portrait", "full-body"…"""
    monochrome: str | None = None
    """ "black and white"; "none" where there are colours."""
    view: str | None = None
    """ "front", "three-quarter" or "profile"."""
    expression: str | None = None
    """ "smiling", "laughing", "neutral"…"""
    age: int | None = None
    """Years."""
    glasses: str | None = None
    """ "round glasses"; "none" where none are worn."""
    clothes: str | None = None
    """A colour, or what is worn with its article: "red", "a red shirt"."""
    background: str | None = None
    """A colour, or a place with its preposition: "grey", "in a garden"."""
    light: str | None = None
    """ "soft light"."""
    text: str | None = None
    """Handwriting: exactly what is written."""
    ink: str | None = None
    """Handwriting: "blue ink", "pencil"…"""
    paper: str | None = None
    """Handwriting: "ruled paper"…"""

    def said(self, part: Part) -> str | None:
        """The value of a part in words, or None where there is nothing to say."""
        value = getattr(self, part)
        if value is None or str(value).strip().casefold() in ("", "none", "no"):
            return None
        return str(value).strip()


_TAGS: Mapping[Part, str] = {"view": "{} view", "age": "{} years old"}
_CLAUSES: Mapping[Part, str] = {
    "view": "in {} view",
    "age": "aged {}",
    "glasses": "wearing {}",
    "clothes": "wearing {}",
    "light": "in {}",
}
"""Parts that are not here stand in a caption as they were measured."""
ORDER: tuple[Part, ...] = (
    "view", "expression", "age", "glasses", "clothes", "background", "light",
)  # fmt: skip
"""In which parts follow the opening."""


def phrase(part: Part, value: str, style: Style) -> str:
    """A part in the words of a caption, without the commas around it."""
    colour_alone = " " not in value
    if part == "view":
        value = value.removesuffix(" view")
    if part == "expression" and value == "neutral":
        value = "a neutral expression"
    if part == "clothes" and colour_alone:
        value = f"{value} clothes"
    if part == "background" and colour_alone:
        value = f"against a {value} background"
    if style == "tags":
        value = _bare(value.removeprefix("against "))
        return value if value == "profile" else _TAGS.get(part, "{}").format(value)
    if part == "expression" and value.endswith("expression"):
        return f"with {value}"
    return "in profile" if value == "profile" else _CLAUSES.get(part, "{}").format(value)


def person_caption(
    trigger: str, kind: Sequence[str | None], phrases: Mapping[Part, str], style: Style
) -> str:
    """The caption of a person from the phrases of its parts; `kind` is what kind of photo it is."""
    opening = " ".join([*filter(None, kind), "photo"])
    begin = f"{trigger}, {opening}" if style == "tags" else f"{opening} of {trigger}"
    return ", ".join([begin, *(phrases[part] for part in ORDER if part in phrases)])


def note_caption(trigger: str, measured: Measured, style: Style) -> str:
    """The caption of a note: trigger, exact text in quotation marks, then ink and paper.

    What is said of ink and paper can be asked for otherwise later; what is not said is learned as
    part of the hand.
    """
    named = [value for value in (measured.ink, measured.paper) if value]
    if style == "tags":
        return ", ".join([trigger, "handwritten note", f'"{measured.text}"', *map(_bare, named)])
    ends = [f"in {measured.ink}"] if measured.ink else []
    ends += [f"on {measured.paper}"] if measured.paper else []
    return " ".join([f'a note by {trigger} that reads "{measured.text}"', *ends])


def _bare(tag: str) -> str:
    """Tags go without an article."""
    for article in ("a ", "an ", "the "):
        if tag.startswith(article):
            return tag[len(article) :]
    return tag
