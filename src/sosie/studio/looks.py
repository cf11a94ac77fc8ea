"""Looks at a LoRA: what an audit of copying asks, which one it is, and why it may not pass whatever
it finds.

Who looks again and again until a bound is low enough gets there by luck. So looks are counted, and
what helped to choose a LoRA among several cannot also let it pass.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from sosie.core.records import Record
from sosie.registry import Registry
from sosie.studio.drawing import Found

if TYPE_CHECKING:
    from sosie.audit.copying import CopyAudit

FRESH = 1_000_000
"""From the seeds of an audit to those that look once more at what it chose: more than all probes of
one take."""


class ProbeConfig(Record):
    """What an audit of copying draws, and what it allows."""

    strength: float = Field(default=1.0, gt=0, le=3)
    """Weight of the LoRA that is meant."""
    each: int = Field(default=74, ge=1, lt=100_000)
    """Pictures of each of the five probes: 370 without a copy support the bound of 1% at the first
    look at a LoRA."""
    at_most: float = Field(default=0.01, gt=0, lt=1)
    """Share of generated pictures that may reproduce a training picture."""
    seed: int = Field(default=1, ge=0, lt=2**31)
    folds: int | None = Field(default=None, ge=2, le=20)
    """Adapters that are trained anew, each without one part of the pictures; None trains none."""
    explores: bool = False
    """Whether it is one of several tries, of which one is chosen: then it does not pass itself."""


def bars(
    found: Found, config: ProbeConfig, unasked: int, enough: int, gone: int
) -> tuple[str, ...]:
    """Why the audit will not pass, as far as it is known before a picture is drawn."""
    bars = []
    if unasked:
        bars.append(
            f"{unasked} captions are not asked by, so that it cannot pass. All are by: "
            f"sosie audit {called(found)} --copies --strength {config.strength:g} --each {enough}"
        )
    if gone:
        bars.append(
            f"{gone} training pictures are no longer on file: nothing is said of them, and it "
            "cannot pass."
        )
    return tuple(bars)


def look(
    registry: Registry, found: Found, config: ProbeConfig, base: str, tensors: str
) -> tuple[int, bool]:
    """Which look at a LoRA this is, and whether its pictures helped to choose it.

    Looks are of the LoRA at all its steps and strengths, since whoever may choose among these has
    as many tries; the same pictures looked at again are one look. Tries that cannot pass are none.
    """
    from sosie.audit.copying import CopyAudit
    from sosie.audit.copying.records import LOOKS

    filed = [one for one in registry.audits.of(found.adapter.name) if one.kind == "copying"]
    before = [CopyAudit.model_validate_json(one.record) for one in filed]
    this = (tensors, base, config.strength, config.seed, config.each)
    at = [(a.tensors_sha256, a.base_sha256, a.strength, a.seed, a.each) for a in before]
    looks = [k for k, one in zip(at, before, strict=True) if not one.explored]
    # Fewer or more pictures of the same seeds are partly the same pictures.
    chose = any(one.explored and k[:-1] == this[:-1] for k, one in zip(at, before, strict=True))
    return min(_number(looks, this), LOOKS), config.explores or chose


def look_at_stranger(
    registry: Registry, name: str, config: ProbeConfig, base: str, tensors: str
) -> int:
    """Which look this is at a LoRA whose training pictures are unknown, counted likewise."""
    from sosie.audit.copying.cliques import StrangerAudit

    filed = [one for one in registry.audits.of(name) if one.kind == "repeating"]
    before = [StrangerAudit.model_validate_json(one.record) for one in filed]
    at = [(a.tensors_sha256, a.base_sha256, a.strength, a.seed, a.each) for a in before]
    return _number(at, (tensors, base, config.strength, config.seed, config.each))


Look = tuple[str, str, float, int, int]
"""Weights, base, strength, seed and pictures of each: the same ones are one look."""


def _number(before: Sequence[Look], this: Look) -> int:
    return list(dict.fromkeys([*before, this])).index(this) + 1


def beside(registry: Registry, this: CopyAudit) -> tuple[CopyAudit, ...]:
    """Audits on file of the same LoRA, at any step, that asked by the same words and seeds at the
    same strength; the oldest first."""
    from sosie.audit.copying import CopyAudit

    def asked(one: CopyAudit) -> tuple[object, ...]:
        return one.base_sha256, one.strength, one.seed, one.each, one.probes

    filed = registry.audits.of(this.adapter)
    found = (CopyAudit.model_validate_json(o.record) for o in filed if o.kind == "copying")
    return tuple(one for one in found if asked(one) == asked(this))


def confirming(chosen: CopyAudit) -> dict[str, int]:
    """Settings of the one look that may let pass what was chosen among several: at other seeds, and
    with enough pictures that it can."""
    from sosie.audit.copying.judging import needed_generations

    config = chosen.copying.config
    enough = needed_generations(0, config.at_most, config.sure)
    each = max(chosen.each, -(-enough // len(chosen.probes)))
    return {"seed": (chosen.seed + FRESH) % 2**31, "each": each}


def chosen_by(found: Found, config: ProbeConfig) -> str:
    """Why what helped to choose a LoRA does not pass, and what may."""
    return (
        "It is one of several that were tried, and what helped to choose it cannot also let it "
        f"pass. New pictures can: sosie audit {called(found)} --copies "
        f"--strength {config.strength:g} --mend"
    )


def called(found: Found) -> str:
    """A LoRA as commands name it."""
    at = f"@{found.step}" if found.step not in (None, found.adapter.step) else ""
    return f"{shlex.quote(found.adapter.name)}{at}"
