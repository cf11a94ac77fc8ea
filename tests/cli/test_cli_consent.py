"""`sosie consent`: the questions, the screen, the paper, and what comes of the answers."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sosie.studio import Studio
from tests.cli.door import sosie


@pytest.fixture
def house(tmp_path: Path) -> Studio:
    studio = Studio(tmp_path / "home")
    studio.new("anna")
    return studio


def typed(home: Path, answers: list[str], timeout: float = 60) -> tuple[int, str]:
    """Run `sosie consent anna` at a terminal, and type an answer to each question."""
    ours, theirs = pty.openpty()
    call = [
        *(sys.executable, "-c", "from sosie.cli import main; main()"),
        *("--home", str(home), "consent", "anna"),
    ]
    environment = os.environ | {"COLUMNS": "90", "TERM": "dumb"}
    process = subprocess.Popen(call, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
    told, deadline = b"", time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            data = os.read(ours, 4096)
        except OSError:
            break
        if not data:
            break
        told += data
    os.close(ours)
    return process.wait(timeout=timeout), told.decode()


def test_the_questions_make_a_record_a_paper_and_a_key(house, tmp_path):
    pdf, key = tmp_path / "paper.pdf", tmp_path / "maria.key"
    code, told = typed(
        house.registry.home,
        [
            *("Anna Weber", "7", "2", "Maria Weber", "1 March", "2020-03-01", "y"),
            *("birth certificate", "", "", "n", "", "", "", "", "n", "Paul Meier", ""),
            *("maria@example.org", "folder 3", "", "2030-12-31", "y", str(pdf), "y", "y"),
            str(key),
        ],
    )
    assert code == 0, told
    (record,) = house.registry.consents("anna")
    assert (record.who, record.signed_by, record.relation) == (
        "Anna Weber",
        "Maria Weber",
        "guardian",
    )
    assert record.acts == ("train", "generate") and str(record.until) == "2030-12-31"
    terms = record.terms
    assert terms.assent and terms.authority == "birth certificate"
    assert terms.copyright_holder == "Paul Meier" and terms.withdraw_to == "maria@example.org"
    assert "political" in terms.prohibitions and not terms.commercial
    assert pdf.read_bytes().startswith(b"%PDF") and key.stat().st_mode & 0o777 == 0o600
    assert [s.role for s in house.registry.signatures.of(record.sha256())] == [
        "guardian",
        "trainer",
    ]
    for words in ("A day is written as", "Not allowed", "Sexual content.", "Take the file out"):
        assert words in told, words


def test_who_says_no_at_the_end_records_nothing(house):
    code, told = typed(house.registry.home, ["", "1", "", *[""] * 7, *[""] * 8, "n", "n"])
    assert code == 0 and "Nothing was recorded." in told, told
    assert house.registry.consents("anna") == ()


def test_where_nobody_sits_at_a_terminal_nothing_is_asked(house):
    sosie(house.registry.home, "consent", "anna").refused(2, "Choose exactly one")


def test_a_paper_is_written_and_nothing_recorded(house, tmp_path):
    home = house.registry.home
    words = ("consent", "anna", "--self", "--who", "Anna Weber", "--paper", tmp_path / "a.pdf")
    answer = sosie(home, *words)
    assert answer.code == 0 and "--evidence" in answer.out, answer
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert house.registry.consents("anna") == ()


def test_one_screen_shows_what_is_allowed_and_what_is_not(house):
    home = house.registry.home
    answer = sosie(
        home, "consent", "anna", "--self", "--allow", "political", "--until", "2090-01-01"
    )
    assert answer.code == 0, answer
    shown = sosie(home, "consent", "anna", "--show")
    assert shown.code == 0 and len(shown.out.splitlines()) < 50
    for words in ("✓ Draw new pictures", "✗ Give the file to others", "✗ Sexual content.", "no "):
        assert words in shown.out, words
    assert "Political persuasion" not in shown.out
    house.withdraw("anna")
    assert "withdrew every permission" in " ".join(
        sosie(home, "consent", "anna", "--show").out.split()
    )


def test_a_key_is_made_once_and_never_over_another(house, tmp_path):
    home, key = house.registry.home, tmp_path / "anna.key"
    answer = sosie(home, "consent", "anna", "--self", "--make-key", key)
    assert answer.code == 0 and "key of anna and this workspace" in answer.out, answer
    before = key.read_bytes()
    sosie(home, "consent", "anna", "--self", "--make-key", key).refused(2, "may be a key")
    assert key.read_bytes() == before


def test_what_a_later_record_leaves_out_is_told_and_no_longer_allowed(house, tmp_path):
    home = house.registry.home
    sosie(home, "consent", "anna", "--self", "--acts", "train,export,serve")
    fewer = sosie(home, "consent", "anna", "--self", "--acts", "train,generate")
    assert "leaves out what is no longer allowed: export, serve." in fewer.out, fewer
    assert [d.act for d in house.show("anna").decisions if d.allowed] == ["train", "generate"]
    list_ = tmp_path / "list.csv"
    list_.write_text("name,acts\nanna,generate\n")
    rehearsed = sosie(home, "consent", "--releases", list_, "--dry-run")
    assert "no longer: train" in " ".join(rehearsed.out.split()), rehearsed


def test_what_another_signer_does_not_allow_is_told_when_it_is_recorded(house):
    home, heir = house.registry.home, ("--estate", "--authority", "will", "--signed-by")
    sosie(home, "consent", "anna", *heir, "Eva Weber", "--acts", "generate")
    answer = sosie(home, "consent", "anna", *heir, "Jonas Weber", "--acts", "train,generate")
    assert "Eva Weber's record" in answer.out and "covers only generate" in answer.out, answer


def test_enter_keeps_what_was_allowed(house):
    sosie(house.registry.home, "consent", "anna", "--self", "--acts", "generate,publish,serve")
    answers = ["Anna Weber", "1", "", *[""] * 7, *[""] * 8, "n", "y", "n"]
    code, told = typed(house.registry.home, answers)
    assert code == 0, told
    _, record = house.registry.consents("anna")
    assert record.acts == ("generate", "publish", "serve"), told
