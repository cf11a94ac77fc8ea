"""A record in plain words: what is read before one signs, on paper, on screen, in the record."""

from __future__ import annotations

from typing import NamedTuple

from sosie.core.consent import Consent, Terms
from sosie.core.terms import ACTS, Act, Modality
from sosie.rights.clauses import PROHIBITED, birthday, covers
from sosie.rights.consent import duties

DOES: dict[Act, str] = {
    "add": "Keep pictures to learn from",
    "train": "Let a program learn from the pictures",
    "generate": "Draw new pictures with what it learned",
    "export": "Take the file out, for other programs to use",
    "merge": "Mix it with models of others",
    "publish": "Give the file to others",
    "serve": "Let others use it over a network",
    "talk": "Let it answer in the person's words",
}
"""What each act is, in plain words."""

LEARNED: dict[Modality, str] = {
    "face": "the face",
    "body": "the body",
    "voice": "the voice",
    "handwriting": "the handwriting",
    "signature": "the signature",
}


class Section(NamedTuple):
    """A part of the text."""

    title: str
    lines: tuple[str, ...]


def title(consent: Consent) -> str:
    """The heading of a record."""
    return f"Permission for a model of {consent.who}"


def sections(consent: Consent) -> tuple[Section, ...]:
    """All that a record says, in the order in which one asks: who, what, what not, until when."""
    terms = consent.bounds
    given = [act for act in ACTS if covers(consent, act)]
    allowed = tuple(f"{DOES[act]} ({act})." for act in given)
    kept = tuple(f"{DOES[act]} ({act})." for act in ACTS if act not in given)
    # A guardian speaks of a child: those pictures are what the permission is about.
    banned = tuple(
        _capital(f"{PROHIBITED[p]}.")
        for p in terms.prohibitions
        if (p, consent.relation) != ("minors", "guardian")
    )
    parts = (
        Section("Who", (*_who(consent, terms), *_bound(terms))),
        Section("Allowed", (*allowed, *_scope(terms))),
        Section("Not allowed", (*kept, *banned)),
        Section("For how long", _when(consent, terms)),
        Section("Asked in return", duties(consent)),
        Section("The pictures", _pictures(terms)),
        Section("To change one's mind", _withdrawal(terms)),
    )
    return tuple(part for part in parts if part.lines)


def wording(consent: Consent) -> str:
    """The whole text, for the record itself."""
    parts = [[part.title, *(f"- {line}" for line in part.lines)] for part in sections(consent)]
    return "\n\n".join([title(consent), *("\n".join(part) for part in parts)])


def _who(consent: Consent, terms: Terms) -> tuple[str, ...]:
    who, signer = consent.who, consent.signed_by
    if consent.relation == "synthetic":
        return (f"{who} is nobody: drawn by a program ({consent.evidence}).",)
    born = f", born {terms.born}" if terms.born else ""
    if consent.relation == "self":
        age = "" if terms.born or not terms.of_age else ", and says to be 18 or older"
        return (f"It is about {who}{born}, who signs in person{age}.",)
    shown = f" Shown by: {terms.authority}." if terms.authority else ""
    if consent.relation == "estate":
        return (f"It is about {who}{born}, who has died. {signer} signs for the estate.{shown}",)
    asked = "was asked, and agreed" if terms.assent else "was not asked, or did not answer"
    return (
        f"It is about {who}{born}. {signer} signs as guardian.{shown}",
        f"{who} {asked}.",
    )


def _bound(terms: Terms) -> tuple[str, ...]:
    if not terms.trainer:
        return ()
    contact = f" ({terms.trainer_contact})" if terms.trainer_contact else ""
    return (f"It is given to {terms.trainer}{contact}, and to nobody else.",)


def _scope(terms: Terms) -> tuple[str, ...]:
    learned = ", ".join(LEARNED[modality] for modality in terms.modalities) or "nothing"
    bases = f"Only with these base models: {', '.join(terms.bases)}." if terms.bases else None
    money = "To earn money with it is allowed." if terms.commercial else None
    lines = (f"What may be learned: {learned}.", bases, money)
    return tuple(line for line in lines if line is not None)


def _when(consent: Consent, terms: Terms) -> tuple[str, ...]:
    start = f"From {terms.starts}" if terms.starts else "From the day of signing"
    end = f"until {consent.until}" if consent.until else "until it is withdrawn"
    lines = [f"{start} {end}."]
    if consent.relation == "guardian" and terms.born:
        lines.append(f"It ends on the 18th birthday at the latest, {birthday(terms.born)}.")
    return tuple(lines)


def _pictures(terms: Terms) -> tuple[str, ...]:
    own = sum(picture.copyright_holder is not None for picture in terms.pictures)
    lines = (
        f"They are the work of {terms.copyright_holder}." if terms.copyright_holder else None,
        f"{own} of them are the work of others, named one by one." if own else None,
        f"They come from: {terms.source}." if terms.source else None,
        f"They show the age of {terms.ages[0]} to {terms.ages[1]}." if terms.ages else None,
        f"They also show: {', '.join(terms.others_shown)}." if terms.others_shown else None,
        f"Only {len(terms.pictures)} pictures, listed by hash." if terms.only_these else None,
    )
    return tuple(line for line in lines if line is not None)


def _withdrawal(terms: Terms) -> tuple[str, ...]:
    reach = terms.withdraw_to or "a word to whoever trains"
    lines = [
        f"It can be withdrawn at any time, without a reason: {reach}.",
        f"What was published is taken down within {terms.withdraw_days} days.",
        "Files and pictures that others have by then cannot be called back.",
    ]
    if terms.status:
        lines.insert(2, f"What still holds can be looked up: {terms.status}.")
    return tuple(lines)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
