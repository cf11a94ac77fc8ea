"""The status list: signed, and no more is concluded from it than its age allows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.core.errors import BadInput
from sosie.rights import home_key, issued, read_status
from sosie.rights.status import Entry

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
ONE, TWO, THREE, FOUR = (letter * 64 for letter in "abcd")
ENTRIES = (
    Entry(consent_sha256=ONE, standing="stands", acts=("train",)),
    Entry(consent_sha256=TWO, standing="withdrawn", since=AT - timedelta(days=3)),
    Entry(consent_sha256=THREE, standing="ended"),
)


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    return issued(ENTRIES, home_key(tmp_path), at=AT, days=30).model_dump_json(indent=1).encode()


def test_an_old_list_still_tells_what_ended_and_nothing_else(data: bytes) -> None:
    status = read_status(data)
    fresh, old = AT + timedelta(days=29), AT + timedelta(days=31)
    assert [status.told(sha, fresh) for sha in (ONE, TWO, THREE, FOUR)] == [
        *("stands", "withdrawn", "ended", None),
    ]
    assert [status.told(sha, old) for sha in (ONE, TWO, THREE, FOUR)] == [
        *(None, "withdrawn", "ended", None),
    ]


@pytest.mark.parametrize(
    ("path", "to", "reason"),
    [
        (("list", "good_until"), "2090-01-01T00:00:00Z", "was changed"),
        (("list", "entries", 1, "standing"), "stands", "was changed"),
        (("list", "entries"), [], "was changed"),
        (("list", "issued"), "2026-05-01T12:00:00", "list.issued"),
        (("list", "kind"), "something else", "list.kind"),
        (("signature", "at"), "2027-05-01T12:00:00Z", "forged"),
        (("signature", "public_key"), "ab" * 32, "forged"),
    ],
)
def test_what_was_changed_is_refused(data: bytes, path: tuple, to: object, reason: str) -> None:
    whole = json.loads(data)
    place = whole
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    with pytest.raises(BadInput, match=reason):
        read_status(json.dumps(whole).encode())


@given(st.binary() | st.text().map(str.encode) | st.recursive(
    st.none() | st.text() | st.integers(),
    lambda inner: st.dictionaries(st.sampled_from(["list", "signature", "issued"]), inner),
).map(json.dumps).map(str.encode))  # fmt: skip
def test_whatever_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        read_status(data)
