"""The file that a permission travels in: whatever is not as it was signed is refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.core.consent import Consent, Terms
from sosie.core.errors import BadInput
from sosie.core.terms import ACTS, PROHIBITIONS
from sosie.rights import LARGEST, Document, Key, policy, read, sign, written


def key(seed: bytes) -> Key:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Key(Ed25519PrivateKey.from_private_bytes(seed * 32))


ANNA, HOUSE = key(b"1"), key(b"2")
AT = datetime(2026, 5, 1, tzinfo=UTC)


def record(**fields: object) -> Consent:
    values: dict[str, object] = {
        "subject": "anna",
        "who": "Anna Weber",
        "relation": "self",
        "signed_by": "Anna Weber",
        "acts": ("train", "publish"),
        "until": date(2031, 1, 1),
        "recorded": AT,
        "terms": Terms(of_age=True, bases=("flux",), territory=("FR",), credit="Paul"),
    }
    return Consent.model_validate(values | fields)


def carried(consent: Consent) -> bytes:
    sha256 = consent.sha256()
    hers = sign(ANNA, sha256, role="subject", at=AT)
    return written(consent, (hers, sign(HOUSE, sha256, role="trainer", at=AT)))


DATA = carried(record())


def test_what_was_written_is_read_back() -> None:
    document = read(DATA)
    assert document.consent == record() and len(document.signatures) == 2
    first_form = record(terms=None)
    assert read(carried(first_form)).consent == first_form


def changed(*path: str | int, to: object) -> bytes:
    whole = json.loads(DATA)
    place = whole
    for key_ in path[:-1]:
        place = place[key_]
    place[path[-1]] = to
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (changed("consent", "until", to=None), "changed after it was signed"),
        (changed("consent", "subject", to="ben"), "changed after it was signed"),
        (changed("consent", "terms", "bases", to=[]), "changed after it was signed"),
        (changed("consent", "terms", "prohibitions", to=[]), "changed after it was signed"),
        (changed("signatures", 0, "role", to="trainer"), "forged"),
        (changed("signatures", 0, "public_key", to=HOUSE.public), "forged"),
        (changed("signatures", 0, "signature", to="0" * 128), "forged"),
        (changed("policy", "permission", to=[]), "other than the record"),
        (changed("policy", "assignee", to="everyone"), "other than the record"),
        (changed("consent", "terms", "schema_version", to=3), "consent.terms.schema_version"),
        (changed("consent", "hidden", to=1), "consent.hidden"),
        (changed("signatures", to="none"), "signatures"),
        (changed("consent", "who", to="\ud800"), "no permission"),
        (b"", "no permission"),
        (b"[" * 100_000, "no permission"),
        (b" " * (LARGEST + 1), "too large"),
    ],
)
def test_whatever_is_not_as_it_was_signed_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        read(data)


def test_another_hand_cannot_sign_for_her() -> None:
    forged = sign(HOUSE, record().sha256(), role="subject", at=AT)
    data = written(record(), (forged.model_copy(update={"public_key": ANNA.public}),))
    with pytest.raises(BadInput, match="forged"):
        read(data)


@given(st.data())
def test_a_file_with_one_byte_changed_reads_the_same_or_not_at_all(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(DATA) - 1))
    other = data.draw(st.integers(0, 255))
    try:
        found = read(DATA[:place] + bytes([other]) + DATA[place + 1 :])
    except BadInput:
        return
    # Blanks between values, and the same character written otherwise, change nothing.
    assert found.consent == record() and found.signatures == read(DATA).signatures


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary() | st.text().map(str.encode) | JSON.map(json.dumps).map(str.encode))
def test_whatever_is_no_permission_is_refused_and_breaks_nothing(data: bytes) -> None:
    with pytest.raises(BadInput):
        read(data)


TERMS = st.sampled_from(sorted(Terms.model_fields))


@given(TERMS, JSON)
def test_any_value_in_any_term_is_read_or_refused(field: str, value: object) -> None:
    whole = json.loads(DATA)
    whole["consent"]["terms"][field] = value
    whole["signatures"], whole["policy"] = [], {}
    with pytest.raises(BadInput):
        read(json.dumps(whole).encode())


def test_the_policy_says_what_the_record_says() -> None:
    found = policy(record())
    assert [rule["action"] for rule in found["permission"]] == [
        *("sosie:add", "sosie:train", "sosie:publish"),
    ]
    banned = {rule["action"] for rule in found["prohibition"]}
    assert banned == {f"sosie:{p}" for p in PROHIBITIONS} | {"cc:CommercialUse"}
    (constraint,) = [
        c for c in found["permission"][0]["constraint"] if c["leftOperand"] == "dateTime"
    ]
    assert constraint["operator"] == "lteq" and constraint["rightOperand"]["@value"] == "2031-01-01"
    assert {"action": "attribute", "attributedParty": "Paul"} in found["permission"][0]["duty"]
    gone = policy(record(acts=(), terms=None))
    assert "permission" not in gone and gone["prohibition"][0]["action"] == "odrl:use"


def test_the_schema_names_every_field_and_says_what_it_is() -> None:
    path = Path(__file__).parents[2] / "docs" / "consent.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert set(schema["properties"]) == set(Document.model_fields)
    terms = schema["$defs"]["Terms"]["properties"]
    assert set(terms) == set(Terms.model_fields)
    assert all("description" in field for field in terms.values())
    assert schema["$defs"]["Consent"]["properties"]["acts"]["items"]["enum"] == list(ACTS)
