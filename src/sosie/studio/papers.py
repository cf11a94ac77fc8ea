"""Papers that travel: permissions, as JSON and printed, and the list of which still hold; what
they prove.
"""

from __future__ import annotations

from pathlib import Path

from sosie import rights
from sosie.core.consent import Consent
from sosie.core.errors import BadInput, NotFound
from sosie.core.files import write_atomically
from sosie.core.records import now
from sosie.registry import Registry
from sosie.rights import Status
from sosie.rights.status import Entry
from sosie.studio import permission
from sosie.studio.verifying import TODAY, Account, Named, Verdict

_LARGEST_PDF = 1 << 24
"""Bytes: a paper of one page has a few thousand."""
_NO_PAPER = (
    "It is a PDF, and none of the papers that Sosie prints, or a scan of one.",
    "Nothing can be verified. Of a scan, compare the SHA-256 at its foot with the one that "
    "sosie verify tells of the record (sosie consent NAME --out FILE.json).",
)
_BY_HAND = ("Whether a paper was signed by hand, and by whom.",)
_AS_PRINTED = "The file is as Sosie prints it, to the last byte."
_NOT_AS_PRINTED = (
    "The file is not as Sosie prints it: it was filled in, signed on a screen, or changed. Read it "
    "against the record."
)


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
    """What is known of a status list, a permission or a PDF; None if it says to be none of them."""
    with path.open("rb") as file:
        start = file.read(2000)
        if start.startswith(b"%PDF-"):
            return _printed(registry, path, start + file.read(_LARGEST_PDF))
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
            f"Its words, as on its paper, have the SHA-256 {rights.text_sha256(consent)}.",
            f"It is on file here: {standing}." if standing else "It is not on file here.",
        ),
    )


def _printed(registry: Registry, path: Path, data: bytes) -> Account:
    """What is known of a PDF: of a permission's paper, if these words are on record."""
    words = rights.words_of(data)
    if words is None:
        return Account(file=path, verdict="not signed", said={}, told=_NO_PAPER, unknown=_BY_HAND)
    told = [f"It is the paper of a permission, with the words of SHA-256 {words[:12]}…."]
    given = [c for one in registry.subjects() for c in registry.consents(one.name) if c.acts]
    same = [consent for consent in given if rights.text_sha256(consent) == words]
    named = tuple(_on_file(registry, consent) for consent in same[-1:])
    for consent, found in zip(same[-1:], named, strict=True):
        told.append(
            f"A permission for a model of {consent.who} in these words was recorded here on "
            f"{consent.recorded:%Y-%m-%d}: {TODAY[found.standing]}."
        )
        as_printed = data in (rights.paper(one) for one in same)
        told.append(_AS_PRINTED if as_printed else _NOT_AS_PRINTED)
    if not same:
        told.append("No permission in these words is on record here.")
    told.append("A paper bears no signature that a program can check: the record does.")
    return Account(
        file=path,
        verdict="not signed",
        said={"words_sha256": words},
        permissions=named,
        told=tuple(told),
        unknown=_BY_HAND,
    )


def _on_file(registry: Registry, consent: Consent) -> Named:
    return Named(
        consent_sha256=consent.sha256(),
        standing=permission.standing(registry, consent).word,
        subject=consent.subject,
        relation=consent.relation,
        until=consent.until,
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
