from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.core.errors import BadInput, NotPermitted
from sosie.core.records import Consent, now
from sosie.core.terms import ACTS, Act
from sosie.rights import checked_consent, decide, decide_all, guarded, require

TODAY = date(2030, 6, 15)


def consent(*acts: Act, **fields: object) -> Consent:
    values: dict[str, object] = {
        "subject": "anna",
        "who": "Anna Maier",
        "relation": "self",
        "signed_by": "Anna Maier",
        "acts": acts,
        "recorded": now(),
    }
    return Consent.model_validate(values | fields)


def test_nothing_on_file_permits_nothing() -> None:
    for act, decision in zip(ACTS, decide_all("anna", [], today=TODAY), strict=True):
        assert not decision.allowed and decision.consent_sha256 is None
        assert decision.reason == f'Not permitted to {act} "anna": no permission is on file.'


def test_an_act_on_file_is_permitted_with_its_record() -> None:
    record = consent("train", "generate", until=TODAY)
    decision = decide("train", "anna", [record], today=TODAY)
    assert decision.allowed and decision.consent_sha256 == record.sha256()
    assert require("train", "anna", [record], today=TODAY) == record
    assert "Anna Maier's record" in decision.reason and "until 2030-06-15" in decision.reason


def test_an_act_not_covered_is_refused_with_what_to_do() -> None:
    with pytest.raises(NotPermitted) as caught:
        require("publish", "anna", [consent("generate", "train")], today=TODAY)
    said = str(caught.value)
    assert "covers only train, generate" in said
    assert "sosie consent anna" in said and "--acts publish" in said


def test_a_permission_ends_after_its_last_day() -> None:
    record = consent("train", until=TODAY)
    later = decide("train", "anna", [record], today=TODAY + timedelta(1))
    assert not later.allowed and "permitted it until 2030-06-15" in later.reason
    assert later.consent_sha256 == record.sha256()


def test_the_latest_record_that_covers_the_act_decides() -> None:
    old = consent("train", "generate", signed_by="Anna  MAIER")
    short = consent("train", until=TODAY - timedelta(1))
    assert not decide("train", "anna", [old, short], today=TODAY).allowed
    assert decide("generate", "anna", [old, short], today=TODAY).consent_sha256 == old.sha256()
    assert decide("train", "anna", [short, old], today=TODAY).allowed


def test_a_withdrawal_ends_all_before_it_and_nothing_after() -> None:
    given_, withdrawn, anew = consent("train", "generate"), consent(), consent("train")
    for act in ACTS:
        decision = decide(act, "anna", [given_, withdrawn], today=TODAY)
        assert not decision.allowed and "withdrew every permission" in decision.reason
    assert decide("train", "anna", [given_, withdrawn, anew], today=TODAY).allowed
    assert not decide("generate", "anna", [given_, withdrawn, anew], today=TODAY).allowed


def test_records_of_others_count_for_nothing() -> None:
    assert not decide("train", "ben", [consent("train")], today=TODAY).allowed


@given(st.lists(st.sets(st.sampled_from(ACTS))), st.sampled_from(ACTS))
def test_what_is_permitted_was_given_and_not_taken_back(given_: list[set[Act]], act: Act) -> None:
    records = [consent(*sorted(acts)) for acts in given_]
    expected = False
    for acts in given_:
        expected = act in acts or (expected and bool(acts))
    assert decide(act, "anna", records, today=TODAY).allowed is expected


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"who": " "}, "name of the person"),
        ({"signed_by": ""}, "who signed"),
        ({"relation": "guardian"}, "As guardian"),
        ({"relation": "estate", "signed_by": "anna  MAIER"}, "As estate"),
        ({"signed_by": "Ben"}, "has not signed"),
        ({"relation": "synthetic"}, "recipe"),
        ({"relation": "synthetic", "evidence": " "}, "recipe"),
        ({"until": date(2020, 1, 1)}, "past"),
    ],
)
def test_records_that_contradict_themselves(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        checked_consent(consent("train", **fields))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"until": date.today()},
        {"relation": "guardian", "signed_by": "Eva Maier"},
        {"relation": "estate", "signed_by": "Eva Maier", "evidence": "folder 3"},
        {"relation": "synthetic", "evidence": "sosie.world person seed 19"},
    ],
)
def test_records_that_can_be_kept(fields: dict[str, object]) -> None:
    record = consent("train", **fields)
    assert checked_consent(record) is record


def test_who_was_once_a_child_stays_guarded() -> None:
    child = consent("train", relation="guardian", signed_by="Maria Maier")
    grown = consent("train")
    assert guarded("anna", [child, grown]) and not guarded("anna", [grown])
    assert not guarded("ben", [child]), "another subject's guardian"
