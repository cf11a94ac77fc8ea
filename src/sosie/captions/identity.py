"""Words that say who somebody is, found in captions that others wrote, and taken out.

What a caption says is learned as the caption's word; what it leaves out goes into the trigger word.
So the constants of a person must not be said. English only; every phrase taken out is reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from sosie.captions.check import has_trigger

IdentityWord = Literal[
    "hair", "make-up", "beard", "glasses", "eyes", "skin", "age", "origin", "beauty", "figure",
    "person",
]  # fmt: skip
Choice = Literal["omit", "describe"]

_PARTICULAR_FIRST: tuple[IdentityWord, ...] = (
    "beard", "glasses", "make-up", "eyes", "skin", "age", "origin", "beauty", "figure", "hair",
    "person",
)  # fmt: skip
"""A clause speaks of the first that it names: "facial hair" is a beard."""

_PEOPLES = (
    r"(?:(?:north|south|east|west|central|middle|southeast)(?:ern)?[- ]?)?"
    r"(?:asian|african|european|american|eastern|indian|slavic)"
    r"|(?:african|asian|native|latin)[- ]american|caucasian|hispanic|latin[oax]|arab(?:ic|ian)?"
    r"|oriental|indigenous|aboriginal|polynesian|mediterranean|scandinavian|nordic|jewish|romani"
    r"|mixed[- ]race|biracial|ethnic"
    r"|chinese|japanese|korean|vietnamese|thai|filipin[oa]|indonesian|malay(?:sian)?|mongolian"
    r"|pakistani|bangladeshi|nepalese|persian|iranian|turkish|egyptian|moroccan|nigerian|kenyan"
    r"|ethiopian|somali|brazilian|mexican|cuban|russian|ukrainian|polish|german|french|italian"
    r"|spanish|portuguese|greek|british|english|irish|scottish|swedish|norwegian|danish|finnish"
    r"|dutch"
)
_BEAUTY = (
    "beautiful|pretty|handsome|attractive|gorgeous|lovely|cute|sexy|stunning|charming|adorable"
    "|good[- ]looking|ugly"
)
_FIGURE = "slim|slender|skinny|petite|curvy|chubby|plump|fat|overweight|obese|muscular|athletic"
_NOUN = r"(?:woman|man|lady|gentleman|guy|girl|boy|person|child|kid|teenager|model)"

_CLAUSES: Mapping[str, re.Pattern[str]] = {
    word: re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)
    for word, pattern in {
        "hair": r"hair|hair(?:style|cut|line)|bangs|ponytail|pigtails|braids?|dreadlocks|hair bun"
        r"|in a bun|bob cut|afro|curls",
        "make-up": r"make-?up|lipstick|lip gloss|eye ?shadow|eyeliner|mascara|rouge",
        "beard": r"beard|moustache|mustache|goatee|stubble|facial hair|sideburns|clean[- ]shaven",
        "glasses": r"(?:eye|sun)?glasses(?! of\b)|spectacles|eyewear",
        "eyes": r"eyes(?! (?:closed|shut|open))|eyebrows?|eyelashes",
        "skin": r"skin|complexion|freckles?|moles?|birthmarks?|scars?|wrinkles?|dimples?",
        "age": r"years? old|(?:early|mid|late)[- ]?(?:twen|thir|for|fif|six|seven|eigh)ties"
        r"|in (?:his|her|their) (?:twen|thir|for|fif|six|seven|eigh)ties",
        "origin": rf"(?:{_PEOPLES})\s+(?:descent|origin|heritage|ancestry|ethnicity|features)"
        "|ethnicity",
        "beauty": rf"(?:{_BEAUTY})\s+(?:face|features|looks)",
        "figure": rf"(?:{_FIGURE})\s+(?:build|body|figure)",
        "person": r"\d?(?:girl|boy)s?|solo|male focus",
    }.items()
}
"""A clause that holds one of these speaks of the person."""
_ALONE: Mapping[IdentityWord, str] = {
    "hair": r"blonde?|brunette|\w+-haired|bald(?:ing)?",
    "beard": r"bearded|unshaven",
    "glasses": r"bespectacled",
    "eyes": r"\w+-eyed",
    "skin": r"\w+-skinned|tanned|freckled",
    "age": r"young|elderly|old|middle[- ]aged|\d+[- ]years?[- ]old|teenaged?",
    "origin": _PEOPLES,
    "beauty": _BEAUTY,
    "figure": _FIGURE,
}
"""Words before the person that fall out and leave the rest; a clause of one speaks of the person
too."""
_COLOURS = "|black|white|brown"
"""Of a person they say the origin; by themselves, anything."""
_BETWEEN = r"(?:(?!(?:an?|the|one|of|in|on|at|by|with|photo|picture|image|portrait)\b)[\w-]+,?\s+)"
"""A word that may stand between one before the person and the person: an old photo is none."""
_SOMEBODY = re.compile(rf"\b(?:an?|the|one)\s+({_BETWEEN}{{0,5}}?)({_NOUN})\b", re.IGNORECASE)
_BREAK = re.compile(
    r"(,\s*|;\s*|\.\s+|\s+(?=(?:with|and|wearing|who|whose|having|in|on|at|against|while|under)\b))"
)
_LEAD = re.compile(r"^(with|wearing|having)\b", re.IGNORECASE)
_AND = re.compile(r"^and\s+(?!\w+ing\b|is\b|has\b|she\b|he\b|they\b)", re.IGNORECASE)
_JOINS = re.compile(r"^and\s+", re.IGNORECASE)
_GOES_ON = re.compile(r"^and\s+(?=\w+ing\b)", re.IGNORECASE)
_IS = r"(?:is|has|looks|appears|seems)"


def without_identity(
    caption: str, trigger: str, choices: Mapping[IdentityWord, Choice]
) -> tuple[str, list[tuple[IdentityWord, str]]]:
    """The caption without what says who somebody is, and each phrase taken out with its word.

    The first "a woman" becomes the trigger word. What `choices` describes stays.
    """
    gone: list[tuple[IdentityWord, str]] = []
    kept = [word for word, choice in choices.items() if choice == "describe"]
    somebody = _SOMEBODY.search(caption)
    if somebody and not has_trigger(caption.casefold(), trigger.casefold()):
        gone.append(("person", somebody[2] if somebody[1] else somebody[0]))
        # "A smiling woman" goes on smiling.
        caption = caption[: somebody.start()] + somebody[1] + trigger + caption[somebody.end() :]
    named = rf"(?:{_NOUN}|{re.escape(trigger)})\b"
    for word, words in _ALONE.items():
        if word in kept:
            continue
        # Only before the person: an old house is a place.
        before = rf"{_BETWEEN}{{0,4}}?{named}" + (r"|smile\b" if word == "beauty" else "")
        colours = _COLOURS if word == "origin" else ""
        pattern = re.compile(
            rf"(\s+and\s+|\b)(?!{re.escape(trigger)}\b)({words}{colours})(?:\s+and|,)?\s+(?={before})",
            re.IGNORECASE,
        )
        gone += [(word, found[2]) for found in pattern.finditer(caption)]
        caption = pattern.sub(lambda found: " " if found[1] else "", caption)
    return _clauses(caption, trigger, kept, gone), gone


def _clauses(
    caption: str, trigger: str, kept: list[IdentityWord], gone: list[tuple[IdentityWord, str]]
) -> str:
    """The caption without the clauses that speak of the person; they are put into `gone`."""
    parts = _BREAK.split(caption)
    # A break that takes no space away stands as a blank one; clauses and breaks take turns.
    said, lead, dropped = "", "", False
    for clause, before in zip(parts[::2], ["", *parts[1::2]], strict=True):
        word = _speaks_of(clause, trigger, kept)
        end = "." if word is not None and clause.rstrip().endswith(".") else ""
        if word is not None and has_trigger(clause, trigger):
            # "anna has long hair": she is still seen.
            of_them = re.search(rf"(?<=\b{re.escape(trigger)})(?:'s|\s+of|\s+{_IS})\b", clause)
            if of_them is not None:
                gone.append((word, clause[of_them.start() :].strip(" .")))
                clause = clause[: of_them.start()] + end
        elif word is not None:
            gone.append((word, clause.strip(" .")))
            begun = _LEAD.match(clause)
            lead = begun[0] if begun else lead
            dropped = True
            if end:
                said = said.rstrip(" ,;") + ". "
            continue
        begins = not said or said.endswith(". ")
        if lead and _AND.match(clause):
            # "wearing glasses and a coat": the coat is still worn.
            clause = _AND.sub(f"{lead} ", clause)
        elif begins or dropped:
            # Nothing is left for it to join.
            clause = (_JOINS if begins else _GOES_ON).sub("", clause)
        lead, dropped = "", False
        said += ("" if begins else before) + clause
    return re.sub(r"\s+([,.])", r"\1", said).strip(" ,;")


def _speaks_of(clause: str, trigger: str, kept: list[IdentityWord]) -> IdentityWord | None:
    """What of the person a clause speaks of; what is chosen to be described may stand."""
    who = rf"(?:she|he|they|{_NOUN}|{re.escape(trigger)})"
    for word in _PARTICULAR_FIRST:
        words = _ALONE.get(word, r"(?!)")
        colours = _COLOURS if word == "origin" else ""
        alone = (
            rf"(?:and\s+)?(?:{words})|.*\b{who}\s+{_IS}\s+(?:\w+\s+){{0,2}}?(?:{words}{colours})"
        )
        if _CLAUSES[word].search(clause) or re.fullmatch(alone, clause.strip(" .,;"), re.I):
            return None if word in kept else word
    return None
