"""Verbs of the workspace: what comes in, what is on file, and how it is captioned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sosie import captions, rights
from sosie.core.consent import Consent
from sosie.core.records import Adapter, Dataset, Record, Run, Sample, Subject, now
from sosie.core.terms import Kind
from sosie.registry import AddReport, Swept, add_files
from sosie.studio import captioning, permission, training
from sosie.studio.captioning import Proposed
from sosie.studio.door import Door
from sosie.studio.rooms.room import Room


class Overview(Record):
    """All that is on file about one subject."""

    subject: Subject
    samples: tuple[Sample, ...]
    dataset: Dataset
    """The pictures and captions that `train` would use, in that order."""
    problems: tuple[captions.Problem, ...]
    """What would make `train` refuse the captions."""
    notices: tuple[captions.Notice, ...]
    """What to know about the captions as a whole."""
    decisions: tuple[rights.Decision, ...]
    """One for each act that makes something."""
    consents: tuple[Consent, ...]
    runs: tuple[Run, ...]
    adapters: tuple[Adapter, ...]


class Workspace(Room):
    """Subjects, their pictures and captions."""

    def new(self, name: str, kind: Kind = "person", *, trigger: str | None = None) -> Subject:
        """File a subject. The trigger word is its name unless another is given.

        Raises BadInput if the name cannot be used or is taken.
        """
        subject = Subject(name=name, kind=kind, trigger=trigger or name, created=now())
        return self.registry.add_subject(subject)

    def add(self, name: str, files: Sequence[Path]) -> AddReport:
        """File pictures and their captions; what cannot be used is told, never dropped silently.

        An explicit picture is refused; where a guardian has signed, also a revealing one. Raises
        NotPermitted once a permission was withdrawn or has ended.
        """
        subject = self.registry.subject(name)
        permission.admit(self.registry, subject.name)
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
            notices=captions.notices_on_file(dataset),
            decisions=permission.decisions(self.registry, subject.name),
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
