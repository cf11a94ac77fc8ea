"""A checkup as data: whole, in the reader's language, and with what the page tells."""

from __future__ import annotations

import json

import pytest

from sosie.core.terms import Language
from sosie.doctor import Checkup, Config, Finding, wording
from sosie.doctor.records import Proposal
from sosie.doctor.told import parts, told

DRIFT = Finding(
    rule="skin.drift",
    severity="warning",
    samples=("a" * 64, "b" * 64),
    value=1.4,
    threshold=1.0,
    said={"pictures": 2},
    mend="white-balance",
)
FEW = Finding(rule="skin.lines", severity="advice", samples=("a" * 64,), said={"pictures": 1})
CHECKUP = Checkup(
    subject="anna",
    dataset_sha256="0" * 64,
    config=Config(),
    names={"a" * 64: "a.png", "b" * 64: "b.png"},
    findings=(DRIFT, FEW),
    passed=("pixels.bars",),
    not_examined=(),
    proposal=Proposal(),
)


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_checkup_is_told_whole_in_the_language_asked_for(language: Language) -> None:
    data = json.loads(json.dumps(told(CHECKUP, language)))
    assert (data["verdict"], data["language"]) == ("needs attention", language)
    drift, few = data["findings"]
    assert (drift["id"], drift["advisory"]) == (DRIFT.id, False)
    assert drift["unit"] == wording.unit("of what light explains", language)
    assert drift["title"] == wording.title(DRIFT, language)
    assert drift["advice"] == wording.advice(DRIFT, language)
    assert drift["command"] == "sosie mend anna white-balance"
    assert few["advisory"] is True and few["command"] is None


def test_what_is_missing_is_told_apart_from_what_was_found() -> None:
    """A rule that speaks of an absence is a missing one: of these, nothing is to be taken out."""
    lacking = [
        Finding(rule=rule, severity="warning", said={"pictures": 0, "which": which, "have": 9})
        for rule, which in (
            ("pose.missing", "front"),
            ("count.few", "all"),
            ("eyes.faint", "faint"),
        )
    ]
    mixed = CHECKUP.model_copy(update={"findings": (lacking[0], DRIFT, *lacking[1:], FEW)})
    assert parts(mixed) == [("findings", [DRIFT, FEW]), ("missing", lacking)]
    assert parts(CHECKUP) == [("findings", [DRIFT, FEW])]
    data = told(mixed)
    assert data["missing"] == [one.id for one in lacking] and told(CHECKUP)["missing"] == []
    assert [row["missing"] for row in data["findings"]] == [True, False, True, True, False]


def test_what_a_checkup_holds_is_all_there() -> None:
    held = CHECKUP.model_dump(mode="json")
    data = told(CHECKUP)
    assert {name: data[name] for name in held if name != "findings"} == {
        name: value for name, value in held.items() if name != "findings"
    }
    for finding, row in zip(held["findings"], data["findings"], strict=True):
        assert finding.items() <= row.items()
