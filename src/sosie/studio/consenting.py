"""Drawing up a record, and filing it with those who sign."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sosie import captions, rights
from sosie.core.consent import Consent, Terms
from sosie.core.errors import BadInput, NotFound
from sosie.core.records import Subject, first_complaint, now
from sosie.core.terms import MODALITIES, Act, Relation
from sosie.registry import Registry


def drawn_up(
    registry: Registry,
    subject: Subject,
    *,
    relation: Relation,
    who: str | None,
    signed_by: str | None,
    acts: tuple[Act, ...],
    until: date | None,
    evidence: str | None,
    terms: Mapping[str, Any],
    holders: Mapping[str, str],
) -> Consent:
    """The record as it would be signed, with its text; nothing is filed.

    `terms` are fields of `Terms`; `holders` says by file name or hash whose work a picture is.
    Raises BadInput if the record contradicts itself, NotFound for an unknown term or picture.
    """
    # Who signs in person is whom it is about.
    about = who or (signed_by if relation == "self" else None) or subject.name
    if signed_by is None and relation in ("self", "synthetic"):
        signed_by = about
    if signed_by is None:
        raise BadInput(
            f"A permission by a {relation} needs the name of who signed it.",
            advice="Give it with --signed-by.",
        )
    consent = Consent(
        subject=subject.name,
        who=about,
        relation=relation,
        signed_by=signed_by,
        acts=acts,
        until=until,
        evidence=evidence,
        recorded=now(),
        # A withdrawal has no bounds.
        terms=_terms(registry, subject, relation, terms, holders) if acts else None,
    )
    rights.checked_consent(consent)
    if consent.terms is None or consent.terms.text:
        return consent
    text = rights.wording(consent)
    return consent.model_copy(update={"terms": consent.terms.model_copy(update={"text": text})})


def record(registry: Registry, consent: Consent, sign_with: Path | None) -> Consent:
    """File a record, signed by the workspace, and by the signer if a key file is given."""
    registry.record_consent(consent, _signatures(registry, consent, sign_with))
    return consent


def _terms(
    registry: Registry,
    subject: Subject,
    relation: Relation,
    given: Mapping[str, Any],
    holders: Mapping[str, str],
) -> Terms:
    """The bounds that were given, and what goes without saying for who signs."""
    usual: dict[str, Any] = {
        "living": relation != "estate",
        # Whoever signs in person without a birth date says so by signing.
        "of_age": relation == "self" and given.get("born") is None,
        "modalities": MODALITIES[subject.kind],
        "trainer_key": rights.fingerprint(registry.key().public),
    }
    if holders or given.get("only_these"):
        samples = registry.samples(subject.name)
        other = {captions.named(samples, file).original_sha256: h for file, h in holders.items()}
        originals = dict.fromkeys(sample.original_sha256 for sample in samples)
        usual["pictures"] = [
            {"original_sha256": sha256, "copyright_holder": other.get(sha256)}
            for sha256 in originals
        ]
    try:
        return Terms.model_validate(usual | dict(given))
    except ValidationError as error:
        first = first_complaint(error)
        if first.unknown:
            raise NotFound.among("term", first.field, Terms.model_fields) from None
        told = f"The term {first.field} cannot be {first.given!r}: {first.what}."
        raise BadInput(told) from None


def _signatures(
    registry: Registry, consent: Consent, sign_with: Path | None
) -> tuple[rights.Signature, ...]:
    """The signer's signature, if there is a key, and the workspace's own."""
    own, sha256 = registry.key(), consent.sha256()
    countersigned = rights.sign(own, sha256, role="trainer", at=consent.recorded)
    if sign_with is None:
        return (countersigned,)
    role = rights.ROLES.get(consent.relation)
    if role is None:
        raise BadInput("A synthetic person is nobody, and cannot sign.", advice="Omit --sign-with.")
    theirs = rights.read_key(sign_with)
    if theirs.public == own.public:
        raise BadInput(
            f"{sign_with} is the key of this workspace, which signs as the trainer.",
            advice=f"{consent.signed_by} needs a key that only {consent.signed_by} has.",
        )
    return rights.sign(theirs, sha256, role=role, at=consent.recorded), countersigned
