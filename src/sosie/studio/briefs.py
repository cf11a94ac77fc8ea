"""What an audit of likeness asks, and who judges the answers, by what the subject is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sosie.core.errors import BadInput, WeightsRefused
from sosie.core.quoted import quoted
from sosie.registry import Registry
from sosie.studio import drawing, references
from sosie.studio.references import Reals

if TYPE_CHECKING:
    from sosie.audit import Figure, Known, Look, Panel, Point, Prompt, Shown, Worth
    from sosie.audit.handwriting import Misread
    from sosie.train import Manifest


@dataclass(frozen=True, eq=False)
class Brief:
    """One audit: what is drawn, and how it is judged."""

    prompts: tuple[Prompt, ...]
    """Of the figures."""
    choosing: tuple[Prompt, ...]
    """Those by which a checkpoint is chosen."""
    panel: Panel
    real: Reals
    known: Mapping[str, Known]
    """By judge; the first chooses."""
    point: Callable[[int, float, Shown], Point]
    """Step, strength and pictures to a point of the curve."""
    measure: Callable[[Shown, Shown], list[Figure]]
    """Pictures, and those of the base alone, to the figures."""
    worth: tuple[Worth, ...] = ()
    size: tuple[int, int] | None = None
    """Width and height in which pictures are drawn; None takes the base's own."""


def prompts(manifest: Manifest) -> tuple[Prompt, ...]:
    """What is asked of a LoRA. Raises BadInput where a handwriting's captions quote no text."""
    from sosie.audit import PROMPTS, handwriting

    if manifest.kind == "person":
        return PROMPTS
    taught, withheld = (
        [p.caption for p in manifest.pictures if p.withheld == held] for held in (False, True)
    )
    return handwriting.prompts(taught, withheld, manifest.trigger)


def brief(registry: Registry, manifest: Manifest) -> Brief:
    """The audit of a run's LoRA. Raises BadInput where nothing can be measured."""
    make = _of_person if manifest.kind == "person" else _of_handwriting
    return make(registry, manifest, references.reals(registry, manifest))


def _of_person(registry: Registry, manifest: Manifest, real: Reals) -> Brief:
    from sosie import audit as stage

    panel = stage.panel(
        synthetic=_synthetic(registry, manifest.subject),
        taught_by_second=manifest.config.identity_loss,
    )
    known = references.known_by(panel, real)
    return Brief(
        prompts=prompts(manifest),
        choosing=stage.CHOOSING,
        panel=panel,
        real=real,
        known=known,
        point=lambda step, strength, shown: stage.point(step, strength, shown, known),
        measure=lambda made, alone: stage.measure(made, alone, known),
    )


def _of_handwriting(registry: Registry, manifest: Manifest, real: Reals) -> Brief:
    from sosie.audit import handwriting as stage

    asked = prompts(manifest)
    try:
        panel = stage.panel(
            synthetic=_synthetic(registry, manifest.subject),
            taught_by_second=manifest.config.hand_weight > 0,
        )
    except WeightsRefused as error:
        # Who reads also says where lines stand: without it there is nothing to measure.
        raise BadInput(error.message, advice="Run `pip install 'sosie[doctor]'`.") from None
    looks = {path: panel.look(drawing.pixels(path)) for path in (*real.held_out, *real.training)}
    known = references.known_from(panel, real, looks, shows="writing")
    texts = [prompt.asks[stage.TEXT] for prompt in asked]
    writer = stage.Writer(
        known=known,
        strangers=stage.beside(panel.faces, known, texts),
        own=_own(registry, manifest, looks, texts),
    )
    return Brief(
        prompts=asked,
        choosing=stage.choosing(asked),
        panel=panel,
        real=real,
        known=known,
        point=lambda step, strength, shown: stage.point(step, strength, shown, writer),
        measure=lambda made, alone: stage.measure(made, alone, writer),
        worth=stage.worth(panel),
        size=manifest.drawn_in,
    )


def _own(
    registry: Registry, manifest: Manifest, looks: Mapping[Path, Look], texts: list[str]
) -> dict[int, Misread]:
    """What is misread of the writer's own notes, by the scene of the prompt that asks for the same
    text, or by a number of their own."""
    from sosie.audit import handwriting as stage

    found: dict[int, Misread] = {}
    for number, picture in enumerate(manifest.pictures, len(texts) + 1):
        look, text = looks.get(registry.blobs.path(picture.sample)), quoted(picture.caption)
        if look is None or not text:
            continue
        scene = texts.index(text) + 1 if text in texts else number
        read = (look.reads or {}).get(stage.TEXT, "")
        found[number if scene in found else scene] = stage.misread(read, text)
    return found


def _synthetic(registry: Registry, subject: str) -> bool:
    """Whether the subject is of the synthetic world, by the permission that holds."""
    return registry.consents(subject)[-1].relation == "synthetic"
