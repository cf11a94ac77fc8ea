"""How a release comes in: nothing of it is on file before all of it is there, whole and permitted.

What has come of a file lies in `incoming/`, named by the hash it is to have; it outlives a process
that dies, and the next attempt goes on where it ended.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sosie import rights
from sosie.core.consent import Consent
from sosie.core.errors import BadInput, NotFound, NotPermitted, SosieError, WorkspaceError
from sosie.core.files import sha256_file, write_atomically
from sosie.core.records import Subject, now
from sosie.core.release import ReleasedFile
from sosie.core.terms import MODALITIES, Act
from sosie.registry import Registry, Shelved
from sosie.registry.names import checked_name, checked_version
from sosie.registry.sweep import INCOMING
from sosie.studio import permission, verifying
from sosie.studio.door import Door
from sosie.studio.moving.parcel import Parcel, Person, Sent, encoded, opened
from sosie.studio.moving.partial import Pieces, completed, held, size

SPARE = 64 << 20
"""Bytes that stay free on the disk."""

Say = Callable[[str], None]

_HASH = re.compile("[0-9a-f]{64}")


def admit(registry: Registry, sent: Sent, act: Act) -> tuple[ReleasedFile, ...]:
    """The files that are still missing for a release to be filed here; none if it is on file.

    Raises NotPermitted if one whom it shows does not permit `act` today, as far as the histories
    there and here tell; BadInput if the two contradict each other, or the name is taken.
    """
    parcel = sent.parcel
    newer = [(person, _newer(registry, person)) for person in parcel.people]
    _learn(registry, newer)
    for person, records in newer:
        rights.require(act, person.name, _context(registry, parcel, person, records))
    if on_file(registry, parcel):
        return ()
    _refuse_taken(registry, parcel)
    by_hash = {file.file_sha256: file for file in parcel.release.files}
    files = tuple(by_hash[sha256] for sha256 in registry.blobs.missing(by_hash))
    _refuse_full(registry, files)
    return files


def fetch(registry: Registry, file: ReleasedFile, pieces: Pieces) -> None:
    """Fetch what is still missing of a file. Raises BadInput as `completed` does."""
    completed(part(registry, file.file_sha256), file, pieces)


def progress(
    registry: Registry, sent: Sent, missing: Sequence[ReleasedFile]
) -> tuple[tuple[ReleasedFile, int], ...]:
    """How much has come of each missing file; the parcel is kept, so that they may come."""
    awaited = _awaited(registry, sent.parcel.release.sha256())
    if not missing:
        awaited.unlink(missing_ok=True)
        return ()
    awaited.parent.mkdir(mode=0o700, exist_ok=True)
    write_atomically(awaited, encoded(sent))
    found = []
    for file in missing:
        with held(part(registry, file.file_sha256)) as out:
            have = size(out, file)
        if have < file.size:
            found.append((file, have))
    return tuple(found)


def take_in(
    registry: Registry, release: str, sha256: str, offset: int, pieces: Iterator[bytes]
) -> None:
    """More of a file of a parcel that was admitted. Raises NotFound and BadInput."""
    path = _awaited(registry, release)
    if not _HASH.fullmatch(release) or not path.is_file():
        raise NotFound("No such release is awaited.")
    files = {file.file_sha256: file for file in opened(path.read_bytes()).parcel.release.files}
    if sha256 not in files:
        raise NotFound("No such file is awaited.")

    def rest(have: int) -> Iterator[bytes]:
        if have != offset:
            raise BadInput(f"{have:,} bytes have come, and these begin at {offset:,}.")
        return pieces

    completed(part(registry, sha256), files[sha256], rest)


def file_away(registry: Registry, sent: Sent, say: Say) -> Shelved:
    """Put a release whose files have all come on the shelf: all of it, with whom it shows and their
    permissions, or nothing.

    Raises BadInput or WeightsRefused if a file is not what it claims to be, and then its bytes are
    deleted; WorkspaceError if the disk refuses, and then what has come stays.
    """
    parcel = sent.parcel
    release = parcel.release
    parts = {file.file_sha256: part(registry, file.file_sha256) for file in release.files}
    shelved = on_file(registry, parcel) or _filed(registry, parcel, parts, say)
    for path in (_awaited(registry, release.sha256()), *parts.values()):
        path.unlink(missing_ok=True)
    return shelved


def _filed(registry: Registry, parcel: Parcel, parts: dict[str, Path], say: Say) -> Shelved:
    came = {sha256: parts[sha256] for sha256 in registry.blobs.missing(parts)}
    places = {sha256: registry.blobs.path(sha256) for sha256 in parts} | came
    try:
        _examine(registry, parcel, places, say)
    except SosieError:
        for path in came.values():
            path.unlink(missing_ok=True)
        raise
    subject = parcel.people[0].name
    shelved = Shelved(release=parcel.release, signature=parcel.signature, subject=subject)
    try:
        for path in came.values():
            registry.blobs.put_file(path)
        with registry.together():
            for person in parcel.people:
                _file(registry, person)
            return on_file(registry, parcel) or registry.releases.add(shelved)
    except SosieError:
        registry.drop_unnamed(came)
        raise


def on_file(registry: Registry, parcel: Parcel) -> Shelved | None:
    """The release as it is on this shelf, if it is."""
    same = registry.releases.by_file(parcel.release.lora.file_sha256)
    return next((one for one in same if one.release == parcel.release), None)


def _awaited(registry: Registry, release: str) -> Path:
    """Where the parcel of a release is kept until its files have come."""
    return registry.home / INCOMING / f"{release}.json"


def part(registry: Registry, sha256: str) -> Path:
    """Where lies what has come of a file."""
    return registry.home / INCOMING / sha256


def _newer(registry: Registry, person: Person) -> tuple[Consent, ...]:
    """The longer of the two histories of a person, there and here.

    Raises BadInput unless one continues the other: who is filed here under that name may be
    somebody else, and which record holds could not be told.
    """
    theirs = person.consents()
    if all(subject.name != person.name for subject in registry.subjects()):
        checked_name(person.name)
        checked_name(person.trigger, "trigger word")
        return theirs
    ours = registry.consents(person.name)
    short, long = sorted((ours, theirs), key=len)
    if not short or long[: len(short)] != short:
        raise BadInput(
            f'"{person.name}" is on file here too, and the permissions contradict each other.',
            advice="It may be another person: use another workspace (--home).",
        )
    return long


def _context(
    registry: Registry, parcel: Parcel, person: Person, records: Sequence[Consent]
) -> rights.Context:
    """What handing over is weighed by: no clock that lags behind what the parcel bears."""
    context = permission.weighed(registry, records, modality=MODALITIES[person.kind][0])
    bear = [parcel.packed, *(record.recorded for record in records)]
    return replace(context, seen=max([*bear, context.seen] if context.seen else bear))


def _learn(registry: Registry, newer: Sequence[tuple[Person, tuple[Consent, ...]]]) -> None:
    """Record what happened to the permissions of those who are on file here: a withdrawal holds
    here too, even if nothing else of the parcel is taken.
    """
    known = {subject.name for subject in registry.subjects()}
    # Half of a history could end with a permission that was withdrawn.
    with registry.together():
        for person, _ in newer:
            if person.name in known:
                _file(registry, person)


def _file(registry: Registry, person: Person) -> None:
    """Put a person and what is new of the history on file."""
    if all(subject.name != person.name for subject in registry.subjects()):
        registry.add_subject(
            Subject(name=person.name, kind=person.kind, trigger=person.trigger, created=now())
        )
    ours = registry.consents(person.name)
    for given in person.history[len(ours) :]:
        registry.record_consent(given.consent, given.signatures)


def _refuse_taken(registry: Registry, parcel: Parcel) -> None:
    release, subject = parcel.release, parcel.people[0].name
    checked_name(release.name)
    checked_version(release.version)
    for other in registry.releases.versions(release.name):
        if other.release.version.casefold() == release.version.casefold():
            raise BadInput(
                f"{release.title} is on the shelf, with other content: a release never changes.",
                advice="Ask its publisher for one with another version.",
            )
        if other.subject != subject:
            raise BadInput(f'"{release.name}" stands for {other.subject} here, not for {subject}.')


def _refuse_full(registry: Registry, files: Sequence[ReleasedFile]) -> None:
    here = {f.file_sha256: part(registry, f.file_sha256) for f in files}
    come = sum(path.stat().st_size for path in here.values() if path.is_file())
    # Once as it comes in, and once as it is stored.
    needed = 2 * sum(file.size for file in files) - come + SPARE
    free = shutil.disk_usage(registry.home).free
    if files and needed > free:
        raise WorkspaceError(
            f"The release needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free.",
            advice="Free some space and run the command again.",
        )


def _examine(registry: Registry, parcel: Parcel, places: dict[str, Path], say: Say) -> None:
    """Raise BadInput or WeightsRefused if a file is not what the release says."""
    from sosie.models import lora
    from sosie.registry.intake import read

    release = parcel.release
    for file in release.files:
        if sha256_file(places[file.file_sha256]) != file.file_sha256:
            raise BadInput(f"{file.name} is not the file that was published.")
    weights = places[release.lora.file_sha256]
    seal = lora.sealed(weights)
    if seal.tensors_sha256 != release.tensors_sha256:
        raise BadInput(f"{release.lora.name} holds other weights than {release.title} says.")
    if lora.read(weights).family != release.family:
        raise BadInput(f"{release.lora.name} is not for {release.family} bases.")
    claimed = seal.header.get("sosie.consent_sha256")
    given = {one.sha256() for person in parcel.people for one in person.consents()}
    if claimed is not None and claimed not in given:
        raise NotPermitted(f"{release.lora.name} claims a permission that it does not have.")
    if claimed is not None or seal.signature is not None:
        verifying.require_proof(registry, weights)
    guarded = any(rights.guarded(person.name, person.consents()) for person in parcel.people)
    door = Door(person=False, guarded=guarded)
    for file in release.files:
        if file.role == "picture":
            objection = door.look(read(places[file.file_sha256]).picture).objection
            if objection:
                raise BadInput(f"{file.name} {objection}")
    for note in door.notes:
        say(note)
