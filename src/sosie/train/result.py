"""What a run returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sosie.core.records import Dataset, Record
from sosie.train.averaging import Averaged
from sosie.train.checkpoint import Checkpoint
from sosie.train.standing import Score
from sosie.train.validation import Validation

if TYPE_CHECKING:
    from sosie.train.material import Material


class PictureLoss(Record):
    """How hard one picture was."""

    sample: str
    file_name: str
    withheld: bool
    mean: float | None
    """Mean training loss; None for a withheld picture."""
    final: float | None
    """Loss of the LoRA that was kept, at fixed noise and times; None for one that was left out."""


def losses(
    dataset: Dataset,
    material: Material,
    mean: Callable[[int], float | None],
    final: Mapping[int, float],
) -> tuple[PictureLoss, ...]:
    """Every picture, the hardest first; `mean` and `final` give losses by number."""
    withheld = {i for bucket in material.withheld for i in bucket.pictures}
    found = [
        PictureLoss(
            sample=item.sample,
            file_name=item.file_name,
            withheld=i in withheld,
            mean=mean(i),
            final=final.get(i),
        )
        for i, item in enumerate(dataset.items)
    ]
    return tuple(sorted(found, key=lambda picture: -(picture.final or 0.0)))


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
    averaged: Averaged | None
    """How its weights compare with their running average; None where there was none, or nothing
    scored them."""
    scores: dict[int, Score]
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
