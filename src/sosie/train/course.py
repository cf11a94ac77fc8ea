"""A run in progress: its steps, what falls due between them, and how it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from sosie.core.errors import Interrupted
from sosie.core.records import Dataset
from sosie.models import lora
from sosie.models.diffusion.base import DiffusionBase
from sosie.train import checkpoint as checkpoints
from sosie.train import preview
from sosie.train.averaging import BARE, Averaged, compare
from sosie.train.cache import Cache
from sosie.train.checkpoint import Checkpoint
from sosie.train.config import TrainConfig
from sosie.train.events import Story
from sosie.train.loop import Teacher
from sosie.train.manifest import Manifest, header
from sosie.train.material import Material, spec_of
from sosie.train.planning import effort
from sosie.train.result import TrainResult, losses
from sosie.train.standing import Score, Standing
from sosie.train.validation import Validation, measure, measure_effect, validate

OnCheckpoint = Callable[[Checkpoint], Score | None]
"""Scores a checkpoint; None where it cannot be said."""
ShouldStop = Callable[[], bool]


@dataclass(eq=False)
class Run:
    """A run in progress."""

    dataset: Dataset
    base: DiffusionBase
    folder: Path
    manifest: Manifest
    story: Story
    cache: Cache
    material: Material
    probes: preview.Probes
    taught: preview.Probes
    teacher: Teacher
    on_checkpoint: OnCheckpoint | None
    should_stop: ShouldStop | None
    sign: lora.Sign | None
    keep: preview.Keep
    standing: Standing
    saved: dict[int, Checkpoint] = field(default_factory=dict)
    validations: dict[int, Validation] = field(default_factory=dict)
    done: int = 0
    """Steps behind it, those of an earlier process included."""
    seconds: float = 0.0
    """Spent in steps."""
    taken: int = 0

    @property
    def config(self) -> TrainConfig:
        """The settings, with every choice made."""
        return self.manifest.config

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.teacher.steps

    def go(self, start: int) -> None:
        """Take the steps from `start` on, with all that falls due between them."""
        self.done = start
        self._due(start)
        for number in range(start, self.steps):
            if self.standing.past_its_best():
                self.story.tell(
                    "ended",
                    step=number,
                    message=f"ended after step {number}: "
                    f"{self.config.patience} checkpoints were not better",
                )
                return
            if self.should_stop is not None and self.should_stop():
                self._interrupt(number)
            begun = time.perf_counter()
            step = self.teacher.step(number)
            self.seconds += time.perf_counter() - begun
            self.taken += 1
            rate = self.taken / self.seconds
            self.story.tell(
                "step",
                step=number + 1,
                steps=self.steps,
                loss=step.loss,
                smoothed=self.teacher.watch.smoothed,
                norm=step.norm,
                lr=step.rate,
                identity=step.drawn.get("identity"),
                reading=step.drawn.get("reading"),
                hand=step.drawn.get("hand"),
                rate=rate,
                eta=self._left(start, number + 1),
            )
            self.done = number + 1
            self._due(self.done)

    def _left(self, start: int, done: int) -> float:
        """Seconds until the last step, by those since `start`."""
        coach = self.teacher.coach
        first = coach.first if coach else self.steps
        return self.seconds * effort(done, self.steps, first) / effort(start, done, first)

    def _due(self, done: int) -> None:
        """Validate, save and preview after `done` steps where that is due and not done yet."""
        c, last = self.config, done == self.steps
        if (done % c.validate_every == 0 or last) and done not in self.validations:
            self._validate(done)
        keep = done > 0 and (done % c.checkpoint_every == 0 or last)
        if keep and done not in self.saved:
            self._save(done)
        show = bool(c.preview_every) and (done % c.preview_every == 0 or last)
        drawn = self._preview(done) if show else ()
        if keep and self.on_checkpoint is not None:
            with self._exported():
                taught = self._echoes(done) if show else ()
                pictures = {"previews": drawn, "taught": taught}
                record = self.saved[done].model_copy(update=pictures)
                score = self.on_checkpoint(record)
            if score is not None:
                self.standing.scores[done] = score
                best = self.standing.best()
                self.story.tell(
                    "score",
                    step=done,
                    score=score.likeness,
                    copied=score.copied,
                    best=best,
                    worse=best != done,
                )

    def _validate(self, done: int) -> None:
        with self._exported():
            found = validate(
                self.base,
                withheld=self.material.withheld,
                training=self.material.subset,
                bank=self.material.bank,
                config=self.config,
                step=done,
            )
        self.validations[done] = found
        if done == 0:
            self.teacher.watch.usual = found.training
        self.story.tell("validation", **found.model_dump(), gap=found.gap)

    def _save(self, done: int) -> None:
        def export(path: Path) -> tuple[str, str]:
            written = self._export(path, done)
            return written.file_sha256, written.tensors_sha256

        rows = [v.model_dump() for v in self.validations.values()]
        facts = {
            "validations": rows,
            "scores": {str(s): score.likeness for s, score in self.standing.scores.items()},
            "copied": {str(s): score.copied for s, score in self.standing.scores.items()},
            "manifest_sha256": self.manifest.identity(),
        }
        place = self.folder / "checkpoints"
        saved = checkpoints.save(place, done, teacher=self.teacher, facts=facts, export=export)
        self.saved[done] = self._with_loss(saved)
        self.story.tell(
            "checkpoint", step=done, adapter=str(saved.adapter), sha256=saved.file_sha256
        )

    def _echoes(self, done: int) -> tuple[Path, ...]:
        """Draw by training captions: of nobody's use where nothing scores them."""
        place = self.folder / "previews" / preview.TAUGHT
        paths = preview.draw(self.base, self.cache, self.taught, place, done, self.keep)
        return tuple(paths.values())

    def _preview(self, done: int) -> tuple[Path, ...]:
        target = checkpoints.step_folder(self.folder / "previews", done)
        new = not target.is_dir()
        with self._exported():
            paths = preview.draw(self.base, self.cache, self.probes, target.parent, done, self.keep)
        if new:
            self.story.tell(
                "preview",
                step=done,
                folder=str(target),
                pictures=[str(path) for path in paths.values()],
                prompts=[self.probes.prompts[i] for i in paths],
                seeds=[self.probes.seeds[i] for i in paths],
                withheld=len(self.probes.prompts) - len(paths),
            )
        return tuple(paths.values())

    def _interrupt(self, done: int) -> None:
        if done > 0 and done not in self.saved:
            self._save(done)
        self.story.tell("stopped", step=done, reason="interrupted", resumable=True)
        raise Interrupted(
            f"The run was stopped after step {done} of {self.steps}; nothing is lost.",
            advice="Continue it with --resume.",
        )

    def restore(self) -> int:
        """Go on from the last whole checkpoint; returns its step, or 0 if there is none."""
        found, damaged = checkpoints.whole(self.folder / "checkpoints")
        for place in (".", preview.TAUGHT, BARE):
            checkpoints.sweep(self.folder / "previews" / place)
        last = 0
        if found:
            facts = checkpoints.load(found[-1], self.teacher)
            rows = [Validation.model_validate(row) for row in facts["validations"]]
            self.validations = {row.step: row for row in rows}
            self.saved = {c.step: self._with_loss(c) for c in found}
            copied = facts.get("copied", {})
            scores = {
                int(step): Score(likeness=likeness, copied=copied.get(step))
                for step, likeness in facts.get("scores", {}).items()
            }
            # One that is damaged cannot be kept, however good it was.
            self.standing.scores = {s: v for s, v in scores.items() if s in self.saved}
            last = found[-1].step
        self.story.tell("resumed", step=last, damaged=damaged)
        return last

    def finish(self, begun: float) -> TrainResult:
        """Write the LoRA as it was at the step that is kept, prove that it does something, and sum
        up."""
        kept, why = self.standing.kept(self.done)
        if kept != self.done:
            checkpoints.load(self.saved[kept], self.teacher)
        averaged = self._averaged(kept)
        why += f", {averaged.told}" if averaged else ""
        self.story.tell("kept", step=kept, message=f"kept step {kept}: {why}")
        with self._exported():
            final = measure(
                self.base,
                (*self.material.training, *self.material.withheld),
                self.material.bank,
                self.config,
            )
            effect = measure_effect(self.base, self.material, self.config)
        adapter = self.folder / f"{self.manifest.name}.safetensors"
        written = self._export(adapter, kept)
        result = TrainResult(
            folder=self.folder,
            adapter=adapter,
            file_sha256=written.file_sha256,
            tensors_sha256=written.tensors_sha256,
            modules=written.modules,
            manifest=self.folder / "manifest.json",
            manifest_sha256=self.manifest.identity(),
            steps=self.done,
            kept=kept,
            averaged=averaged,
            scores=dict(sorted(self.standing.scores.items())),
            checkpoints=tuple(self.saved[step] for step in sorted(self.saved)),
            validations=tuple(self.validations[step] for step in sorted(self.validations)),
            pictures=losses(self.dataset, self.material, self.teacher.tally.mean, final),
            effect=effect,
            seconds=time.perf_counter() - begun,
            steps_per_second=self.taken / self.seconds if self.taken else None,
        )
        self.story.tell(
            "done",
            step=self.done,
            kept=kept,
            adapter=str(adapter),
            sha256=written.file_sha256,
            effect=effect,
            seconds=result.seconds,
            pictures=[p.model_dump() for p in result.pictures],
        )
        return result

    def _averaged(self, kept: int) -> Averaged | None:
        """Whether what is kept is better with the average of its weights, where there is one."""
        place, before = self.folder / "previews", self.standing.scores.get(kept)
        asked = self.config.keep == "best" and checkpoints.step_folder(place, kept).is_dir()
        if self.teacher.weights.average is None or before is None or not asked:
            return None
        many = len(self.probes.prompts)
        self.story.tell("note", message=f"{many} previews more, without the average of the weights")

        def score() -> float | None:
            assert self.on_checkpoint is not None, "something scored it"
            with self._exported():
                paths = preview.draw(
                    self.base, self.cache, self.probes, place / BARE, kept, self.keep
                )
                drawn = {"previews": tuple(paths.values())}
                bare = self.on_checkpoint(self.saved[kept].model_copy(update=drawn))
            return None if bare is None else bare.likeness

        return compare(self.teacher.weights, before.likeness, score)

    def _with_loss(self, saved: Checkpoint) -> Checkpoint:
        found = self.validations.get(saved.step)
        return saved.model_copy(update={"withheld_loss": found and found.withheld})

    def _export(self, path: Path, step: int) -> lora.Written:
        return lora.export(
            path,
            base=self.base,
            state=self.teacher.weights.exported(),
            spec=spec_of(self.config),
            header=header(self.manifest, self.base, step, self.teacher.weights),
            sign=self.sign,
        )

    @contextmanager
    def _exported(self) -> Iterator[None]:
        """The model as a file would have it, in eval mode, with the run's randomness untouched."""
        self.base.denoiser.eval()
        try:
            with self.teacher.weights.as_exported(), torch.random.fork_rng():
                yield
        finally:
            self.base.denoiser.train()
