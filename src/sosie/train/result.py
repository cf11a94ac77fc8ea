"""What a run returns."""

from __future__ import annotations

from pathlib import Path

from sosie.core.records import Record
from sosie.train.checkpoint import Checkpoint
from sosie.train.validation import Validation


class PictureLoss(Record):
    """How hard one picture was."""

    sample: str
    file_name: str
    withheld: bool
    mean: float | None
    """Mean training loss; None for a withheld picture."""
    final: float | None
    """Loss of the LoRA that was kept, at fixed noise and times; None for one that was left out."""


class TrainResult(Record):
    """A finished run."""

    folder: Path
    adapter: Path
    file_sha256: str
    tensors_sha256: str
    modules: int
    manifest: Path
    manifest_sha256: str
    steps: int
    """That were taken."""
    kept: int
    """The step whose weights are the LoRA: the last one, unless another had a better score."""
    scores: dict[int, float]
    """By step; empty if nothing scored the checkpoints."""
    checkpoints: tuple[Checkpoint, ...]
    validations: tuple[Validation, ...]
    pictures: tuple[PictureLoss, ...]
    """Worst first."""
    effect: float
    """How far the LoRA moves the base's prediction, as a share of the prediction's length."""
    seconds: float
    """Of this process, encoding to export."""
    steps_per_second: float | None
    """Of the steps alone; None if this process took none."""
