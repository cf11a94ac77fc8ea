"""The running average of the weights, or the weights as they are? Asked once, of what is kept.

Checkpoints are scored with the average, where a run has one. Only the one that is kept is drawn and
scored again without it, at the same seeds: that costs one set of previews more, and not one for
every checkpoint.

    previews/step-000100/         with the average
             bare/step-000100/    without it
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from sosie.core.records import Record
from sosie.train.checkpoint import step_folder
from sosie.train.optim import Weights

BARE = "bare"
_SUMMARY, _AVERAGED = "sosie.manifest", "averaged"


class Averaged(Record):
    """How the two compare."""

    average: float
    """Score with the running average."""
    bare: float
    """Score without it."""

    @property
    def kept(self) -> bool:
        """Whether the average is kept: of equal ones, since it hangs less on the last steps."""
        return self.average >= self.bare

    @property
    def told(self) -> str:
        """In words."""
        if self.kept:
            return f"with its weights averaged ({self.average:.3f}; as they are {self.bare:.3f})"
        return f"with its weights as they are ({self.bare:.3f}; averaged {self.average:.3f})"


def compare(weights: Weights, average: float, score: Callable[[], float | None]) -> Averaged | None:
    """Score once more without the average, with which the score was `average`; leaves `weights` to
    be exported in the better way. None where they could not be scored."""
    weights.averaged = False
    bare = score()
    found = None if bare is None else Averaged(average=average, bare=bare)
    weights.averaged = found is None or found.kept
    return found


def marked(summary: Mapping[str, object], weights: Weights) -> dict[str, object]:
    """What a file's header says of its run, with a word where its weights are not averaged though
    the run averaged them."""
    bare = weights.average is not None and not weights.averaged
    return {**summary, _AVERAGED: False} if bare else dict(summary)


def is_bare(header: Mapping[str, str]) -> bool:
    """Whether a file says that its weights are as they were, though its run averaged them."""
    try:
        said = json.loads(header.get(_SUMMARY, "{}"))
    except ValueError:
        return False
    return isinstance(said, dict) and said.get(_AVERAGED) is False


def previews_of(folder: Path, step: int, header: Mapping[str, str]) -> Path:
    """Where among a run's previews those of a LoRA lie, by the header of its file."""
    return step_folder(folder / BARE if is_bare(header) else folder, step)
