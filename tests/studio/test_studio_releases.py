"""An agency's list: what can be recorded is, what cannot is told, and nothing is recorded twice."""

from __future__ import annotations

import csv
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sosie.core.errors import BadInput
from sosie.core.files import sha256_file
from sosie.studio import Studio
from tests.cli.door import sosie

HEADING = "name,relation,who,signed_by,acts,until,evidence,copyright_holder,born,authority,bases\n"
LIST = HEADING + (
    'nora,self,Nora Lind,,"train, generate, publish",2090-12-31,nora.pdf,Studio Meier,1990-02-03,,\n'
    "\n"
    "ben,guardian,Ben Lind,Nora Lind,train,,folder 3,Studio Meier,2020-01-01,birth certificate,flux;pocket\n"
    "old,estate,Ole Lind,Nora Lind,train,,folder 4,,,will,\n"
    "eva,self,Eva Berg,Nora Lind,,,,,,,\n"
    "lost,self,Lo Berg,,,,lost.pdf,,,,\n"
    "past,self,Pa Berg,,,2020-01-01,,,,,\n"
    "two words,self,,,,,,,,,\n"
    "nora,self,Nora Lind,,train,,,,,,\n"
    "Ben,self,,,,,,,,,\n"
)


@pytest.fixture
def house(tmp_path: Path) -> Studio:
    return Studio(tmp_path / "home")


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    (tmp_path / "nora.pdf").write_bytes(b"%PDF signed")
    path = tmp_path / "list.csv"
    path.write_text(LIST, encoding="utf-8")
    return path


def test_every_row_stands_for_itself_and_is_told(house, listed):
    rows = house.take_releases(listed)
    told = {row.number: (row.outcome, row.told) for row in rows}
    assert [told[n][0] for n in (2, 4, 5)] == ["recorded"] * 3
    reasons = {
        6: "has not signed",
        7: "lost.pdf does not lie beside the list",
        8: "is past",
        9: "a blank",
        10: "contradicts line 2",
        11: 'taken by "ben"',
    }
    for number, reason in reasons.items():
        assert told[number][0] == "refused" and reason in told[number][1], told[number]
    assert len(rows) == 3 + len(reasons)
    (nora,) = house.registry.consents("nora")
    paper = sha256_file(listed.with_name("nora.pdf"))
    assert nora.evidence == f"nora.pdf, SHA-256 {paper}" and nora.until == date(2090, 12, 31)
    assert nora.acts == ("train", "generate", "publish")
    assert nora.bounds.copyright_holder == "Studio Meier"
    (ben,) = house.registry.consents("ben")
    assert ben.bounds.bases == ("flux", "pocket") and ben.signed_by == "Nora Lind"
    assert not house.registry.consents("old")[0].bounds.living
    assert {subject.name for subject in house.registry.subjects()} == {"nora", "ben", "old"}


def test_a_rehearsal_tells_the_same_and_records_nothing(house, listed):
    rehearsed = house.take_releases(listed, dry_run=True)
    assert house.registry.subjects() == ()
    assert rehearsed == house.take_releases(listed)


def test_a_list_given_again_records_nothing_twice(house, listed):
    house.take_releases(listed)
    again = house.take_releases(listed)
    assert {row.outcome for row in again} == {"known", "refused"}
    assert all(len(house.registry.consents(name)) == 1 for name in ("nora", "ben", "old"))
    house.withdraw("nora")
    renewed = [row for row in house.take_releases(listed) if row.outcome == "recorded"]
    assert renewed == [], "an old list does not undo a withdrawal"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,hair\nanna,red\n", 'no column named "hair"'),
        ("who\nanna\n", "a column called name"),
        ("name,name\nanna,ben\n", "none twice"),
        ("name\nanna,ben\n", "more cells than the heading"),
        ('name\n"anna\n', "no list"),
        ("", "a column called name"),
    ],
)
def test_what_is_no_list_is_refused_whole(house, tmp_path, text, reason):
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=reason):
        house.take_releases(path)
    assert house.registry.subjects() == ()


def test_what_a_spreadsheet_saves_is_read(house, tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes("\ufeffname;who;territory\r\nzoé;Zoé Weiß;FR\r\n".encode())
    (row,) = house.take_releases(path)
    assert row.outcome == "recorded" and house.registry.consents("zoé")[0].who == "Zoé Weiß"
    path.write_bytes("name\nzoé\n".encode("latin-1"))
    with pytest.raises(BadInput, match="CSV UTF-8"):
        house.take_releases(path)


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"name,born\n{text}".encode())
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_whatever_a_list_holds_it_is_told_or_refused(house, tmp_path, data):
    path = tmp_path / "random.csv"
    path.write_bytes(data)
    try:
        house.take_releases(path, dry_run=True)
    except BadInput:
        pass
    assert house.registry.subjects() == ()


def test_hundreds_of_releases_take_seconds(house, tmp_path):
    path = tmp_path / "many.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "who", "acts", "until", "copyright_holder"])
        writer.writerows(
            [f"model-{i}", f"Model Number {i}", "train", "2090-01-01", "Agency"] for i in range(300)
        )
    start = time.process_time()
    rows = house.take_releases(path)
    assert {row.outcome for row in rows} == {"recorded"} and len(rows) == 300
    assert time.process_time() - start < 20


def test_the_command_tells_each_row_and_ends_with_an_error_if_one_was_refused(house, listed):
    home = house.registry.home
    dry = sosie(home, "consent", "--releases", listed, "--dry-run", columns=120)
    dry.refused(2, "6 rows refused")
    assert "3 releases would be recorded" in dry.out and house.registry.subjects() == ()
    done = sosie(home, "consent", "--releases", listed, columns=120)
    done.refused(2, "6 rows refused", "nothing is recorded twice")
    assert "3 releases recorded" in done.out and "nora (new)" in done.out
    sosie(home, "consent", "anna", "--releases", listed).refused(2, "Leave out anna")
    sosie(home, "consent").refused(2, "Say whom it is about")
