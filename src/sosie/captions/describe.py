"""Captions: what is said of each picture, and whether the trigger word is in it.

A caption stays as it was written; every function returns new captions by the samples'
`picture_sha256`, and the caller files them.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

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
            for sample in ordered
        ),
    )


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
    """One new caption, for the sample whose file name is `picture` or whose hash starts with it.

    Raises NotFound with the nearest file name, BadInput if several samples answer to `picture` or
    the caption is empty.
    """
    if not caption.strip():
        raise BadInput("A caption cannot be empty.", advice="Say what is seen, or what is written.")
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
    return {found[0].picture_sha256: caption.strip()}


_FIELDS = ("trigger", "name", "stem", "caption")


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
