"""The text that a caption puts in quotation marks: for a handwriting, what is written."""

from __future__ import annotations

import re

_PAIRS = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("「", "」"), ("『", "』"))
_MARKS = re.compile("|".join(f"{re.escape(a)}(.+){re.escape(b)}" for a, b in _PAIRS), re.DOTALL)


def quoted(caption: str) -> str:
    """The text from the first quotation mark to its last partner, or "" if there is none.

    Whoever writes may quote in turn, so the last partner closes: `"He said "go"."` is one text.
    """
    found = _MARKS.search(caption)
    if found is None:
        return ""
    return next(part for part in found.groups() if part is not None).strip()
