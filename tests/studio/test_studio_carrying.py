"""A permission that is carried from one workspace to another."""

import json
from datetime import timedelta

import pytest

from sosie.core.errors import BadInput, NotFound
from sosie.core.records import now
from sosie.rights import new_key, sign, written
from sosie.studio import Studio, consenting
from tests.cli.door import sosie


@pytest.fixture
def here(tmp_path):
    studio = Studio(tmp_path / "here")
    studio.new("anna")
    new_key(tmp_path / "anna.key")
    studio.consent("anna", relation="self", sign_with=tmp_path / "anna.key")
    return studio


@pytest.fixture
def there(tmp_path):
    studio = Studio(tmp_path / "there")
    studio.new("anna")
    return studio


def test_it_holds_there_with_all_who_signed_it(here, there, tmp_path):
    file = tmp_path / "anna.json"
    answer = sosie(here.registry.home, "consent", "anna", "--out", file)
    assert answer.code == 0, answer
    answer = sosie(there.registry.home, "consent", "anna", "--take", file)
    assert answer.code == 0 and "train, generate, export" in answer.out, answer
    record = there.permitted("train", "anna")
    assert record == here.permitted("train", "anna")
    signatures = there.registry.signatures.of(record.sha256())
    assert [s.role for s in signatures] == ["subject", "trainer", "trainer"]
    assert {s.public_key for s in signatures} > {there.registry.key().public}
    with pytest.raises(BadInput, match="on file already"):
        there.take_consent("anna", file)


def test_what_does_not_hold_leaves_nothing(here, there, tmp_path):
    file = tmp_path / "anna.json"
    here.give_consent("anna", file)
    there.new("ben")
    with pytest.raises(BadInput, match='of "anna", not of "ben"'):
        there.take_consent("ben", file)
    whole = json.loads(file.read_text())
    (tmp_path / "changed.json").write_text(
        json.dumps({**whole, "consent": {**whole["consent"], "until": "2090-01-01"}})
    )
    (tmp_path / "unsigned.json").write_text(json.dumps({**whole, "signatures": []}))
    for name, reason in (("changed", "was changed"), ("unsigned", "Nobody has signed")):
        with pytest.raises(BadInput, match=reason):
            there.take_consent("anna", tmp_path / f"{name}.json")
    with pytest.raises(NotFound):
        there.take_consent("anna", tmp_path / "nowhere.json")
    assert there.registry.consents("anna") == there.registry.consents("ben") == ()
    assert there.registry.signatures.of(here.registry.consents("anna")[0].sha256()) == ()


def test_what_was_withdrawn_does_not_come_back(here, there, tmp_path):
    file = tmp_path / "anna.json"
    here.give_consent("anna", file)
    there.take_consent("anna", file)
    there.withdraw("anna")
    other = there.consent("anna", relation="self", acts=("publish",))
    assert not any(d.allowed for d in there.show("anna").decisions if d.act == "train")
    with pytest.raises(BadInput, match="on file already"):
        there.take_consent("anna", file)
    third = Studio(tmp_path / "third")
    third.new("anna")
    third.registry.record_consent(other)
    with pytest.raises(BadInput, match="has said otherwise since"):
        third.take_consent("anna", file)


def test_a_record_from_tomorrow_is_not_taken(here, there, tmp_path, monkeypatch):
    with monkeypatch.context() as later:
        later.setattr(consenting, "now", lambda: now() + timedelta(days=1))
        record = here.consent("anna", relation="self", draft=True)
    signature = sign(here.registry.key(), record.sha256(), role="trainer")
    (tmp_path / "early.json").write_bytes(written(record, (signature,)))
    with pytest.raises(BadInput, match="to come"):
        there.take_consent("anna", tmp_path / "early.json")
