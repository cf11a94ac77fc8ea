"""Suggested captions: from what the doctor measures, or from a captioner that the user has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sosie import captions, rights
from sosie.captions import Captioner, Choice, Measured, Style, Suggestion, WearWord, Why
from sosie.core.errors import BadInput, NotReady, SosieError
from sosie.core.records import Dataset, Record, Subject
from sosie.registry import Registry
from sosie.studio import drawing, permission

if TYPE_CHECKING:
    from sosie.doctor.seen import Described

OnPicture = Callable[[int, int], None]

GIVE_UP = 3
"""Pictures in a row without an answer after which a captioner is not asked any more: each may take
minutes to fail."""


class Untold(Record):
    """A part of captions of which something could not be said."""

    part: str
    why: str
    samples: tuple[str, ...]
    """`picture_sha256` of the pictures concerned."""


class Proposed(Record):
    """Captions to look through before `Studio.file_captions` files them."""

    dataset: Dataset
    """The pictures, and the captions on file when these were suggested."""
    suggestion: Suggestion
    by: str
    """Who wrote them: "what was measured", or a captioner's name."""
    wear: dict[WearWord, str]
    """For hair, make-up, beard and glasses: what became of it, in words."""
    untold: tuple[Untold, ...] = ()


def suggest(
    registry: Registry,
    subject: Subject,
    dataset: Dataset,
    *,
    base: str,
    choices: Mapping[WearWord, Choice],
    captioner: Captioner | None,
    on_picture: OnPicture,
) -> Proposed:
    """Captions for a subject's pictures in the style of a base.

    Raises NotPermitted once a permission was withdrawn or has ended: a captioner may lie elsewhere,
    and what is measured of a face is kept.
    """
    permission.admit(registry, subject.name)
    if not dataset.items:
        raise NotReady(f'"{subject.name}" has no pictures.', advice="Add some with sosie add.")
    style = style_for(base)
    if captioner is not None:
        written, form, untold = _written(dataset, captioner, on_picture)
        made = captions.mend(subject, written, style, choices)
        made = made.model_copy(update={"removed": (*form, *made.removed)})
        told = _wear(made, choices, unmeasured=())
        return Proposed(
            dataset=dataset, suggestion=made, by=captioner.name, wear=told, untold=untold
        )

    from sosie.doctor.seen import describe

    samples = registry.samples(subject.name)
    described = describe(
        dataset,
        originals={s.picture_sha256: registry.blobs.path(s.original_sha256) for s in samples},
        born=rights.birth_date(subject.name, registry.consents(subject.name)),
        shelf=registry.readings,
        on_picture=on_picture,
    )
    measured = [Measured.model_validate({"sample": one.sample, **one.words}) for one in described]
    made = captions.suggest(subject, measured, style, choices)
    unmeasured = [
        word for word in captions.WEAR_WORDS if all(word in one.untold for one in described)
    ]
    wear = _wear(made, choices, unmeasured) if subject.kind == "person" else {}
    return Proposed(
        dataset=dataset,
        suggestion=made,
        by="what was measured",
        wear=wear,
        untold=_untold(described),
    )


def _written(
    dataset: Dataset, captioner: Captioner, on_picture: OnPicture
) -> tuple[dict[str, str], list[captions.Removed], tuple[Untold, ...]]:
    """What a captioner says of each picture, what was only its form, and of which it says nothing
    or too much. Of a handwriting the form stays: whatever stands there may be written.

    Raises the captioner's own error if it has no answer at all.
    """
    written: dict[str, str] = {}
    form: list[captions.Removed] = []
    missing: dict[tuple[str, str], list[str]] = {}
    failed = 0
    for done, item in enumerate(dataset.items, start=1):
        if failed == GIVE_UP:
            why = f"not asked: {GIVE_UP} pictures in a row had no answer"
            missing.setdefault(("a caption", why), []).append(item.sample)
            continue
        try:
            answer = captioner.describe(item.path)
        except SosieError as error:
            failed += 1
            if not written and failed == min(GIVE_UP, len(dataset.items)):
                raise
            missing.setdefault(("a caption", str(error)), []).append(item.sample)
        else:
            failed = 0
            said, gone = (
                captions.plain(answer)
                if dataset.kind == "person"
                else (" ".join(answer.split()), list[str]())
            )
            form += [
                captions.Removed(sample=item.sample, part="form", phrase=phrase, why="form")
                for phrase in gone
            ]
            if not said:
                why = "the answer has a form and says nothing"
                missing.setdefault(("a caption", why), []).append(item.sample)
                continue
            written[item.sample] = captions.shortened(said)
            if written[item.sample] != said:
                why = f"the answer is longer than {captions.LONGEST} characters"
                missing.setdefault(("the end", why), []).append(item.sample)
        on_picture(done, len(dataset.items))
    return written, form, _by_reason(missing)


def choices_of(omit: tuple[str, ...], describe: tuple[str, ...]) -> dict[WearWord, Choice]:
    """Choices from the words named. Raises BadInput for an unknown word, or one named twice."""
    made: dict[WearWord, Choice] = {}
    sides: tuple[tuple[Choice, tuple[str, ...]], ...] = (("omit", omit), ("describe", describe))
    for choice, named in sides:
        for given in named:
            word = next((known for known in captions.WEAR_WORDS if known == given), None)
            if word is None:
                known = ", ".join(captions.WEAR_WORDS)
                raise BadInput(f'"{given}" is no trait to choose for.', advice=f"Known: {known}.")
            if made.setdefault(word, choice) != choice:
                raise BadInput(f'"{given}" cannot be both omitted and described.')
    return made


def style_for(base: str) -> Style:
    """The style of captions that a base was taught with; a known base need not be here."""
    from sosie.models.diffusion import BASES
    from sosie.models.diffusion.resolve import resolve

    known = {row.name: row.family for row in BASES}
    return captions.style_of(known.get(base) or resolve(drawing.settled(base)).family)


def _wear(
    made: Suggestion, choices: Mapping[WearWord, Choice], unmeasured: Sequence[str]
) -> dict[WearWord, str]:
    """What became of each trait for which there is a choice."""
    told: dict[WearWord, str] = {}
    for word in captions.WEAR_WORDS:
        gone = sum(entry.part == word for entry in made.removed)
        if word in unmeasured:
            told[word] = "not measured, and so not said"
            if choices.get(word) == "describe":
                told[word] += ": describe it by hand, or name a captioner with --with"
        elif gone:
            (why,) = {entry.why for entry in made.removed if entry.part == word}
            told[word] = f"left out of {gone} captions: {LEFT_OUT[why]}"
        else:
            told[word] = "nothing was left out"
    return told


LEFT_OUT: Mapping[Why, str] = {
    "chosen": "as you chose",
    "constant": "it is constant, so the trigger learns it",
    "identity": "it says who it is, so that the trigger learns it",
    "form": "it is no part of the caption",
}


def _untold(described: tuple[Described, ...]) -> tuple[Untold, ...]:
    """By part and reason; what nothing measures at all comes last."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in described:
        for part, why in one.untold.items():
            found.setdefault((part, why), []).append(one.sample)
    return tuple(sorted(_by_reason(found), key=lambda entry: len(entry.samples) == len(described)))


def _by_reason(found: Mapping[tuple[str, str], Sequence[str]]) -> tuple[Untold, ...]:
    return tuple(
        Untold(part=part, why=why, samples=tuple(samples)) for (part, why), samples in found.items()
    )
