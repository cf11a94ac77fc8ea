"""Audits of LoRAs from elsewhere: which pictures taught them nobody knows, so that it can only be
seen whether they draw one picture again and again.

    audits/SUBJECT/NAME/copies/PROMPTS/KEY/base/trigger_alone_01-1.png
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sosie.core.canonical import canonical_json
from sosie.core.errors import BadInput, NotPermitted
from sosie.core.files import sha256_bytes
from sosie.core.records import now
from sosie.registry import Registry
from sosie.registry.forgetting import audits_of
from sosie.studio import comparing, filing, looks, permission, probing
from sosie.studio.drawing import Found
from sosie.studio.easel import Easel, OnEvent
from sosie.studio.looks import ProbeConfig
from sosie.studio.screening import Screen

if TYPE_CHECKING:
    from sosie.audit.copying import Ask
    from sosie.audit.copying.cliques import StrangerAudit
    from sosie.models.diffusion.base import DiffusionBase

TAGS = 8
"""Words of a file's header that are asked by."""
LONGEST = 80
"""Letters of one."""


@dataclass(frozen=True)
class Repeated:
    """What an audit of a LoRA from elsewhere left."""

    audit: StrangerAudit
    record: Path
    """The signed JSON."""
    page: Path


def asked(
    registry: Registry,
    found: Found,
    base: str,
    config: ProbeConfig,
    say: Callable[[str], None],
) -> tuple[Ask, ...]:
    """What is asked of it. Words of its file that a permission prohibits are left out, and told.

    Raises BadInput where the base or the trigger is unknown.
    """
    from sosie.audit.copying.probes import stranger_mixture
    from sosie.models import lora

    adapter = found.adapter
    if base == "unknown":
        raise BadInput(
            f"{adapter.name} came from elsewhere, and for which base it was made is unknown.",
            advice="Say it with --base.",
        )
    if not adapter.trigger:
        raise BadInput(f"The trigger word of {adapter.name} is unknown: nothing can be asked.")
    # Before its permission is settled nothing of it is read.
    permission.require_shown(registry, "generate", adapter, base=base)
    tags = []
    for tag in words(lora.read(found.path).header):
        try:
            permission.require_shown(registry, "generate", adapter, prompts=(tag,), base=base)
        except NotPermitted:
            say(f'Not asked by "{tag}", a word of its file: the permission prohibits it.')
        else:
            tags.append(tag)
    return stranger_mixture(adapter.trigger, tags[:TAGS], each=config.each, seed=config.seed)


def words(header: Mapping[str, str]) -> tuple[str, ...]:
    """The tags that kohya's trainers leave in a file, the most frequent first; what a stranger
    wrote there is trusted in nothing."""
    counted: dict[str, float] = {}
    try:
        folders = json.loads(header.get("ss_tag_frequency", "{}"))
        for tags in folders.values():
            for tag, count in tags.items():
                word = " ".join(tag.split())
                if 0 < len(word) <= LONGEST and word.isprintable() and "<" not in word:
                    counted[word] = counted.get(word, 0) + float(count)
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return ()
    return tuple(sorted(counted, key=lambda word: (-counted[word], word)))


def audit(
    registry: Registry,
    base: DiffusionBase,
    found: Found,
    asks: Sequence[Ask],
    config: ProbeConfig,
    *,
    consent: str,
    screen: Screen,
    on_event: OnEvent,
    should_stop: Callable[[], bool],
) -> Repeated:
    """Draw, compare what was drawn with itself, judge; sign and file what was found. Goes on where
    it stopped. Raises BadInput, Interrupted, NotPermitted."""
    from sosie.audit.copying import cliques, page
    from sosie.models import lora

    begun = time.perf_counter()
    read = lora.read(found.path)
    easel = Easel(
        registry=registry,
        base=base,
        name=found.adapter.name,
        consent=consent,
        screen=screen,
        on_event=on_event,
        should_stop=should_stop,
        total=2 * len(asks),
    )
    folder = audits_of(registry.home, found.subject) / found.adapter.name
    prompts = tuple(dict.fromkeys(ask.prompt for ask in asks))
    place = folder / "copies" / sha256_bytes(canonical_json(prompts))[:12]
    made, alone = probing.drawn(easel, place, read, config, asks)
    sha256 = base.info.content_sha256
    look = looks.look_at_stranger(registry, found.adapter.name, config, sha256, read.tensors_sha256)
    seen = cliques.repeating(
        made,
        alone,
        [ask.prompt for ask in asks],
        figure=comparing.figure(),
        nth=look,
        on_picture=lambda what, done, of: on_event(
            "looked", {"what": what, "done": done, "of": of}
        ),
    )
    verdict, reasons = cliques.judged(seen, look)
    report = cliques.StrangerAudit(
        sosie=version("sosie"),
        adapter=found.adapter.name,
        subject=found.subject,
        base=base.info.name,
        base_sha256=sha256,
        tensors_sha256=read.tensors_sha256,
        strength=config.strength,
        taken=now(),
        seed=config.seed,
        each=config.each,
        look=look,
        probes=tuple(dict.fromkeys(ask.probe for ask in asks)),
        prompts=prompts,
        repeating=seen,
        verdict=verdict,
        reasons=reasons,
        seconds=round(time.perf_counter() - begun, 1),
    )
    files = {shot.name: shot for shot in made}
    text = page.render_stranger(report, lambda name: files[name].read())
    record, html = filing.file(registry, report, text, folder, "repeating")
    return Repeated(audit=report, record=record, page=html)
