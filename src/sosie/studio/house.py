"""Class Studio: one method for each thing a user can do, in the user's own terms.

The front doors call this and nothing else. Stages return values; what of them is kept is decided
here. Heavy libraries are imported where they are first needed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sosie import captions, rights
from sosie.core.errors import BadInput
from sosie.core.files import write_atomically
from sosie.core.records import (
    Adapter,
    Consent,
    Dataset,
    Event,
    Record,
    Run,
    Sample,
    Subject,
    now,
)
from sosie.core.terms import Act, Kind, Language, Relation, Undo
from sosie.registry import AddReport, Registry, Swept, add_files, home_folder
from sosie.registry.mends import Mended
from sosie.studio import (
    captioning,
    drawing,
    examining,
    forgetting,
    mending,
    permission,
    training,
    verifying,
)
from sosie.studio.captioning import Proposed
from sosie.studio.door import Door
from sosie.studio.drawing import Drawn
from sosie.studio.forgetting import Receipt
from sosie.studio.mending import Mending, Offer, Undone
from sosie.studio.permission import Withdrawal
from sosie.studio.training import OnEvent, Reproduction
from sosie.studio.verifying import Account

if TYPE_CHECKING:
    from sosie.audit import Likeness
    from sosie.doctor import Checkup
    from sosie.generate import WordTrial
    from sosie.generate.words import Unit
    from sosie.models.diffusion.resolve import BaseRow
    from sosie.train import Plan, TrainConfig


class Overview(Record):
    """All that is on file about one subject."""

    subject: Subject
    samples: tuple[Sample, ...]
    dataset: Dataset
    """The pictures and captions that `train` would use, in that order."""
    problems: tuple[captions.Problem, ...]
    """What would make `train` refuse the captions."""
    decisions: tuple[rights.Decision, ...]
    """One for each act."""
    consents: tuple[Consent, ...]
    runs: tuple[Run, ...]
    adapters: tuple[Adapter, ...]


class Studio:
    """A workspace. `home` is its folder; None takes SOSIE_HOME or the platform's data folder."""

    def __init__(self, home: Path | None = None) -> None:
        self.registry = Registry.open(home_folder(home))
        self._desk = drawing.Desk()

    # -- the workspace -----------------------------------------------------------------------------

    def new(self, name: str, kind: Kind = "person", *, trigger: str | None = None) -> Subject:
        """File a subject. The trigger word is its name unless another is given.

        Raises BadInput if the name cannot be used or is taken.
        """
        subject = Subject(name=name, kind=kind, trigger=trigger or name, created=now())
        return self.registry.add_subject(subject)

    def add(self, name: str, files: Sequence[Path]) -> AddReport:
        """File pictures and their captions; what cannot be used is told, never dropped silently.

        An explicit picture is refused; where a guardian has signed, also a revealing one.
        """
        subject = self.registry.subject(name)
        guarded = rights.guarded(subject.name, self.registry.consents(subject.name))
        door = Door(person=subject.kind == "person", guarded=guarded)
        report = add_files(self.registry, name, files, look=door.look)
        return replace(report, notes=(*report.notes, *door.notes))

    def remove(self, name: str, pictures: Sequence[str]) -> tuple[Sample, ...]:
        """Take pictures, by file name or hash, off file and delete them; LoRAs that learned from
        them stay as they are. Nothing is removed if one name is unknown.

        Raises NotFound, and BadInput if several pictures answer to a name.
        """
        samples = self.registry.samples(name)
        chosen = {one.picture_sha256: one for one in (captions.named(samples, p) for p in pictures)}
        for sha256 in chosen:
            self.registry.remove_sample(name, sha256)
        return tuple(chosen.values())

    def show(self, name: str) -> Overview:
        """All that is on file about a subject. Raises NotFound."""
        subject = self.registry.subject(name)
        consents = self.registry.consents(subject.name)
        dataset = training.dataset_of(self.registry, subject)
        return Overview(
            subject=subject,
            samples=self.registry.samples(subject.name),
            dataset=dataset,
            problems=captions.check(dataset),
            decisions=self._decisions(subject.name),
            consents=consents,
            runs=self.registry.runs(subject.name),
            adapters=self.registry.adapters(subject.name),
        )

    def overviews(self) -> tuple[Overview, ...]:
        """`show` for every subject."""
        return tuple(self.show(subject.name) for subject in self.registry.subjects())

    def tidy(self) -> Swept:
        """Remove what killed processes left in the workspace more than a day ago."""
        return self.registry.sweep()

    def caption(
        self,
        name: str,
        *,
        template: str | None = None,
        overwrite: bool = False,
        edits: Mapping[str, str] | None = None,
        insert_trigger: bool = False,
    ) -> int:
        """Edit captions and return how many changed: single ones first, then the template for
        pictures without one (all of them if `overwrite`), then the trigger where it is missing.
        """
        subject = self.registry.subject(name)
        samples = self.registry.samples(subject.name)
        changes = captions.revise(
            subject,
            samples,
            template=template,
            overwrite=overwrite,
            edits=edits or {},
            insert_trigger=insert_trigger,
        )
        self.registry.set_captions(subject.name, changes)
        return len(changes)

    def suggest_captions(
        self,
        name: str,
        *,
        base: str = "pocket",
        omit: tuple[str, ...] = (),
        describe: tuple[str, ...] = (),
        captioner: captions.Captioner | None = None,
        on_picture: Callable[[int, int], None] = lambda done, of: None,
    ) -> Proposed:
        """Captions in the style of a base, from what is measured or by a captioner; none is filed.

        `omit` and `describe` name traits (hair, make-up, beard, glasses) that are left unsaid, or
        said, whatever the pictures share.
        """
        subject = self.registry.subject(name)
        return captioning.suggest(
            self.registry,
            subject,
            training.dataset_of(self.registry, subject),
            base=base,
            choices=captioning.choices_of(omit, describe),
            captioner=captioner,
            on_picture=on_picture,
        )

    def file_captions(self, name: str, proposed: Proposed, *, overwrite: bool = False) -> int:
        """File suggested captions and return how many changed; one that is on file stays unless
        `overwrite`.
        """
        filed = {sample.picture_sha256: sample.caption for sample in self.registry.samples(name)}
        changes = {
            sample: text
            for sample, text in proposed.suggestion.captions.items()
            if sample in filed and text != filed[sample] and (overwrite or not filed[sample])
        }
        self.registry.set_captions(name, changes)
        return len(changes)

    # -- the doctor --------------------------------------------------------------------------------

    def doctor(
        self,
        name: str,
        *,
        base: str | None = None,
        on_picture: Callable[[int, int], None] = lambda done, of: None,
        **settings: int | None,
    ) -> Checkup:
        """Examine a subject's pictures, for a base if one is named.

        `settings` are fields of `sosie.doctor.Config`; `on_picture` hears how many pictures are
        read, of how many.
        """
        config = examining.config_for(base, **settings)
        dataset = training.dataset_of(self.registry, self.registry.subject(name))
        return examining.checkup(self.registry, dataset, config, on_picture)

    def report(self, name: str, found: Checkup, page: Path, *, language: Language = "en") -> None:
        """Write a checkup as one self-contained HTML page, with thumbnails and marks."""
        from sosie.doctor.page import render

        dataset = training.dataset_of(self.registry, self.registry.subject(name))
        write_atomically(page, render(found, dataset, language).encode())

    def dismiss(self, name: str, found: Checkup, findings: Sequence[str]) -> int:
        """Set findings aside, by id or by rule; they stay listed and no longer count.

        Raises NotFound, and BadInput for one that may not be set aside.
        """
        ids = examining.dismissible(found, findings)
        self.registry.dismissals.add(name, ids)
        return len(ids)

    def restore(self, name: str, found: Checkup, findings: Sequence[str]) -> int:
        """Let dismissed findings count again, by id or by rule."""
        ids = examining.known_findings(found, findings)
        self.registry.dismissals.remove(name, ids)
        return len(ids)

    # -- mending -----------------------------------------------------------------------------------

    def mend(
        self,
        name: str,
        mends: Sequence[str],
        *,
        pictures: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        preview: Path | None = None,
        base: str | None = None,
        on_picture: Callable[[int, int], None] = lambda done, of: None,
        **settings: int | None,
    ) -> Mending:
        """Mend pictures ("safe" stands for all safe mends that findings ask for), or with `preview`
        only write what would be before and after into that folder.

        Without `pictures`, those are mended for which an open finding asks it. Originals are kept.
        """
        return mending.mend(
            self.registry,
            name,
            mends,
            config=examining.config_for(base, **settings),
            pictures=pictures,
            options=options or {},
            preview=preview,
            on_picture=on_picture,
        )

    def offers(self, name: str, found: Checkup) -> tuple[Offer, ...]:
        """The mends there are for a subject, and the pictures for which findings ask each."""
        return mending.offers(found, self.registry.subject(name).kind)

    def mends(self, name: str) -> tuple[Mended, ...]:
        """The log: every mend of a subject's pictures, those undone among them."""
        return self.registry.mends.of(self.registry.subject(name).name)

    def unmend(self, name: str, which: Undo, *, pictures: Sequence[str] = ()) -> tuple[Undone, ...]:
        """Take back the last mend of each picture, or all. Raises NotFound if there is none."""
        return mending.undo(self.registry, name, which, pictures)

    # -- permission --------------------------------------------------------------------------------

    def consent(
        self,
        name: str,
        *,
        relation: Relation,
        who: str | None = None,
        signed_by: str | None = None,
        acts: tuple[Act, ...] = ("train", "generate", "export"),
        until: date | None = None,
        evidence: str | None = None,
        sign_with: Path | None = None,
    ) -> Consent:
        """Record a permission, or with no acts its withdrawal, countersigned by the workspace.

        `sign_with` is a file with the signer's own key. Raises BadInput if the record contradicts
        itself.
        """
        return permission.record(
            self.registry,
            name,
            relation=relation,
            who=who,
            signed_by=signed_by,
            acts=acts,
            until=until,
            evidence=evidence,
            sign_with=sign_with,
        )

    def withdraw(
        self, name: str, *, signed_by: str | None = None, sign_with: Path | None = None
    ) -> Withdrawal:
        """Withdraw every permission of a subject, and tell what is refused from now on."""
        return permission.withdraw(self.registry, name, signed_by=signed_by, sign_with=sign_with)

    def forget(self, name: str) -> tuple[Path, Receipt]:
        """Destroy everything of a subject but its permissions; gives the signed receipt."""
        return forgetting.forget(self.registry, name)

    def _decisions(self, name: str) -> tuple[rights.Decision, ...]:
        """Whether each act is permitted today."""
        return permission.decisions(self.registry, name)

    def permitted(self, act: Act, name: str) -> Consent:
        """The record that permits `act` for a subject today. Raises NotPermitted."""
        return permission.require(self.registry, act, name)

    def verify(self, file: Path) -> Account:
        """What is known of a LoRA or a picture, ours or not. Raises NotFound."""
        return verifying.verify(self.registry, file)

    # -- models ------------------------------------------------------------------------------------

    def bases(self) -> tuple[BaseRow, ...]:
        """The base models that have a name, and where each lies."""
        from sosie.models.diffusion.resolve import listing

        return listing()

    def import_adapter(
        self, file: Path, *, subject: str, name: str | None = None
    ) -> tuple[Adapter, tuple[str, ...]]:
        """File a LoRA made elsewhere under the subject it shows, and say what it was and what can
        be done with it. Filing needs no permission, since the file is the user's already; all use
        of it does.

        Raises WeightsRefused naming the keys that are not understood, and NotPermitted if one whom
        it shows has withdrawn every permission.
        """
        from sosie.models import lora

        filed = self.registry.subject(subject)
        read = lora.read(file)
        adapter = Adapter(
            name=name or file.stem,
            subject=filed.name,
            family=read.family,
            base="unknown",
            trigger=filed.trigger,
            file_sha256=read.file_sha256,
            tensors_sha256=read.tensors_sha256,
            consent_sha256=read.header.get("sosie.consent_sha256"),
            created=now(),
        )
        permission.refuse_withdrawn(self.registry, adapter)
        self.registry.blobs.put(file.read_bytes())
        adapter = self.registry.add_adapter(adapter)
        what = f"{file.name}: {read.format}, for {read.family}, {len(read.modules)} modules."
        use = f'Use it as "<lora:{adapter.name}:1>" on a {adapter.family} base.'
        if not any(decision.allowed for decision in self._decisions(filed.name)):
            use = (
                f'Nothing can be done with it until a permission for "{filed.name}" is recorded: '
                f"sosie consent {shlex.quote(filed.name)} …"
            )
        return adapter, (what, use)

    def export_adapter(self, name: str, out: Path) -> tuple[Path, ...]:
        """Copy a LoRA (NAME, or NAME@STEP for a checkpoint) out, with its manifest.

        `out` is a folder, or a path that ends in .safetensors. Raises NotPermitted.
        """
        found = drawing.find(self.registry, name)
        permission.require_shown(self.registry, "export", found.adapter)
        target = out if out.suffix == ".safetensors" else out / f"{name}.safetensors"
        if target.exists():
            raise BadInput(f"{target} exists.", advice="Name another, or move it away.")
        write_atomically(target, found.path.read_bytes())
        written = [target]
        if found.manifest is not None:
            beside = target.with_name(f"{target.stem}.sosie.json")
            write_atomically(beside, found.manifest.read_bytes())
            written.append(beside)
        return tuple(written)

    # -- training ----------------------------------------------------------------------------------

    def plan(
        self, name: str, *, base: str, overrides: Mapping[str, Any], device: str = "auto"
    ) -> tuple[Plan, TrainConfig]:
        """What training would do and whether it can work, without doing it, and the settings."""
        self.permitted("train", name)
        return training.plan(self.registry, name, base, overrides, device)

    def train(
        self,
        name: str,
        *,
        base: str,
        overrides: Mapping[str, Any],
        device: str = "auto",
        resume: bool = False,
        on_event: OnEvent = lambda kind, data: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Adapter:
        """Train a LoRA of a subject and file it. Raises NotPermitted, NotReady, TrainingStopped,
        Interrupted. It ends before the next step when its permission does.
        """
        consent = self.permitted("train", name)
        return training.train(
            self.registry,
            name,
            base,
            overrides,
            consent=consent.sha256(),
            device=device,
            resume=resume,
            on_event=on_event,
            should_stop=permission.watching(self.registry, name, should_stop),
        )

    def reproduce(
        self,
        manifest: Path,
        *,
        base: str | None = None,
        device: str = "cpu",
        on_event: OnEvent = lambda kind, data: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Reproduction:
        """Train again from a manifest, into a folder that is thrown away, and compare hashes.

        `manifest` may be a run's name. `base` says where the base lies now, if it lies elsewhere.
        """
        from sosie.train import Manifest

        manifest = training.manifest_of(self.registry, manifest)
        recorded = Manifest.read(manifest)
        self.permitted("train", recorded.subject)
        return training.reproduce(
            self.registry,
            manifest,
            recorded,
            base=base,
            device=device,
            on_event=on_event,
            should_stop=permission.watching(self.registry, recorded.subject, should_stop),
        )

    def runs(self, name: str | None = None) -> tuple[Run, ...]:
        """Training runs, oldest first."""
        return self.registry.runs(self.registry.subject(name).name if name else None)

    def run_folder(self, run: str) -> Path:
        """Where a run's manifest, events, checkpoints and previews lie. Raises NotFound."""
        return self.registry.run(run).folder

    def follow(self, run: str) -> Iterator[Event]:
        """Events of a run (or of a subject's latest) as they come, until it ends."""
        return training.follow(self.registry, run)

    # -- pictures ----------------------------------------------------------------------------------

    def generate(
        self,
        prompt: str,
        *,
        base: str,
        out: Path,
        n: int = 4,
        seed: int = 1,
        init: Path | None = None,
        device: str = "auto",
        say: Callable[[str], None] = lambda line: None,
        **settings: Any,
    ) -> Drawn:
        """Draw pictures into `out`; the subject of every LoRA called must permit it."""
        calls, consents = self._called(prompt, say)
        config = drawing.configure(prompt, n=n, seed=seed, **settings)
        loaded = self._desk.base(base, device)
        return drawing.draw(
            loaded,
            config,
            calls,
            out=out,
            consents=consents,
            init=init,
            sign=permission.seal(self.registry),
            say=say,
        )

    def words(
        self,
        prompt: str,
        *,
        base: str,
        out: Path,
        unit: Unit | None = None,
        n: int = 3,
        seed: int = 1,
        device: str = "auto",
        say: Callable[[str], None] = lambda line: None,
        on_picture: Callable[[int, int], None] = lambda done, of: None,
        **settings: Any,
    ) -> tuple[WordTrial, Path]:
        """Which words of a prompt work on a base, and a sheet in `out` to see it; the subject of
        every LoRA called must permit it.
        """
        calls, consents = self._called(prompt, say)
        config = drawing.configure(prompt, n=n, seed=seed, **settings)
        loaded = self._desk.base(base, device)
        return drawing.words(
            loaded, config, calls, unit=unit, out=out, consents=consents, on_picture=on_picture
        )

    def _called(
        self, prompt: str, say: Callable[[str], None]
    ) -> tuple[tuple[drawing.Call, ...], dict[str, str]]:
        """The LoRAs that a prompt calls, and by name the permission each is used under today, which
        may be another than the one it was trained under. Raises NotPermitted.
        """
        calls = drawing.called(self.registry, prompt, say)
        return calls, {
            call.name: permission.require_shown(
                self.registry, "generate", call.found.adapter
            ).sha256()
            for call in calls
        }

    def likeness(
        self, adapter: str, drawn: Sequence[Path], *, control: Sequence[Path] = ()
    ) -> Likeness:
        """How like drawn pictures are to the pictures that the LoRA's training never saw.

        `control` are pictures of the same prompts and seeds without the LoRA.
        """
        found = drawing.find(self.registry, adapter)
        permission.require_shown(self.registry, "generate", found.adapter)
        return drawing.likeness(self.registry, found, drawn, control)
