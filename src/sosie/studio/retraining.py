"""Retraining against copying: what an audit's findings explain is changed, and the run repeated.

    repeats     near-duplicates of a shot that came back are left out; the steps shrink with the
                pictures, so that nothing else is seen more often than before
    captions    captions of shots that came back are cut to their first clause: words that no other
                picture bears are a key to it (Somepalli et al., "Understanding and mitigating
                copying in diffusion models", arXiv:2305.20086)
    rank        half the rank: less room to keep pictures in

They add up, the surest first. Each makes an ordinary run of the person, with its own LoRA on file,
under the permission to train, and the same pictures are withheld, so that likeness compares.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sosie.core.records import Adapter, Dataset, Run
from sosie.registry import Registry
from sosie.studio import reproducing, training
from sosie.studio.easel import OnEvent
from sosie.studio.screening import Screen

if TYPE_CHECKING:
    from sosie.audit.copying import CopyAudit
    from sosie.models.diffusion.base import DiffusionBase
    from sosie.train import Manifest

EVENT = "remedy"
"""Kind of the event that says what a run repeats, and how."""
SAID = {
    "repeats": "repeats of what came back left out",
    "captions": "captions of what came back cut short",
    "rank": "half the rank",
    "spectrum": "its strongest directions left out",
}
"""All remedies but less strength and an earlier checkpoint; the last is no training."""


@dataclass(frozen=True)
class Recipe:
    """What a run is taught when some remedies are taken together."""

    of: str
    """The LoRA that copied."""
    remedies: tuple[str, ...]
    dataset: Dataset
    overrides: dict[str, Any]
    cut: tuple[str, ...]
    """Captions that were shortened, as they were: an audit asks by them too."""


def recipes(registry: Registry, found: CopyAudit, manifest: Manifest) -> tuple[Recipe, ...]:
    """What to try, one remedy more each time; of those alone that the findings explain.

    Raises NotFound if a picture of the run is gone.
    """
    back = {one.shot for one in found.taught if one.name in found.copying.reproduced_references}
    came = {one.sample for one in found.taught if one.shot in back}
    first = {one.shot: one.sample for one in reversed(found.taught)}
    repeats = came - set(first.values())
    recipe = Recipe(
        of=found.adapter,
        remedies=(),
        dataset=reproducing.dataset_of(registry, manifest),
        overrides=_as_before(manifest),
        cut=(),
    )
    made = []
    for remedy in (_once(repeats), _short(came - repeats), _smaller):
        changed = remedy(recipe)
        if changed is not None:
            recipe = changed
            made.append(recipe)
    return tuple(made)


Remedy = Callable[[Recipe], Recipe | None]
"""A recipe with one remedy more; None where that would change nothing."""


def _as_before(manifest: Manifest) -> dict[str, Any]:
    config = manifest.config.model_dump(exclude={"name", "started"})
    return config | {"withheld": tuple(p.sample for p in manifest.pictures if p.withheld)}


def _once(repeats: Collection[str]) -> Remedy:
    def remedy(recipe: Recipe) -> Recipe | None:
        if not repeats:
            return None
        items = recipe.dataset.items
        kept = tuple(item for item in items if item.sample not in repeats)
        withheld = len(recipe.overrides["withheld"])
        share = (len(kept) - withheld) / (len(items) - withheld)
        steps = {"steps": max(1, round(share * recipe.overrides["steps"]))}
        dataset = recipe.dataset.model_copy(update={"items": kept})
        return _with(recipe, "repeats", dataset=dataset, overrides=recipe.overrides | steps)

    return remedy


def _short(samples: Collection[str]) -> Remedy:
    def remedy(recipe: Recipe) -> Recipe | None:
        dataset = recipe.dataset
        said = {
            item.sample: clause
            for item in dataset.items
            if item.sample in samples
            and (clause := item.caption.split(",")[0].strip()) != item.caption
            and dataset.trigger in clause
        }
        if not said:
            return None
        items = tuple(
            item.model_copy(update={"caption": said.get(item.sample, item.caption)})
            for item in dataset.items
        )
        cut = tuple(item.caption for item in dataset.items if item.sample in said)
        dataset = dataset.model_copy(update={"items": items})
        return _with(recipe, "captions", dataset=dataset, cut=cut)

    return remedy


def _smaller(recipe: Recipe) -> Recipe | None:
    rank, alpha = recipe.overrides["rank"], recipe.overrides["alpha"]
    if rank < 2:
        return None
    # What it adds is scaled by alpha / rank, which stays.
    less = {"rank": rank // 2, "alpha": alpha * (rank // 2) / rank}
    return _with(recipe, "rank", overrides=recipe.overrides | less)


def _with(recipe: Recipe, remedy: str, **changed: Any) -> Recipe:
    return replace(recipe, remedies=(*recipe.remedies, remedy), **changed)


def told(registry: Registry, base: DiffusionBase, recipes: Sequence[Recipe]) -> dict[str, Any]:
    """What is going to be done and how long each training takes, timed by a few real steps.

    Raises NotReady where the first cannot begin.
    """
    made, _ = training.planned(registry, recipes[0].dataset, base, recipes[0].overrides)
    made.require_ready()
    most = f"up to {len(recipes)} times" if len(recipes) > 1 else "once"
    long = "" if made.minutes is None else f", about {made.minutes:.0f} minutes each"
    ways = "; then also ".join(SAID[recipe.remedies[-1]] for recipe in recipes)
    return {"message": f"training again, {most}{long}: {ways}", "minutes": made.minutes}


def train(
    registry: Registry,
    recipe: Recipe,
    base: str,
    *,
    device: str,
    consent: str,
    screen: Screen,
    on_event: OnEvent,
    should_stop: Callable[[], bool],
) -> Adapter:
    """The LoRA of a recipe: the one on file, or trained now, going on where it was stopped."""
    subject = registry.subject(recipe.dataset.subject)
    run = _before(registry, recipe)
    if run is None:
        run = training.new_run(registry, subject, base)
        registry.add_run(run)
        told = {"of": recipe.of, "remedies": list(recipe.remedies), "captions": list(recipe.cut)}
        registry.add_event(run.id, EVENT, {"message": said(recipe.remedies), **told})
    elif run.state == "done":
        return registry.adapter(run.id)
    else:
        run = registry.resume_run(run.id, pid=os.getpid())
    return training.go(
        registry,
        run,
        recipe.dataset,
        recipe.overrides,
        consent=consent,
        screen=screen,
        device=device,
        on_event=on_event,
        should_stop=should_stop,
    )


def begun(registry: Registry, name: str) -> Dataset | None:
    """What the subject's unfinished run was taught, where it repeats another with remedies: not
    what is on file. Raises NotFound or BadInput where there is none to go on with."""
    from sosie.train import Manifest

    run = training.unfinished(registry, registry.subject(name))
    manifest = run.folder / "manifest.json"
    if not remedies(registry, run.id) or not manifest.is_file():
        return None
    return reproducing.dataset_of(registry, Manifest.read(manifest))


def said(remedies: Collection[str]) -> str:
    """Remedies in words."""
    return ", ".join(SAID[remedy] for remedy in remedies)


def _before(registry: Registry, recipe: Recipe) -> Run | None:
    """The run that an earlier call began for a recipe."""
    names = {adapter.name for adapter in registry.adapters()}
    for run in reversed(registry.runs(recipe.dataset.subject)):
        told = _event(registry, run.id)
        if told.get("of") != recipe.of or told.get("remedies") != list(recipe.remedies):
            continue
        if run.state != "done" or run.id in names:
            return run
    return None


def remedies(registry: Registry, run: str) -> tuple[str, ...]:
    """How a run differs from the one that it repeats; () for one that repeats none."""
    return tuple(_event(registry, run).get("remedies", ()))


def captions_before(registry: Registry, run: str) -> tuple[str, ...]:
    """Captions that were cut short for a run, as they were."""
    return tuple(_event(registry, run).get("captions", ()))


def _event(registry: Registry, run: str) -> Mapping[str, Any]:
    return next((one.data for one in registry.events(run) if one.kind == EVENT), {})
