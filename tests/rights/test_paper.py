"""The paper to sign: one page, that says what the record says."""

from __future__ import annotations

import re
import zlib
from base64 import a85decode
from datetime import UTC, date, datetime

import pytest

from sosie.core.consent import Consent, Terms
from sosie.core.errors import BadInput
from sosie.rights import paper, text_sha256, wording, words_of


def record(**fields: object) -> Consent:
    values: dict[str, object] = {
        "subject": "anna",
        "who": "Anna Weber",
        "relation": "guardian",
        "signed_by": "Maria Weber",
        "acts": ("train", "generate"),
        "recorded": datetime(2026, 5, 1, tzinfo=UTC),
        "terms": Terms(born=date(2019, 3, 1), authority="birth certificate", credit="Paul Meier"),
    }
    return Consent.model_validate(values | fields)


def shown(pdf: bytes) -> str:
    """The text of a page in an 8-bit type."""
    streams = re.findall(rb"stream\r?\n(.*?)~>\s*endstream", pdf, re.DOTALL)
    text = b"".join(zlib.decompress(a85decode(data)) for data in streams)
    return b" ".join(re.findall(rb"\((.*?)(?<!\\)\)", text)).decode("cp1252").replace("\\", "")


def test_all_that_is_recorded_stands_on_one_page() -> None:
    pdf = paper(record())
    text = shown(pdf)
    assert pdf.startswith(b"%PDF") and pdf.count(b"/Type /Page\n") == 1
    for line in wording(record()).splitlines():
        for word in line.removeprefix("- ").split():
            assert word in text, word
    sha256 = text_sha256(record())
    assert sha256[:32] in text and sha256[32:] in text
    assert words_of(pdf) == sha256 and words_of(b"%PDF-1.7 (a stranger's)") is None
    assert paper(record()) == pdf, "equal records give equal papers"
    assert text_sha256(record(recorded=datetime(2027, 1, 1, tzinfo=UTC))) == sha256


def test_a_long_permission_is_set_smaller_and_one_beyond_is_refused() -> None:
    long = record(terms=Terms(uses=tuple(f"use number {i} in a book" for i in range(60))))
    assert paper(long).count(b"/Type /Page\n") == 1
    with pytest.raises(BadInput, match="too long"):
        paper(record(terms=Terms(uses=("word " * 390,) * 8)))


@pytest.mark.parametrize("name", ["Łucja Ćwik", "山田花子", "O'Neil & <b>Söhne</b>"])
def test_names_are_shown_as_they_are_written(name: str) -> None:
    assert paper(record(who=name)).startswith(b"%PDF")


def test_what_cannot_be_shown_is_refused() -> None:
    with pytest.raises(BadInput, match="cannot show"):
        paper(record(who="𓀀"))
    with pytest.raises(BadInput, match="no paper"):
        paper(record(acts=()))
