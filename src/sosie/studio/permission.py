"""Permissions: asked for, at every act; withdrawn, and what that reaches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sosie import rights
from sosie.core.consent import Consent
from sosie.core.errors import BadInput, NotPermitted
from sosie.core.records import Adapter, Record, Run, now
from sosie.core.release import Release
from sosie.core.terms import MODALITIES, Act
from sosie.registry import Registry
from sosie.studio import consenting


class Withdrawal(Record):
    """What a withdrawal reaches in this workspace."""

    consent: Consent
    """The record that withdraws."""
    adapters: tuple[Adapter, ...]
    """LoRAs that are refused from now on, whomever they are filed under."""
    runs: tuple[Run, ...]
    """Runs whose checkpoints are refused; one that is going on ends before its next step."""
    releases: tuple[Release, ...]
    """Published versions that are refused, and shown on no list any more."""


def withdraw(
    registry: Registry, name: str, *, signed_by: str | None = None, sign_with: Path | None = None
) -> Withdrawal:
    """Withdraw every permission of a subject. Raises BadInput if there is none."""
    subject = registry.subject(name).name
    given = registry.consents(subject)
    if not given:
        raise BadInput(f'No permission of "{subject}" is on file: there is nothing to withdraw.')
    last = given[-1]
    ending = {"signed_by": signed_by or last.signed_by, "acts": (), "until": None, "terms": None}
    consent = consenting.record(
        registry, last.model_copy(update={**ending, "recorded": now()}), sign_with
    )
    reached = tuple(a for a in registry.adapters() if subject in shown_by(registry, a))
    return Withdrawal(
        consent=consent,
        adapters=reached,
        runs=registry.runs(subject),
        releases=tuple(one.release for one in registry.releases.showing(subject)),
    )


def shown_by(registry: Registry, adapter: Adapter) -> tuple[str, ...]:
    """Whom a LoRA shows, as far as is known: the subject it is filed under, then those that the
    same weights are filed under, and those under whose permission it was made or published.
    """
    same = [a.subject for a in registry.adapters(tensors_sha256=adapter.tensors_sha256)]
    under = [adapter.consent_sha256, *registry.releases.permissions(adapter.tensors_sha256)]
    given = [registry.consent(sha256) for sha256 in dict.fromkeys(under) if sha256]
    found = [adapter.subject, *same, *(consent.subject for consent in given if consent)]
    return tuple(dict.fromkeys(name for name in found if name is not None))


def require_shown(registry: Registry, act: Act, adapter: Adapter, **meant: Any) -> Consent:
    """The record that permits `act` with a LoRA, if all that it shows permit it; that of the
    subject it is filed under. `meant` are fields of `rights.Context`. Raises NotPermitted.
    """
    first, *_ = [require(registry, act, name, **meant) for name in shown_by(registry, adapter)]
    return first


def duties(registry: Registry, act: Act, adapter: Adapter) -> tuple[str, ...]:
    """What those whom a LoRA shows ask of who does `act` with it, in sentences: a program cannot
    see to it.
    """
    decided = (
        rights.decide(act, name, context(registry, name)) for name in shown_by(registry, adapter)
    )
    return tuple(dict.fromkeys(duty for decision in decided for duty in decision.duties))


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
    registry: Registry, act: Act, name: str, should_stop: Callable[[], bool], **meant: Any
) -> Callable[[], bool]:
    """`should_stop` for long work that ends with NotPermitted as soon as its permission does."""

    def asked() -> bool:
        require(registry, act, name, **meant)
        return should_stop()

    return asked


def context(registry: Registry, name: str, **meant: Any) -> rights.Context:
    """What an act with a subject is weighed by now; `meant` are fields of `rights.Context`, and
    what its pictures show goes without saying.
    """
    shown = MODALITIES[registry.subject(name).kind][0]
    return weighed(registry, registry.consents(name), **{"modality": shown, **meant})


def weighed(registry: Registry, consents: Sequence[Consent], **meant: Any) -> rights.Context:
    """What an act is weighed by now, by records that need not be on file."""
    if "seen" not in meant:
        meant["seen"] = registry.latest()
    return rights.Context(consents=consents, at=now(), **meant)


def decisions(registry: Registry, name: str) -> tuple[rights.Decision, ...]:
    """Whether each act that makes something is permitted today."""
    return rights.decide_all(name, context(registry, name))


def require(registry: Registry, act: Act, name: str, **meant: Any) -> Consent:
    """The record that permits `act` for a subject today; `meant` says what is to be done, as fields
    of `rights.Context`. Raises NotPermitted.
    """
    return rights.require(act, name, context(registry, name, **meant))


def admit(registry: Registry, name: str) -> None:
    """Raise NotPermitted if pictures of a subject may not come in: before anyone has signed, they
    may."""
    decision = rights.decide("add", name, context(registry, name))
    if not decision.allowed:
        raise rights.refusal(decision)


class State(NamedTuple):
    """What has become of a record that permits something."""

    word: rights.Standing
    acts: tuple[Act, ...]
    """Those of its acts that are permitted today."""
    since: datetime | None = None
    """When it was withdrawn."""


def standing(registry: Registry, consent: Consent) -> State:
    """Whether a record on file that permits something still does. What was withdrawn or has ended
    stays so: a permission that is given anew is another record.
    """
    weighed = context(registry, consent.subject)
    # What stood does not hang on a clock that was set back, nor on what an act would need.
    at = max(weighed.at, weighed.seen or weighed.at)
    weighed = replace(weighed, at=at, copying="passed")
    given, sha256 = list(weighed.consents), consent.sha256()
    later = given[max(i for i, one in enumerate(given) if one.sha256() == sha256) + 1 :]
    taken_back = next((one.recorded for one in later if not one.acts), None)
    if taken_back is not None:
        return State("withdrawn", (), taken_back)
    left = rights.left_of(consent, later, weighed)
    decided = (rights.decide(act, consent.subject, weighed) for act in left)
    acts = tuple(decision.act for decision in decided if decision.allowed)
    begins = consent.bounds.starts
    to_come = bool(left) and begins is not None and weighed.day < begins
    return State("stands" if acts or to_come else "ended", acts)


def seal(registry: Registry) -> Callable[[str], str]:
    """Signs files as the workspace: from a SHA-256 to the text that stands in the file.

    Without the time of day, so that equal files are signed equally.
    """
    key = registry.key()
    return lambda about: rights.sign(key, about, role="trainer").canonical().decode()
