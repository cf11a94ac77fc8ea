"""RFC 8785: its own examples of numbers (appendix B), and texts that sort and escape awkwardly."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.core.canonical import EXACT, canonical_json

NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_written_as_in_the_standard(bits, text):
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_json(value).decode() == text


def test_keys_sort_by_utf_16_and_texts_are_escaped_as_in_the_standard():
    keys = ("\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6")
    assert list(json.loads(canonical_json(dict.fromkeys(keys)))) == [
        *("\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33")
    ]
    awkward = '\u20ac$\u000f\nA\'B"\\\\"/\u007f'
    told = '"\u20ac$\\u000f\\nA' + "'" + 'B\\"\\\\\\\\\\"/\u007f"'
    assert canonical_json(awkward).decode() == told


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(1 - EXACT, EXACT - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(json_values)
def test_what_is_written_reads_back_and_is_written_alike(value):
    once = canonical_json(value)
    back = json.loads(once, parse_int=_double)
    assert back == value
    assert canonical_json(back) == once


def _double(text):
    """Every number of the standard is a double; small ones are integers to Python too."""
    return int(text) if abs(int(text)) < EXACT else float(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_digit_of_a_number_is_lost(value):
    assert float(canonical_json(value)) == value


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), EXACT, -EXACT, "\ud800", b"x", {1: 2}, {"\ud800": 1}, ...]
)
def test_what_has_no_form_is_refused(value):
    with pytest.raises(ValueError):
        canonical_json([value])
