"""Captions suggested from what was measured, or mended from what another captioner wrote.

The trigger word learns what captions leave unsaid. So what is constant about a person is left out,
what belongs to one picture is said, and whatever was left out is reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from sosie.captions.check import has_trigger, with_trigger
from sosie.captions.identity import Choice, IdentityWord, without_identity
from sosie.captions.style import ORDER, Measured, Part, Style, note_caption, person_caption, phrase
from sosie.core.records import Dataset, Record, Subject

CONSTANT = 0.8
"""Share of the pictures that agree on a trait from which on it is taken as the person's own."""
YEARS = 5
"""Spread of ages, in years, from which on age is said: such a set can learn what age changes."""
SHORT: Mapping[Style, int] = {"sentence": 8, "tags": 4}
"""Words of a sentence, or tags, below which a caption says too little; the trigger word counts."""
UNITS: Mapping[Style, str] = {"sentence": "words", "tags": "tags"}
SHORT_SHARE = 0.3
"""Share of short captions that is worth a word."""
DISTINCT = 0.7
"""Share of captions that should differ from all others."""
EVERYWHERE = 4
"""Captions from which on "in every one" means something."""

TRAITS: tuple[Part, ...] = ("age", "glasses")
"""Parts that may be the person's own; the others belong to a picture."""
WearWord = Literal["hair", "make-up", "beard", "glasses"]
"""Traits that one may want to ask for in a prompt, and so may choose to describe; of these only
glasses are measured, the others are what a captioner may say."""
Why = Literal["constant", "chosen", "identity", "form"]


class Removed(Record):
    """A phrase that a caption leaves out."""

    sample: str
    part: str
    phrase: str
    why: Why
    """ "constant": equal in nearly every picture; "chosen": by the user; "identity": found in what
    another captioner wrote; "form": Markdown, quotation marks or an opening around it."""


class Notice(Record):
    """Something to know about the captions as a whole."""

    kind: Literal["in every caption", "short", "alike", "no transcript"]
    message: str
    samples: tuple[str, ...] = ()
    """`picture_sha256` of those concerned; empty: all."""


class Suggestion(Record):
    """Captions to look through before they are filed."""

    style: Style
    captions: dict[str, str]
    """By `picture_sha256`; a picture about which nothing can be said has none."""
    omitted: dict[str, str]
    """Part -> the trait as it was left out everywhere."""
    removed: tuple[Removed, ...]
    notices: tuple[Notice, ...]


def suggest(
    subject: Subject,
    measured: Sequence[Measured],
    style: Style,
    choices: Mapping[WearWord, Choice] | None = None,
) -> Suggestion:
    """Captions from what was measured.

    A trait that nearly all pictures share is left out, so that the trigger word learns it; one that
    changes is said. `choices` decides that for hair, make-up, beard and glasses instead.
    """
    if subject.kind == "handwriting":
        return _notes(subject, measured, style)
    constant = _constant(measured)
    chosen = dict(choices or {})
    captions, removed = {}, []
    for one in measured:
        phrases: dict[Part, str] = {}
        for part in ORDER:
            value = one.said(part)
            if value is None:
                continue
            said = phrase(part, value, style)
            why = _why_omitted(part, constant, chosen)
            if why is None:
                phrases[part] = said
            else:
                removed.append(Removed(sample=one.sample, part=part, phrase=said, why=why))
        kind = (one.said("monochrome"), one.said("framing"))
        captions[one.sample] = person_caption(subject.trigger, kind, phrases, style)
    omitted: dict[str, str] = {
        part: value for part, value in constant.items() if part not in chosen
    }
    omitted |= {
        part: "as chosen"
        for part, choice in chosen.items()
        if choice == "omit" and any(entry.part == part for entry in removed)
    }
    return Suggestion(
        style=style,
        captions=captions,
        omitted=omitted,
        removed=tuple(removed),
        notices=notices(captions, subject.trigger, style),
    )


def mend(
    subject: Subject,
    written: Mapping[str, str],
    style: Style,
    choices: Mapping[WearWord, Choice] | None = None,
) -> Suggestion:
    """Captions that another captioner wrote, by `picture_sha256`, without the person's own traits.

    Each gets the trigger word. Of a handwriting nothing is taken out: every word may be written.
    """
    captions, removed = {}, []
    # Key by key, since a mapping of some words is no mapping of more words to the type checker.
    decided: dict[IdentityWord, Choice] = {w: c for w, c in (choices or {}).items()}  # noqa: C416
    for sample, text in written.items():
        if subject.kind == "person":
            text, gone = without_identity(text, subject.trigger, decided)
            removed += [
                Removed(sample=sample, part=word, phrase=said, why=_why_taken(word, decided))
                for word, said in gone
            ]
        captions[sample] = with_trigger(text, subject.trigger) if text else subject.trigger
    return Suggestion(
        style=style,
        captions=captions,
        omitted={entry.part: "where it was said" for entry in removed},
        removed=tuple(removed),
        notices=notices(captions, subject.trigger, style),
    )


def notices_on_file(dataset: Dataset) -> tuple[Notice, ...]:
    """`notices` of the captions that a dataset has, in whichever style they are; which are missing
    is told by `check`.
    """
    captions = {item.sample: item.caption for item in dataset.items if item.caption}
    found = notices(captions, dataset.trigger)
    return _of_notes(found) if dataset.kind == "handwriting" else found


def notices(
    captions: Mapping[str, str], trigger: str, style: Style | None = None
) -> tuple[Notice, ...]:
    """What is wrong with captions as a whole: a phrase in all of them, too short, too alike.

    Without a style, a caption is short if it is so in both.
    """
    found: list[Notice] = []
    count = len(captions)
    for said in _everywhere(list(captions.values()), trigger):
        message = (
            f'"{said}" stands in every caption: the picture shows nothing without it, so it is '
            "learned as part of the trigger word or not at all. Leave it out, or vary it."
        )
        found.append(Notice(kind="in every caption", message=message))
    lengths = SHORT if style is None else {style: SHORT[style]}
    short = [
        sample
        for sample, text in captions.items()
        if all(_length(text, one) < least for one, least in lengths.items())
    ]
    if count and len(short) > SHORT_SHARE * count:
        least = " and ".join(f"{least} {UNITS[one]}" for one, least in lengths.items())
        message = f"{len(short)} of {count} captions have under {least}: say what is seen."
        found.append(Notice(kind="short", message=message, samples=tuple(short)))
    times = Counter(text.casefold() for text in captions.values())
    alike = [sample for sample, text in captions.items() if times[text.casefold()] > 1]
    if count >= EVERYWHERE and len(times) < DISTINCT * count:
        message = (
            f"{count} pictures share {len(times)} captions: what differs between pictures with "
            "one caption goes into the trigger word."
        )
        found.append(Notice(kind="alike", message=message, samples=tuple(alike)))
    return tuple(found)


def _constant(measured: Sequence[Measured]) -> dict[Part, str]:
    """Traits that nearly all pictures agree on, of those in which they could be measured."""
    constant: dict[Part, str] = {}
    for part in TRAITS:
        if part == "age":
            ages = [one.age for one in measured if one.age is not None]
            if ages and max(ages) - min(ages) < YEARS:
                constant[part] = str(sorted(ages)[len(ages) // 2])
            continue
        # Here "none" is a value too: glasses in one picture of ten are no constant.
        values = [str(value) for one in measured if (value := getattr(one, part)) is not None]
        if not values:
            continue
        usual, times = Counter(values).most_common(1)[0]
        if times >= CONSTANT * len(values) and usual.casefold() not in ("none", "no", ""):
            constant[part] = usual
    return constant


def _why_taken(word: IdentityWord, decided: Mapping[IdentityWord, Choice]) -> Why:
    return "chosen" if decided.get(word) == "omit" else "identity"


def _why_omitted(
    part: Part, constant: Mapping[Part, str], chosen: Mapping[WearWord, Choice]
) -> Why | None:
    for word, choice in chosen.items():
        if word == part:
            return "chosen" if choice == "omit" else None
    return "constant" if part in constant else None


def _notes(subject: Subject, measured: Sequence[Measured], style: Style) -> Suggestion:
    captions = {
        one.sample: note_caption(subject.trigger, one, style) for one in measured if one.text
    }
    found = list(_of_notes(notices(captions, subject.trigger, style)))
    silent = tuple(one.sample for one in measured if not one.text)
    if silent:
        have = "1 note has" if len(silent) == 1 else f"{len(silent)} notes have"
        message = f"{have} no transcript: type what is written, letter by letter."
        found.append(Notice(kind="no transcript", message=message, samples=silent))
    return Suggestion(style=style, captions=captions, omitted={}, removed=(), notices=tuple(found))


def _of_notes(found: Sequence[Notice]) -> tuple[Notice, ...]:
    """Every note begins alike, which is meant: only the text tells them apart."""
    return tuple(notice for notice in found if notice.kind == "alike")


def _everywhere(captions: Sequence[str], trigger: str) -> list[str]:
    """Phrases between commas that all captions share, but for the opening with the trigger."""
    if len(captions) < EVERYWHERE:
        return []
    phrases = [
        [part.strip() for part in text.split(",") if not has_trigger(part, trigger)]
        for text in captions
    ]
    return [
        said
        for said in dict.fromkeys(phrases[0])
        if said and said != "photo" and all(said in others for others in phrases[1:])
    ]


def _length(text: str, style: Style) -> int:
    return len(text.split()) if style == "sentence" else len(text.split(","))


WEAR_WORDS: tuple[WearWord, ...] = get_args(WearWord)
