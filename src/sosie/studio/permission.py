"""Permissions: recorded, signed, and asked for; withdrawn, and what that reaches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from sosie import rights
from sosie.core.errors import BadInput, NotPermitted
from sosie.core.records import Adapter, Consent, Record, Run, now
from sosie.core.terms import Act, Relation
from sosie.registry import Registry


def record(
    registry: Registry,
    name: str,
    *,
    relation: Relation,
    who: str | None,
    signed_by: str | None,
    acts: tuple[Act, ...],
    until: date | None,
    evidence: str | None,
    sign_with: Path | None,
) -> Consent:
    """Record a permission, signed by the workspace, and by the signer if a key file is given."""
    subject = registry.subject(name)
    about = who or subject.name
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
    )
    registry.record_consent(consent, _signatures(registry, consent, sign_with))
    return consent


class Withdrawal(Record):
    """What a withdrawal reaches in this workspace."""

    consent: Consent
    """The record that withdraws."""
    adapters: tuple[Adapter, ...]
    """LoRAs that are refused from now on, whomever they are filed under."""
    runs: tuple[Run, ...]
    """Runs whose checkpoints are refused; one that is going on ends before its next step."""


def withdraw(
    registry: Registry, name: str, *, signed_by: str | None = None, sign_with: Path | None = None
) -> Withdrawal:
    """Withdraw every permission of a subject. Raises BadInput if there is none."""
    subject = registry.subject(name).name
    given = registry.consents(subject)
    if not given:
        raise BadInput(f'No permission of "{subject}" is on file: there is nothing to withdraw.')
    last = given[-1]
    consent = record(
        registry,
        subject,
        relation=last.relation,
        who=last.who,
        signed_by=signed_by or last.signed_by,
        acts=(),
        until=None,
        evidence=last.evidence,
        sign_with=sign_with,
    )
    reached = tuple(a for a in registry.adapters() if subject in shown_by(registry, a))
    return Withdrawal(consent=consent, adapters=reached, runs=registry.runs(subject))


def shown_by(registry: Registry, adapter: Adapter) -> tuple[str, ...]:
    """Whom a LoRA shows, as far as is known: the subject it is filed under, then those that the
    same weights are filed under, and the one under whose permission it was made.
    """
    same = [a.subject for a in registry.adapters() if a.tensors_sha256 == adapter.tensors_sha256]
    under = registry.consent(adapter.consent_sha256) if adapter.consent_sha256 else None
    found = [adapter.subject, *same, under.subject if under else None]
    return tuple(dict.fromkeys(name for name in found if name is not None))


def require_shown(registry: Registry, act: Act, adapter: Adapter) -> Consent:
    """The record that permits `act` with a LoRA, if all that it shows permit it; that of the
    subject it is filed under. Raises NotPermitted.
    """
    first, *_ = [require(registry, act, name) for name in shown_by(registry, adapter)]
    return first


def refuse_withdrawn(registry: Registry, adapter: Adapter) -> None:
    """Raise NotPermitted if one whom the LoRA shows has withdrawn every permission."""
    for name in shown_by(registry, adapter):
        given = registry.consents(name)
        if given and not given[-1].acts:
            raise NotPermitted(
                f'The permission for "{name}" was withdrawn on {given[-1].recorded.date()}: '
                "no LoRA of them is filed."
            )


def watching(
    registry: Registry, act: Act, name: str, should_stop: Callable[[], bool]
) -> Callable[[], bool]:
    """`should_stop` for long work that ends with NotPermitted as soon as its permission does."""

    def asked() -> bool:
        require(registry, act, name)
        return should_stop()

    return asked


def today(registry: Registry) -> date:
    """The day on which permissions are weighed: a clock that was set back wins no time."""
    latest = registry.latest()
    # Days are those of the calendar on the wall, times are UTC.
    return max(date.today(), latest.astimezone().date()) if latest else date.today()


def decisions(registry: Registry, name: str) -> tuple[rights.Decision, ...]:
    """Whether each act is permitted today."""
    return rights.decide_all(name, registry.consents(name), today=today(registry))


def require(registry: Registry, act: Act, name: str) -> Consent:
    """The record that permits `act` for a subject today. Raises NotPermitted."""
    return rights.require(act, name, registry.consents(name), today=today(registry))


def seal(registry: Registry) -> Callable[[str], str]:
    """Signs files as the workspace: from a SHA-256 to the text that stands in the file.

    Without the time of day, so that equal files are signed equally.
    """
    key = registry.key()
    return lambda about: rights.sign(key, about, role="trainer").canonical().decode()


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
