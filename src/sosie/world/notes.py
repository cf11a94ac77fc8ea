"""The truth about a written line in the words in which users write prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sosie.world.writing import Truth

_OPENINGS = (
    "a note that reads",
    "a note that says",
    "a handwritten note that reads",
    "a handwritten note saying",
    "handwriting that reads",
    "handwritten text",
    "a line of handwriting that reads",
    "handwriting, the text reads",
)
_FOR_WORDS = ("the handwritten word", "the word", "a handwritten word that reads")
_FOR_WRITERS = (
    "a note by {} that reads",
    "a note in the handwriting of {} that reads",
    "{} handwriting that reads",
    "handwriting of {} that reads",
    "handwriting of {}, the text reads",
    "a note that {} wrote, it reads",
)
_FOR_STYLES = (
    "a note in {} handwriting that reads",
    "{} handwriting that reads",
    "{} handwriting, the text reads",
    "a {} handwritten note that reads",
)
_PAPERS = {
    "plain": ("on plain paper", "on white paper"),
    "ruled": ("on ruled paper", "on lined paper"),
    "squared": ("on squared paper", "on graph paper"),
    "school": ("on school paper", "on exercise book paper"),
    "cream": ("on cream paper", "on cream coloured paper"),
    "yellow": ("on yellow paper", "on a yellow note"),
    "kraft": ("on kraft paper", "on brown paper"),
    "old": ("on old paper", "on aged paper"),
}
_KEEP = {"ink": 0.8, "pen": 0.4, "paper": 0.75}
"""Share of captions in which each part is said."""
_KEEP_STYLE = 0.85
"""The same of each word for the hand, where the hand is described."""


def papers(truth: Truth) -> tuple[str, ...]:
    """The ways to say what is written on."""
    return _PAPERS[truth.paper]


def tools(truth: Truth, *, ink: bool, pen: bool) -> tuple[str, ...]:
    """The ways to say what is written with: the colour of the ink, the pen, both or neither."""
    if truth.pen == "pencil":
        colour = "" if truth.ink == "grey" or not ink else f"{truth.ink} "
        return (f"in {colour}pencil", f"with a {colour}pencil") if pen or ink else ()
    if ink and pen:
        return (f"in {truth.ink} {truth.pen}", f"with a {truth.ink} {truth.pen}")
    if ink:
        return (f"in {truth.ink} ink", f"in {truth.ink}")
    return (f"in {truth.pen}", f"with a {truth.pen}") if pen else ()


def handwriting_caption(
    truth: Truth,
    *,
    rng: np.random.Generator,
    subject: str | None = None,
    style: Sequence[str] = (),
) -> str:
    """A caption that quotes the exact text and leaves some of the rest unsaid.

    `subject`, a trigger word, stands for the writer; or `style`, words for the hand, of which some
    are said.
    """
    openings: tuple[str, ...] = _OPENINGS if " " in truth.text else _OPENINGS + _FOR_WORDS
    if subject is not None:
        openings = tuple(o.format(subject) for o in _FOR_WRITERS)
    elif words_for_it := " ".join(w for w in style if w and rng.random() < _KEEP_STYLE):
        openings = tuple(o.format(words_for_it) for o in _FOR_STYLES)
    said = {part: bool(rng.random() < share) for part, share in _KEEP.items()}
    words = [str(rng.choice(openings)), f'"{truth.text}"']
    with_what = tools(truth, ink=said["ink"], pen=said["pen"])
    on_what = papers(truth) if said["paper"] else ()
    words += [str(rng.choice(ways)) for ways in (with_what, on_what) if ways]
    return " ".join(words)
