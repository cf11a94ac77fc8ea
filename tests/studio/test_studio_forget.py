"""Forgetting: nothing of the person is left, and the receipt says what was destroyed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sosie.core.errors import BadInput, WorkspaceError
from sosie.core.files import sha256_file
from sosie.core.records import Run, now
from sosie.studio import Studio
from sosie.studio.forgetting import Signed
from tests.cli.door import sosie
from tests.studio.household import household, photo

KILLED = """
import os, sys
from pathlib import Path
from sosie.registry import blobs
from sosie.studio import Studio

drop, left = blobs.Blobs.drop, [int(sys.argv[2])]
def dying(self, sha256):
    if not left[0]:
        os.kill(os.getpid(), 9)
    left[0] -= 1
    drop(self, sha256)
blobs.Blobs.drop = dying
Studio(Path(sys.argv[1])).forget("anna")
"""
"""Forgets until it is killed between two files."""


def folder_with(studio: Studio, run: str = "anna-1") -> Path:
    """A run that is done, with one file in its folder."""
    folder = studio.registry.home / "runs" / run
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("her captions")
    studio.registry.add_run(
        Run(
            id=run, subject="anna", base="pocket", state="done", step=1, steps=1, folder=folder,
            pid=None, started=now(), ended=now(),
        )
    )  # fmt: skip
    studio.registry.add_event(run, "step", {"step": 1})
    return folder


def files(home: Path) -> set[str]:
    """The hashes of all files in a workspace."""
    return {sha256_file(path) for path in home.rglob("*") if path.is_file()}


@pytest.fixture
def studio(tmp_path, pictures):
    studio = household(tmp_path / "home", pictures)
    folder_with(studio)
    studio.registry.readings.put({f"{studio.show('anna').samples[0].picture_sha256}:pose:1": "x"})
    return studio


def test_nothing_is_left_but_the_permission(studio):
    before = studio.show("anna")
    path, receipt = studio.forget("anna")
    signed = Signed.model_validate_json(path.read_text())
    assert signed.receipt == receipt and signed.signature.holds()
    assert signed.signature.about == receipt.sha256()
    destroyed = {file.file_sha256 for file in receipt.destroyed}
    samples = {s.picture_sha256 for s in before.samples} | {
        s.original_sha256 for s in before.samples
    }
    assert samples < destroyed and len(destroyed) == len(samples) + 1
    assert not destroyed & files(studio.registry.home) and receipt.kept == ()
    after = studio.show("anna")
    assert (after.samples, after.runs, after.adapters) == ((), (), ())
    assert after.consents == before.consents
    data = b"".join(p.read_bytes() for p in studio.registry.home.glob("sosie.sqlite3*"))
    assert b"photo of anna number 3" not in data, "a caption is left in the database"
    assert f"{before.samples[0].picture_sha256}:pose".encode() not in data
    with pytest.raises(BadInput, match="but its permissions"):
        studio.forget("anna")


def test_what_another_shares_is_kept_and_told(studio, tmp_path):
    studio.new("ben")
    studio.add("ben", [photo(tmp_path / "ben", "0.png", 0, "photo of ben")])
    shared = studio.show("ben").samples[0]
    _, receipt = studio.forget("anna")
    kept = {(file.what, file.file_sha256) for file in receipt.kept}
    assert ("picture", shared.picture_sha256) in kept and len(kept) == 2
    assert studio.registry.missing_blobs() == ()
    assert studio.show("ben").samples == (shared,)


@pytest.mark.parametrize("dropped", [0, 5])
def test_a_forgetting_that_was_killed_goes_on(studio, dropped):
    home, before = studio.registry.home, studio.show("anna")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(home), str(dropped)], check=False)
    assert ended.returncode == -signal.SIGKILL
    again = Studio(home)
    assert again.show("anna").samples == () and not (home / "receipts").exists()
    _, receipt = again.forget("anna")
    told = {file.file_sha256 for file in receipt.destroyed}
    assert {s.picture_sha256 for s in before.samples} < told
    assert not told & files(home) and not (home / "runs" / "anna-1").exists()


def test_a_run_that_is_going_on_is_not_pulled_away(studio):
    run = studio.registry.run("anna-1")
    studio.registry.update_run(run.model_copy(update={"state": "running", "pid": os.getpid()}))
    with pytest.raises(WorkspaceError, match="being trained"):
        studio.forget("anna")
    assert len(studio.show("anna").samples) == 6


DIED_AUDITING = """
import os, sys
from pathlib import Path
from sosie.studio import Studio

with Studio(Path(sys.argv[1])).registry.audits.going("anna-1", ["anna"]):
    os.kill(os.getpid(), 9)
"""


def test_an_audit_that_is_going_on_is_not_pulled_away_and_one_that_died_is(studio):
    home = studio.registry.home
    with studio.registry.audits.going("ben-1", ["ben", "anna"]):
        with pytest.raises(WorkspaceError, match="being audited: LoRA ben-1"):
            Studio(home).forget("anna")
        assert len(studio.show("anna").samples) == 6
    subprocess.run([sys.executable, "-c", DIED_AUDITING, str(home)], check=False)
    studio.forget("anna")


def test_nothing_is_audited_of_whom_is_being_forgotten(studio):
    home = studio.registry.home
    subprocess.run([sys.executable, "-c", KILLED, str(home), "5"], check=False)
    with (
        pytest.raises(WorkspaceError, match=r"sosie forget anna goes on") as refused,
        studio.registry.audits.going("anna-1", ["anna"]),
    ):
        pass
    assert '"anna" is being forgotten' in refused.value.message
    studio.forget("anna")
    with studio.registry.audits.going("anna-1", ["anna"]):
        pass


def test_the_name_is_asked_for_again(studio, monkeypatch):
    home = studio.registry.home
    monkeypatch.setattr("typer.prompt", lambda text: "ana")
    sosie(home, "forget", "anna").refused(2, "nothing was destroyed")
    assert len(studio.show("anna").samples) == 6
    monkeypatch.setattr("typer.prompt", lambda text: "anna")
    answer = sosie(home, "forget", "anna")
    assert answer.code == 0 and "6 pictures, 1 run, 0 LoRAs" in answer.out
    assert "13 files destroyed" in answer.out and "cannot be undone" in answer.out
