"""Records as they are signed: old ones keep their bytes, and new ones say all they bind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sosie.core.consent import Consent, Terms
from sosie.rights import home_key, sign, wording

FIRST = (
    b'{"acts":["train","generate"],"evidence":null,"recorded":"2026-05-01T08:00:00Z",'
    b'"relation":"self","signed_by":"Anna Maier","subject":"anna","until":"2030-01-31",'
    b'"who":"Anna Maier"}'
)
"""A record as it was written before there were terms."""
FIRST_SHA256 = "81d4106ceb00fec1ca6cd9fd907944b454da7883c6e736db6d41cf68983204d7"


def second(**terms: object) -> Consent:
    return Consent(
        subject="anna",
        who="Anna Maier",
        relation="self",
        signed_by="Anna Maier",
        acts=("train", "generate"),
        recorded=datetime(2026, 5, 1, tzinfo=UTC),
        terms=Terms.model_validate({"of_age": True} | terms),
    )


def test_a_record_of_the_first_form_keeps_its_bytes_and_its_signatures(tmp_path) -> None:
    old = Consent.model_validate_json(FIRST)
    assert old.canonical() == FIRST and old.sha256() == FIRST_SHA256
    assert old.terms is None and "sexual" in old.bounds.prohibitions
    signature = sign(home_key(tmp_path), FIRST_SHA256, role="trainer")
    assert signature.holds() and signature.about == old.sha256()


def test_a_record_of_the_second_form_comes_back_as_it_was() -> None:
    record = second(born="2000-01-01", bases=("flux",), ages=(20, 30), credit="Studio Meier")
    again = Consent.model_validate_json(record.canonical())
    assert again == record and again.canonical() == record.canonical()
    assert record.sha256() != second(bases=("sdxl",)).sha256()


@pytest.mark.parametrize(
    "terms",
    [
        {"unknown": 1},
        {"schema_version": 3},
        {"territory": ["France"]},
        {"modalities": ["soul"]},
        {"pictures": [{"original_sha256": "xyz"}]},
        {"bases": [""]},
        {"ages": [3]},
        {"credit": "x" * 2001},
    ],
)
def test_what_no_term_can_say_is_refused(terms: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        second(**terms)


WORDS = st.text(min_size=1, max_size=40)


@given(
    st.lists(WORDS, max_size=3),
    st.none() | WORDS,
    st.lists(st.sampled_from(Terms().prohibitions), unique=True),
    st.booleans(),
)
def test_whatever_is_recorded_has_a_text_that_says_it(
    bases: list[str], credit: str | None, prohibitions: list[str], commercial: bool
) -> None:
    record = second(bases=bases, credit=credit, prohibitions=prohibitions, commercial=commercial)
    text = wording(record)
    assert "Anna Maier" in text and "(train)" in text
    for word in (*bases, *([credit] if credit else [])):
        assert word in text
    assert ("sexual content" in text.casefold()) == ("sexual" in prohibitions)
    assert ("Not to earn money with." in text) != commercial
