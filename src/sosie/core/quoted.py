"""The text that a caption puts in quotation marks: for a handwriting, what is written."""

from __future__ import annotations

import re
import unicodedata

_PAIRS = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("「", "」"), ("『", "』"))
_MARKS = re.compile("|".join(f"{re.escape(a)}(.+){re.escape(b)}" for a, b in _PAIRS), re.DOTALL)


def quoted(caption: str) -> str:
    """The text from the first quotation mark to its last partner, or "" if there is none.

    Whoever writes may quote in turn, so the last partner closes: `"He said "go"."` is one text.
    """
    start, end = _place(caption)
    return caption[start:end].strip()


def requoted(caption: str, text: str) -> str:
    """The caption with another text between its quotation marks; as it is where it has none."""
    start, end = _place(caption)
    return caption[:start] + text + caption[end:] if end else caption


def plain(text: str) -> str:
    """Composed, folded, and with the typographic marks as typewriters have them: how texts are
    compared that hands write and readers read."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return folded.translate(str.maketrans("’‘“”«»–—", '\'\'""""--'))


def _place(caption: str) -> tuple[int, int]:
    """Where the text begins and ends, marks aside; (0, 0) where there is none."""
    found = _MARKS.search(caption)
    if found is None:
        return 0, 0
    return found.span(next(i for i, part in enumerate(found.groups(), 1) if part is not None))
