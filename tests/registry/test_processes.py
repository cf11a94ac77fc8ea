"""Several processes on one workspace, and processes that die."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sosie.core.errors import WorkspaceError
from sosie.core.records import Run, now
from sosie.registry import Registry
from tests.registry.pictures import encoded, scene

ADD = """
import os, sys
from pathlib import Path
from sosie.core.records import Run, now
from sosie.registry import Registry
from sosie.registry.add import add_files
home, folder, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
with Registry.open(home) as registry:
    run = Run(id=name, subject="anna", base="pocket", state="running", step=0, steps=9,
              folder=home / name, pid=os.getpid(), started=now())
    if name.startswith("train"):
        registry.add_run(run)
    print("ready", flush=True)
    if name == "train until told":
        sys.stdin.read()
    for file in sorted(folder.iterdir()):
        add_files(registry, "anna", [file])
        if name.startswith("train"):
            registry.add_event(name, "file", {"name": file.name})
    print("done", flush=True)
"""


RESUME = """
import os, sys
from pathlib import Path
from sosie.core.errors import WorkspaceError
from sosie.registry import Registry
with Registry.open(Path(sys.argv[1])) as registry:
    before = registry.run("anna-1")
    assert before.state == "stopped"
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        if sys.argv[2] == "resume":
            registry.resume_run("anna-1", pid=os.getpid())
        else:
            going = {"state": "running", "pid": os.getpid()}
            registry.update_run(before.model_copy(update=going))
        print("got it", flush=True)
    except WorkspaceError as error:
        print(error, flush=True)
    sys.stdin.readline()
"""


def start(registry: Registry, folder: Path, name: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", ADD, str(registry.home), str(folder), name]
    pipe = subprocess.PIPE
    return subprocess.Popen(arguments, stdin=pipe, stdout=pipe, text=True)


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None and process.stdout.readline() == "ready\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:02}.png").write_bytes(encoded(scene(number), "PNG"))
    return folder


def test_two_processes_add_at_the_same_time(registry: Registry, folder: Path) -> None:
    processes = [start(registry, folder, name) for name in ("one", "two")]
    assert [process.wait(60) for process in processes] == [0, 0]
    samples = registry.samples("anna")
    assert len({sample.pixels_sha256 for sample in samples}) == len(samples) == 40
    assert registry.missing_blobs() == ()


def test_new_workspaces_can_be_opened_by_many_at_once(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from sosie.registry import Registry\n"
    code += "Registry.open(Path(sys.argv[1])).close()"
    arguments = [sys.executable, "-c", code, str(tmp_path / "fresh")]
    processes = [subprocess.Popen(arguments) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4


def test_kill_leaves_a_readable_workspace(registry: Registry, folder: Path) -> None:
    chance = random.Random(7)
    killed = 0
    for attempt in range(6):
        process = start(registry, folder, f"train{attempt}")
        ready(process)
        time.sleep(chance.uniform(0, 0.12))
        os.kill(process.pid, signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        with Registry.open(registry.home) as after:
            assert after.missing_blobs() == ()
            for sample in after.samples("anna"):
                assert after.blobs.read(sample.picture_sha256)
                assert after.blobs.read(sample.original_sha256)
            told = after.run(f"train{attempt}")
            assert told.state == "stopped" or process.returncode == 0
            numbers = [event.number for event in after.events(told.id)]
            assert numbers == list(range(1, len(numbers) + 1))
            integrity = after._db.rows("PRAGMA integrity_check")[0][0]
            assert integrity == "ok"
    assert killed >= 5
    process = start(registry, folder, "last")
    assert process.wait(60) == 0
    assert len(registry.samples("anna")) == 40


def test_a_living_process_keeps_its_subject(registry: Registry, folder: Path) -> None:
    process = start(registry, folder, "train until told")
    try:
        ready(process)
        assert registry.run("train until told").state == "running"
        rival = registry.run("train until told").model_copy(
            update={"id": "rival", "pid": os.getpid()}
        )
        with pytest.raises(WorkspaceError, match=f"process {process.pid}"):
            registry.add_run(rival)
    finally:
        process.kill()
        process.wait()
    registry.add_run(rival)


@pytest.mark.parametrize("way", ["resume", "update"])
def test_one_of_two_processes_that_saw_a_stopped_run_gets_it(registry: Registry, way: str) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    run = Run(
        id="anna-1", subject="anna", base="pocket", state="running", step=4, steps=9,
        folder=registry.home / "runs" / "anna-1", pid=dead.pid, started=now(),
    )  # fmt: skip
    registry.add_run(run)
    command = [sys.executable, "-c", RESUME, str(registry.home), way]
    pipe = subprocess.PIPE
    rivals = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    try:
        for process in rivals:
            ready(process)
        for process in rivals:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = {process.pid: process.stdout.readline() for process in rivals if process.stdout}
        winners = [pid for pid, line in told.items() if line == "got it\n"]
        assert len(winners) == 1, told
        (refusal,) = (line for pid, line in told.items() if pid not in winners)
        assert f"already being trained: run anna-1, process {winners[0]}, step 4 of 9" in refusal
        assert registry.run("anna-1").pid == winners[0]
    finally:
        for process in rivals:
            process.kill()
            process.wait()
    again = registry.resume_run("anna-1", pid=os.getpid())
    assert (again.state, again.step, again.message) == ("running", 4, None)
    registry.update_run(again.model_copy(update={"step": 5}))
    with pytest.raises(WorkspaceError, match="run anna-1"):
        registry.resume_run("anna-1", pid=os.getpid())
