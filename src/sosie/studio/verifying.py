"""What a file says of itself, what of that is proved, and what nobody can know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

from sosie import rights
from sosie.core.errors import NotFound, NotPermitted, UnreadablePicture, WeightsRefused
from sosie.core.records import Record
from sosie.core.terms import Act, Relation
from sosie.registry import Registry
from sosie.studio import permission

Verdict = Literal["as signed", "changed", "forged", "withdrawn", "ended", "not signed"]
Standing = rights.Standing | Literal["not on file"]

_PNG = b"\x89PNG\r\n\x1a\n"
_NEVER = (
    "A signature proves a key: not a person, an age, or a free will.",
    "Whether copies of this file lie elsewhere is known to nobody.",
)


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
    """What is known of a LoRA or a picture, ours or not.

    Raises NotFound if there is no such file.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    with path.open("rb") as file:
        picture = file.read(len(_PNG)) == _PNG
    return _picture(registry, path) if picture else _lora(registry, path)


def require_proof(registry: Registry, path: Path) -> None:
    """Raise NotPermitted if a LoRA names a permission and does not prove to be made under it."""
    found = _lora(registry, path)
    if found.verdict in ("not signed", "changed", "forged"):
        raise NotPermitted(
            f"{path.name} claims a permission and does not prove it. {' '.join(found.told)}",
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
    unsigned = found.unsigned_sha256 if found.as_written else ""
    return _account(registry, path, unsigned, found.signature, header, about, told, "train")


def _picture(registry: Registry, path: Path) -> Account:
    from sosie.generate import opened, read_back

    about, signature = opened(path.read_bytes())
    try:
        made = read_back(path)
    except UnreadablePicture as error:
        if signature is None:
            return _nothing(path, str(error))
        return _account(registry, path, about, signature, {}, {}, [str(error)], "generate")
    told = [
        f'A synthetic picture, drawn by {made.software} from "{made.prompt}", seed {made.seed}.',
        f"Its base is {made.base} ({made.base_sha256[:12]}…).",
    ]
    told += [
        f"The LoRA {use.name} ({use.tensors_sha256[:12]}…) acted with weight {use.weight:g}."
        for use in made.loras
    ]
    named = {
        use.tensors_sha256: [use.consent_sha256] if use.consent_sha256 else [] for use in made.loras
    }
    said = made.model_dump(mode="json")
    return _account(registry, path, about, signature, said, named, told, "generate")


def _nothing(path: Path, why: str) -> Account:
    return Account(file=path, verdict="not signed", said={}, told=(why, "Nothing can be verified."))


def _account(
    registry: Registry,
    path: Path,
    about: str,
    text: str | None,
    said: dict[str, Any],
    named: dict[str, list[str]],
    told: Sequence[str],
    act: Act,
) -> Account:
    """Weigh the signature `text` of what has the hash `about`, and the permissions for an act that
    the LoRAs (by the hash of their tensors) were used under."""
    signature, verdict, words = _weigh(about, text)
    sentences, unknown = [*told, words], list(_NEVER)
    if signature is not None and verdict in ("as signed", "changed"):
        own = signature.public_key == registry.key().public
        whose = "this workspace" if own else "another workspace"
        sentences.append(f"The signature is by the key of {whose}, {signature.key[:16]}….")
        if not own:
            unknown.append("Who holds that key: compare its fingerprint with the maker's.")
    permissions = tuple(_named(registry, sha256) for row in named.values() for sha256 in row)
    for found in permissions:
        sentences.append(_permission_told(found))
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
        key=signature.key if signature else None,
        said=said,
        permissions=permissions,
        told=tuple(sentences),
        unknown=tuple(unknown),
    )


def _weigh(about: str, text: str | None) -> tuple[rights.Signature | None, Verdict, str]:
    """The signature, what it makes of the file, and that in words."""
    if text is None:
        return None, "not signed", "It bears no signature: anyone may have written what it says."
    signature = rights.parsed(text)
    if signature is None or signature.role != "trainer" or not signature.holds():
        return signature, "forged", "Its signature was not made by the key it names: it is forged."
    if signature.about != about:
        return signature, "changed", "It was changed after it was signed."
    return signature, "as signed", "It is as it was signed, to the last byte."


def _named(registry: Registry, sha256: str) -> Named:
    consent = registry.consent(sha256)
    if consent is None:
        return Named(consent_sha256=sha256, standing="not on file")
    return Named(
        consent_sha256=sha256,
        standing=permission.standing(registry, consent)[0],
        subject=consent.subject,
        relation=consent.relation,
        until=consent.until,
    )


def _permission_told(found: Named) -> str:
    what = f"permission {found.consent_sha256[:12]}…"
    if found.standing == "not on file":
        return f"It names the {what}, which is not on file here."
    until = f"until {found.until}" if found.until else "without end"
    today = {
        "stands": "it stands today",
        "withdrawn": "it was withdrawn",
        "ended": "it has ended",
    }[found.standing]
    relation = {"self": "in person"}.get(found.relation or "", f"by {found.relation}")
    return f"It was made with the {what} for {found.subject}, given {relation} {until}: {today}."


def _others(registry: Registry, tensors_sha256: str, consents: Sequence[str]) -> list[str]:
    """Whose permissions are named for a LoRA that is on file, and shows none of them."""
    shown = {a.subject for a in registry.adapters() if a.tensors_sha256 == tensors_sha256}
    found = [one for sha256 in consents if (one := registry.consent(sha256))]
    return [one.subject for one in found if shown and one.subject not in shown]
