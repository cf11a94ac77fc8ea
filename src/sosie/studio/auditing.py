"""Audits: from a LoRA on file to figures of its likeness, signed and filed.

One job: the base is loaded once, LoRAs are swapped, and every picture is kept with what the judges
saw on it, so that an audit that was interrupted goes on where it stopped. KEY is of the base and
the prompts: other judges look again at the same pictures.

    runs/RUN/audit/KEY/base/03g-3001.png            the base alone
                       step-000100/0.8/03g-3001.png a checkpoint at a strength
                       …/03g-3001.json              what the judges saw on it
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sosie.core.canonical import canonical_json
from sosie.core.errors import BadInput
from sosie.core.files import sha256_bytes, write_atomically
from sosie.core.records import Record, now
from sosie.registry import Registry
from sosie.studio import briefs, drawing, filing
from sosie.studio.briefs import Brief
from sosie.studio.drawing import Found
from sosie.studio.easel import Easel, OnEvent, Story, Wanted
from sosie.studio.references import Reals
from sosie.studio.screening import Screen

if TYPE_CHECKING:
    from sosie.audit import Audit, Choice, Figure, Held, Known, Panel, Point, Prompt, Shown
    from sosie.models.diffusion.base import DiffusionBase
    from sosie.models.faces import Picture
    from sosie.models.lora.read import LoraFile
    from sosie.train import Manifest

STRENGTHS = (0.7, 0.85, 1.0)


MOST_SEEDS = 400
"""Of each prompt in one audit."""


class AuditConfig(Record):
    """What an audit draws."""

    strengths: tuple[float, ...] = STRENGTHS
    """Weights of the LoRA among which one is chosen."""
    choosing: int = Field(default=1, ge=1, le=100)
    """Seeds of each choosing prompt for every checkpoint at every strength."""
    measuring: int = Field(default=2, ge=2, le=MOST_SEEDS)
    """Other seeds of each prompt for the chosen one: two pictures of one prompt show variety."""
    seed: int = Field(default=1, ge=0, lt=2**31)

    def pictures(self, brief: Brief, checkpoints: int) -> int:
        """How many pictures are drawn, the base's own included."""
        chosen = len(brief.choosing) * self.choosing * checkpoints * len(self.strengths)
        return chosen + 2 * len(brief.prompts) * self.measuring


@dataclass(frozen=True)
class Audited:
    """What an audit left."""

    audit: Audit
    record: Path
    """The signed JSON."""
    page: Path


@dataclass(frozen=True)
class File:
    """A LoRA file of a run, as it was after a step."""

    step: int
    path: Path


def texts(manifest: Manifest) -> tuple[str, ...]:
    """What an audit asks of a base: its permission is weighed by that."""
    asked = briefs.prompts(manifest)
    return tuple(prompt.text.replace("{trigger}", manifest.trigger) for prompt in asked)


def checkpoints(registry: Registry, found: Found, *, only: bool) -> tuple[File, ...]:
    """What of a run is audited: the one named if `only`, else all that are on disk; of what is not
    the run's own LoRA, such as a release, it alone."""
    assert found.adapter.run is not None, "a LoRA with a manifest has a run"
    folder = registry.run(found.adapter.run).folder
    only = only or found.adapter.run != found.adapter.name
    kept = {
        int(path.parent.name.removeprefix("step-")): path
        for path in sorted(folder.glob("checkpoints/step-*/adapter.safetensors"))
    }
    if only or not kept:
        return (File(found.step or found.adapter.step or 0, found.path),)
    if found.adapter.step in kept:
        # Not the checkpoint's own file, whose weights may be averaged where the LoRA's are not.
        kept[found.adapter.step] = registry.blobs.path(found.adapter.file_sha256)
    return tuple(File(step, path) for step, path in kept.items())


def manifest_of(found: Found) -> Manifest:
    """The manifest of the run that made a LoRA. Raises BadInput for one not trained here."""
    from sosie.train import Manifest

    if found.manifest is None:
        raise BadInput(
            f"{found.adapter.name} was not trained here: which pictures it never saw is unknown, "
            "so its likeness cannot be measured."
        )
    return Manifest.read(found.manifest)


@dataclass(eq=False)
class Auditor:
    """One audit in progress: draws what is missing, and looks at it."""

    easel: Easel
    trigger: str
    config: AuditConfig
    panel: Panel

    def draw(
        self,
        cell: Path,
        lora: tuple[LoraFile, float] | None,
        prompts: Sequence[Prompt],
        numbers: range,
    ) -> Shown:
        """Pictures of every prompt, of the seeds with these numbers, in the folder `cell`."""
        from sosie.audit import Look, Shown, seed_of

        wanted = {
            Wanted(
                cell,
                prompt.key,
                prompt.text.replace("{trigger}", self.trigger),
                seed_of(prompt, self.config.seed, number),
            ): prompt
            for prompt in prompts
            for number in numbers
        }

        def note(one: Wanted, rgb: Picture) -> Look:
            look = self.panel.look(rgb)
            write_atomically(one.file.with_suffix(".json"), look.model_dump_json().encode())
            return look

        def kept(one: Wanted) -> Look | None:
            seen = one.file.with_suffix(".json")
            if not seen.is_file():  # stopped between the two
                return None
            look = Look.model_validate_json(seen.read_bytes())
            return look if self.panel.would_see(look) else None

        self.easel.draw(list(wanted), lora, seen=note)
        looks = [kept(one) or note(one, drawing.pixels(one.file)) for one in wanted]
        return Shown(prompts=list(wanted.values()), looks=looks)


def audit(
    registry: Registry,
    base: DiffusionBase,
    found: Found,
    manifest: Manifest,
    config: AuditConfig,
    *,
    only: bool,
    consent: str,
    screen: Screen,
    on_event: OnEvent,
    should_stop: Callable[[], bool],
) -> Audited:
    """Draw, judge, choose and measure; sign and file what was found. Goes on where it stopped.

    `only` audits the checkpoint that was named instead of choosing among all. Raises BadInput where
    nothing can be measured, Interrupted, NotPermitted.
    """
    from sosie import audit as stage
    from sosie.audit import page
    from sosie.models import lora

    begun = time.perf_counter()
    files = checkpoints(registry, found, only=only)
    brief = briefs.brief(registry, manifest)
    panel, real = brief.panel, brief.real
    key = sha256_bytes(canonical_json([base.info.content_sha256, _prompts(brief.prompts)]))
    easel = Easel(
        registry=registry,
        base=base,
        name=found.adapter.name,
        consent=consent,
        screen=screen,
        on_event=on_event,
        should_stop=should_stop,
        total=config.pictures(brief, len(files)),
        size=brief.size,
    )
    auditor = Auditor(easel, manifest.trigger, config, panel)
    folder = registry.run(manifest.name).folder / "audit"
    place = folder / key[:12]
    story = Story(registry, manifest.name, on_event)
    story.tell(
        "audit",
        f"audit: {easel.total} pictures of {len(files)} checkpoints",
        pictures=easel.total,
        checkpoints=[file.step for file in files],
        strengths=list(config.strengths),
    )
    curve: list[Point] = []
    for file in files:
        read = lora.read(file.path)
        for strength in config.strengths:
            cell = _cell(place, file.step, strength)
            shown = auditor.draw(cell, (read, strength), brief.choosing, range(config.choosing))
            curve.append(brief.point(file.step, strength, shown))
            story.tell("point", _said(curve[-1]), **curve[-1].model_dump(mode="json"))
    choice = stage.choose(curve)
    (chosen,) = [file for file in files if file.step == choice.step]
    read = lora.read(chosen.path)
    cell = _cell(place, choice.step, choice.strength)
    # Other seeds than those that chose.
    others = range(config.choosing, config.choosing + config.measuring)
    made = auditor.draw(cell, (read, choice.strength), brief.prompts, others)
    alone = auditor.draw(place / "base", None, brief.prompts, others)
    last = checkpoints(registry, found, only=False)[-1].step
    names = _names(found, choice, last, config.measuring)
    figures = [_mended(figure, names) for figure in brief.measure(made, alone)]
    report = stage.Audit(
        sosie=version("sosie"),
        kind=manifest.kind,
        adapter=found.adapter.name,
        subject=manifest.subject,
        base=manifest.base.name,
        base_sha256=base.info.content_sha256,
        tensors_sha256=read.tensors_sha256,
        taken=now(),
        seed=config.seed,
        prompts=tuple(prompt.text for prompt in brief.prompts),
        chosen_on=len(brief.choosing) * config.choosing,
        measured_on=len(brief.prompts) * config.measuring,
        judges=panel.hashes(),
        worth=brief.worth,
        averaged=_averaged(manifest, read),
        held=_held(real, brief.known, made),
        curve=tuple(curve),
        choice=choice,
        figures=tuple(figures),
        not_measured=panel.missing,
        own_step=found.adapter.step,
        seconds=round(time.perf_counter() - begun, 1),
    )

    def drawn(prompt: Prompt, point: Point) -> Path:
        name = f"{prompt.key}-{stage.seed_of(prompt, report.seed, 0)}.png"
        return _cell(place, point.step, point.strength) / name

    text = page.render(report, held_out=real.held_out, shown=brief.choosing[:2], picture=drawn)
    record, html = filing.file(registry, report, text, folder, "likeness")
    story.tell(
        "audited", f"audit: {report.verdict}", verdict=report.verdict, choice=choice.model_dump()
    )
    return Audited(audit=report, record=record, page=html)


def _averaged(manifest: Manifest, file: LoraFile) -> bool | None:
    """Whether the weights are averaged; None where the run averaged none."""
    from sosie.train import is_bare

    return not is_bare(file.header) if manifest.config.ema else None


def _said(point: Point) -> str:
    return f"step {point.step} at strength {point.strength:g}: likeness {point.told}"


def _cell(place: Path, step: int, strength: float) -> Path:
    """Where the pictures of a checkpoint at a strength lie."""
    return place / f"step-{step:06d}" / f"{strength:g}"


def _prompts(prompts: Sequence[Prompt]) -> list[dict[str, Any]]:
    return [prompt.model_dump(mode="json") for prompt in prompts]


def _names(found: Found, choice: Choice, last: int, seeds: int) -> dict[str, object]:
    """What the commands that mend a figure name; `last` is the run's last step, `seeds` how many
    of each prompt were measured."""
    subject = shlex.quote(found.subject)
    return {
        "subject": subject,
        "adapter": shlex.quote(found.adapter.name),
        "weaker": f"{0.7 * choice.strength:.2g}",
        "more": min(4 * seeds, MOST_SEEDS),
        "fewer": max(1, round(0.6 * choice.step)),
        "better": f"sosie train {subject} --steps {2 * last}"
        if choice.rising is not False
        # Where the last checkpoint is not more like, other pictures help, not longer training.
        else f"sosie doctor {subject}",
    }


def _mended(figure: Figure, names: Mapping[str, object]) -> Figure:
    """The figure with the command that mends it, if it failed, or tells more, if it is unsure."""
    if figure.state == "failed":
        return figure.model_copy(update={"mend": figure.kind.command(names)})
    if figure.state == "unsure":
        return figure.model_copy(
            update={"mend": "sosie audit {adapter} --seeds {more}".format(**names)}
        )
    return figure


def _held(real: Reals, known: Mapping[str, Known], made: Shown) -> Held:
    from sosie.audit import Held

    cosines = {}
    for judge, one in known.items():
        faces = [face for look in made.looks if (face := look.face(judge)) is not None]
        cosines[judge] = tuple(
            round(float(sum(face @ reference for face in faces) / len(faces)), 4)
            for reference in one.held_out.values()
            if faces
        )
    return Held(
        withheld=real.withheld,
        gone=real.gone,
        taught_gone=real.taught_gone,
        leaked=real.leaked,
        with_face={judge: len(one.held_out) for judge, one in known.items()},
        cosines=cosines,
        own_median={judge: one.unit for judge, one in known.items()},
    )
