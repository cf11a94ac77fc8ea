"""Captions: what is said of each picture, and whether the trigger word is in it.

A caption stays as it was written; every function returns new captions by the samples'
`picture_sha256`, and the caller files them.
"""

from __future__ import annotations

import re
import shlex
import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sosie.captions.check import with_trigger
from sosie.core.errors import BadInput, NotFound
from sosie.core.records import Dataset, Item, Sample, Subject


def dataset(
    subject: Subject, samples: Sequence[Sample], blob_path: Callable[[str], Path]
) -> Dataset:
    """What would be trained on: one item a sample, by file name and then by content.

    The order does not depend on when a picture was added. A missing caption is an empty one;
    `check` finds it. `blob_path` gives the PNG of a `picture_sha256`.
    """
    ordered = sorted(samples, key=lambda s: (_counting(s.file_name), s.pixels_sha256))
    return _in_order(subject, ordered, blob_path)


def dataset_again(
    subject: Subject,
    samples: Sequence[Sample],
    captions: Mapping[str, str],
    blob_path: Callable[[str], Path],
) -> Dataset:
    """What was trained on before: `captions` are those of then by `pixels_sha256`, in their order.

    Raises NotFound if a picture of then is no longer on file.
    """
    filed = {sample.pixels_sha256: sample for sample in samples}
    gone = [pixels for pixels in captions if pixels not in filed]
    if gone:
        raise NotFound(
            f"{len(gone)} of {len(captions)} pictures of that run are no longer on file for "
            f'"{subject.name}", among them the one with pixels {gone[0][:12]}….',
            advice=f"Add them again: sosie add {shlex.quote(subject.name)} FILES",
        )
    then = [filed[pixels].model_copy(update={"caption": text}) for pixels, text in captions.items()]
    return _in_order(subject, then, blob_path)


def revise(
    subject: Subject,
    samples: Sequence[Sample],
    *,
    edits: Mapping[str, str],
    template: str | None = None,
    overwrite: bool = False,
    insert_trigger: bool = False,
) -> dict[str, str]:
    """The captions that change, by `picture_sha256`: edits, then the template, then the trigger.

    `edits` are captions by file name or hash, as `edit` takes them. The template fills what has no
    caption; with `overwrite`, all that was not edited just now. The trigger is put into every
    caption that lacks it; a caption that is missing stays missing.
    Raises what `edit` and `apply_template` raise.
    """
    changed: dict[str, str] = {}
    for picture, text in edits.items():
        changed |= edit(samples, picture, text)
    if template is not None:
        bare = [s for s in samples if overwrite or not s.caption]
        open_ = [s for s in bare if s.picture_sha256 not in changed]
        changed |= apply_template(open_, template, subject.trigger)
    if insert_trigger:
        for sample in samples:
            caption = changed.get(sample.picture_sha256, sample.caption)
            if caption:
                changed[sample.picture_sha256] = with_trigger(caption, subject.trigger)
    filed = {sample.picture_sha256: sample.caption for sample in samples}
    return {picture: text for picture, text in changed.items() if text != filed[picture]}


def apply_template(samples: Sequence[Sample], template: str, trigger: str) -> dict[str, str]:
    """Captions made by filling `template`, by `picture_sha256`.

    Fields: {trigger}, {name} (of the subject), {stem} (of the file name) and {caption} (the one on
    file; where there is none, blanks and commas around it fall away at the ends).
    Raises BadInput for another field, or a brace without its partner.
    """
    _check_template(template)
    return {
        sample.picture_sha256: template.format(
            trigger=trigger,
            name=sample.subject,
            stem=Path(sample.file_name).stem,
            caption=sample.caption or "",
        ).strip(" ,")
        for sample in samples
    }


def edit(samples: Sequence[Sample], picture: str, caption: str) -> dict[str, str]:
    """One new caption, for the sample that `named` finds. Raises what that raises, and BadInput if
    the caption is empty.
    """
    if not caption.strip():
        raise BadInput("A caption cannot be empty.", advice="Say what is seen, or what is written.")
    return {named(samples, picture).picture_sha256: caption.strip()}


def named(samples: Sequence[Sample], picture: str) -> Sample:
    """The sample whose file name is `picture` or whose hash starts with it.

    Raises NotFound with the nearest file name, BadInput if several samples answer to `picture`.
    """
    found = [sample for sample in samples if sample.file_name == picture]
    if not found and len(picture) >= 6:
        found = [sample for sample in samples if sample.picture_sha256.startswith(picture.lower())]
    if not found:
        raise NotFound.among("picture", picture, [sample.file_name for sample in samples])
    if len(found) > 1:
        hashes = ", ".join(sample.picture_sha256[:12] for sample in found)
        raise BadInput(
            f'{len(found)} pictures answer to "{picture}".',
            advice=f"Name the one you mean by its hash: {hashes}.",
        )
    return found[0]


_FIELDS = ("trigger", "name", "stem", "caption")


def _in_order(
    subject: Subject, samples: Sequence[Sample], blob_path: Callable[[str], Path]
) -> Dataset:
    return Dataset(
        subject=subject.name,
        kind=subject.kind,
        trigger=subject.trigger,
        items=tuple(
            Item(
                sample=sample.picture_sha256,
                pixels_sha256=sample.pixels_sha256,
                file_name=sample.file_name,
                path=blob_path(sample.picture_sha256),
                caption=sample.caption or "",
                face=sample.face,
            )
            for sample in samples
        ),
    )


def _counting(file_name: str) -> list[Any]:
    """A key that sorts "2.jpg" before "10.jpg"."""
    # Words and numbers take turns, beginning with a (perhaps empty) word: like meets like.
    parts = re.split(r"([0-9]+)", file_name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def _check_template(template: str) -> None:
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise BadInput(
            f'The template "{template}" cannot be read: {error}.',
            advice="Write {{ and }} for braces that are meant as such.",
        ) from error
    for _, field, specification, conversion in parts:
        if field is None:
            continue
        if field not in _FIELDS or specification or conversion:
            known = ", ".join(f"{{{name}}}" for name in _FIELDS)
            raise BadInput(
                f'The template "{template}" asks for {{{field}}}, which is not known.',
                advice=f"Known: {known}.",
            )
    if not template.strip():
        raise BadInput("The template is empty.", advice='For example: "photo of {trigger}".')
