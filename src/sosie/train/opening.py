"""What a run tells and writes before its first step."""

from __future__ import annotations

from pathlib import Path

from sosie.core.errors import BadInput
from sosie.core.records import Dataset, now
from sosie.models.diffusion.base import DiffusionBase
from sosie.train.config import TrainConfig
from sosie.train.events import Story
from sosie.train.manifest import Manifest, describe, differences
from sosie.train.planning import Plan


def announce(story: Story, dataset: Dataset, made: Plan) -> None:
    """Tell what is withheld, what was found and what will be done, before anything is."""
    items = dataset.items

    def named(indices: tuple[int, ...]) -> list[dict[str, str]]:
        return [{"sample": items[i].sample, "file": items[i].file_name} for i in indices]

    story.tell(
        "split",
        withheld=named(made.split.withheld),
        training=named(made.split.training),
        near_duplicates=[named(group) for group in made.split.groups],
        remarks=list(made.split.remarks),
    )
    for check in made.checks:
        story.tell("check", **check.model_dump())
    story.tell(
        "plan",
        steps=made.steps,
        why_steps=made.why_steps,
        minutes=made.minutes,
        memory_gb=made.memory_gb,
        disk_gb=made.disk_gb,
    )


def settle(
    dataset: Dataset,
    base: DiffusionBase,
    config: TrainConfig,
    made: Plan,
    consent: str,
    file: Path,
) -> Manifest:
    """The run's manifest: written now, or the one of the run that goes on if it is the same."""
    before = Manifest.read(file) if file.exists() else None
    started = config.started or (before.config.started if before else None) or now()
    settled = config.model_copy(update={"steps": made.steps, "started": started})
    manifest = describe(dataset, base, settled, made, consent)
    if before is None:
        manifest.write(file)
    elif changed := differences(before, manifest):
        raise BadInput(
            f"The run in {file.parent} was started with other settings: {', '.join(changed)}.",
            advice="Resume it with the same ones, or start another run.",
        )
    return manifest
