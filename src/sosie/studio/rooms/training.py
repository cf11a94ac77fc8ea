"""Verbs of training: plan, train, reproduce, follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sosie.core.records import Adapter, Event, Run
from sosie.studio import permission, reproducing, retraining, training
from sosie.studio.reproducing import Reproduction
from sosie.studio.rooms.room import Room
from sosie.studio.training import OnEvent

if TYPE_CHECKING:
    from sosie.train import Plan, TrainConfig


class Training(Room):
    """From pictures to a LoRA."""

    def plan(
        self, name: str, *, base: str, overrides: Mapping[str, Any], device: str = "auto"
    ) -> tuple[Plan, TrainConfig]:
        """What training would do and whether it can work, without doing it, and the settings."""
        meant = training.meant(self.registry, name, base, overrides.get("probes"))
        permission.require(self.registry, "train", name, **meant)
        return training.plan(self.registry, name, base, overrides, device)

    def train(
        self,
        name: str,
        *,
        base: str,
        overrides: Mapping[str, Any],
        device: str = "auto",
        resume: bool = False,
        on_event: OnEvent = lambda kind, data: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Adapter:
        """Train a LoRA of a subject and file it. Raises NotPermitted, NotReady, TrainingStopped,
        Interrupted. It ends before the next step when its permission does.
        """
        meant = training.meant(self.registry, name, base, overrides.get("probes"))
        consent = permission.require(self.registry, "train", name, **meant)
        return training.train(
            self.registry,
            name,
            base,
            overrides,
            consent=consent.sha256(),
            screen=self._teaching(name, meant, on_event),
            device=device,
            resume=resume,
            taught=retraining.begun(self.registry, name) if resume else None,
            on_event=on_event,
            should_stop=permission.watching(self.registry, "train", name, should_stop, **meant),
        )

    def reproduce(
        self,
        manifest: Path,
        *,
        base: str | None = None,
        device: str = "cpu",
        on_event: OnEvent = lambda kind, data: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Reproduction:
        """Train again from a manifest, into a folder that is thrown away, and compare hashes.

        `manifest` may be a run's name. `base` says where the base lies now, if it lies elsewhere.
        """
        from sosie.train import Manifest

        manifest = reproducing.manifest_of(self.registry, manifest)
        recorded = Manifest.read(manifest)
        meant = training.meant(
            self.registry, recorded.subject, base or recorded.base.name, recorded.config.probes
        )
        permission.require(self.registry, "train", recorded.subject, **meant)
        return reproducing.reproduce(
            self.registry,
            manifest,
            recorded,
            screen=self._teaching(recorded.subject, meant, on_event),
            base=base,
            device=device,
            on_event=on_event,
            should_stop=permission.watching(
                self.registry, "train", recorded.subject, should_stop, **meant
            ),
        )

    def runs(self, name: str | None = None) -> tuple[Run, ...]:
        """Training runs, oldest first."""
        return self.registry.runs(self.registry.subject(name).name if name else None)

    def run_folder(self, run: str) -> Path:
        """Where a run's manifest, events, checkpoints and previews lie. Raises NotFound."""
        return self.registry.run(run).folder

    def follow(self, run: str) -> Iterator[Event]:
        """Events of a run (or of a subject's latest) as they come, until it ends."""
        return training.follow(self.registry, run)
