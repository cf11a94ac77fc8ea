"""Remedies against copying: what an audit that found copies says to try, and in which order."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sosie.registry import Registry
from sosie.studio import filtering, looks, retraining
from sosie.studio.auditing import checkpoints
from sosie.studio.drawing import Found
from sosie.studio.looks import ProbeConfig

if TYPE_CHECKING:
    from sosie.audit.copying import Taught

WEAKER = (0.85, 0.7)
"""Shares of the strength that are tried against copying."""
NAMED = 3
"""Repeats that a command names; the others are counted."""


def mends(
    registry: Registry,
    found: Found,
    config: ProbeConfig,
    taught: Sequence[Taught],
    reproduced: Sequence[str],
) -> tuple[str, ...]:
    """Commands that may end the copying: fewer repeats, an earlier checkpoint, less strength, and
    training again."""
    if not reproduced:
        return ()
    name, subject = shlex.quote(found.adapter.name), shlex.quote(found.subject)
    back = {one.shot for one in taught if one.name in reproduced}
    first = {one.shot: one.name for one in reversed(taught)}
    repeats = [one.name for one in taught if one.shot in back and one.name != first[one.shot]]
    mends = []
    if repeats:
        named = " ".join(shlex.quote(file) for file in repeats[:NAMED])
        more = len(repeats) - NAMED
        and_more = f" (and {more} more repeats)" if more > 0 else ""
        mends.append(f"sosie remove {subject} {named}{and_more}, then sosie train {subject}")
    called, weaker = looks.called(found), WEAKER[0] * config.strength
    mends.append(f"sosie audit {called} --copies --strength {weaker:.2g}")
    mends += [f"sosie audit {name}@{step} --copies" for step in earlier(registry, found)[:1]]
    mends.append(f"sosie audit {called} --copies --mend")
    mends.append(f"sosie audit {called} --copies --mend --retrain")
    return tuple(mends)


def taken(registry: Registry, run: str, header: Mapping[str, str]) -> tuple[str, ...]:
    """What was changed against copying in a LoRA of a run, whose file bears this header."""
    spectrum = ("spectrum",) if filtering.filtered(header) else ()
    return (*retraining.remedies(registry, run), *spectrum)


def earlier(registry: Registry, found: Found) -> tuple[int, ...]:
    """Steps of the checkpoints on disk before the LoRA's own, the latest first."""
    files = checkpoints(registry, found, only=False)
    return tuple(file.step for file in reversed(files) if file.step < (found.step or 0))
