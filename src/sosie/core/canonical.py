"""JSON that is the same bytes wherever it is written, so that it can be hashed and signed.

RFC 8785 (JSON Canonicalization Scheme): keys sorted by their UTF-16 code units, no blanks, only the
escapes that JSON demands, numbers as ECMAScript writes them, UTF-8.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

EXACT = 2**53
"""Integers of this size and beyond are not all numbers of JSON as RFC 8785 has them (doubles)."""

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
"""Made once: with these settings `json.dumps` would make one for each text."""


def canonical_json(value: Any) -> bytes:
    """`value` in canonical form: equal values give equal bytes.

    Takes what JSON has: None, bools, numbers, texts, lists, and mappings with texts as keys.
    Raises ValueError for what has no such form: NaN, infinities, integers from 2⁵³ on, halves of
    surrogate pairs, other types.
    """
    return "".join(_pieces(value)).encode()


def plain_json(value: Any) -> bytes:
    """`value` as JSON on one line without blanks, for this program to read back.

    What is told of a run may be NaN, which has no canonical form.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _pieces(value: Any) -> list[str]:
    if value is None or isinstance(value, bool | str):
        return [_text(value)]
    if isinstance(value, int):
        if abs(value) >= EXACT:
            raise ValueError(f"{value} is too large for canonical JSON")
        return [str(int(value))]
    if isinstance(value, float):
        return [_number(value)]
    if isinstance(value, Mapping):
        rows = [[_text(key), ":", *_pieces(value[key])] for key in sorted(value, key=_utf_16)]
        return _enclosed("{", rows, "}")
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return _enclosed("[", [_pieces(item) for item in value], "]")
    raise ValueError(f"{type(value).__name__} is no type of JSON")


def _enclosed(opening: str, rows: list[list[str]], closing: str) -> list[str]:
    pieces = [opening]
    for number, row in enumerate(rows):
        pieces += [",", *row] if number else row
    return [*pieces, closing]


def _utf_16(key: Any) -> bytes:
    if not isinstance(key, str):
        raise ValueError(f"{key!r} is no key of JSON")
    return key.encode("utf-16-be")


def _text(value: object) -> str:
    """A text, a bool or None; Python escapes what ECMAScript escapes, and nothing else."""
    return _ENCODE(value)


def _number(value: float) -> str:
    """A double as ECMAScript's `Number::toString` writes it (ECMA-262 §6.1.6.1.20)."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number of JSON")
    if value == 0:
        return "0"
    # Python finds the same shortest digits, and sets the point and the exponent otherwise.
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(power or 0)
    digits = whole + fraction
    leading = len(digits) - len(digits.lstrip("0"))
    digits, point = digits.strip("0"), point - leading
    sign, count = "-" if value < 0 else "", len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    shown = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{sign}{shown}e{point - 1:+d}"
