"""A training, from dataset and base to a LoRA on disk: the order of things, and nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from sosie.core.errors import BadInput, TrainingStopped
from sosie.core.records import Dataset
from sosie.models import lora
from sosie.models.diffusion.base import DiffusionBase
from sosie.train import identity, legible, preview
from sosie.train.cache import Cache
from sosie.train.checks import Examined
from sosie.train.config import TrainConfig
from sosie.train.course import OnCheckpoint, Run, ShouldStop
from sosie.train.events import OnEvent, Story
from sosie.train.material import encode, give_back, inject_teacher, spec_of
from sosie.train.opening import announce, settle
from sosie.train.planning import Plan, plan
from sosie.train.result import TrainResult
from sosie.train.standing import Standing
from sosie.train.walks import Coach


def train(
    dataset: Dataset,
    base: DiffusionBase,
    config: TrainConfig,
    *,
    folder: Path,
    consent: str,
    on_event: OnEvent | None = None,
    on_checkpoint: OnCheckpoint | None = None,
    should_stop: ShouldStop | None = None,
    resume: bool = False,
    keep_encoders: bool = False,
    examined: Examined | None = None,
    sign: lora.Sign | None = None,
    keep: preview.Keep = preview.Drawn.png,
) -> TrainResult:
    """Teach `base` the dataset with a LoRA and write it, with all that proves it, to `folder`.

    `consent` is the SHA-256 of the recorded permission. `on_event(kind, data)` hears everything;
    `on_checkpoint` is called with the LoRA in place, so that it may draw with `base.sample`; the
    checkpoint that it scores best becomes the LoRA, unless the config keeps the last;
    `should_stop` is asked before every step. `resume` goes on from the last whole checkpoint and
    ends, on CPU, with the same bytes as a run that was never stopped. `keep_encoders` spares the
    text encoders for the next run on the same base. `examined` is what is known to be wrong with
    the pictures: it stops the run like every check, unless it is waived. `sign` signs every
    LoRA written (see `lora.export`); `keep` sees every picture that is drawn before it is written,
    and says what is. The base is given back without the LoRA.

    Raises NotReady if a check fails, BadInput if `folder` holds a run that is not to be resumed or
    was started otherwise or if a target cannot be adapted, Interrupted, TrainingStopped,
    WorkspaceError.
    """
    begun = time.perf_counter()
    manifest_file = folder / "manifest.json"
    if manifest_file.exists() and not resume:
        raise BadInput(
            f"{folder} already holds a run.", advice="Continue it with --resume, or start another."
        )
    lora.checked_targets(base, spec_of(config))
    made = plan(
        dataset,
        base.info,
        config,
        multiple=base.spatial_multiple,
        device=base.device.type,
        unread=base.unread,
        folder=folder,
        examined=examined,
    )
    story = Story(folder, on_event)
    try:
        announce(story, dataset, made)
        made.require_ready()
        manifest = settle(dataset, base, config, made, consent, manifest_file)
        with torch.random.fork_rng():
            cache, probes = Cache(base), preview.Probes.of(manifest)
            taught = preview.Probes.taught(manifest)
            material = encode(
                dataset,
                base,
                manifest.config,
                made,
                cache=cache,
                prior_folder=folder / "prior",
                keep=keep,
                prompts=(*probes.prompts, *taught.prompts, *_asked(dataset, manifest.config, made)),
            )
            coach = _coach(dataset, base, manifest.config, made, cache, story)
            if not keep_encoders:
                base.release_encoders()
            teacher = inject_teacher(
                dataset, base, manifest.config, material, steps=made.steps, coach=coach
            )
            run = Run(
                dataset=dataset,
                base=base,
                folder=folder,
                manifest=manifest,
                story=story,
                cache=cache,
                material=material,
                probes=probes,
                taught=taught,
                teacher=teacher,
                on_checkpoint=on_checkpoint,
                should_stop=should_stop,
                sign=sign,
                keep=keep,
                standing=Standing(manifest.config),
            )
            run.go(run.restore() if resume else 0)
            return run.finish(begun)
    except TrainingStopped as error:
        story.tell("stopped", reason=str(error), resumable=False)
        raise
    finally:
        give_back(base, config)
        story.close()


def _asked(dataset: Dataset, config: TrainConfig, made: Plan) -> tuple[str, ...]:
    """What the LoRA will be asked for on the way, to be encoded with the captions."""
    if dataset.kind == "person":
        return identity.prompts(dataset, config)
    return legible.prompts(dataset, config, made.training)


def _coach(
    dataset: Dataset,
    base: DiffusionBase,
    config: TrainConfig,
    made: Plan,
    cache: Cache,
    story: Story,
) -> Coach | None:
    """Who teaches from what the LoRA draws, told to who watches; None if nobody is asked for."""
    if not config.walks(dataset.kind):
        return None
    if dataset.kind == "person":
        coach = identity.prepare(
            dataset, base, config, cache, made.split.training, steps=made.steps
        )
        story.tell("identity", message=identity.told(coach))
    else:
        coach = legible.prepare(dataset, base, config, cache, made.training, steps=made.steps)
        story.tell("reading", message=legible.told(coach))
    return coach
