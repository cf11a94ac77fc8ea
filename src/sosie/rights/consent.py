"""Who may be modelled: the one place that says yes or no.

First form: a record says who, by whose word, for which acts, until when. Records are append-only;
a later record without acts withdraws all that was given before it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import date

from sosie.core.errors import BadInput, NotPermitted
from sosie.core.records import Consent, Record
from sosie.core.terms import ACTS, Act


class Decision(Record):
    """Whether an act is permitted, and why, in one sentence."""

    act: Act
    subject: str
    allowed: bool
    reason: str
    consent_sha256: str | None
    """Hash of the record that permits it, or that ended the permission; None if none is on file."""


def decide(act: Act, subject: str, consents: Sequence[Consent], *, today: date) -> Decision:
    """Whether `act` is permitted for the subject called `subject` on the day `today`.

    `consents` are in the order they were recorded, oldest first, as the registry gives them;
    records of other subjects count for nothing. The latest record that covers the act decides,
    unless a later one without acts has withdrawn everything.
    """
    return _weigh(act, subject, consents, today)[0]


def decide_all(subject: str, consents: Sequence[Consent], *, today: date) -> tuple[Decision, ...]:
    """`decide` for every act, in their usual order."""
    return tuple(decide(act, subject, consents, today=today) for act in ACTS)


def require(act: Act, subject: str, consents: Sequence[Consent], *, today: date) -> Consent:
    """The record that permits `act`.

    Raises NotPermitted with the reason and the command that records a permission.
    """
    decision, consent = _weigh(act, subject, consents, today)
    if not decision.allowed or consent is None:
        raise NotPermitted(
            decision.reason,
            advice=f"Record a permission that covers it: sosie consent {shlex.quote(subject)} "
            f"--self|--guardian|--estate|--synthetic … --acts {act}",
        )
    return consent


def checked_consent(consent: Consent) -> Consent:
    """`consent`, if it can be recorded: the names are there and the relation fits them.

    Raises BadInput saying what contradicts what.
    """
    if not consent.who.strip():
        raise BadInput("A permission needs the name of the person it is about.")
    if not consent.signed_by.strip():
        raise BadInput("A permission needs the name of who signed it.")
    same = _same_person(consent.who, consent.signed_by)
    if consent.relation in ("guardian", "estate") and same:
        raise BadInput(
            f'As {consent.relation}, "{consent.signed_by}" cannot be the person the permission '
            "is about.",
            advice="Name the one who signed, or use --self if the person signed in person.",
        )
    if consent.relation == "self" and not same:
        raise BadInput(
            f'"{consent.signed_by}" is not "{consent.who}", so the person has not signed.',
            advice="Use --guardian or --estate if another signed in the person's place.",
        )
    if consent.relation == "synthetic" and not (consent.evidence or "").strip():
        raise BadInput(
            "A synthetic subject needs the recipe that drew it as evidence, so that anyone can "
            "check that it is nobody.",
            advice='For example: --evidence "sosie.world person seed 19".',
        )
    # Days are those of the calendar on the wall, times are UTC.
    if consent.until is not None and consent.until < consent.recorded.astimezone().date():
        raise BadInput(
            f"The permission would end on {consent.until}, which is past.",
            advice="Give a day to come, or none for a permission without end.",
        )
    return consent


def guarded(subject: str, consents: Sequence[Consent]) -> bool:
    """Whether a guardian ever signed for the subject: pictures may show a child, also when the
    person has come of age since and signs in person."""
    return any(c.subject == subject and c.relation == "guardian" for c in consents)


def _weigh(
    act: Act, subject: str, consents: Sequence[Consent], today: date
) -> tuple[Decision, Consent | None]:
    own = [consent for consent in consents if consent.subject == subject]
    for consent in reversed(own):
        if consent.acts and act not in consent.acts:
            continue
        record = f"{consent.signed_by}'s record of {consent.recorded.date()}"
        if not consent.acts:
            allowed, why = False, f"{record} withdrew every permission"
        elif consent.until is not None and today > consent.until:
            allowed, why = False, f"{record} permitted it until {consent.until}"
        else:
            until = f" until {consent.until}" if consent.until else ""
            allowed, why = True, f"{record} permits it{until}"
        return _decision(act, subject, allowed, why, consent.sha256()), consent
    if own:
        covered = ", ".join(a for a in ACTS if any(a in consent.acts for consent in own))
        return _decision(act, subject, False, f"what is on file covers only {covered}"), None
    return _decision(act, subject, False, "no permission is on file"), None


def _decision(
    act: Act, subject: str, allowed: bool, why: str, sha256: str | None = None
) -> Decision:
    reason = f'{"Permitted" if allowed else "Not permitted"} to {act} "{subject}": {why}.'
    return Decision(act=act, subject=subject, allowed=allowed, reason=reason, consent_sha256=sha256)


def _same_person(one: str, other: str) -> bool:
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())
