"""A checkup in the terminal: whole words at every width, and commands on lines of their own."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from sosie.cli import report
from sosie.core.terms import Language
from sosie.doctor import Checkup, Config, Finding, wording
from sosie.doctor.records import NotExamined, Proposal

NAMES = {f"{number:064x}": f"the-lake-in-summer-{number:02d}.jpg" for number in range(15)}
SAMPLES = tuple(NAMES)
CHECKUP = Checkup(
    subject="anna",
    dataset_sha256="0" * 64,
    config=Config(),
    names=NAMES,
    findings=(
        Finding(
            rule="who.others",
            severity="warning",
            samples=SAMPLES[:5],
            value=2,
            threshold=0,
            said={"pictures": 5},
            mend="crop-shoulders",
        ),
        Finding(rule="pose.missing", severity="warning", said={"which": "front"}, value=0),
    ),
    passed=(),
    not_examined=(NotExamined(rule="eyes.closed", reason="no face was found"),),
    proposal=Proposal(train=SAMPLES[:10], hold_out=SAMPLES[10:]),
)


def printed(
    columns: int,
    language: Language,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    report.checkup(CHECKUP, language)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_no_line_is_wider_than_the_terminal_and_no_name_is_broken(
    columns: int,
    language: Language,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = printed(columns, language, capsys, monkeypatch)
    assert max(map(cell_len, lines)) <= columns
    whole = "\n".join(lines)
    assert "\n\n\n" not in whole
    for name in (*list(NAMES.values())[:3], "who.others", CHECKUP.findings[0].id):
        assert name in whole
    assert "sosie mend anna crop-shoulders" in [line.strip() for line in lines]


def test_what_is_missing_has_a_heading_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = printed(80, "en", capsys, monkeypatch)
    at = lines.index("What is missing")
    assert lines.index("What was found") < at
    assert "No front view" in lines[at + 1] and "Other people" not in "\n".join(lines[at:])
