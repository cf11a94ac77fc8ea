"""What killed processes leave is removed, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sosie.core.files import sha256_bytes
from sosie.core.records import Adapter, now
from sosie.registry import Registry
from sosie.registry.sweep import DAY
from tests.registry.pictures import encoded, scene

KILLED = """
import os, signal, sys
from pathlib import Path
from sosie.core import files
from sosie.registry import Registry, add_files, store

def die(*unused, **also):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[3] == "before the row":
    store.insert = die
else:
    files.sync_folder = lambda folder: None
    Path.replace = die
with Registry.open(Path(sys.argv[1])) as registry:
    add_files(registry, "anna", [Path(sys.argv[2])])
"""


def grow_old(home: Path, days: float = 2) -> None:
    """Let everything in the workspace have lain there for days."""
    then = time.time() - days * DAY
    for path in [*home.rglob("*")]:
        os.utime(path, (then, then))


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def full(registry: Registry, tmp_path: Path) -> Registry:
    """A workspace with a picture and a LoRA on file."""
    from sosie.registry import add_files

    (tmp_path / "kept.png").write_bytes(encoded(scene(1), "PNG"))
    (tmp_path / "other.png").write_bytes(encoded(scene(2), "PNG"))
    add_files(registry, "anna", [tmp_path / "kept.png"])
    lora = registry.blobs.put(b"a LoRA")
    registry.add_adapter(
        Adapter(
            name="anna-1", subject="anna", family="flux", base="tiny", trigger="anna",
            file_sha256=lora, tensors_sha256=lora, created=now(),
        )
    )  # fmt: skip
    return registry


@pytest.mark.parametrize("moment", ["before the row", "before the blob"])
def test_what_a_kill_leaves_is_removed_after_a_day(
    moment: str, full: Registry, tmp_path: Path
) -> None:
    before = files(full.blobs.folder)
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(full.home), str(tmp_path / "other.png"), moment],
        check=False,
    )
    assert process.returncode == -signal.SIGKILL
    left = files(full.blobs.folder) - before
    assert len(left) == (2 if moment == "before the row" else 1)
    assert len(full.samples("anna")) == 1 and full.missing_blobs() == ()

    assert full.sweep().bytes_freed == 0
    assert files(full.blobs.folder) == before | left

    size = sum(path.stat().st_size for path in left)
    grow_old(full.home)
    swept = full.sweep()
    assert {*swept.blobs, *swept.temporaries} == left
    assert bool(swept.blobs) == (moment == "before the row")
    assert swept.bytes_freed == size
    assert files(full.blobs.folder) == before
    assert full.missing_blobs() == ()
    assert full.sweep().bytes_freed == 0


def test_a_removal_that_was_cut_short_is_finished(full: Registry, tmp_path: Path) -> None:
    (sample,) = full.samples("anna")
    drop = full.blobs.drop
    full.blobs.drop = lambda sha256: None  # type: ignore[method-assign]
    full.remove_sample("anna", sample.picture_sha256)
    full.blobs.drop = drop  # type: ignore[method-assign]
    grow_old(full.home)
    assert {path.name for path in full.sweep().blobs} == {
        sample.original_sha256,
        sample.picture_sha256,
    }
    assert full.blobs.missing([full.adapter("anna-1").file_sha256]) == ()


def test_a_blob_put_again_is_spared_until_its_row_comes(full: Registry) -> None:
    orphan = full.blobs.put(b"left by a crash")
    grow_old(full.home)
    assert full.blobs.put(b"left by a crash") == orphan
    assert full.sweep().blobs == ()
    assert full.blobs.read(orphan) == b"left by a crash"


def test_runs_lose_half_written_files_and_nothing_else(full: Registry) -> None:
    run = full.home / "runs" / "anna-1"
    whole = [
        run / "manifest.json",
        run / "checkpoints" / "step-000004" / "adapter.safetensors",
        run / "checkpoints" / "damaged-abcd1234" / "step-000002" / "state.json",
        full.blobs.folder / "ab" / "a note of the user.txt",
    ]
    half = [
        run / ".k3_9fz0a.safetensors",
        run / "checkpoints" / ".writing-x0y1z2a3" / "state.json",
    ]
    for path in (*whole, *half):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    grow_old(full.home)
    swept = full.sweep()
    assert swept.blobs == () and swept.bytes_freed == 10
    assert swept.temporaries == (half[0], half[1].parent)
    assert all(path.is_file() for path in whole)
    assert not any(path.exists() for path in half)


def test_a_temporary_name_is_what_this_house_writes(tmp_path: Path) -> None:
    from sosie.core.files import is_temporary, save_atomically
    from sosie.train.checkpoint import whole_folder

    seen: list[str] = []
    save_atomically(
        tmp_path / "a.safetensors", lambda path: (seen.append(path.name), path.write_bytes(b"x"))
    )
    with whole_folder(tmp_path / "step-000001") as folder:
        seen.append(folder.name)
    save_atomically(
        tmp_path / sha256_bytes(b""), lambda path: (seen.append(path.name), path.write_bytes(b""))
    )
    assert len(seen) == 3 and all(map(is_temporary, seen))
    for name in (
        "step-000001",
        sha256_bytes(b""),
        ".DS_Store",
        "damaged-abcd1234",
        "a.safetensors",
    ):
        assert not is_temporary(name)
