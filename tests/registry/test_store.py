from __future__ import annotations

import errno
import json
import os
import sqlite3
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.core.consent import Consent
from sosie.core.errors import BadInput, NotFound, WorkspaceError
from sosie.core.files import sha256_bytes
from sosie.core.records import Adapter, Box, Run, Sample, Subject, now
from sosie.registry import Blobs, Registry, home_folder
from sosie.registry.migrations import MIGRATIONS, m013_verdicts
from sosie.registry.names import checked_name
from sosie.rights import sign


def sample(original: bytes, picture: bytes, subject: str = "anna", **fields: object) -> Sample:
    values: dict[str, object] = {
        "subject": subject,
        "file_name": "a.jpg",
        "original_sha256": sha256_bytes(original),
        "picture_sha256": sha256_bytes(picture),
        "pixels_sha256": sha256_bytes(b"pixels of " + picture),
        "width": 20,
        "height": 30,
        "source_format": "JPEG",
        "added": now(),
    }
    return Sample.model_validate(values | fields)


def run(registry: Registry, name: str, **fields: object) -> Run:
    values: dict[str, object] = {
        "id": name,
        "subject": "anna",
        "base": "pocket",
        "state": "running",
        "step": 0,
        "steps": 9,
        "folder": registry.home / "runs" / name,
        "pid": os.getpid(),
        "started": now(),
    }
    return Run.model_validate(values | fields)


# Home


def test_home_is_the_option_then_the_variable_then_the_platforms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOSIE_HOME", str(tmp_path / "variable"))
    assert home_folder(tmp_path / "option") == tmp_path / "option"
    assert home_folder() == tmp_path / "variable"
    monkeypatch.delenv("SOSIE_HOME")
    assert home_folder().name == "sosie" and home_folder().is_absolute()


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for home in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(WorkspaceError, match="no workspace can be there"):
            Registry.open(home)


def test_a_foreign_database_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "sosie.sqlite3").write_bytes(b"not a database, but dear to someone" * 40)
    with pytest.raises(WorkspaceError, match="not a database"):
        Registry.open(tmp_path)
    assert (tmp_path / "sosie.sqlite3").read_bytes().startswith(b"not a database")


# Schema


def test_a_newer_schema_is_refused_and_kept(tmp_path: Path) -> None:
    Registry.open(tmp_path).close()
    newer = len(MIGRATIONS) + 1
    with sqlite3.connect(tmp_path / "sosie.sqlite3") as db:
        db.execute(f"PRAGMA user_version = {newer}")
    with pytest.raises(WorkspaceError, match=f"newer Sosie .schema {newer}"):
        Registry.open(tmp_path)
    with sqlite3.connect(tmp_path / "sosie.sqlite3") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (newer,)


def test_an_older_schema_is_brought_up_to_date(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def next_step(db: sqlite3.Connection) -> None:
        db.execute("ALTER TABLE subjects ADD COLUMN extra TEXT DEFAULT 'new'")

    monkeypatch.setattr("sosie.registry.migrating.MIGRATIONS", [*MIGRATIONS, next_step])
    with Registry.open(registry.home) as again:
        assert again._db.rows("SELECT extra FROM subjects")[0][0] == "new"
        assert again.subject("anna").trigger == "anna"


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        (["passed", "told"], "passed"),
        (["passed", "failed", "not measured"], "failed"),
        (["passed", "not measured"], "not measured"),
        (["told"], "not measured"),
    ],
)
def test_audits_from_before_their_verdicts_were_filed_keep_what_they_found(
    registry: Registry, states: list[str], verdict: str
) -> None:
    record = json.dumps({"figures": [{"state": state} for state in states]})
    old = ("id", "subject", "adapter", "tensors_sha256", "sha256", "record")
    with registry._db.writing() as db:
        db.execute("DROP INDEX audits_tensors")
        for column in ("kind", "verdict"):
            db.execute(f"ALTER TABLE audits DROP COLUMN {column}")
        values = (1, "anna", "anna-1", "t", "s", record)
        db.execute(f"INSERT INTO audits ({','.join(old)}) VALUES (?,?,?,?,?,?)", values)
        m013_verdicts(db)
    (found,) = registry.audits.of_weights("t", "likeness")
    assert found.verdict == verdict and not registry.audits.of_weights("t", "copying")


def test_a_step_that_fails_leaves_the_schema_before_it(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bad_step(db: sqlite3.Connection) -> None:
        db.execute("DROP TABLE events")
        raise RuntimeError("half way")

    monkeypatch.setattr("sosie.registry.migrating.MIGRATIONS", [*MIGRATIONS, bad_step])
    with pytest.raises(RuntimeError):
        Registry.open(registry.home)
    monkeypatch.undo()
    with Registry.open(registry.home) as again:
        assert again.events("none") == ()


# Names


@pytest.mark.parametrize("name", ["anna", "nobody_2_f1", "Zoë", "写字", "अनिता", "a" * 64])
def test_names_that_can_be_typed_in_a_prompt(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("a b", "a blank"),
        ("a:1", "':'"),
        ("a>", "'>'"),
        ("../x", "'.'"),
        ("-x", "an option"),
        ("a" * 65, "65 characters"),
        ("a\u200bb", "u200b"),
    ],
)
def test_names_that_cannot(name: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        checked_name(name)


def test_names_that_look_alike_are_one(registry: Registry) -> None:
    for name in ("ANNA", "anna"):
        with pytest.raises(BadInput, match="taken by"):
            registry.add_subject(Subject(name=name, kind="person", trigger="x", created=now()))
    registry.add_subject(
        Subject(name="Zoe\u0308", kind="handwriting", trigger="zoe", created=now())
    )
    assert registry.subject("Zoë") == registry.subject("Zoe\u0308")
    with pytest.raises(NotFound, match='Did you mean "anna"'):
        registry.subject("ana")
    assert [subject.name for subject in registry.subjects()] == ["anna", "Zoë"]


# Samples and blobs


def test_a_sample_comes_back_whole(registry: Registry) -> None:
    filed = sample(
        b"o", b"p", caption='line one\nline "two" 写', changes=("turned upright",),
        face=Box(left=1, top=2, right=3, bottom=4),
    )  # fmt: skip
    assert registry.add_sample(filed, b"o", b"p")
    assert registry.samples("anna") == (filed,)
    assert registry.find_samples(original_sha256=filed.original_sha256) == (filed,)
    assert registry.find_samples(pixels_sha256=filed.pixels_sha256, subject="anna") == (filed,)
    assert registry.find_samples(pixels_sha256=filed.pixels_sha256, subject="ben") == ()
    assert registry.blobs.read(filed.picture_sha256) == b"p"
    assert registry.missing_blobs() == ()


def test_the_same_pixels_are_filed_once(registry: Registry) -> None:
    assert registry.add_sample(sample(b"o", b"p"), b"o", b"p")
    assert not registry.add_sample(sample(b"other", b"p"), b"other", b"p")
    assert len(registry.samples("anna")) == 1


def test_captions_are_set_all_or_none(registry: Registry) -> None:
    one, two = sample(b"1", b"p1"), sample(b"2", b"p2")
    registry.add_sample(one, b"1", b"p1")
    registry.add_sample(two, b"2", b"p2")
    with pytest.raises(NotFound):
        registry.set_captions("anna", {one.picture_sha256: "x", "0" * 64: "y"})
    assert [s.caption for s in registry.samples("anna")] == [None, None]
    registry.set_caption("anna", two.picture_sha256, "anna reads")
    assert [s.caption for s in registry.samples("anna")] == [None, "anna reads"]


def test_a_removed_picture_is_gone_from_the_disk(registry: Registry) -> None:
    registry.add_subject(Subject(name="ben", kind="person", trigger="ben", created=now()))
    shared, alone = sample(b"o", b"p"), sample(b"o2", b"p2")
    registry.add_sample(shared, b"o", b"p")
    registry.add_sample(alone, b"o2", b"p2")
    registry.add_sample(shared.model_copy(update={"subject": "ben"}), b"o", b"p")
    registry.remove_sample("anna", shared.picture_sha256)
    registry.remove_sample("anna", alone.picture_sha256)
    assert registry.samples("anna") == ()
    assert registry.blobs.missing([shared.original_sha256, shared.picture_sha256]) == ()
    assert len(registry.blobs.missing([alone.original_sha256, alone.picture_sha256])) == 2
    with pytest.raises(NotFound):
        registry.remove_sample("anna", shared.picture_sha256)


@given(st.binary(max_size=200))
def test_blobs_come_back(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    blobs = Blobs(tmp_path_factory.getbasetemp() / "blobs")
    sha256 = blobs.put(data)
    assert sha256 == blobs.put(data) == sha256_bytes(data)
    assert blobs.read(sha256) == data


def test_damage_and_loss_are_told_and_mended(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    sha256 = blobs.put(b"dear")
    blobs.path(sha256).write_bytes(b"dea")
    with pytest.raises(WorkspaceError, match="damaged"):
        blobs.read(sha256)
    blobs.put(b"dear")
    assert blobs.read(sha256) == b"dear"
    blobs.drop(sha256)
    with pytest.raises(WorkspaceError, match="missing"):
        blobs.read(sha256)
    (tmp_path / "file").write_bytes(b"x" * 100)
    assert blobs.read(blobs.put_file(tmp_path / "file")) == b"x" * 100


def test_a_full_disk_loses_nothing(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.add_sample(sample(b"o", b"p"), b"o", b"p")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(WorkspaceError, match="The disk is full"):
            registry.add_sample(sample(b"o2", b"p2"), b"o2", b"p2")
    assert len(registry.samples("anna")) == 1 and registry.missing_blobs() == ()
    assert not list(registry.blobs.folder.rglob(".*"))
    assert registry.add_sample(sample(b"o2", b"p2"), b"o2", b"p2")


def test_a_full_database_loses_nothing(registry: Registry) -> None:
    pages = registry._db.rows("PRAGMA page_count")[0][0]
    registry._db.rows(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(WorkspaceError, match="the disk is full"):
        registry.add_sample(sample(b"o", b"p", caption="x" * 100_000), b"o", b"p")
    assert registry.samples("anna") == ()
    registry.add_sample(sample(b"o", b"p"), b"o", b"p")
    assert len(registry.samples("anna")) == 1


def test_another_writer_is_told_of_after_a_while(registry: Registry) -> None:
    with Registry.open(registry.home, patience=0.1) as other, registry._db.writing():
        assert other.subjects() == registry.subjects()
        with pytest.raises(WorkspaceError, match="another process is writing"):
            other.add_sample(sample(b"o", b"p"), b"o", b"p")
    assert registry.add_sample(sample(b"o", b"p"), b"o", b"p")


# Consents


def consent(**fields: object) -> Consent:
    values: dict[str, object] = {
        "subject": "anna",
        "who": "Anna Maier",
        "relation": "self",
        "signed_by": "Anna Maier",
        "acts": ("train",),
        "recorded": now(),
    }
    return Consent.model_validate(values | fields)


def test_consents_are_kept_in_order_and_for_good(registry: Registry) -> None:
    given_, withdrawn = consent(until=date.today() + timedelta(9)), consent(acts=())
    assert registry.record_consent(given_) == given_.sha256()
    registry.record_consent(withdrawn)
    assert registry.consents("anna") == (given_, withdrawn)
    for sql in ("DELETE FROM consents", "UPDATE consents SET record = '{}'"):
        with (
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
            registry._db.writing() as db,
        ):
            db.execute(sql)
    assert registry.consents("anna") == (given_, withdrawn)


def test_a_record_that_contradicts_itself_is_not_kept(registry: Registry) -> None:
    with pytest.raises(BadInput):
        registry.record_consent(consent(relation="guardian"))
    assert registry.consents("anna") == ()
    with pytest.raises(NotFound):
        registry.record_consent(consent(subject="ben"))


def test_a_permission_is_kept_with_those_who_signed_it(registry: Registry) -> None:
    given_ = consent()
    signature = sign(registry.key(), given_.sha256(), role="trainer", at=given_.recorded)
    registry.record_consent(given_, [signature])
    assert registry.signatures.of(given_.sha256()) == (signature,)
    assert registry.consent(given_.sha256()) == given_ and registry.consent("0" * 64) is None
    for sql in ("DELETE FROM signatures", "UPDATE signatures SET record = '{}'"):
        with (
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
            registry._db.writing() as db,
        ):
            db.execute(sql)


def test_a_forged_signature_or_one_of_another_record_is_not_kept(registry: Registry) -> None:
    given_, other = consent(), consent(acts=("train", "publish"))
    right = sign(registry.key(), given_.sha256(), role="subject")
    for wrong in (
        sign(registry.key(), other.sha256(), role="subject"),
        right.model_copy(update={"role": "guardian"}),
    ):
        with pytest.raises(BadInput, match="not of this permission"):
            registry.record_consent(given_, [right, wrong])
    assert registry.consents("anna") == () and registry.signatures.of(given_.sha256()) == ()


@pytest.mark.parametrize("changed", ["acts", "signature"])
def test_by_a_record_that_was_changed_nothing_is_decided(registry: Registry, changed: str) -> None:
    given_ = consent()
    signature = sign(registry.key(), given_.sha256(), role="trainer")
    registry.record_consent(given_, [signature])
    table, other = {
        "acts": ("consents", consent(acts=("train", "publish")).canonical()),
        "signature": ("signatures", signature.model_copy(update={"role": "subject"}).canonical()),
    }[changed]
    with registry._db.writing() as db:
        db.execute(f"DROP TRIGGER {table}_no_update")
        db.execute(f"UPDATE {table} SET record = ?", (other.decode(),))
    with pytest.raises(WorkspaceError, match="was changed after it was recorded"):
        registry.consents("anna")


# Adapters


def test_adapters_are_filed_after_their_file(registry: Registry) -> None:
    adapter = Adapter(
        name="anna_1", subject="anna", family="flux", base="pocket", trigger="anna",
        file_sha256=sha256_bytes(b"lora"), tensors_sha256="0" * 64, created=now(),
    )  # fmt: skip
    with pytest.raises(WorkspaceError, match="not stored"):
        registry.add_adapter(adapter)
    registry.blobs.put(b"lora")
    assert registry.add_adapter(adapter) == adapter
    assert registry.adapter("anna_1") == adapter
    assert registry.adapters() == registry.adapters("anna") == (adapter,)
    with pytest.raises(BadInput, match="taken"):
        registry.add_adapter(adapter)
    with pytest.raises(NotFound, match='Did you mean "anna_1"'):
        registry.adapter("anna1")


# Runs and events


def test_a_run_comes_back_and_moves_with_the_workspace(registry: Registry, tmp_path: Path) -> None:
    filed = run(registry, "r1")
    registry.add_run(filed)
    assert registry.run("r1") == filed
    done = filed.model_copy(update={"state": "done", "step": 9, "ended": now()})
    registry.update_run(done)
    assert registry.runs() == registry.runs("anna") == (done,)
    assert registry.runs("ben") == ()
    registry.close()
    registry.home.rename(tmp_path / "moved")
    with Registry.open(tmp_path / "moved") as moved:
        assert moved.run("r1").folder == tmp_path / "moved" / "runs" / "r1"
    with pytest.raises(NotFound), Registry.open(tmp_path / "moved") as moved:
        moved.update_run(run(moved, "r2", state="failed"))


def test_one_subject_is_trained_by_one_process(registry: Registry) -> None:
    registry.add_subject(Subject(name="ben", kind="person", trigger="ben", created=now()))
    first = run(registry, "r1")
    registry.add_run(first)
    registry.add_run(run(registry, "r2", subject="ben"))
    with pytest.raises(WorkspaceError, match="already being trained: run r1"):
        registry.add_run(run(registry, "r3"))
    registry.update_run(first.model_copy(update={"state": "stopped"}))
    registry.add_run(run(registry, "r3"))
    with pytest.raises(WorkspaceError, match="already being trained: run r3"):
        registry.update_run(first)


def test_a_dead_process_is_seen(registry: Registry) -> None:
    registry.add_run(run(registry, "r1", pid=2**22 + 1))
    told = registry.run("r1")
    assert told.state == "stopped" and told.message and "resumed" in told.message
    registry.add_run(run(registry, "r2"))
    assert [r.state for r in registry.runs("anna")] == ["stopped", "running"]


def test_a_number_used_again_is_another_process(registry: Registry) -> None:
    registry.add_run(run(registry, "r1"))
    assert registry.run("r1").state == "running"
    with registry._db.writing() as db:
        db.execute("UPDATE runs SET pid_born = pid_born - 86400")
    assert registry.run("r1").state == "stopped"


def test_events_can_be_followed(registry: Registry) -> None:
    registry.add_run(run(registry, "r1"))
    for step in range(3):
        registry.add_event("r1", "step", {"step": step, "loss": 0.5, "names": ["ä"]})
    with Registry.open(registry.home) as follower:
        assert [event.number for event in follower.events("r1", after=1)] == [2, 3]
        assert follower.events("r1")[2].data == {"step": 2, "loss": 0.5, "names": ["ä"]}
    with pytest.raises(NotFound, match='Did you mean "r1"'):
        registry.add_event("r", "step", {})


def test_readings_are_kept_and_replaced(registry):
    keys = [f"picture:{number}" for number in range(1200)]
    registry.readings.put(dict.fromkeys(keys, "first"))
    registry.readings.put({keys[0]: "second"})
    found = registry.readings.get([*keys, "unknown"])
    assert len(found) == 1200 and found[keys[0]] == "second" and found[keys[1]] == "first"
