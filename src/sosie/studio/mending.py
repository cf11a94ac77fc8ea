"""Mending: pictures on file are replaced by mended ones, each change logged and undone at will."""

from __future__ import annotations

import io
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sosie import captions
from sosie.core.errors import BadInput, Interrupted, NotFound, WeightsRefused
from sosie.core.files import write_atomically
from sosie.core.records import Record, Sample, first_complaint
from sosie.core.terms import Kind, Undo
from sosie.registry import Registry
from sosie.registry.intake import decode
from sosie.studio import door, drawing, examining, permission, training

if TYPE_CHECKING:
    from sosie.doctor import Checkup, Config
    from sosie.doctor.mends.known import Know
    from sosie.doctor.mends.mend import Mend
    from sosie.doctor.view import Bytes


class Step(Record):
    """One mend of one picture: what was done, or why not."""

    file_name: str
    mend: str
    picture_sha256: str
    """The picture as it was before this step."""
    said: str
    """What was done, in words and figures, or the reason why nothing was."""
    refused: bool
    identity: float | None = None
    """Cosine of SFace's descriptions of the face as filed and now; None if nothing was compared."""
    shape: float | None = None
    """Mean way of the face's points since it was filed, in hundredths of the eyes' distance."""
    recaption: str = ""
    """What the caption may still name though it is no longer seen."""


class Mending(Record):
    """What became of every picture that was to be mended."""

    subject: str
    steps: tuple[Step, ...]
    sheets: tuple[Path, ...] = ()
    """Before and after, one file a picture: then nothing on file was changed."""


class Offer(Record):
    """One mend of the table, as it stands to a subject."""

    mend: str
    what: str
    """What it does, in a few words."""
    safe: bool
    pictures: tuple[str, ...]
    """File names of those for which an open finding asks it."""


class Undone(Record):
    """A mend that was taken back."""

    file_name: str
    mend: str


def mend(
    registry: Registry,
    name: str,
    wanted: Sequence[str],
    *,
    config: Config,
    pictures: Sequence[str] = (),
    options: Mapping[str, Any],
    preview: Path | None = None,
    on_picture: Callable[[int, int], None] = lambda done, of: None,
) -> Mending:
    """Mend pictures: those that are named, or those for which the doctor's findings ask it.

    Raises NotFound for an unknown mend or picture, BadInput for options or a kind that do not fit,
    NotPermitted once a permission was withdrawn or has ended: a mended picture is a new one.
    Raises Interrupted, naming what lists the pictures mended by then, when the user stops it.
    """
    from sosie.doctor.mends import known

    subject = registry.subject(name)
    permission.admit(registry, subject.name)
    dataset = training.dataset_of(registry, subject)
    found = examining.checkup(registry, dataset, config)
    samples = {sample.picture_sha256: sample for sample in registry.samples(subject.name)}
    chosen = [captions.named(list(samples.values()), one).picture_sha256 for one in pictures]
    plan = _plan(found, wanted, chosen, subject.kind)
    given = _options(plan, options)
    know = known.known(dataset, found, registry.readings)
    steps: list[Step] = []
    sheets: list[Path] = []
    renamed: dict[str, str] = {}
    todo = [sample for sample in samples if any(sample in asked for _, asked in plan)]
    try:
        for done, sample in enumerate(todo, start=1):
            mends = [mend for mend, asked in plan if sample in asked]
            bench = _Bench(registry, samples[sample], know, filing=preview is None)
            try:
                steps += [bench.mend(one, given.get(one.name, one.options())) for one in mends]
            finally:
                # Picture by picture: however this ends, what was set aside follows what is filed.
                renamed[sample] = bench.sample.picture_sha256
                _keep_dismissed(registry, subject.name, found, renamed)
            if preview is not None and bench.done:
                sheets.append(bench.sheet(preview))
            on_picture(done, len(todo))
    except KeyboardInterrupt as stop:
        raise Interrupted(
            f"Mending was stopped after {len(renamed)} of {len(todo)} pictures.",
            advice=f"What is mended: sosie mend {shlex.quote(subject.name)}",
        ) from stop
    return Mending(subject=subject.name, steps=tuple(steps), sheets=tuple(sheets))


def offers(found: Checkup, kind: Kind) -> tuple[Offer, ...]:
    """Every mend for pictures of a kind, in the order of the table."""
    from sosie.doctor.mends import known, table

    asked = known.offered(found)
    return tuple(
        Offer(
            mend=one.name,
            what=one.what,
            safe=one.safe,
            pictures=tuple(found.names[sample] for sample in asked.get(one.name, ())),
        )
        for one in table.MENDS
        if kind in one.kinds
    )


def undo(
    registry: Registry, name: str, which: Undo, pictures: Sequence[str], *, config: Config
) -> tuple[Undone, ...]:
    """Take back the last mend of each picture, or all of them. Raises NotFound if there is none.

    `config` is what the pictures were examined for when findings were set aside.
    """
    subject = registry.subject(name).name
    samples = registry.samples(subject)
    chosen = [captions.named(samples, one) for one in pictures] or samples
    mended = {s.picture_sha256: registry.mends.holding(subject, s.picture_sha256) for s in chosen}
    found = None
    if any(mended.values()) and registry.dismissals.of(subject):
        dataset = training.dataset_of(registry, registry.subject(name))
        found = examining.checkup(registry, dataset, config)
    undone = []
    renamed: dict[str, str] = {}
    for sample in chosen:
        now = sample.picture_sha256
        for entry in mended[now][: 1 if which == "last" else None]:
            now = registry.mends.undo(subject, now).picture_sha256
            undone.append(Undone(file_name=sample.file_name, mend=entry.mend))
            renamed[sample.picture_sha256] = now
            if found is not None:
                _keep_dismissed(registry, subject, found, renamed)
    if not undone:
        raise NotFound(f"No mended picture to take back of {subject}.")
    return tuple(undone)


class _Bench:
    """One picture, while it is mended."""

    def __init__(self, registry: Registry, sample: Sample, know: Know, *, filing: bool) -> None:
        self._registry, self._know, self._filing = registry, know, filing
        self.sample, self._begun = sample, sample.picture_sha256
        self.done: list[Step] = []
        self._before = self._rgb = self._read(sample.picture_sha256)
        history = registry.mends.holding(sample.subject, sample.picture_sha256)
        self._filed = self._read(history[-1].before_sha256) if history else self._rgb

    def _read(self, sha256: str) -> Bytes:
        pixels: Bytes = drawing.pixels(self._registry.blobs.path(sha256))
        return pixels

    def mend(self, mend: Mend, options: Record) -> Step:
        from sosie.doctor.mends.apply import apply

        step = partial(
            Step,
            file_name=self.sample.file_name,
            mend=mend.name,
            picture_sha256=self.sample.picture_sha256,
        )
        try:
            made = apply(mend, self._rgb, options, self._know(self._begun, mend), self._filed)
            if self._filing:
                self._file(mend, options, made.rgb, made.said)
        except (BadInput, WeightsRefused) as refused:
            # A model that is not here takes nothing back from the pictures before.
            return step(said=str(refused), refused=True)
        self._rgb = made.rgb
        kept = made.kept.model_dump() if made.kept else {}
        recaption = mend.tells if self.sample.caption else ""
        self.done.append(step(said=made.said, refused=False, recaption=recaption, **kept))
        return self.done[-1]

    def _file(self, mend: Mend, options: Record, rgb: Bytes, said: str) -> None:
        """Put the mended picture in the place of the one before, face box and all."""
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "PNG", compress_level=1)
        taken = decode(file.getvalue(), self.sample.file_name)
        person = "person" in mend.kinds
        after = self.sample.model_copy(
            update={
                "picture_sha256": taken.picture_sha256,
                "pixels_sha256": taken.pixels_sha256,
                "width": taken.width,
                "height": taken.height,
                "face": door.face(rgb) if person else None,
                "changes": (*self.sample.changes, f"{mend.name}: {said}"),
            }
        )
        self._registry.mends.replace(
            self.sample,
            after,
            taken.picture,
            mend=mend.name,
            options=options.model_dump(mode="json"),
        )
        self.sample = after

    def sheet(self, folder: Path) -> Path:
        """Write before and after into a folder."""
        from sosie.doctor.mends.preview import before_and_after

        path = folder / f"{Path(self.sample.file_name).stem}-{self._begun[:6]}.png"
        words = ", ".join(step.mend for step in self.done)
        identity = self.done[-1].identity
        told = words if identity is None else f"{words} (identity {identity:.2f})"
        said = (f"{self.sample.file_name} before", f"after {told}")
        write_atomically(path, before_and_after(self._before, self._rgb, said))
        return path


def _plan(
    found: Checkup, wanted: Sequence[str], chosen: Sequence[str], kind: Kind
) -> list[tuple[Mend, Sequence[str]]]:
    """Each mend with the pictures it is for, in the order of the table."""
    from sosie.doctor.mends import known, table

    offered = known.offered(found)
    plan: dict[str, Sequence[str]] = {}
    for name in wanted:
        if name == table.SAFE:
            for mend in table.MENDS:
                asked = offered.get(mend.name, ()) if mend.safe else ()
                plan.setdefault(mend.name, [s for s in asked if not chosen or s in chosen])
            continue
        mend = table.mend(name)
        if kind not in mend.kinds:
            raise BadInput(f"{name} mends a {mend.kinds[0]}; {found.subject} is a {kind}.")
        if not chosen and not offered.get(name):
            raise BadInput(
                f"No finding of the doctor asks for {name}.",
                advice="Name the pictures it is for with --picture.",
            )
        plan[name] = chosen or offered[name]
    return [(mend, plan[mend.name]) for mend in table.MENDS if plan.get(mend.name)]


def _options(
    plan: Sequence[tuple[Mend, Sequence[str]]], given: Mapping[str, Any]
) -> dict[str, Record]:
    """The options of the one mend that they are for. Raises BadInput naming an unusable one."""
    if not given:
        return {}
    if len(plan) != 1:
        raise BadInput("--set goes with one mend at a time.")
    mend = plan[0][0]
    try:
        return {mend.name: mend.options.model_validate(given)}
    except ValidationError as error:
        first = first_complaint(error)
        if first.unknown:
            known = mend.options.model_fields
            raise NotFound.among(f"option of {mend.name}", first.field, known) from None
        raise BadInput(f"{first.field} cannot be {first.given!r}: {first.what}.") from None


def _keep_dismissed(
    registry: Registry, subject: str, found: Checkup, renamed: Mapping[str, str]
) -> None:
    """Findings that were set aside stay so, although the pictures they name have new hashes."""
    again = (
        finding.model_copy(update={"samples": tuple(renamed.get(s, s) for s in finding.samples)})
        for finding in found.findings
        if finding.dismissed and any(renamed.get(s, s) != s for s in finding.samples)
    )
    registry.dismissals.add(subject, [finding.id for finding in again])
