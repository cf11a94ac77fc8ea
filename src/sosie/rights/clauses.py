"""What a record says against an act: one function for each clause, and the tables of them.

A clause is called after the field of the record that it reads. The first table ends a record for
the time being, so that it says nothing; the second refuses what it does not permit.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, timedelta
from typing import NamedTuple

from sosie.core.consent import OF_AGE, Consent
from sosie.core.terms import ACTS, Act, Modality, Verdict
from sosie.rights.prompts import asked

SLACK = timedelta(minutes=5)
"""How far clocks are corrected in the ordinary course of things."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What an act is weighed by: the records, the time, and what is meant to be done.

    What is left out is not asked about.
    """

    consents: Sequence[Consent]
    """All records there are, oldest first; those of other subjects count for nothing."""
    at: datetime
    """Now, with its time zone."""
    seen: datetime | None = None
    """The latest time that anything on file bears."""
    prompts: Sequence[str] = ()
    """What is to be drawn, without LoRA tags."""
    base: str | None = None
    pictures: Sequence[str] = ()
    """What is to be learned from: hashes of the files as they were given."""
    modality: Modality | None = None
    territory: str | None = None
    """The country, by its ISO 3166-1 code."""
    commercial: bool = False
    lora: str | None = None
    """What is to be published, as a command names it."""
    copying: Verdict | None = None
    """Of the latest audit of its very weights that looked for copies; None is that none did."""

    @property
    def set_back(self) -> bool:
        """Whether the clock shows a time before one that has been."""
        return self.seen is not None and self.at < self.seen - SLACK

    @property
    def day(self) -> date:
        """The day on the calendar on the wall; a clock that was set back a little wins none."""
        times = [self.at] if self.seen is None else [self.at, self.seen]
        return max(times).astimezone().date()


class Objection(NamedTuple):
    """What speaks against an act."""

    clause: str
    why: str
    """After "Anna Maier's record of 2026-05-01 …"."""


Clause = Callable[[Act, Consent, Context], str | Objection | None]


def ended(act: Act, consent: Consent, context: Context) -> Objection | None:
    """Why a record says nothing today, or None if it stands."""
    return _first(_ENDS, act, consent, context)


def refused(act: Act, consent: Consent, context: Context) -> Objection | None:
    """What a record that stands and covers an act says against it, or None."""
    return _first(_REFUSES, act, consent, context)


def birth_date(subject: str, consents: Iterable[Consent]) -> date | None:
    """The latest birth date that any record states of a person: where two differ, the stricter."""
    stated = (consent.bounds.born for consent in consents if consent.subject == subject)
    return max((day for day in stated if day is not None), default=None)


def birthday(born: date, years: int = OF_AGE) -> date:
    """The birthday on which a person is so many years old; that of 29 February may be the 28th."""
    # Calendars end with the year 9999; nobody on file is born then.
    year = min(born.year + years, MAXYEAR)
    try:
        return born.replace(year=year)
    except ValueError:
        return born.replace(year=year, day=28)


def _first(
    table: dict[str, Clause], act: Act, consent: Consent, context: Context
) -> Objection | None:
    for name, clause in table.items():
        objection = clause(act, consent, context)
        if objection is not None:
            return objection if isinstance(objection, Objection) else Objection(name, objection)
    return None


def _until(act: Act, consent: Consent, context: Context) -> str | None:
    if consent.until is not None and context.day > consent.until:
        return f"held until {consent.until}"
    return None


def _starts(act: Act, consent: Consent, context: Context) -> str | None:
    starts = consent.bounds.starts
    return f"holds from {starts} on" if starts is not None and context.day < starts else None


def _born(act: Act, consent: Consent, context: Context) -> str | None:
    born = consent.bounds.born
    if consent.relation != "guardian" or born is None or context.day < birthday(born):
        return None
    return (
        f"ended on the 18th birthday, {birthday(born)}: from then on {consent.who} signs in person"
    )


def _of_age(act: Act, consent: Consent, context: Context) -> str | None:
    stated = birth_date(consent.subject, context.consents)
    if consent.relation != "self" or stated is None or context.day >= birthday(stated):
        return None
    return (
        f"is signed by the person, who is not {OF_AGE} (born {stated}, a record says): "
        "a guardian must sign"
    )


def covers(consent: Consent, act: Act) -> bool:
    """Whether a record names an act; who may train may gather pictures to do so."""
    return act in consent.acts or (act == "add" and "train" in consent.acts)


def _acts(act: Act, consent: Consent, context: Context) -> str | None:
    covered = ", ".join(one for one in ACTS if one in consent.acts)
    return None if covers(consent, act) else f"covers only {covered}"


def _modalities(act: Act, consent: Consent, context: Context) -> str | None:
    # Records of the first form do not say what they are about.
    if consent.terms is None or context.modality in (None, *consent.terms.modalities):
        return None
    covered = ", ".join(consent.terms.modalities) or "nothing"
    return f"is about {covered}, not about {context.modality}"


def _bases(act: Act, consent: Consent, context: Context) -> str | None:
    bases = consent.bounds.bases
    if not bases or context.base is None or context.base in bases:
        return None
    return f"permits it on {', '.join(bases)} only, not on {context.base}"


def _only_these(act: Act, consent: Consent, context: Context) -> str | None:
    listed = {picture.original_sha256 for picture in consent.bounds.pictures}
    others = [sha256 for sha256 in context.pictures if sha256 not in listed]
    if not consent.bounds.only_these or not others:
        return None
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return f"is about {len(listed)} pictures, and {others[0][:12]}…{more} is not among them"


def _territory(act: Act, consent: Consent, context: Context) -> str | None:
    countries = consent.bounds.territory
    if not countries or context.territory in (None, *countries):
        return None
    return f"holds in {', '.join(countries)}, not in {context.territory}"


def _commercial(act: Act, consent: Consent, context: Context) -> str | None:
    if context.commercial and not consent.bounds.commercial:
        return "does not permit to earn money with it"
    return None


def _audit_first(act: Act, consent: Consent, context: Context) -> str | None:
    if act != "publish" or not consent.bounds.audit_first or context.copying == "passed":
        return None
    lora = "LORA" if context.lora is None else shlex.quote(context.lora)
    command = f"sosie audit {lora} --copies"
    found = {
        None: f"none of these weights is on file: {command} makes one",
        "failed": f"the latest of these weights found some: {command} tells which",
        "not measured": f"the latest could not tell: {command} says what it lacks",
    }
    return f"asks for an audit that finds no copies, and {found[context.copying]}"


def _prohibitions(act: Act, consent: Consent, context: Context) -> Objection | None:
    for prompt in context.prompts:
        words = dict(asked(prompt))
        if {"sexual", "minors"} <= words.keys():
            said = f'"{words["sexual"]}" together with "{words["minors"]}"'
            return Objection("prohibitions.sexual", f"cannot permit {said}: nobody can")
        for prohibition, word in words.items():
            if prohibition not in consent.bounds.prohibitions:
                continue
            if prohibition == "forgery" and "signature" in consent.bounds.modalities:
                continue
            if prohibition == "minors" and consent.relation == "guardian":
                continue
            # Of a hand, a prompt says what is written, not who is seen.
            if prohibition in SEEN and context.modality == "handwriting":
                continue
            return Objection(
                f"prohibitions.{prohibition}",
                f'prohibits {PROHIBITED[prohibition]}, and the prompt says "{word}"',
            )
    return None


SEEN = ("minors", "biometric")
"""Prohibitions of what a picture shows of a person."""

PROHIBITED = {
    "sexual": "sexual content",
    "minors": "pictures as a child",
    "political": "political persuasion",
    "biometric": "biometric identification",
    "impersonation": "impersonation",
    "forgery": "forged signatures and documents",
}
"""In words, after "prohibits"."""

_ENDS: dict[str, Clause] = {"until": _until, "starts": _starts, "born": _born}
_REFUSES: dict[str, Clause] = {
    "acts": _acts,
    "of_age": _of_age,
    "modalities": _modalities,
    "bases": _bases,
    "only_these": _only_these,
    "territory": _territory,
    "commercial": _commercial,
    "audit_first": _audit_first,
    "prohibitions": _prohibitions,
}
