"""What is wrong with a dataset's captions, before a run is wasted on them."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections import Counter
from typing import Literal

from sosie.core.errors import NotReady
from sosie.core.records import Dataset, Record

ProblemKind = Literal["missing", "no trigger", "trigger's case", "common trigger", "duplicate"]

BLOCKING: frozenset[ProblemKind] = frozenset({"missing", "no trigger", "trigger's case"})
"""Kinds that make a training useless, and are refused."""

_COMMON = """
adult baby boy child daughter face family father friend girl guy hand handwriting human image lady
letter man model mother note painting person photo picture portrait sister brother son style
subject text woman word writing
"""
_NAMED_AT_MOST = 8


class Problem(Record):
    """One thing wrong with one caption, or with the dataset if `file_name` is None."""

    kind: ProblemKind
    file_name: str | None
    sample: str | None
    """`picture_sha256`, since two files may share a name."""
    message: str

    @property
    def blocks(self) -> bool:
        """Whether training is refused until it is mended."""
        return self.kind in BLOCKING


def check(dataset: Dataset) -> tuple[Problem, ...]:
    """Every problem of the captions, picture by picture, then those of the whole."""
    problems: list[Problem] = []
    times = Counter(_plain(item.caption) for item in dataset.items)
    for item in dataset.items:
        found = _trigger_problem(item.caption, dataset.trigger)
        if found is None and dataset.kind == "handwriting" and times[_plain(item.caption)] > 1:
            found = ("duplicate", f'shares its caption with another: "{item.caption}"')
        if found is not None:
            kind, message = found
            problems.append(
                Problem(
                    kind=kind,
                    file_name=item.file_name,
                    sample=item.sample,
                    message=f"{item.file_name} {message}.",
                )
            )
    if dataset.trigger.casefold() in _COMMON.split():
        message = (
            f'The trigger word "{dataset.trigger}" is a common word: every prompt with it will '
            "call the subject, and what the base knows by it will be overwritten."
        )
        problems.append(
            Problem(kind="common trigger", file_name=None, sample=None, message=message)
        )
    return tuple(problems)


def has_trigger(caption: str, trigger: str) -> bool:
    """Whether `trigger` stands in `caption` as a whole word, in its own case."""
    return _word(trigger).search(_plain(caption)) is not None


def with_trigger(caption: str, trigger: str) -> str:
    """`caption` with the trigger word: mended where only its case is wrong, else put in front."""
    if has_trigger(caption, trigger):
        return caption
    mended, times = _word(trigger, re.IGNORECASE).subn(lambda _: trigger, _plain(caption))
    return mended if times else f"{trigger}, {caption}"


def require_trigger(dataset: Dataset) -> None:
    """Raise NotReady, naming the files and the command that mends them, if a caption cannot teach.

    That is: it is missing, lacks the trigger word, or writes it in another case. No pictures at
    all are refused too.
    """
    if not dataset.items:
        raise NotReady(
            f'"{dataset.subject}" has no pictures.',
            advice=f"Add some: sosie add {shlex.quote(dataset.subject)} FOLDER",
        )
    blocking = [problem for problem in check(dataset) if problem.blocks]
    if not blocking:
        return
    names = [problem.file_name or "" for problem in blocking]
    shown = ", ".join(names[:_NAMED_AT_MOST])
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    command = f"sosie caption {shlex.quote(dataset.subject)}"
    missing = any(problem.kind == "missing" for problem in blocking)
    template = ' --template "photo of {trigger}"' if missing else ""
    insert = " --insert-trigger" if any(p.kind != "missing" for p in blocking) else ""
    raise NotReady(
        f"{len(blocking)} of {len(dataset.items)} captions lack the trigger word "
        f'"{dataset.trigger}": {shown}{more}.',
        advice=f"Add it: {command}{template}{insert}",
    )


def _trigger_problem(caption: str, trigger: str) -> tuple[ProblemKind, str] | None:
    if not caption.strip():
        return "missing", "has no caption"
    if has_trigger(caption, trigger):
        return None
    otherwise = _word(trigger, re.IGNORECASE).search(_plain(caption))
    if otherwise:
        return "trigger's case", f'writes "{otherwise[0]}" where the trigger word is "{trigger}"'
    return "no trigger", f'does not name "{trigger}": "{caption}"'


def _word(trigger: str, flags: int = 0) -> re.Pattern[str]:
    # Not \b: a trigger may begin or end with a hyphen.
    return re.compile(rf"(?<!\w){re.escape(_plain(trigger))}(?!\w)", flags)


def _plain(text: str) -> str:
    """Composed and without outer blanks: é typed as one character or as two is one word."""
    return unicodedata.normalize("NFC", text).strip()
