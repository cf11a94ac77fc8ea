"""Checkpoints: whole or absent, never overwritten, and enough to go on bit by bit.

    checkpoints/step-000100/adapter.safetensors   the LoRA, as exported
                            state.safetensors     weights, average, optimizer, last walks
                            state.json            numbers, and the hashes of both files

A folder is written under another name, synced, then renamed; so killing the process at any moment
leaves only whole ones. The hashes also find a folder that a power cut damaged. No pickle anywhere.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from sosie.core.errors import WorkspaceError
from sosie.core.files import FOLDER_PREFIX, as_workspace_error, sha256_file, sync_folder
from sosie.core.records import Record
from sosie.train.loop import Teacher, Watch
from sosie.train.optim import reload, unload

ADAPTER, TENSORS, NUMBERS = "adapter.safetensors", "state.safetensors", "state.json"
OPTIMIZER = "optimizer."
"""Beginnings of names in the state."""


class Checkpoint(Record):
    """A checkpoint on disk."""

    step: int
    folder: Path
    adapter: Path
    file_sha256: str
    tensors_sha256: str
    withheld_loss: float | None = None
    """Validation loss at this step, if one was taken."""
    previews: tuple[Path, ...] = ()
    """Of new prompts."""
    taught: tuple[Path, ...] = ()
    """Of training captions."""


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder to write into that becomes `target` at the end, or vanishes on an error.

    Raises WorkspaceError if the disk is full, or if `target` exists: nothing is overwritten.
    """
    if target.exists():
        raise WorkspaceError(f"{target} exists and is not overwritten.", advice="Move it away.")
    with as_workspace_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=FOLDER_PREFIX))
        try:
            yield temporary
            for path in temporary.iterdir():
                _sync(path)
            sync_folder(temporary)
            temporary.rename(target)
            sync_folder(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def step_folder(parent: Path, step: int) -> Path:
    """Where `parent` keeps what belongs to `step`."""
    return parent / f"step-{step:06d}"


def save(
    folder: Path,
    step: int,
    *,
    teacher: Teacher,
    facts: Mapping[str, Any],
    export: Callable[[Path], tuple[str, str]],
) -> Checkpoint:
    """Write the checkpoint of `step`; `export` writes the LoRA and returns its two hashes."""
    target = step_folder(folder, step)
    with whole_folder(target) as place:
        file_sha256, tensors_sha256 = export(place / ADAPTER)
        tensors, numbers = _state(teacher)
        save_file(tensors, place / TENSORS)
        numbers |= {
            "step": step,
            "facts": dict(facts),
            "sha256": {ADAPTER: file_sha256, TENSORS: sha256_file(place / TENSORS)},
            "tensors_sha256": tensors_sha256,
        }
        (place / NUMBERS).write_text(json.dumps(numbers), encoding="utf-8")
    return _record(target, numbers)


def sweep(folder: Path) -> None:
    """Remove what a killed process left half written."""
    for path in folder.glob(f"{FOLDER_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


def whole(folder: Path) -> tuple[list[Checkpoint], list[str]]:
    """All whole checkpoints by step, and the names of damaged ones, which are set aside."""
    found: list[Checkpoint] = []
    damaged: list[str] = []
    if not folder.is_dir():
        return found, damaged
    sweep(folder)
    for path in sorted(folder.iterdir()):
        if re.fullmatch(r"step-\d{6,}", path.name):
            numbers = _numbers(path)
            if numbers is None:
                damaged.append(path.name)
                path.rename(Path(tempfile.mkdtemp(dir=folder, prefix="damaged-")) / path.name)
            else:
                found.append(_record(path, numbers))
    return sorted(found, key=lambda c: c.step), damaged


def load(checkpoint: Checkpoint, teacher: Teacher) -> dict[str, Any]:
    """Put `teacher` where the checkpoint left it; returns the `facts` that were saved."""
    numbers = json.loads((checkpoint.folder / NUMBERS).read_text(encoding="utf-8"))
    tensors = load_file(checkpoint.folder / TENSORS)
    weights = teacher.weights
    weights.flat.data.copy_(tensors["weights"])
    if weights.average is not None:
        weights.average.copy_(tensors["average"])
    reload(teacher.optimizer, _part(tensors, OPTIMIZER), numbers["optimizer"])
    if teacher.coach is not None:
        teacher.coach.restore(_part(tensors, f"{teacher.coach.aim.name}."))
    teacher.tally.sums[:] = numbers["tally"]["sums"]
    teacher.tally.counts[:] = numbers["tally"]["counts"]
    teacher.watch = Watch(**numbers["watch"])
    teacher.skip(checkpoint.step)
    facts: dict[str, Any] = numbers["facts"]
    return facts


def _state(teacher: Teacher) -> tuple[dict[str, Tensor], dict[str, Any]]:
    own, numbers = unload(teacher.optimizer)
    tensors = {OPTIMIZER + key: value for key, value in own.items()}
    if teacher.coach is not None:
        name = teacher.coach.aim.name
        tensors |= {f"{name}.{key}": value for key, value in teacher.coach.state().items()}
    tensors["weights"] = teacher.weights.flat.detach()
    if teacher.weights.average is not None:
        tensors["average"] = teacher.weights.average
    return {key: value.detach().cpu().contiguous() for key, value in tensors.items()}, {
        "optimizer": numbers,
        "tally": {"sums": teacher.tally.sums, "counts": teacher.tally.counts},
        "watch": {"usual": teacher.watch.usual, "smoothed": teacher.watch.smoothed},
    }


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _numbers(path: Path) -> dict[str, Any] | None:
    try:
        numbers: dict[str, Any] = json.loads((path / NUMBERS).read_text(encoding="utf-8"))
        sound = all(sha256_file(path / name) == h for name, h in numbers["sha256"].items())
    except (OSError, ValueError, KeyError):
        return None
    return numbers if sound else None


def _record(path: Path, numbers: Mapping[str, Any]) -> Checkpoint:
    return Checkpoint(
        step=numbers["step"],
        folder=path,
        adapter=path / ADAPTER,
        file_sha256=numbers["sha256"][ADAPTER],
        tensors_sha256=numbers["tensors_sha256"],
    )


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
