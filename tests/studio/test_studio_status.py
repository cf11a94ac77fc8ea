"""The status list of a workspace, and what a reader elsewhere makes of it."""

import json
from datetime import date, timedelta

import pytest

from sosie.core.errors import BadInput
from sosie.core.records import now
from sosie.core.terms import Act
from sosie.studio import Studio, consenting, papers, permission
from sosie.studio.rooms import workspace
from tests.cli.door import sosie


def test_a_withdrawal_reaches_a_reader_elsewhere_through_the_list(studio, trained, tmp_path):
    (file, *_) = studio.export_adapter("anna-1", tmp_path)
    other = Studio(tmp_path / "other")
    assert other.verify(file).permissions[0].standing == "not on file"
    for list_, verdict in (("before.json", "as signed"), ("after.json", "withdrawn")):
        answer = sosie(trained.home, "status", "--out", tmp_path / list_)
        assert answer.code == 0 and "good until" in answer.out, answer
        found = other.verify(file, status=tmp_path / list_)
        assert found.verdict == verdict and found.permissions[0].standing != "not on file"
        assert "status list of" in found.told[-1]
        studio.withdraw("anna")
    text = (tmp_path / "after.json").read_text()
    assert "anna" not in text.casefold(), "a list that is published names nobody"
    answer = sosie(other.registry.home, "verify", file, "--status", tmp_path / "after.json")
    assert answer.code == 1 and "withdrawn" in answer.out


def test_verify_reads_lists_and_permissions(studio, trained, tmp_path, monkeypatch):
    home, list_, paper = trained.home, tmp_path / "list.json", tmp_path / "anna.json"
    studio.status(list_, days=3)
    studio.give_consent("anna", paper)
    answer = sosie(home, "verify", list_, paper)
    assert answer.code == 0, answer
    for words in ("A list of 1 permissions", "1 stand", "key of this workspace", "on file here"):
        assert words in answer.out, words
    for path in (list_, paper):
        whole = json.loads(path.read_text())
        changed = tmp_path / "changed.json"
        key = "list" if "list" in whole else "consent"
        field, to = {"list": ("entries", []), "consent": ("who", "Ben")}[key]
        changed.write_text(json.dumps({**whole, key: {**whole[key], field: to}}))
        assert studio.verify(changed).verdict == "changed"
    other = Studio(tmp_path / "other").verify(paper)
    assert other.verdict == "as signed" and "It is not on file here." in other.told
    monkeypatch.setattr(papers, "now", lambda: now() + timedelta(days=4))
    old = studio.verify(list_)
    assert old.verdict == "ended" and any("Fetch a new one" in line for line in old.told)


def test_verify_knows_the_paper_it_printed(studio, trained, tmp_path):
    home, paper, record = trained.home, tmp_path / "anna.pdf", tmp_path / "anna.json"
    [consent] = studio.show("anna").consents
    # Printed before it was recorded, as one does.
    studio.paper(consent.model_copy(update={"recorded": now() - timedelta(days=3)}), paper)
    answer = sosie(home, "verify", paper)
    assert answer.code == 2 and "it stands today" in answer.out, answer
    assert "as Sosie prints it, to the last byte" in answer.out
    found = studio.verify(paper)
    assert [one.consent_sha256 for one in found.permissions] == [consent.sha256()]
    studio.give_consent("anna", record)
    assert found.said["words_sha256"] in " ".join(studio.verify(record).told)
    other = Studio(tmp_path / "other").verify(paper)
    assert "No permission in these words is on record here." in other.told
    paper.write_bytes(paper.read_bytes() + b"% signed on a tablet\n")
    studio.withdraw("anna")
    told = " ".join(studio.verify(paper).told)
    assert "not as Sosie prints it" in told and "it was withdrawn" in told


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("scan.pdf", b"%PDF-1.7\n%nothing of ours", "none of the papers that Sosie prints"),
        ("notes.txt", b"what she told me", "neither a picture, nor a LoRA"),
        ("notes.json", b'{"a": 1}', "neither a picture, nor a LoRA"),
        ("empty.png", b"", "neither a picture, nor a LoRA"),
        ("cut.safetensors", b"cut", "is not a safetensors file"),
        ("old.ckpt", b"PK\x03\x04...............", "whatever its name says"),
    ],
)
def test_verify_says_what_it_can_verify_where_it_can_nothing(tmp_path, name, data, words):
    path = tmp_path / name
    path.write_bytes(data)
    answer = sosie(tmp_path / "home", "verify", path)
    assert answer.code == 2 and words in answer.out and "Nothing can be verified" in answer.out


def test_no_list_is_issued_by_a_clock_that_was_set_back(studio, monkeypatch):
    monkeypatch.setattr(papers, "now", lambda: now() - timedelta(hours=1))
    with pytest.raises(BadInput, match="Set the clock right"):
        studio.status()


def test_what_has_ended_or_was_left_out_does_not_come_back(tmp_path, monkeypatch):
    studio, clock = Studio(tmp_path / "home"), [now() - timedelta(days=60)]
    for module in (workspace, consenting, permission, papers):
        monkeypatch.setattr(module, "now", lambda: clock[0])
    studio.new("anna")

    def then(*acts: Act, **more: date) -> str:
        clock[0] += timedelta(days=2)
        return studio.consent("anna", relation="self", who="Anna Weber", acts=acts, **more).sha256()

    def told() -> dict[str, tuple[str, tuple[str, ...]]]:
        list_ = studio.status().list
        return {entry.consent_sha256: (entry.standing, entry.acts) for entry in list_.entries}

    first = then("train", "generate")
    fewer = then("generate")
    assert told() == {first: ("stands", ("generate",)), fewer: ("stands", ("generate",))}
    again = then("train", "generate")
    assert told()[first] == ("stands", ("generate",)), "training was left out, and given anew"
    assert told()[again] == ("stands", ("train", "generate"))
    short = then("train", until=clock[0].date() + timedelta(days=3))
    assert told()[again] == ("stands", ("train",)) and told()[fewer] == ("ended", ())
    clock[0] += timedelta(days=5)
    assert told()[short] == ("ended", ())
    clock[0] += timedelta(days=1)
    studio.withdraw("anna")
    anew = then("train", "generate")
    found = told()
    assert found.pop(anew) == ("stands", ("train", "generate"))
    assert set(found.values()) == {("withdrawn", ())}, "who read that once may rely on it"


def test_a_permission_that_begins_later_has_not_ended(tmp_path):
    studio = Studio(tmp_path / "home")
    studio.new("anna")
    studio.consent("anna", relation="self", terms={"starts": now().date() + timedelta(days=9)})
    (entry,) = studio.status().list.entries
    assert (entry.standing, entry.acts) == ("stands", ())
