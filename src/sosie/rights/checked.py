"""Whether a record can be kept: it must not contradict itself."""

from __future__ import annotations

from datetime import date

from sosie.core.consent import OF_AGE, Consent, Terms
from sosie.core.errors import BadInput
from sosie.core.terms import ALWAYS
from sosie.rights.clauses import PROHIBITED, birthday


def checked_consent(consent: Consent) -> Consent:
    """`consent`, if it can be recorded: the names are there, and relation and terms fit them.

    Raises BadInput saying what contradicts what.
    """
    if not consent.who.strip():
        raise BadInput("A permission needs the name of the person it is about.")
    if not consent.signed_by.strip():
        raise BadInput("A permission needs the name of who signed it.")
    same = same_name(consent.who, consent.signed_by)
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
    today = consent.recorded.astimezone().date()
    if consent.until is not None and consent.until < today:
        raise BadInput(
            f"The permission would end on {consent.until}, which is past.",
            advice="Give a day to come, or none for a permission without end.",
        )
    if consent.terms is not None and consent.acts:
        _check(consent, consent.terms, today)
    return consent


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same, whatever their case and blanks."""
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())


def _check(consent: Consent, terms: Terms, today: date) -> None:
    """Raise BadInput if the terms of a permission contradict it or one another."""
    minor = terms.born is not None and today < birthday(terms.born)
    if terms.born is not None and terms.born > today:
        raise BadInput(f"Nobody is born on {terms.born}, a day to come.")
    if terms.starts and consent.until and terms.starts > consent.until:
        raise BadInput(f"The permission would begin on {terms.starts}, after it has ended.")
    if terms.ages and terms.ages[0] > terms.ages[1]:
        raise BadInput(f"The ages {terms.ages[0]} to {terms.ages[1]} run backwards.")
    if terms.only_these and not terms.pictures:
        raise BadInput("The permission would be about no picture at all.", advice="Add some first.")
    if consent.relation == "self":
        _check_self(consent, terms, minor)
    if consent.relation == "guardian" and not minor:
        raise BadInput(
            f"A guardian signs for who is not {OF_AGE} yet, and this permission does not say so.",
            advice="Give the birth date: --born YYYY-MM-DD. Who is of age signs with --self.",
        )
    if consent.relation == "estate" and terms.living:
        raise BadInput("An estate signs for who has died.", advice="Set living=false.")
    if consent.relation in ("guardian", "estate") and not terms.authority:
        raise BadInput(
            f"A permission by a {consent.relation} needs what shows that {consent.signed_by} may "
            "sign.",
            advice='For example: --authority "birth certificate, folder 3".',
        )
    lifted = set(PROHIBITED) - set(terms.prohibitions)
    for prohibition in ALWAYS:
        if prohibition in lifted:
            raise BadInput(f"Nobody can permit {PROHIBITED[prohibition]}.")
    if "sexual" in lifted and consent.relation in ("guardian", "estate"):
        raise BadInput("Nobody can permit sexual content of another.")


def _check_self(consent: Consent, terms: Terms, minor: bool) -> None:
    if minor:
        raise BadInput(
            f"{consent.who} is not {OF_AGE} yet, and cannot sign alone.",
            advice="Use --guardian, with the name of who signed.",
        )
    if terms.born is None and not terms.of_age:
        raise BadInput(
            f"The permission does not say that {consent.who} is of age.",
            advice="Give the birth date: --born YYYY-MM-DD.",
        )
    if not terms.living:
        raise BadInput(f"{consent.who} cannot sign: the record says they have died.")
