"""How the checkpoints of a run stand against each other, by their scores."""

from __future__ import annotations

from dataclasses import dataclass, field

from sosie.core.records import Record
from sosie.core.terms import LEVEL
from sosie.train.config import TrainConfig


class Score(Record):
    """What is said of one checkpoint."""

    likeness: float
    """Higher is better; of a handwriting less what is misread."""
    copied: float | None = None
    """The share of previews by training captions that give a training picture back; None where
    there was none to look at, which counts as the worst."""


@dataclass(eq=False)
class Standing:
    """What `on_checkpoint` said of each."""

    config: TrainConfig
    scores: dict[int, Score] = field(default_factory=dict)
    """By step; empty if nothing scored the checkpoints."""

    def best(self) -> int | None:
        """Of the steps that are level with the likest the one that copies least, of equal ones the
        likest, then the earliest; None if none was scored."""
        least = max((score.likeness for score in self.scores.values()), default=0.0) - LEVEL
        level = [step for step, score in self.scores.items() if score.likeness >= least]

        def rank(step: int) -> tuple[float, float, int]:
            score = self.scores[step]
            return 1.0 if score.copied is None else score.copied, -score.likeness, step

        return min(level, key=rank, default=None)

    def past_its_best(self) -> bool:
        """Whether as many checkpoints as `patience` have brought nothing better."""
        best = self.best()
        if not self.config.patience or best is None:
            return False
        return sum(step > best for step in self.scores) >= self.config.patience

    def kept(self, last: int) -> tuple[int, str]:
        """The step that becomes the LoRA of a run that ended at step `last`, and why."""
        if self.config.keep == "last":
            return last, "the last one"
        best = self.best()
        if best is None:
            return last, "the last one, since no checkpoint could be scored"
        score, most = self.scores[best], max(one.likeness for one in self.scores.values())
        if score.likeness < most:
            return best, f"as good as the best of {len(self.scores)}, and it copies less"
        return best, f"the best of {len(self.scores)} by score"
