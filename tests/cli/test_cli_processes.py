"""Real processes: Ctrl-C, kill -9, and what is left behind."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sosie.studio import Studio
from tests.cli.door import sosie

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")
LONG = [
    *("--set", "steps=150", "--set", "checkpoint_every=10", "--set", "validate_every=30"),
    *("--set", "batch=1", "--set", "rank=2", "--set", "validation_times=1"),
    *("--set", "preview_every=0", "--despite", "who.no_face"),
]
NURSERY = """
import os, sys, torch
torch.set_num_threads(1)
import sosie.train.run, sosie.models.diffusion.flux, sosie.models.faces
from sosie.cli import main
for line in sys.stdin:
    log, *words = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1), os.dup2(out, 2)
        sys.argv = ["sosie", *words]
        code = 1
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
        finally:
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(code)
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""
"""Forks one process a command, so that the many processes here load torch but once."""


class Nursery:
    """Starts `sosie` commands as processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log.txt"
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "80"},
        )

    def start(self, *words: object) -> int:
        self.process.stdin.write("\t".join(map(str, (self.log, *words))) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self) -> int:
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    nursery = Nursery(tmp_path_factory.mktemp("nursery"))
    yield nursery
    nursery.process.stdin.close()
    nursery.process.wait(30)


@pytest.fixture
def fresh(tmp_path, pictures):
    """A function that makes a workspace with a permitted person."""

    def make(name: str) -> Path:
        home = tmp_path / name
        sosie(home, "new", "anna")
        sosie(home, "add", "anna", pictures)
        sosie(home, "consent", "anna", "--self")
        return home

    return make


def steps_told(home: Path) -> int:
    """How many steps the first run has told of."""
    file = home / "runs" / "anna-1" / "events.jsonl"
    return file.read_text().count('"kind":"step"') if file.exists() else 0


def wait_for_steps(home: Path, more_than: int = 0) -> None:
    """Wait until the run has told of more steps than that."""
    limit = time.monotonic() + 200
    while steps_told(home) <= more_than:
        assert time.monotonic() < limit, "no step came"
        time.sleep(0.01)


@pytest.mark.slow
def test_killed_and_interrupted_runs_end_as_if_nothing_had_been(fresh, base, nursery):
    straight, torn = fresh("straight"), fresh("torn")
    nursery.start("--home", straight, "train", "anna", "--base", base, *LONG)
    assert nursery.end() == 0, nursery.log.read_text()
    source = random.Random(3)
    resume: list[str] = []
    for _ in range(3):
        before = steps_told(torn)
        pid = nursery.start("--home", torn, "train", "anna", "--base", base, *LONG, *resume)
        wait_for_steps(torn, before)
        time.sleep(source.uniform(0.0, 0.15))
        os.kill(pid, signal.SIGKILL)
        assert nursery.end() == -signal.SIGKILL
        listed = sosie(torn, "list")
        assert listed.code == 0 and "anna-1: stopped" in listed.out
        assert "can be resumed" in sosie(torn, "runs").out
        resume = ["--resume"]
    before = steps_told(torn)
    pid = nursery.start("--home", torn, "train", "anna", "--base", base, *LONG, "--resume")
    wait_for_steps(torn, before)
    os.kill(pid, signal.SIGINT)
    assert nursery.end() == 130
    last = nursery.log.read_text().splitlines()[-1]
    assert re.fullmatch(r"sosie: The run was stopped after step \d+ of 150; .*--resume\.", last)
    assert "anna-1: stopped" in sosie(torn, "list").out
    nursery.start("--home", torn, "train", "anna", "--resume")
    assert nursery.end() == 0, nursery.log.read_text()
    one, two = Studio(straight).show("anna"), Studio(torn).show("anna")
    assert [a.tensors_sha256 for a in two.adapters] == [one.adapters[0].tensors_sha256]
    assert [(r.id, r.state, r.step) for r in two.runs] == [("anna-1", "done", 150)]
    assert not Studio(torn).registry.missing_blobs()


@pytest.mark.slow
def test_two_processes_cannot_train_one_subject(fresh, base, nursery):
    home = fresh("shared")
    pid = nursery.start("--home", home, "train", "anna", "--base", base, *LONG, "--steps", 5000)
    wait_for_steps(home)
    sosie(home, "train", "anna", "--base", base).refused(8, "already being trained", f"{pid}")
    sosie(home, "train", "anna", "--resume").refused(8, "already being trained")
    os.kill(pid, signal.SIGINT)
    assert nursery.end() == 130


def test_the_command_itself_starts_light():
    """A real process: help in one screen, no torch, no OpenCV, no model."""
    script = (
        "import sys; sys.argv = ['sosie', *sys.argv[1:]]\n"
        "from sosie.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'cv2', 'diffusers', 'transformers', 'peft', 'scipy', 'numpy', 'PIL'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    for words in (["--help"], ["train", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]" and not done.stderr
