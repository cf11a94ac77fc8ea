"""The decision: what is on file, whose words stand, and what they permit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.core.consent import Consent, Terms
from sosie.core.errors import BadInput, NotPermitted
from sosie.core.terms import ACTS, MAKING, Act, Prohibition
from sosie.rights import Context, Decision, checked_consent, decide, decide_all, guarded, require
from sosie.rights.clauses import birthday

TODAY = date(2030, 6, 15)
NOON = datetime(2030, 6, 15, 12, tzinfo=UTC)
TOMORROW = NOON + timedelta(days=1)


def consent(*acts: Act, **fields: object) -> Consent:
    values: dict[str, object] = {
        "subject": "anna",
        "who": "Anna Maier",
        "relation": "self",
        "signed_by": "Anna Maier",
        "acts": acts,
        "recorded": datetime(2030, 6, 1, 12, tzinfo=UTC),
    }
    return Consent.model_validate(values | fields)


def bound(*acts: Act, terms: dict[str, object], **fields: object) -> Consent:
    """A record of the second form."""
    return consent(*acts, terms=Terms.model_validate({"of_age": True} | terms), **fields)


def by_mother(*acts: Act, **terms: object) -> Consent:
    terms = {"born": date(2020, 2, 29), "authority": "birth certificate", "of_age": False} | terms
    return bound(*acts, terms=terms, relation="guardian", signed_by="Maria Maier")


def ask(act: Act, *records: Consent, subject: str = "anna", **meant: object) -> Decision:
    return decide(act, subject, Context(consents=records, **{"at": NOON, **meant}))  # type: ignore[arg-type]


def test_nothing_on_file_permits_nothing_but_gathering() -> None:
    for act, found in zip(MAKING, decide_all("anna", Context(consents=[], at=NOON)), strict=True):
        assert not found.allowed and (found.clause, found.consent_sha256) == ("record", None)
        assert found.reason == f'Not permitted to {act} "anna": no permission is on file.'
    assert ask("add").allowed
    assert not ask("add", consent("train"), consent()).allowed, "withdrawn"
    assert not ask("add", consent("train", until=TODAY), at=TOMORROW).allowed
    assert ask("add", consent("train")).allowed and not ask("add", consent("talk")).allowed


def test_an_act_on_file_is_permitted_with_its_record() -> None:
    record = consent("train", "generate", until=TODAY)
    found = ask("train", record)
    assert found.allowed and found.consent_sha256 == record.sha256()
    assert require("train", "anna", Context(consents=[record], at=NOON)) == record
    assert "Anna Maier's record" in found.reason and "until 2030-06-15" in found.reason


def test_an_act_not_covered_is_refused_with_what_to_do() -> None:
    with pytest.raises(NotPermitted) as caught:
        require("publish", "anna", Context(consents=[consent("generate", "train")], at=NOON))
    said = str(caught.value)
    assert "covers only train, generate" in said
    assert "sosie consent anna" in said and "--acts publish" in said


def test_a_permission_ends_after_its_last_day() -> None:
    record = consent("train", until=TODAY)
    later = ask("train", record, at=TOMORROW)
    assert not later.allowed and "held until 2030-06-15" in later.reason
    assert (later.clause, later.consent_sha256) == ("until", record.sha256())


def test_the_latest_record_is_the_whole_word_of_who_signed() -> None:
    old = consent("train", "generate", signed_by="Anna  MAIER")
    short = consent("train", until=TODAY - timedelta(1))
    for act in ("train", "generate"):
        found = ask(act, old, short)
        assert not found.allowed and found.consent_sha256 == short.sha256()
        assert ask(act, short, old).allowed
    fewer = consent("generate")
    found = ask("train", old, fewer)
    assert not found.allowed and "covers only generate" in found.reason, "her paper says: not train"
    assert ask("generate", old, fewer).consent_sha256 == fewer.sha256()


def test_a_withdrawal_ends_all_before_it_and_nothing_after() -> None:
    given_, withdrawn, anew = consent("train", "generate"), consent(), consent("train")
    for act in ACTS:
        found = ask(act, given_, withdrawn)
        assert not found.allowed and "withdrew every permission" in found.reason
    assert ask("train", given_, withdrawn, anew).allowed
    assert not ask("generate", given_, withdrawn, anew).allowed


def test_records_of_others_count_for_nothing() -> None:
    assert not ask("train", consent("train"), subject="ben").allowed


Given = tuple[str, set[Act]]
SIGNERS = st.sampled_from(("Maria Maier", "Paul Maier"))


@given(st.lists(st.tuples(SIGNERS, st.sets(st.sampled_from(MAKING)))), st.sampled_from(MAKING))
def test_what_is_permitted_is_what_all_said_last(given_: list[Given], act: Act) -> None:
    records = [by_mother(*sorted(acts)).model_copy(update={"signed_by": s}) for s, acts in given_]
    words: dict[str, set[Act]] = {}
    for signer, acts in given_:
        words = words | {signer: acts} if acts else {}
    expected = bool(words) and all(act in acts for acts in words.values())
    assert ask(act, *records).allowed is expected


# Several who signed


def test_where_several_stand_the_stricter_holds_and_it_is_said() -> None:
    free = by_mother("train", "generate")
    strict = by_mother("generate", bases=("pocket",))
    strict = strict.model_copy(update={"signed_by": "Paul Maier"})
    for records in ((free, strict), (strict, free)):
        found = ask("generate", *records, base="flux")
        assert not found.allowed and found.clause == "bases"
        assert found.consent_sha256 == strict.sha256()
        assert "Paul Maier's record" in found.reason and "2 records are in force" in found.reason
        assert "the stricter holds" in found.reason
    agreed = ask("generate", free, strict, base="pocket")
    assert agreed.allowed and "all permit it" in agreed.reason
    alone = ask("train", free, strict, base="flux")
    assert not alone.allowed and "Paul Maier's record" in alone.reason, "his paper says: not train"


def test_a_word_that_has_ended_neither_permits_nor_refuses() -> None:
    over = by_mother("train", prohibitions=()).model_copy(
        update={"signed_by": "Paul Maier", "until": TODAY - timedelta(1)}
    )
    assert ask("train", over, by_mother("train")).allowed
    assert not ask("train", over).allowed


def test_two_birth_dates_contradict_and_the_younger_counts() -> None:
    hers = bound("train", terms={"born": date(2000, 1, 1)})
    assert ask("train", hers).allowed
    found = ask("train", hers, by_mother("train", born=date(2015, 1, 1)))
    assert not found.allowed and found.clause == "of_age" and "a guardian must sign" in found.reason


# Clauses


@pytest.mark.parametrize(
    ("terms", "meant", "clause"),
    [
        ({"starts": date(2030, 6, 16)}, {}, "starts"),
        ({"modalities": ("face",)}, {"modality": "handwriting"}, "modalities"),
        ({"bases": ("flux",)}, {"base": "pocket"}, "bases"),
        (
            {"only_these": True, "pictures": ({"original_sha256": "a" * 64},)},
            {"pictures": ("a" * 64, "b" * 64)},
            "only_these",
        ),
        ({"territory": ("FR", "BE")}, {"territory": "DE"}, "territory"),
        ({}, {"commercial": True}, "commercial"),
        ({"audit_first": True}, {}, "audit_first"),
        ({}, {"prompts": ("anna on the beach", "anna naked")}, "prohibitions.sexual"),
        ({}, {"prompts": ("a mugshot of anna",)}, "prohibitions.biometric"),
    ],
)
def test_each_clause_refuses_by_its_name(
    terms: dict[str, object], meant: dict[str, object], clause: str
) -> None:
    record = bound("publish", terms=terms)
    found = ask("publish", record, **meant)
    assert not found.allowed and found.clause == clause and found.consent_sha256 == record.sha256()
    assert ask("publish", bound("publish", terms={}), copying="passed").allowed


def test_what_is_within_the_bounds_is_permitted() -> None:
    record = bound(
        "publish",
        terms={
            **{"bases": ("flux",), "territory": ("FR",), "commercial": True, "audit_first": True},
            **{"only_these": True, "pictures": ({"original_sha256": "a" * 64},)},
            **{"credit": "Studio Meier", "audience": ("family",)},
        },
    )
    meant = {
        **{"base": "flux", "territory": "FR", "commercial": True, "copying": "passed"},
        **{"pictures": ("a" * 64,), "modality": "face", "prompts": ("anna in a red coat",)},
    }
    found = ask("publish", record, **meant)
    assert found.allowed and "sexual" in found.prohibitions
    assert "Name Studio Meier where it is shown." in found.duties
    assert "Only to be seen by: family." in found.duties


def test_records_of_the_first_form_prohibit_what_is_prohibited_by_default() -> None:
    found = ask("generate", consent("generate"), prompts=("anna nude",))
    assert not found.allowed and found.clause == "prohibitions.sexual"
    assert ask("generate", consent("generate"), modality="handwriting").allowed


def lifting(*lifted: Prohibition, **terms: object) -> Consent:
    kept = tuple(p for p in Terms().prohibitions if p not in lifted)
    return bound("generate", terms={"prohibitions": kept, **terms})


def test_what_a_record_lifts_is_permitted_and_no_more() -> None:
    assert ask("generate", lifting("political"), prompts=("vote for anna",)).allowed
    assert not ask("generate", lifting("political"), prompts=("anna naked",)).allowed
    both = lifting("sexual", "minors")
    for prompt, allowed in (
        *(("anna naked", True), ("anna as a child", True)),
        ("anna as a child, naked", False),
    ):
        assert ask("generate", both, prompts=(prompt,)).allowed is allowed
    signing = lifting(modalities=("handwriting", "signature"))
    assert ask("generate", signing, prompts=("the signature of anna",)).allowed
    assert not ask("generate", lifting(), prompts=("the signature of anna",)).allowed


def test_a_guardian_permits_pictures_of_the_child_until_she_is_of_age() -> None:
    record = by_mother("generate")
    assert ask("generate", record, prompts=("anna, 9 years old",)).allowed
    assert birthday(date(2020, 2, 29)) == date(2038, 2, 28)
    last = datetime(2038, 2, 27, 12, tzinfo=UTC)
    assert ask("generate", record, at=last).allowed
    found = ask("generate", record, at=last + timedelta(days=1))
    assert not found.allowed and found.clause == "born" and "signs in person" in found.reason


def test_a_clock_that_was_set_back_decides_nothing() -> None:
    record = consent("train", until=TODAY)
    found = ask("train", record, seen=NOON + timedelta(minutes=6))
    assert not found.allowed and found.clause == "clock" and "2030-06-15 12:06" in found.reason
    assert ask("train", record, seen=NOON + timedelta(minutes=4)).allowed, "an ordinary correction"
    night = datetime(2030, 6, 15, 23, 59).astimezone()
    midnight = night + timedelta(minutes=2)
    assert ask("train", record, at=night).allowed
    assert not ask("train", record, at=night, seen=midnight).allowed, "and it wins no day"


def test_a_hand_may_write_of_children_and_not_sign() -> None:
    record = bound("generate", terms={"modalities": ("handwriting",)})
    for text, allowed in (
        *(("Dear children, the baby sleeps", True), ("Your fingerprints are on it", True)),
        *(("I leave this as my last will", False), ("Vote for him", False)),
    ):
        prompt = f'handwriting of papa, the text reads "{text}"'
        found = ask("generate", record, prompts=(prompt,), modality="handwriting")
        assert found.allowed is allowed, text
    assert not ask("generate", bound("generate", terms={}), prompts=("anna, a baby",)).allowed


# Records that can be kept


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
        {"until": TODAY},
        {"relation": "guardian", "signed_by": "Eva Maier"},
        {"relation": "estate", "signed_by": "Eva Maier", "evidence": "folder 3"},
        {"relation": "synthetic", "evidence": "sosie.world person seed 19"},
    ],
)
def test_records_that_can_be_kept(fields: dict[str, object]) -> None:
    record = consent("train", **fields)
    assert checked_consent(record) is record


ESTATE = {"relation": "estate", "signed_by": "Eva Maier"}
GUARDIAN = {"relation": "guardian", "signed_by": "Eva Maier"}
CHILD = {"born": date(2020, 1, 1), "authority": "birth certificate"}
LIFTED = {"prohibitions": ("minors", "impersonation", "forgery")}


@pytest.mark.parametrize(
    ("fields", "terms", "reason"),
    [
        ({}, {"born": date(2020, 1, 1)}, "not 18 yet"),
        ({}, {"of_age": False}, "does not say that Anna Maier is of age"),
        ({}, {"living": False}, "they have died"),
        ({}, {"born": date(2031, 1, 1)}, "a day to come"),
        ({}, {"ages": (9, 3)}, "backwards"),
        ({}, {"only_these": True}, "no picture at all"),
        ({"until": TODAY}, {"starts": date(2031, 1, 1)}, "after it has ended"),
        ({}, {"prohibitions": ("forgery",)}, "Nobody can permit impersonation"),
        (GUARDIAN, {"authority": "birth certificate"}, "birth date"),
        (GUARDIAN, {"born": date(2020, 1, 1)}, "what shows that Eva Maier may sign"),
        (GUARDIAN, CHILD | LIFTED, "sexual content of another"),
        (ESTATE, {"authority": "will"}, "has died"),
        (ESTATE, {"living": False}, "what shows that Eva Maier may sign"),
        (ESTATE, {"living": False, "authority": "will"} | LIFTED, "sexual content of another"),
    ],
)
def test_terms_that_contradict_the_record(
    fields: dict[str, object], terms: dict[str, object], reason: str
) -> None:
    with pytest.raises(BadInput, match=reason):
        checked_consent(bound("train", terms=terms, **fields))


@pytest.mark.parametrize(
    ("fields", "terms"),
    [
        ({}, {"born": date(2000, 1, 1), "of_age": False}),
        ({}, LIFTED),
        (GUARDIAN, CHILD),
        (ESTATE, {"living": False, "authority": "will"}),
    ],
)
def test_terms_that_can_be_kept(fields: dict[str, object], terms: dict[str, object]) -> None:
    record = bound("train", terms=terms, **fields)
    assert checked_consent(record) is record


def test_who_was_once_a_child_stays_guarded() -> None:
    child = consent("train", relation="guardian", signed_by="Maria Maier")
    grown = consent("train")
    assert guarded("anna", [child, grown]) and not guarded("anna", [grown])
    assert not guarded("ben", [child]), "another subject's guardian"
