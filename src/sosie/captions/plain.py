"""A captioner's answer without its form: models that chat write Markdown, and speak before it.

Nothing of the form is in the picture, so a base would learn asterisks. What is taken away is given
back, for it is reported like every other removal.
"""

from __future__ import annotations

import re

_FENCE = re.compile(r"^\s*(```|~~~)[\w-]*\s*$")
_RULE = re.compile(r"^\s*([-*_])(?:\s*\1){2,}\s*$")
_MARKER = re.compile(r"^\s*(#{1,6}|>|[-*+•]|\d{1,2}[.)])\s+")
_EMPHASIS = (
    re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"),
    # A single mark inside a word is none: tags are joined by underscores.
    re.compile(r"(?<![\w*])(\*)(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\w*])"),
    re.compile(r"(?<!\w)(_)(?=[^\s_])(.+?)(?<=[^\s_])_(?!\w)"),
    re.compile(r"(`)([^`]+)`"),
)
_LINK = re.compile(r"!?\[([^\]]+)\](\([^)\s]*\))")
_OPENING = re.compile(
    r"(?:(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok)[.!:,]\s+)?"
    r"(?:(?:here(?:'s|’s| is| are)\b[^:\n]{0,80}"
    r"|(?:the |a )?(?:(?:image|photo|picture|training|suggested) )?"
    r"(?:caption|description|answer|output|tags)s?(?: (?:for|of) [^:\n]{0,60})?):\s*)?",
    re.IGNORECASE,
)
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "「": "」"}


def plain(answer: str) -> tuple[str, list[str]]:
    """The caption on one line, and each kind of thing that was taken away, in order."""
    gone: list[str] = []
    lines: list[str] = []
    apart = False
    for line in answer.splitlines():
        if found := _FENCE.match(line) or _RULE.match(line):
            gone.append(found[0].strip())
            continue
        listed = _MARKER.match(line)
        if listed:
            gone.append(listed[1])
            line = line[listed.end() :]
        if line := _without_marks(line, gone).strip():
            # Headings and the items of a list are clauses of one caption.
            if lines and (listed or apart) and lines[-1][-1].isalnum():
                lines[-1] += ","
            lines.append(line)
            apart = listed is not None
    text = _unopened(" ".join(" ".join(lines).split()), gone)
    return _unquoted(text, gone), list(dict.fromkeys(gone))


def _without_marks(line: str, gone: list[str]) -> str:
    for pattern in _EMPHASIS:
        while found := pattern.search(line):
            gone.append(found[1])
            line = line[: found.start()] + found[2] + line[found.end() :]
    while found := _LINK.search(line):
        gone.append(found[2])
        line = line[: found.start()] + found[1] + line[found.end() :]
    return line


def _unopened(text: str, gone: list[str]) -> str:
    """Without "Sure! Here is a caption:"."""
    opening = _OPENING.match(text)
    if opening and opening[0]:
        gone.append(opening[0].strip())
        return text[opening.end() :]
    return text


def _unquoted(text: str, gone: list[str]) -> str:
    """Without quotation marks around all of it."""
    close = _QUOTES.get(text[:1])
    if close and len(text) > 1 and text.endswith(close) and close not in text[1:-1]:
        gone.append(f"{text[0]}…{close}")
        return text[1:-1].strip()
    return text
