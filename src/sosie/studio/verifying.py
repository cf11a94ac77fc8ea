"""What a file says of itself, what of that is proved, and what nobody can know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from sosie import rights
from sosie.core.errors import NotFound, NotPermitted, UnreadablePicture, WeightsRefused
from sosie.core.records import Record
from sosie.core.terms import Act, Relation
from sosie.registry import Registry
from sosie.rights import Credentials
from sosie.studio import permission, reading, telling
from sosie.studio.forgetting import Signed
from sosie.studio.reading import Marks

Verdict = Literal[
    "as signed", "changed", "forged", "doubtful", "withdrawn", "ended", "recognised", "not signed"
]
"""A file is recognised that is not signed, but bears a watermark that is on file here."""
Standing = rights.Standing | Literal["not on file"]

_NEVER = (
    "A signature proves a key: not a person, an age, or a free will.",
    "Whether copies of this file lie elsewhere is known to nobody.",
)
_STATES: dict[rights.State, Verdict] = {
    "valid": "as signed",
    "changed": "changed",
    "forged": "forged",
    "doubtful": "doubtful",
    "elsewhere": "not signed",
}
_TOLD: dict[Verdict, str] = {
    "as signed": "It is as it was signed, to the last byte.",
    "changed": "It was changed after it was signed.",
    "forged": "Its signature was not made by the key it names: it is forged.",
    "doubtful": "It is signed, but the signature cannot be relied on: {problems}.",
    "not signed": "It bears no signature: anyone may have written what it says.",
}
TODAY = {"stands": "it stands today", "withdrawn": "it was withdrawn", "ended": "it has ended"}
"""How a permission stands, in a sentence."""
_WEIGHTS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
_STRANGE = "It is neither a picture, nor a LoRA, nor a paper, a list or a receipt of Sosie's."
_NOTHING = (
    "Nothing can be verified. What can: pictures, LoRAs (safetensors), permissions (JSON, or the "
    "printed PDF), status lists and receipts."
)
_LARGEST_RECEIPT = 1 << 26
"""Bytes: a receipt names each file in about a hundred."""


class Seal(NamedTuple):
    """What the signature of a file makes of it."""

    verdict: Verdict
    told: str
    key: str | None = None
    """Fingerprint of the key that signed, or that vouches for what signed."""
    signer: str | None = None
    """As a certificate names whoever signed, where no key is known by its fingerprint."""


class Named(Record):
    """A permission that a file names by its hash."""

    consent_sha256: str
    standing: Standing
    """Today, as far as the permissions on file here tell."""
    subject: str | None = None
    relation: Relation | None = None
    until: date | None = None


class Account(Record):
    """What is known of one file."""

    file: Path
    verdict: Verdict
    key: str | None = None
    """Fingerprint of the key that signed it."""
    said: dict[str, Any]
    """What the file says of itself: the header of a LoRA, the record in a picture."""
    permissions: tuple[Named, ...] = ()
    told: tuple[str, ...]
    """All of it in sentences."""
    unknown: tuple[str, ...] = _NEVER
    """What cannot be known, in sentences."""


def verify(registry: Registry, path: Path) -> Account:
    """What is known of a LoRA, a picture or a receipt, ours or not.

    Raises NotFound if there is no such file.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    if reading.is_picture(path):
        return _picture(registry, path)
    with path.open("rb") as file:
        start = file.read(9)
    if start.startswith(b"{"):
        return _receipt(registry, path)
    # A safetensors file says how long its header is, and then opens it.
    if start.endswith(b"{") or path.suffix.lower() in _WEIGHTS:
        return _lora(registry, path)
    return _nothing(path, _STRANGE)


def require_proof(registry: Registry, path: Path) -> None:
    """Raise NotPermitted if a LoRA names a permission and does not prove to be made under it."""
    found = _lora(registry, path)
    if found.verdict in ("not signed", "changed", "forged"):
        raise NotPermitted(
            f"{path.name} claims a permission and does not prove it. {_TOLD[found.verdict]}",
            advice="Take it anew from who signed it.",
        )


def _lora(registry: Registry, path: Path) -> Account:
    from sosie.models import lora

    try:
        found = lora.sealed(path)
    except WeightsRefused as error:
        return _nothing(path, str(error))
    header = found.header
    if found.signature is None and "sosie.consent_sha256" not in header:
        return _nothing(path, "It is a safetensors file without a word of who made it.")
    told = [f'A LoRA called "{header.get("modelspec.title", "?")}".']
    if base := header.get("modelspec.architecture"):
        told.append(f"Its base is {base}; run, settings and pictures are named by hashes only.")
    consent = header.get("sosie.consent_sha256")
    about = {found.tensors_sha256: [consent] if consent else []}
    # A file whose bytes lie otherwise was not signed so, whatever its contents.
    seal = _weigh(found.unsigned_sha256 if found.as_written else "", found.signature)
    return _account(registry, path, seal, header, about, told, "train")


def _picture(registry: Registry, path: Path) -> Account:
    """A picture is told by its own record, its credentials, its XMP and its watermark."""
    try:
        marks = reading.marks(registry, path)
    except UnreadablePicture as error:
        return _nothing(path, str(error))
    seal = _sealed(marks.credentials)
    if marks.hit is not None and seal.verdict == "not signed":
        seal = seal._replace(verdict="recognised")
    act: Act = "generate" if marks.synthetic else "export"
    account = _account(
        registry, path, seal, marks.said(), _named_in(marks), telling.picture(marks), act
    )
    return account.model_copy(update={"unknown": (*account.unknown, *telling.unknown(marks))})


def _named_in(marks: Marks) -> dict[str, list[str]]:
    """The permissions that a picture names, each once: by the LoRA, or by "" for no LoRA's."""
    named: dict[str, list[str]] = {}
    for use in marks.made.loras if marks.made else ():
        named[use.tensors_sha256] = [use.consent_sha256] if use.consent_sha256 else []
    others = [*(marks.credentials.consents if marks.credentials else ())]
    others += marks.hit.mark.consents if marks.hit else ()
    known = {one for row in named.values() for one in row}
    named[""] = [one for one in dict.fromkeys(others) if one not in known]
    return named


def _receipt(registry: Registry, path: Path) -> Account:
    """What `sosie forget` wrote."""
    try:
        if path.stat().st_size > _LARGEST_RECEIPT:
            return _nothing(path, "It is no receipt: it is too large.")
        signed = Signed.model_validate_json(path.read_bytes())
    except ValidationError:
        return _nothing(path, _STRANGE)
    receipt = signed.receipt
    told = [
        f"A receipt of {receipt.at:%d %B %Y}: {len(receipt.destroyed)} files of "
        f"{receipt.subject} were destroyed, and {len(receipt.kept)} kept that others share."
    ]
    seal = _weigh(receipt.sha256(), signed.signature.model_dump_json())
    said = receipt.model_dump(mode="json")
    account = _account(registry, path, seal, said, {}, told, "export")
    unknown = "Whether the files were really destroyed: the receipt is the word of who signed it."
    return account.model_copy(update={"unknown": (*account.unknown, unknown)})


def _nothing(path: Path, why: str) -> Account:
    unknown = ("Who made it, from what, and with whose permission.",)
    return Account(file=path, verdict="not signed", said={}, told=(why, _NOTHING), unknown=unknown)


def _account(
    registry: Registry,
    path: Path,
    seal: Seal,
    said: dict[str, Any],
    named: dict[str, list[str]],
    told: Sequence[str],
    act: Act,
) -> Account:
    """Weigh the seal of a file, and the permissions for an act that the LoRAs (by the hash of their
    tensors; "" for what is not said to be of one) were used under."""
    verdict = seal.verdict
    sentences, unknown = [*told, seal.told], list(_NEVER)
    if seal.key is not None and verdict in ("as signed", "changed"):
        own = seal.key == rights.fingerprint(registry.key().public)
        whose = "this workspace" if own else "another workspace"
        sentences.append(f"The signature is by the key of {whose}, {seal.key[:16]}….")
        if not own:
            unknown.append("Who holds that key: compare its fingerprint with the maker's.")
    elif seal.signer is not None:
        sentences.append(f'Its certificate names "{seal.signer}" as who signed.')
        unknown.append(f'Whether it was "{seal.signer}": no list of whom to trust is kept here.')
    permissions = tuple(_named(registry, sha256) for row in named.values() for sha256 in row)
    for found in permissions:
        sentences.append(_permission_told(found, proved=verdict == "as signed"))
        if found.standing == "not on file":
            unknown.append(
                f"Whether permission {found.consent_sha256[:12]}… was ever given, and still stands."
            )
    if verdict == "as signed":
        for tensors, row in named.items():
            for other in _others(registry, tensors, row):
                verdict = "forged"
                sentences.append(f"It names a permission of another person, {other}.")
        for sha256 in (one for row in named.values() for one in row):
            if (under := registry.consent(sha256)) and act not in under.acts:
                verdict = "forged"
                sentences.append(f"Permission {sha256[:12]}… never allowed to {act}.")
    for found in permissions:
        if verdict == "as signed" and found.standing in ("withdrawn", "ended"):
            verdict = found.standing
    return Account(
        file=path,
        verdict=verdict,
        key=seal.key,
        said=said,
        permissions=permissions,
        told=tuple(sentences),
        unknown=tuple(unknown),
    )


def _weigh(about: str, text: str | None) -> Seal:
    """What the signature `text` makes of a file whose bytes without it have the hash `about`."""
    if text is None:
        return Seal("not signed", _TOLD["not signed"])
    signature = rights.parsed(text)
    if signature is None or signature.role != "trainer" or not signature.holds():
        return Seal("forged", _TOLD["forged"], signature.key if signature else None)
    verdict: Verdict = "as signed" if signature.about == about else "changed"
    return Seal(verdict, _TOLD[verdict], signature.key)


def _sealed(found: Credentials | None) -> Seal:
    """What its credentials make of a picture."""
    if found is None:
        return Seal("not signed", _TOLD["not signed"])
    verdict = _STATES[found.state]
    told = _TOLD[verdict].format(problems=", ".join(found.problems))
    if verdict == "as signed":
        # Padding of the credentials is no part of what is signed.
        told = "The picture, and what they say of it, are as they were signed."
    return Seal(verdict, told, found.key, None if found.key else found.signer)


def _named(registry: Registry, sha256: str) -> Named:
    consent = registry.consent(sha256)
    if consent is None:
        return Named(consent_sha256=sha256, standing="not on file")
    return Named(
        consent_sha256=sha256,
        standing=permission.standing(registry, consent).word,
        subject=consent.subject,
        relation=consent.relation,
        until=consent.until,
    )


def _permission_told(found: Named, *, proved: bool) -> str:
    what = f"permission {found.consent_sha256[:12]}…"
    if found.standing == "not on file":
        return f"It names the {what}, which is not on file here."
    until = f"until {found.until}" if found.until else "without end"
    today = TODAY[found.standing]
    relation = {"self": "in person"}.get(found.relation or "", f"by {found.relation}")
    made = "It was made" if proved else "It claims, and does not prove, that it was made"
    return f"{made} with the {what} for {found.subject}, given {relation} {until}: {today}."


def _others(registry: Registry, tensors_sha256: str, consents: Sequence[str]) -> list[str]:
    """Whose permissions are named for a LoRA that is on file, and shows none of them."""
    shown = {a.subject for a in registry.adapters() if a.tensors_sha256 == tensors_sha256}
    found = [one for sha256 in consents if (one := registry.consent(sha256))]
    return [one.subject for one in found if shown and one.subject not in shown]
