"""Papers that travel as JSON: permissions, and the list of which still hold; what they prove."""

from __future__ import annotations

from pathlib import Path

from sosie import rights
from sosie.core.errors import BadInput, NotFound
from sosie.core.files import write_atomically
from sosie.core.records import now
from sosie.registry import Registry
from sosie.rights import Status
from sosie.rights.status import Entry
from sosie.studio import permission
from sosie.studio.verifying import Account, Named, Verdict


def issue(registry: Registry, *, days: int) -> Status:
    """The signed list of all permissions of a workspace. Raises BadInput if the clock was set back:
    the list would be older than what it tells.
    """
    at, seen = now(), registry.latest()
    if seen is not None and at < seen - rights.SLACK:
        raise BadInput(
            f"The clock says {at:%Y-%m-%d %H:%M}, and something on file is of "
            f"{seen:%Y-%m-%d %H:%M}.",
            advice="Set the clock right, and try again.",
        )
    given = [c for subject in registry.subjects() for c in registry.consents(subject.name)]
    entries = []
    for consent in (one for one in given if one.acts):
        state = permission.standing(registry, consent)
        entries.append(
            Entry(
                consent_sha256=consent.sha256(),
                standing=state.word,
                acts=state.acts,
                until=consent.until,
                since=state.since,
            )
        )
    entries.sort(key=lambda entry: entry.consent_sha256)
    return rights.issued(tuple(entries), registry.key(), at=at, days=days)


def write(status: Status, path: Path) -> None:
    """Write a list to a file."""
    write_atomically(path, status.model_dump_json(indent=1).encode() + b"\n", shared=True)


def read(path: Path) -> Status:
    """The list in a file. Raises NotFound, and BadInput if it is none or does not hold."""
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    with path.open("rb") as file:
        return rights.read_status(file.read(rights.LARGEST_LIST + 1))


def account(registry: Registry, path: Path) -> Account | None:
    """What is known of a status list or a permission in a file; None if it says to be neither."""
    with path.open("rb") as file:
        start = file.read(2000)
        if not start.lstrip().startswith(b"{"):
            return None
        data = start + file.read(rights.LARGEST_LIST + 1)
    if b'"sosie status list' in start:
        return _list(registry, path, data)
    return _permission(registry, path, data) if b'"consent"' in start else None


def informed(account: Account, status: Status) -> Account:
    """`account` with what a status list tells of permissions that are not on file here, or stand
    here: their end may not have been heard of.
    """
    permissions, told, verdict = [], list(account.told), account.verdict
    for found in account.permissions:
        standing = status.told(found.consent_sha256, now())
        if standing is None or found.standing not in ("not on file", "stands"):
            permissions.append(found)
            continue
        permissions.append(found.model_copy(update={"standing": standing}))
        told.append(
            f"Of permission {found.consent_sha256[:12]}…, the status list of "
            f"{status.list.issued:%Y-%m-%d} by key {status.signature.key[:16]}… says: {standing}."
        )
        if verdict == "as signed" and standing != "stands":
            verdict = standing
    return account.model_copy(
        update={"permissions": tuple(permissions), "told": tuple(told), "verdict": verdict}
    )


def _list(registry: Registry, path: Path, data: bytes) -> Account:
    try:
        status = rights.read_status(data)
    except BadInput as error:
        return _refused(path, error)
    entries, old = status.list.entries, now() > status.list.good_until
    counts = {name: sum(e.standing == name for e in entries) for name in ("stands", "withdrawn")}
    told = [
        f"A list of {len(entries)} permissions, issued on {status.list.issued:%Y-%m-%d %H:%M} UTC.",
        f"{counts['stands']} stand, {counts['withdrawn']} were withdrawn, "
        f"{len(entries) - sum(counts.values())} have ended.",
        _whose(registry, status.signature),
        f"It is good until {status.list.good_until:%Y-%m-%d %H:%M} UTC.",
    ]
    if old:
        told.append("That is past: what it says to stand may not. Fetch a new one.")
    return Account(
        file=path,
        verdict="ended" if old else "as signed",
        key=status.signature.key,
        said={"issued": f"{status.list.issued}", "good_until": f"{status.list.good_until}"},
        told=tuple(told),
        unknown=(
            "Whether a newer list says otherwise.",
            "Anything of a permission that is not in the list.",
        ),
    )


def _permission(registry: Registry, path: Path, data: bytes) -> Account:
    try:
        document = rights.read(data)
    except BadInput as error:
        return _refused(path, error)
    consent, sha256 = document.consent, document.consent.sha256()
    known = registry.consent(sha256)
    standing = permission.standing(registry, known).word if known else None
    signed = [f"Signed as {one.role}. {_whose(registry, one)}" for one in document.signatures] or [
        "Nobody has signed it: anyone may have written what it says."
    ]
    verdict: Verdict = "as signed" if document.signatures else "not signed"
    if verdict == "as signed" and standing in ("withdrawn", "ended"):
        verdict = standing
    return Account(
        file=path,
        verdict=verdict,
        key=document.signatures[0].key if document.signatures else None,
        said=consent.model_dump(mode="json"),
        permissions=(
            Named(
                consent_sha256=sha256,
                standing=standing or "not on file",
                subject=consent.subject,
                relation=consent.relation,
                until=consent.until,
            ),
        ),
        told=(
            f"A permission for a model of {consent.who}, signed by {consent.signed_by}: "
            f"{', '.join(consent.acts) or 'withdrawn'}.",
            *signed,
            f"It is on file here: {standing}." if standing else "It is not on file here.",
        ),
    )


def _refused(path: Path, error: BadInput) -> Account:
    changed = "changed" in error.message or "other than the record" in error.message
    forged = "forged" in error.message
    verdict: Verdict = "forged" if forged else "changed" if changed else "not signed"
    return Account(file=path, verdict=verdict, said={}, told=(error.message,))


def _whose(registry: Registry, signature: rights.Signature) -> str:
    own = signature.public_key == registry.key().public
    whose = "this workspace" if own else "another hand"
    return f"The signature is by the key of {whose}, {signature.key[:16]}…."
