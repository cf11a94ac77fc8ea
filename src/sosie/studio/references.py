"""The real pictures that likeness is judged by: those that training never saw, and those it did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sosie.core.errors import BadInput
from sosie.core.records import Dataset
from sosie.registry import Registry
from sosie.studio import drawing

if TYPE_CHECKING:
    from sosie.audit import Known, Panel
    from sosie.train import Checkpoint, Manifest
    from sosie.train.run import OnCheckpoint


@dataclass(frozen=True)
class Reals:
    """The person's pictures, by what training did with them."""

    held_out: tuple[Path, ...]
    training: tuple[Path, ...]
    withheld: int
    gone: int
    leaked: tuple[str, ...]


def reals(registry: Registry, manifest: Manifest) -> Reals:
    """The pictures that a run was taught and those it never saw, without what leaked."""
    from PIL import Image

    from sosie.models import near

    there = [p for p in manifest.pictures if registry.blobs.path(p.sample).is_file()]
    prints = []
    for picture in there:
        with Image.open(registry.blobs.path(picture.sample)) as image:
            prints.append(near.fingerprint(image))
    taught = [(p, f) for p, f in zip(there, prints, strict=True) if not p.withheld]
    leaked = {
        p.sample
        for p, own in zip(there, prints, strict=True)
        if p.withheld and any(near.near(own, other) for _, other in taught)
    }
    kept = [p for p in there if p.withheld and p.sample not in leaked]
    return Reals(
        held_out=tuple(registry.blobs.path(p.sample) for p in kept),
        training=tuple(registry.blobs.path(p.sample) for p, _ in taught),
        withheld=sum(p.withheld for p in manifest.pictures),
        gone=sum(p.withheld for p in manifest.pictures) - sum(p.withheld for p in there),
        leaked=tuple(sorted(leaked)),
    )


def known_by(panel: Panel, real: Reals) -> dict[str, Known]:
    """The person's pictures as every judge sees them. Raises BadInput where they are too few."""
    from sosie import audit as stage

    held_out = [drawing.pixels(path) for path in real.held_out]
    training = [drawing.pixels(path) for path in real.training]
    known = {
        judge.name: stage.Known(
            held_out=stage.found(held_out, judge), training=stage.found(training, judge)
        )
        for judge in panel.faces
    }
    for one in known.values():
        # Before an hour of drawing, not after it.
        _ = one.unit
    return known


def scorer(dataset: Dataset) -> OnCheckpoint:
    """Scores a run's checkpoints by their previews: likeness to the pictures that it withholds, as
    a share of the person's own median, by the first identity network.

    The previews are drawn anyway, so that a score costs a look at each. None where there are none,
    for a handwriting, and where the withheld pictures show too few faces.
    """
    from sosie import audit as stage
    from sosie.models import faces
    from sosie.train import Manifest

    paths = {item.sample: item.path for item in dataset.items}
    known: list[Known] = []

    def score(checkpoint: Checkpoint) -> float | None:
        if not checkpoint.previews or dataset.kind != "person":
            return None
        if not known:
            manifest = Manifest.read(checkpoint.folder.parents[1] / "manifest.json")
            sides = (
                [drawing.pixels(paths[p.sample]) for p in manifest.pictures if p.withheld == held]
                for held in (True, False)
            )
            held_out, training = (stage.found(side, faces.identity) for side in sides)
            known.append(stage.Known(held_out=held_out, training=training))
        (real,) = known
        try:
            own = real.unit
        except BadInput:
            return None
        seen = [faces.identity(drawing.pixels(path)) for path in checkpoint.previews]
        return sum(real.cosine(face) or 0.0 for face in seen) / len(seen) / own

    return score
