"""Words that say who somebody is, found in captions that others wrote, and taken out.

What a caption says is learned as the caption's word; what it leaves out goes into the trigger word.
So the constants of a person must not be said. English only; every phrase taken out is reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

IdentityWord = Literal["hair", "make-up", "beard", "glasses", "eyes", "skin", "age", "person"]
Choice = Literal["omit", "describe"]

_PARTICULAR_FIRST: tuple[IdentityWord, ...] = (
    *("beard", "glasses", "make-up", "eyes", "skin", "age", "hair", "person"),
)
"""A clause speaks of the first that it names: "facial hair" is a beard."""

_CLAUSES: Mapping[str, re.Pattern[str]] = {
    word: re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)
    for word, pattern in {
        "hair": r"hair|hair(?:style|cut|line)|bangs|ponytail|pigtails|braids?|dreadlocks|hair bun"
        r"|in a bun|bob cut|afro|curls",
        "make-up": r"make-?up|lipstick|lip gloss|eye ?shadow|eyeliner|mascara|rouge",
        "beard": r"beard|moustache|mustache|goatee|stubble|facial hair|sideburns|clean[- ]shaven",
        "glasses": r"(?:eye|sun)?glasses|spectacles|eyewear",
        "eyes": r"eyes(?! (?:closed|shut|open))|eyebrows?|eyelashes",
        "skin": r"skin|complexion|freckles?|moles?|birthmarks?|scars?|wrinkles?|dimples?",
        "age": r"years? old|(?:early|mid|late)[- ]?(?:twen|thir|for|fif|six|seven|eigh)ties"
        r"|in (?:his|her|their) (?:twen|thir|for|fif|six|seven|eigh)ties",
        "person": r"\d?(?:girl|boy)s?|solo|male focus",
    }.items()
}
"""A clause that holds one of these speaks of the person."""
_ALONE: Mapping[IdentityWord, str] = {
    "hair": r"blonde?|brunette|\w+-haired|bald(?:ing)?",
    "beard": r"bearded|unshaven",
    "glasses": r"bespectacled",
    "eyes": r"\w+-eyed",
    "age": r"young|elderly|old|middle[- ]aged|\d+[- ]years?[- ]old|teenaged?",
}
"""Words before the person that fall out and leave the rest."""
_NOUN = r"(?:woman|man|lady|gentleman|guy|girl|boy|person|child|kid|teenager|model)"
_SOMEBODY = re.compile(rf"\b(?:an?|the|one)\s+((?:[\w-]+\s+){{0,3}}?){_NOUN}\b", re.IGNORECASE)
_BREAK = re.compile(
    r"(,\s*|;\s*|\.\s+|\s+(?=(?:with|and|wearing|who|whose|having|in|on|at|against|while|under)\b))"
)
_LEAD = re.compile(r"^(with|wearing|having)\b", re.IGNORECASE)
_AND = re.compile(r"^and\s+(?!\w+ing\b|is\b|has\b|she\b|he\b|they\b)", re.IGNORECASE)


def without_identity(
    caption: str, trigger: str, choices: Mapping[IdentityWord, Choice]
) -> tuple[str, list[tuple[IdentityWord, str]]]:
    """The caption without what says who somebody is, and each phrase taken out with its word.

    The first "a woman" becomes the trigger word. What `choices` describes stays.
    """
    gone: list[tuple[IdentityWord, str]] = []
    kept = [word for word, choice in choices.items() if choice == "describe"]
    somebody = _SOMEBODY.search(caption)
    if somebody and trigger.casefold() not in caption.casefold():
        gone.append(("person", somebody[0]))
        # "A smiling woman" goes on smiling.
        caption = caption[: somebody.start()] + somebody[1] + trigger + caption[somebody.end() :]
    for word, words in _ALONE.items():
        # Only before the person: an old house is a place.
        pattern = re.compile(
            rf"\b(?:{words})\s+(?=(?:[\w-]+\s+){{0,2}}?(?:{_NOUN}|{re.escape(trigger)})\b)", re.I
        )
        if word not in kept:
            gone += [(word, found[0].strip()) for found in pattern.finditer(caption)]
            caption = pattern.sub("", caption)
    return _clauses(caption, trigger, kept, gone), gone


def _clauses(
    caption: str, trigger: str, kept: list[IdentityWord], gone: list[tuple[IdentityWord, str]]
) -> str:
    """The caption without the clauses that speak of the person; they are put into `gone`."""
    parts = _BREAK.split(caption)
    # A break that takes no space away stands as a blank one; clauses and breaks take turns.
    said, lead = "", ""
    for clause, before in zip(parts[::2], ["", *parts[1::2]], strict=True):
        word = _speaks_of(clause, kept)
        if word is not None and trigger not in clause:
            gone.append((word, clause.strip(" .")))
            begun = _LEAD.match(clause)
            lead = begun[0] if begun else lead
            if clause.rstrip().endswith("."):
                said = said.rstrip(" ,;") + ". "
            continue
        if lead and _AND.match(clause):
            # "wearing glasses and a coat": the coat is still worn.
            clause = _AND.sub(f"{lead} ", clause)
        lead = ""
        said += (before if said and not said.endswith(". ") else "") + clause
    return re.sub(r"\s+([,.])", r"\1", said).strip(" ,;")


def _speaks_of(clause: str, kept: list[IdentityWord]) -> IdentityWord | None:
    """What of the person a clause speaks of; what is chosen to be described may stand."""
    for word in _PARTICULAR_FIRST:
        if _CLAUSES[word].search(clause):
            return None if word in kept else word
    return None
