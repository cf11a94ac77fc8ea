"""Whom on file the faces of a picture look like. Embeddings of pictures on file are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sosie import rights
from sosie.core.errors import BadInput
from sosie.core.records import Record, Sample
from sosie.registry import Registry
from sosie.studio import drawing, permission

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sosie.audit.resemblance import Resemblances

OnPicture = Callable[[int, int], None]
KEY = "face/1"
"""Under which kind of reading embeddings are kept."""


class Kept(Record):
    """A face's embedding as it is kept; empty for a picture without a face."""

    values: tuple[float, ...]


@dataclass(frozen=True)
class Looked:
    """What was found."""

    resemblances: Resemblances
    pictures: dict[str, str]
    """By person, the file name of the picture that is most alike."""
    left_out: tuple[str, ...]
    """Whom of those asked about it was not compared with, and why, in sentences."""


def resembles(
    registry: Registry,
    picture: Path,
    *,
    among: Sequence[str] | None,
    rate: float,
    on_picture: OnPicture,
) -> Looked:
    """Compare every face of a picture file with people on file.

    Raises BadInput if it shows no face or one of `among` may not be compared, NotFound for a name
    not on file.
    """
    import numpy as np

    from sosie.audit.resemblance import resemblances
    from sosie.models import faces
    from sosie.registry.intake import read_bytes, shown_name, upright

    rgb = np.asarray(upright(read_bytes(picture), shown_name(picture)))
    shown = [faces.embed(rgb, face) for face in faces.find_faces(rgb)]
    if not shown:
        raise BadInput(
            f"No face was found in {picture}, so nobody can be compared.",
            advice="Give a picture in which it is plain to see.",
        )
    for name in among or ():
        registry.subject(name)
    samples, left_out = _people(registry)
    if barred := [left_out[name] for name in among or () if name in left_out]:
        raise BadInput(barred[0])
    vectors = _embedded(registry, samples, on_picture)
    seen = {
        name: [(sample, vectors[sample.picture_sha256]) for sample in own]
        for name, own in samples.items()
    }
    showing = {
        name: [(sample, vector) for sample, vector in own if vector is not None]
        for name, own in seen.items()
    }
    faceless = (name for name, own in showing.items() if not own)
    left_out |= {name: f'"{name}" has no picture with a face: not compared.' for name in faceless}
    found = resemblances(
        shown,
        {name: [vector for _, vector in own] for name, own in showing.items()},
        among=among,
        rate=rate,
    )
    nearest = {one.name: showing[one.name][one.picture][0].file_name for one in found.found}
    return Looked(found, nearest, () if among else tuple(left_out.values()))


def _people(registry: Registry) -> tuple[dict[str, tuple[Sample, ...]], dict[str, str]]:
    """Pictures of the people on file, and whom they leave out, each with the reason."""
    found, left_out = {}, {}
    for subject in registry.subjects():
        if subject.kind != "person":
            continue
        # To say whom a face looks like is biometric identification, which a record prohibits unless
        # it lifts it; who has not signed has lifted nothing.
        decision = rights.decide("add", subject.name, permission.context(registry, subject.name))
        if not decision.allowed:
            left_out[subject.name] = f"{decision.reason} Not compared."
        elif decision.consent_sha256 is None or "biometric" in decision.prohibitions:
            left_out[subject.name] = (
                f'"{subject.name}" has not permitted biometric identification: not compared.'
            )
        else:
            found[subject.name] = registry.samples(subject.name)
    return found, left_out


def _embedded(
    registry: Registry, samples: dict[str, tuple[Sample, ...]], on_picture: OnPicture
) -> dict[str, NDArray[np.float32] | None]:
    """The face's embedding of every picture, by its hash. Kept under that hash too, so that it goes
    when the picture is forgotten.
    """
    import numpy as np

    from sosie.models import faces

    judge = faces.identity
    wanted = dict.fromkeys(s.picture_sha256 for own in samples.values() for s in own)
    keys = {picture: f"{picture}:{KEY}/{judge.sha256}" for picture in wanted}
    kept = dict(registry.readings.get(list(keys.values())))
    for number, (picture, key) in enumerate(keys.items(), 1):
        if key not in kept:
            vector = judge(drawing.pixels(registry.blobs.path(picture)))
            text = Kept(values=() if vector is None else tuple(map(float, vector)))
            kept[key] = text.model_dump_json()
            registry.readings.put({key: kept[key]})
        on_picture(number, len(keys))
    read = {picture: Kept.model_validate_json(kept[key]).values for picture, key in keys.items()}
    return {
        picture: np.array(values, np.float32) if values else None
        for picture, values in read.items()
    }
