"""The real pictures that likeness is judged by: those that training never saw, and those it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sosie.core.errors import BadInput, WeightsRefused
from sosie.core.quoted import quoted
from sosie.core.records import Dataset
from sosie.registry import Registry
from sosie.studio import comparing, drawing

if TYPE_CHECKING:
    from sosie.audit import Known, Look, Panel
    from sosie.audit.copying.references import References
    from sosie.audit.panel import Vector
    from sosie.models.diffusion.base import DiffusionBase
    from sosie.models.faces import Picture
    from sosie.train import Checkpoint, Manifest
    from sosie.train.course import OnCheckpoint


@dataclass(frozen=True)
class Reals:
    """The person's pictures, by what training did with them."""

    held_out: tuple[Path, ...]
    training: tuple[Path, ...]
    withheld: int
    gone: int
    """Withheld, and no longer on file."""
    taught_gone: int
    """Taught, and no longer on file."""
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
    gone = [p for p in manifest.pictures if p not in there]
    return Reals(
        held_out=tuple(registry.blobs.path(p.sample) for p in kept),
        training=tuple(registry.blobs.path(p.sample) for p, _ in taught),
        withheld=sum(p.withheld for p in manifest.pictures),
        gone=sum(p.withheld for p in gone),
        taught_gone=sum(not p.withheld for p in gone),
        leaked=tuple(sorted(leaked)),
    )


def known_by(panel: Panel, real: Reals) -> dict[str, Known]:
    """The person's pictures as every judge sees them. Raises BadInput where they are too few."""
    from sosie import audit as stage

    held_out = [drawing.pixels(path) for path in real.held_out]
    training = [drawing.pixels(path) for path in real.training]
    return _with_unit(
        {
            judge.name: stage.Known(
                held_out=stage.found(held_out, judge), training=stage.found(training, judge)
            )
            for judge in panel.faces
        }
    )


def known_from(
    panel: Panel, real: Reals, looks: Mapping[Path, Look], *, shows: str
) -> dict[str, Known]:
    """The same from what the judges saw; `shows` says what a picture must show to be known by."""
    from sosie import audit as stage

    def seen(paths: Sequence[Path], judge: str) -> dict[int, Vector]:
        faces = ((i, looks[path].face(judge)) for i, path in enumerate(paths))
        return {i: face for i, face in faces if face is not None}

    return _with_unit(
        {
            judge.name: stage.Known(
                held_out=seen(real.held_out, judge.name),
                training=seen(real.training, judge.name),
                shows=shows,
            )
            for judge in panel.faces
        }
    )


def _with_unit(known: dict[str, Known]) -> dict[str, Known]:
    for one in known.values():
        # Before an hour of drawing, not after it.
        _ = one.unit
    return known


def scorer(registry: Registry, dataset: Dataset, base: DiffusionBase) -> OnCheckpoint:
    """Scores a run's checkpoints by their previews: likeness to the pictures that it withholds, as
    a share of the subject's own median, by the first judge of an audit; of a handwriting less the
    share of characters that are misread. Of a person also the share of previews by training
    captions that give back a training picture, by the usual thresholds of an audit, if the screen
    let any of them through.

    The previews are drawn anyway, so that a score costs a look at each. None where there are none,
    where the withheld pictures show too few faces or notes, and of a handwriting where the reader
    is not installed.
    """
    from sosie import audit as stage
    from sosie.audit import handwriting
    from sosie.models import faces
    from sosie.train import Manifest, Score

    paths = {item.sample: item.path for item in dataset.items}
    written = dataset.kind == "handwriting"
    known: list[Known] = []
    search: list[References] = []

    def score(checkpoint: Checkpoint) -> Score | None:
        if not checkpoint.previews:
            return None
        try:
            judge = handwriting.hand_judge() if written else faces.identity
            manifest = Manifest.read(checkpoint.folder.parents[1] / "manifest.json")
            if not known:
                sides = (
                    [drawing.pixels(paths[p.sample]) for p in manifest.pictures if p.withheld == w]
                    for w in (True, False)
                )
                held_out, training = (stage.found(side, judge) for side in sides)
                known.append(stage.Known(held_out=held_out, training=training))
            (real,) = known
            own = real.unit
            drawn = [drawing.pixels(path) for path in checkpoint.previews]
        except (BadInput, WeightsRefused):
            return None
        like = sum(real.cosine(judge(rgb)) or 0.0 for rgb in drawn) / len(drawn) / own
        if written:
            return Score(likeness=like - _misread(manifest, checkpoint, drawn))
        if checkpoint.taught and not search:
            search.append(_search(registry, base, manifest))
        return Score(likeness=like, copied=_copied(checkpoint.taught, *search))

    return score


def _search(registry: Registry, base: DiffusionBase, manifest: Manifest) -> References:
    """The pictures that a run was taught, to look for copies of them."""
    from sosie.audit.copying.references import References
    from sosie.studio.photos import Photos

    shots = Photos(registry, base, manifest).shots(withheld=False)
    return References(shots, figure=comparing.figure())


def _copied(paths: Sequence[Path], *search: References) -> float | None:
    """The share of pictures that give one of the references back, by the usual thresholds; None of
    no picture."""
    from sosie.audit.copying.calibration import excess

    seen = [known.see(drawing.pixels(path)) for known in search for path in paths]
    return sum(excess(one.scores) >= 0 for one in seen) / len(seen) if seen else None


def _misread(manifest: Manifest, checkpoint: Checkpoint, drawn: Sequence[Picture]) -> float:
    """Share of characters that are misread on previews; 0 where they ask for no text."""
    from sosie.audit import handwriting as stage
    from sosie.train import Probes

    prompts = Probes.of(manifest).prompts
    # A preview is named by the number of its probe, from 1.
    texts = [quoted(prompts[int(path.stem) - 1]) for path in checkpoint.previews]
    asked = [(rgb, text) for rgb, text in zip(drawn, texts, strict=True) if text]
    lines = [stage.misread(stage.written(rgb).text, text) for rgb, text in asked]
    return sum(line.wrong for line in lines) / max(1, sum(line.of for line in lines))
