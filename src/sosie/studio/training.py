"""Runs: from a subject on file to a LoRA on file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from sosie import captions
from sosie.core.errors import BadInput, Interrupted, NotFound, SosieError
from sosie.core.records import (
    Adapter,
    Dataset,
    Event,
    Run,
    Subject,
    first_complaint,
    now,
)
from sosie.core.terms import Kind, RunState
from sosie.registry import Registry
from sosie.studio import drawing, examining, permission, previewing, references
from sosie.studio.marking import Marker
from sosie.studio.screening import Screen

if TYPE_CHECKING:
    from sosie.models.diffusion.base import DiffusionBase
    from sosie.train import Plan, Probe, TrainConfig

OnEvent = Callable[[str, dict[str, Any]], None]
POLL_SECONDS = 0.5
"""How often `follow` looks for new events."""


def dataset_of(registry: Registry, subject: Subject) -> Dataset:
    """The subject's pictures and captions as training would see them now."""
    return captions.dataset(subject, registry.samples(subject.name), registry.blobs.path)


def meant(registry: Registry, name: str, base: str, probes: Sequence[str] | None) -> dict[str, Any]:
    """What a training is going to do with a subject, for its permission to be weighed by: what it
    learns from, on which base, and what its previews are to show.
    """
    originals = tuple(sample.original_sha256 for sample in registry.samples(name))
    return {"base": drawing.settled(base), "pictures": originals, "prompts": tuple(probes or ())}


def plan(
    registry: Registry, name: str, base: str, overrides: Mapping[str, Any], device: str
) -> tuple[Plan, TrainConfig]:
    """What training would do, timed by a few real steps, and the settings it would use."""
    dataset = ready_dataset(registry, registry.subject(name))
    return planned(registry, dataset, drawing.load(base, device), overrides)


def planned(
    registry: Registry, dataset: Dataset, loaded: DiffusionBase, overrides: Mapping[str, Any]
) -> tuple[Plan, TrainConfig]:
    """The same of a dataset, on a base that is loaded."""
    from sosie import train as stage

    config = configure(loaded, dataset.kind, overrides)
    examined = examining.examined(registry, dataset, loaded.info.defaults.width)

    def look(probe: Probe | None) -> Plan:
        return stage.plan(
            dataset,
            loaded.info,
            config,
            multiple=loaded.spatial_multiple,
            unread=loaded.unread,
            device=loaded.device.type,
            folder=registry.home,
            probe=probe,
            examined=examined,
        )

    rough = look(None)
    # Steps can only be timed where the run could start.
    return (rough if rough.blockers else look(stage.probe(dataset, loaded, config, rough))), config


def train(
    registry: Registry,
    name: str,
    base: str,
    overrides: Mapping[str, Any],
    *,
    consent: str,
    screen: Screen,
    device: str,
    resume: bool,
    taught: Dataset | None = None,
    on_event: OnEvent,
    should_stop: Callable[[], bool],
) -> Adapter:
    """Train, keep the run's state and events in the registry, and file what came out; `screen`
    looks at every preview before it is written. `taught` is what is taught, where that is not what
    is on file of the subject now."""
    subject = registry.subject(name)
    dataset = taught or ready_dataset(registry, subject)
    if resume:
        run = registry.resume_run(unfinished(registry, subject).id, pid=os.getpid())
    else:
        # What can be known to be wrong without loading anything leaves no run behind.
        drawing.require_base(base)
        chosen(None, overrides)
        run = new_run(registry, subject, base)
        registry.add_run(run)
    return go(
        registry,
        run,
        dataset,
        overrides,
        consent=consent,
        screen=screen,
        device=device,
        on_event=on_event,
        should_stop=should_stop,
    )


def go(
    registry: Registry,
    run: Run,
    dataset: Dataset,
    overrides: Mapping[str, Any],
    *,
    consent: str,
    screen: Screen,
    device: str,
    on_event: OnEvent,
    should_stop: Callable[[], bool],
) -> Adapter:
    """Carry out a run on file, from where it stands."""
    with _Recorder(registry, run, on_event) as recorder:
        recorder.event("run", {"run": run.id, "message": f"run {run.id}: loading {run.base}"})
        loaded = drawing.load(run.base, device)
        return _train(
            registry, run, dataset, loaded, overrides, consent, screen, recorder, should_stop
        )


def _train(
    registry: Registry,
    run: Run,
    dataset: Dataset,
    base: DiffusionBase,
    overrides: Mapping[str, Any],
    consent: str,
    screen: Screen,
    recorder: _Recorder,
    should_stop: Callable[[], bool],
) -> Adapter:
    from sosie import train as stage

    before = run.folder / "manifest.json"
    resume = before.is_file()
    if resume:
        # The run stays under the permission it began with; that one holds today is settled before.
        manifest = stage.Manifest.read(before)
        config, consent = unchanged(manifest.config, overrides), manifest.consent_sha256
    else:
        named = {**overrides, "name": run.id, "started": run.started}
        config = configure(base, dataset.kind, named)
    result = stage.train(
        dataset,
        base,
        config,
        folder=run.folder,
        consent=consent,
        on_event=recorder.event,
        on_checkpoint=references.scorer(registry, dataset, base),
        should_stop=should_stop,
        resume=resume,
        examined=examining.examined(registry, dataset, base.info.defaults.width),
        sign=permission.seal(registry),
        keep=previewing.keeper(screen, _marker(registry, recorder), base.info, run.id, consent),
    )
    # What was withdrawn during the last step is not filed.
    permission.require(registry, "train", run.subject)
    return registry.add_adapter(
        Adapter(
            name=run.id,
            subject=run.subject,
            family=base.family,
            base=run.base,
            trigger=dataset.trigger,
            file_sha256=registry.blobs.put(result.adapter.read_bytes()),
            tensors_sha256=result.tensors_sha256,
            run=run.id,
            step=result.kept,
            consent_sha256=consent,
            created=now(),
        )
    )


def new_run(registry: Registry, subject: Subject, base: str) -> Run:
    """A run of a subject under the next free id, SUBJECT-N."""
    taken = {run.id for run in registry.runs()} | {a.name for a in registry.adapters()}
    number = next(n for n in count(1) if f"{subject.name}-{n}" not in taken)
    return Run(
        id=f"{subject.name}-{number}",
        subject=subject.name,
        base=drawing.settled(base),
        state="running",
        step=0,
        steps=0,
        folder=registry.home / "runs" / f"{subject.name}-{number}",
        pid=os.getpid(),
        started=now(),
    )


def ready_dataset(registry: Registry, subject: Subject) -> Dataset:
    """The dataset, if every caption can be trained on. Raises NotReady naming those that cannot."""
    dataset = dataset_of(registry, subject)
    captions.require_trigger(dataset)
    return dataset


def configure(base: DiffusionBase, kind: Kind, overrides: Mapping[str, Any]) -> TrainConfig:
    """The base's recipe for this kind of subject with the user's settings. Raises BadInput naming
    an unusable one."""
    from sosie.train import for_base

    return chosen(for_base(base.info, kind), overrides)


def chosen(recipe: TrainConfig | None, overrides: Mapping[str, Any]) -> TrainConfig:
    """`recipe` with the user's settings. Raises BadInput or NotFound naming an unusable one."""
    from pydantic import ValidationError

    from sosie.train import TrainConfig

    try:
        return TrainConfig.model_validate({**(recipe or TrainConfig()).model_dump(), **overrides})
    except ValidationError as error:
        first = first_complaint(error)
        if first.unknown:
            raise NotFound.among("setting", first.field, TrainConfig.model_fields) from None
        told = f"The setting {first.field} cannot be {first.given!r}: {first.what}."
        raise BadInput(told) from None


def unchanged(before: TrainConfig, overrides: Mapping[str, Any]) -> TrainConfig:
    """The settings of the run that goes on. Raises BadInput if others are asked for now."""
    asked = chosen(before, overrides)
    other = [
        f"{key} was {getattr(before, key)}"
        for key in overrides
        if getattr(asked, key) != getattr(before, key)
    ]
    if other:
        raise BadInput(
            f"A run goes on with the settings it began with, and {', '.join(other)}.",
            advice="Leave them out, or start another run without --resume.",
        )
    return before


def unfinished(registry: Registry, subject: Subject) -> Run:
    """The subject's latest run that began, if it is not done. Raises NotFound or BadInput."""
    runs = registry.runs(subject.name)
    # One that was refused before its first step hides none that was stopped.
    runs = tuple(run for run in runs if (run.folder / "manifest.json").is_file()) or runs[-1:]
    if not runs:
        raise NotFound(f'"{subject.name}" has no run to resume.')
    if runs[-1].state == "done":
        raise BadInput(
            f"The latest run, {runs[-1].id}, is done: there is nothing to resume.",
            advice="Start another without --resume.",
        )
    return runs[-1]


def follow(registry: Registry, name: str) -> Iterator[Event]:
    """Events of the run `name`, or of the latest run of the subject `name`, until it ends."""
    run = _run_or_latest(registry, name)
    seen = 0
    while True:
        ended = registry.run(run.id).state != "running"
        for event in registry.events(run.id, after=seen):
            seen = event.number
            yield event
        if ended:
            return
        time.sleep(POLL_SECONDS)


def _run_or_latest(registry: Registry, name: str) -> Run:
    runs = registry.runs()
    for run in runs:
        if run.id == name:
            return run
    of_subject = [run for run in runs if run.subject == name]
    if of_subject:
        return of_subject[-1]
    raise NotFound.among("run", name, [run.id for run in runs])


def _marker(registry: Registry, recorder: _Recorder) -> Marker:
    """Signs the previews of a run; what cannot be is told in its story."""
    return Marker(registry, say=lambda line: recorder.event("note", {"message": line}))


class _Recorder:
    """Writes a run's events into the registry, and how it ended, whatever ended it."""

    def __init__(self, registry: Registry, run: Run, on_event: OnEvent) -> None:
        self.registry = registry
        self.run = run
        self.on_event = on_event

    def event(self, kind: str, data: dict[str, Any]) -> None:
        """Record one event, then pass it on."""
        self.registry.add_event(self.run.id, kind, data)
        if kind == "step":
            self.run = self.run.model_copy(update={"step": data["step"], "steps": data["steps"]})
        if kind == "plan":
            self.run = self.run.model_copy(update={"steps": data["steps"]})
        if kind in ("checkpoint", "plan"):
            self.registry.update_run(self.run)
        self.on_event(kind, data)

    def __enter__(self) -> _Recorder:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        state: RunState = "done"
        if isinstance(error, (Interrupted, KeyboardInterrupt)):
            state = "stopped"
        elif error is not None:
            state = "failed"
        words = None
        if error is not None:
            words = str(error) if isinstance(error, SosieError) else repr(error)
        self.run = self.run.model_copy(
            update={"state": state, "pid": None, "ended": now(), "message": words}
        )
        self.registry.update_run(self.run)
