"""How the checkpoints of a run stand against each other, by their scores."""

from __future__ import annotations

from dataclasses import dataclass, field

from sosie.train.config import TrainConfig


@dataclass(eq=False)
class Standing:
    """What `on_checkpoint` said of each."""

    config: TrainConfig
    scores: dict[int, float] = field(default_factory=dict)
    """Higher is better, by step; empty if nothing scored the checkpoints."""

    def best(self) -> int | None:
        """The step with the best score, the earliest of equal ones; None if none was scored."""
        return max(self.scores, key=lambda step: (self.scores[step], -step), default=None)

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
        return best, f"the best of {len(self.scores)} by score"
