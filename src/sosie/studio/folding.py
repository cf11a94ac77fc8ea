"""Leave-fold-out adapters: the run again without a part of its pictures, to see what that changes.

They are never filed as LoRAs of the person, lie with the audit in the folder of the run that they
repeat, and go with it when the person is forgotten. Each is kept as soon as it is trained, so that
an audit that was stopped goes on.

    runs/RUN/audit/counterfactual/KEY/without-1.safetensors   trained without the first fold
                                      training-2/             being trained
                                      drawn-1/03-200003.png   what it draws of a caption
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sosie.core.canonical import canonical_json
from sosie.core.errors import BadInput, Interrupted
from sosie.core.files import sha256_bytes
from sosie.core.records import Dataset
from sosie.registry import Registry
from sosie.studio import comparing, drawing, examining, filtering, permission, reproducing
from sosie.studio.drawing import Found
from sosie.studio.easel import Easel, OnEvent, Wanted
from sosie.studio.photos import Photos
from sosie.studio.screening import Screen

if TYPE_CHECKING:
    from sosie.audit.copying import Counterfactual, Taught, Threshold
    from sosie.audit.copying.counterfactual import Losses
    from sosie.models.diffusion.base import DiffusionBase
    from sosie.models.lora.read import LoraFile
    from sosie.train import Manifest, Plan, Probe, TrainConfig

FOLDS = 3
"""Adapters that are trained anew unless another number is asked for."""
EACH = 2
"""Pictures of each caption by each adapter."""
NOISES = 6
"""Sets of fixed noises at which each loss is taken."""
FEWEST = 2
"""Shots that a fold must have."""


@dataclass(eq=False)
class Folds:
    """The trainings of one audit."""

    registry: Registry
    base: DiffusionBase
    found: Found
    manifest: Manifest
    taught: Sequence[Taught]
    count: int
    seed: int
    screen: Screen
    on_event: OnEvent
    should_stop: Callable[[], bool]

    def __post_init__(self) -> None:
        """Raises BadInput for what no training makes again."""
        from sosie.models import lora

        if filtering.filtered(lora.sealed(self.found.path).header):
            raise BadInput(
                f"{self.found.adapter.name} was made by a filter, and no training makes it again.",
                advice="Ask --counterfactual of the LoRA that it was made of.",
            )

    @property
    def step(self) -> int:
        """After which each adapter is taken: the audited one's."""
        assert self.manifest.config.steps is not None, "a manifest has its steps"
        return self.found.step or self.manifest.config.steps

    @cached_property
    def place(self) -> Path:
        """Where the adapters lie."""
        made_of = [self.base.info.content_sha256, self.manifest.identity(), self.step]
        key = sha256_bytes(canonical_json([*made_of, self.count, self.seed]))
        folder = self.registry.run(self.manifest.name).folder
        return folder / "audit" / "counterfactual" / key[:12]

    @cached_property
    def fold_of(self) -> dict[str, int]:
        """The fold of each shot, by the name of its first picture."""
        from sosie.audit.copying.counterfactual import deal

        shots: dict[int, list[str]] = {}
        for one in self.taught:
            shots.setdefault(one.shot, []).append(one.name)
        dealt = deal([len(names) for names in shots.values()], self.count, self.seed)
        return {names[0]: fold for names, fold in zip(shots.values(), dealt, strict=True)}

    @cached_property
    def _dataset(self) -> Dataset:
        return reproducing.dataset_of(self.registry, self.manifest)

    @property
    def _config(self) -> TrainConfig:
        """The recipe, with the same pictures withheld and nothing drawn on the way."""
        withheld = tuple(p.sample for p in self.manifest.pictures if p.withheld)
        others: dict[str, Any] = {"keep": "last", "patience": 0, "started": None}
        others |= {"preview_every": 0, "withheld": withheld}
        return self.manifest.config.model_copy(update=others)

    def _without(self, fold: int) -> Dataset:
        """What the adapter of a fold is taught."""
        shots = {one.shot for one in self.taught if self.fold_of.get(one.name) == fold}
        gone = {one.sample for one in self.taught if one.shot in shots}
        kept = tuple(item for item in self._dataset.items if item.sample not in gone)
        return self._dataset.model_copy(update={"items": kept})

    def _file(self, fold: int) -> Path:
        return self.place / f"without-{fold + 1}.safetensors"

    @property
    def pictures(self) -> int:
        """How many are drawn, by all adapters."""
        return self.count * len(self.fold_of) * EACH

    def minutes(self) -> float:
        """What the trainings that are still to be done will take, timed by a few real steps.

        Raises BadInput where the pictures are too few, and NotReady where a check says that one of
        the trainings cannot begin.
        """
        from sosie import train as stage

        if len(self.fold_of) < FEWEST * self.count:
            raise BadInput(
                f"{len(self.fold_of)} shots cannot be dealt into {self.count} parts of at least "
                f"{FEWEST}: what an adapter learns without a part would be chance.",
                advice=f"sosie add {self.manifest.subject} FILES, and train again.",
            )
        total, timed = 0.0, None
        for fold in range(self.count):
            if self._file(fold).is_file():
                continue
            dataset = self._without(fold)
            rough = self._plan(dataset)
            rough.require_ready()
            timed = timed or stage.probe(dataset, self.base, self._config, rough)
            plan = self._plan(dataset, timed)
            total += (plan.minutes or 0.0) * self.step / plan.steps
        return total

    def _plan(self, dataset: Dataset, probe: Probe | None = None) -> Plan:
        from sosie import train as stage

        return stage.plan(
            dataset,
            self.base.info,
            self._config,
            multiple=self.base.spatial_multiple,
            unread=self.base.unread,
            device=self.base.device.type,
            folder=self.registry.home,
            probe=probe,
            examined=examining.on_record(self.manifest),
        )

    def train(self, fold: int) -> Path:
        """The adapter of a fold, trained unless it lies there. Raises Interrupted, NotPermitted."""
        from sosie import train as stage

        file = self._file(fold)
        if file.is_file():
            return file
        folder = self.place / f"training-{fold + 1}"
        dataset, done = self._without(fold), 0

        def hear(kind: str, data: dict[str, Any]) -> None:
            nonlocal done
            if kind in ("step", "resumed"):
                done = data["step"]
                what = f"training without part {fold + 1} of {self.count}"
                self.on_event("looked", {"what": what, "done": done, "of": self.step})

        def stop() -> bool:
            # Whoever is forgotten meanwhile is taught no more.
            self.registry.run(self.manifest.name)
            return self.should_stop() or done >= self.step

        try:
            stage.train(
                dataset,
                self.base,
                self._config.model_copy(
                    update={"name": f"{self.manifest.name}-without-{fold + 1}"}
                ),
                folder=folder,
                consent=self.manifest.consent_sha256,
                on_event=hear,
                should_stop=stop,
                resume=(folder / "manifest.json").is_file(),
                keep_encoders=True,
                examined=examining.on_record(self.manifest),
                sign=permission.seal(self.registry),
                keep=lambda drawn: drawn.png() if self.screen.lets(drawn.rgb, drawn.seed) else None,
            )
        except Interrupted:
            # The audited one was taken before the last step.
            if done < self.step:
                raise
        (folder / f"checkpoints/step-{self.step:06d}/adapter.safetensors").replace(file)
        shutil.rmtree(folder)
        return file

    def measure(
        self,
        photos: Photos,
        limits: Sequence[Threshold],
        easel: Easel,
        strength: float,
    ) -> Counterfactual:
        """Train what is missing, and score every shot by every adapter at a strength; `limits` say
        from what on a picture counts as copied."""
        from sosie.audit.copying import gives_back
        from sosie.audit.copying.counterfactual import counterfactual
        from sosie.models import lora

        read = [lora.read(self.train(fold)) for fold in range(self.count)]
        captions = {name: lesson.caption for name, lesson in photos.lessons().items()}
        config = self._config
        figure = comparing.figure()
        parts = {limit.part: limit for limit in limits}
        hits, falls = [], []
        for fold, one in enumerate(read):
            stand = replace(easel, name=f"{self.found.adapter.name}-without-{fold + 1}")
            made = self._drawn(stand, fold, one, captions, strength)
            easel.done = stand.done
            hits.append(
                {
                    name: [
                        gives_back(photos.best(name), drawing.pixels(path), parts, figure)
                        for path in made[name]
                    ]
                    for name in self.fold_of
                }
            )
            with lora.applied(self.base, [(one, strength)]):
                falls.append(_losses(photos, self.base, config))
        return counterfactual(
            self.fold_of,
            adapters=[one.tensors_sha256 for one in read],
            step=self.step,
            base=_losses(photos, self.base, config),
            losses=falls,
            hits=hits,
        )

    def _drawn(
        self,
        easel: Easel,
        fold: int,
        adapter: LoraFile,
        captions: Mapping[str, str],
        strength: float,
    ) -> dict[str, list[Path]]:
        """What an adapter draws of each shot's caption, drawn if missing."""
        cell = self.place / f"drawn-{fold + 1}-{strength:g}"
        wanted = {
            name: [
                Wanted(cell, f"{number:02d}", captions[name], seed)
                for seed in range(self.seed, self.seed + EACH)
            ]
            for number, name in enumerate(self.fold_of, 1)
        }
        easel.draw([one for ones in wanted.values() for one in ones], (adapter, strength))
        return {name: [one.file for one in ones] for name, ones in wanted.items()}


def _losses(photos: Photos, base: DiffusionBase, config: TrainConfig) -> Losses:
    """The loss of each lesson at `NOISES` sets of fixed noises, by the base as it is."""
    from sosie.train.cache import Cache
    from sosie.train.validation import measure

    lessons = photos.lessons()
    cache = Cache(base)
    buckets, bank = cache.buckets(list(lessons.values())), cache.bank()
    by_noise = [
        measure(base, buckets, bank, config.model_copy(update={"seed": seed}))
        for seed in range(NOISES)
    ]
    return {name: [found[lesson.picture] for found in by_noise] for name, lesson in lessons.items()}
