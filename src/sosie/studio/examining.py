"""Examinations: from a subject on file to its checkup, kept as long as nothing changes."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sosie import rights
from sosie.core.canonical import canonical_json
from sosie.core.errors import BadInput, NotFound
from sosie.core.records import Dataset
from sosie.registry import Registry
from sosie.studio import drawing

if TYPE_CHECKING:
    from sosie.doctor import Checkup, Config
    from sosie.train import Manifest
    from sosie.train.checks import Examined

OnPicture = Callable[[int, int], None]

COUNTED_BY_TRAINING = frozenset({"count.few"})
"""Rules that a run's own checks judge as well, and by what is left after the split."""


def checkup(
    registry: Registry,
    dataset: Dataset,
    config: Config,
    on_picture: OnPicture = lambda done, of: None,
) -> Checkup:
    """The checkup of a subject's pictures as they are now, with what was dismissed marked."""
    from sosie.doctor import Checkup, examine

    guarded = rights.guarded(dataset.subject, registry.consents(dataset.subject))
    config = config.model_copy(update={"guarded": guarded})
    dismissed = registry.dismissals.of(dataset.subject)
    key = _key(dataset, config, dismissed)
    kept = registry.readings.get([key]).get(key)
    if kept is not None:
        found = Checkup.model_validate_json(kept)
        on_picture(found.pictures, found.pictures)
    else:
        samples = registry.samples(dataset.subject)
        originals = {s.picture_sha256: registry.blobs.path(s.original_sha256) for s in samples}
        found = examine(
            dataset,
            config,
            originals=originals,
            shelf=registry.readings,
            dismissed=dismissed,
            on_picture=on_picture,
        )
        if not any(entry.lacking for entry in found.not_examined):
            # Else the next examination looks whether the weights have come.
            registry.readings.put({key: found.model_dump_json()})
    return found


def config_for(base: str | None, **settings: int | None) -> Config:
    """What a set is examined for: the base it is to teach, if one is named."""
    from sosie.doctor import Config

    given = {name: value for name, value in settings.items() if value is not None}
    if base is not None:
        from sosie.models.diffusion.resolve import resolve

        given["side"] = resolve(drawing.settled(base)).defaults.width
    return Config.model_validate(given)


def examined(registry: Registry, dataset: Dataset, side: int) -> Examined:
    """What the doctor has against a run at `side` pixels, as the run's checks.

    A blocker that was set aside counts as waived, so that the run's manifest says so.
    """
    from sosie.doctor import Config, table, wording
    from sosie.train.checks import Check, Examined

    found = checkup(registry, dataset, Config(side=side))
    blockers = [
        Check(
            name=finding.rule,
            what=f"{wording.title(finding)}.",
            severity="blocker",
            evidence=(
                ", ".join(found.names[sample] for sample in finding.samples[:6]) or "the whole set"
            )
            + (" (set aside)" if finding.dismissed else ""),
            mend=wording.advice(finding),
            waivable=not table.rule(finding.rule).binding,
            waived=finding.dismissed,
        )
        for finding in found.findings
        if finding.severity == "blocker" and finding.rule not in COUNTED_BY_TRAINING
    ]
    warnings = [finding for finding in found.open if finding.severity == "warning"]
    if warnings:
        blockers.append(
            Check(
                name="doctor",
                what="The doctor would mend the set first.",
                severity="warning",
                evidence="; ".join(wording.title(finding) for finding in warnings[:4])
                + (f" and {len(warnings) - 4} more" if len(warnings) > 4 else ""),
                mend=f"sosie doctor {dataset.subject}",
            )
        )
    return Examined(rules=_rules(), checks=tuple(blockers))


def on_record(manifest: Manifest) -> Examined:
    """What a run's manifest says was waived of the doctor's findings, for its repetition: what is
    known better today stops none, and what was set aside then is in the file that is compared."""
    from sosie.train.checks import Check, Examined

    entries = [entry.partition(": ") for entry in manifest.waived]
    return Examined(
        rules=_rules(),
        checks=tuple(
            Check(
                name=name,
                what="It was waived for the run.",
                severity="blocker",
                evidence=evidence,
                mend=f"sosie doctor {manifest.subject}",
                waived=True,
            )
            for name, _, evidence in entries
            if name in _rules()
        ),
    )


def _rules() -> frozenset[str]:
    """Every name that a check of the doctor's may bear."""
    from sosie.doctor import table

    return frozenset({"doctor"} | {rule.name for rule in table.RULES})


def dismissible(found: Checkup, given: Sequence[str]) -> tuple[str, ...]:
    """`known_findings`, if all of them may be set aside. Raises BadInput for one that may not."""
    from sosie.doctor import table

    ids = known_findings(found, given)
    for finding in found.findings:
        if finding.id in ids and table.rule(finding.rule).binding:
            raise BadInput(
                f"A finding of {finding.rule} cannot be set aside.",
                advice=f"Take the pictures out: sosie remove {shlex.quote(found.subject)} …",
            )
    return ids


def known_findings(found: Checkup, given: Sequence[str]) -> tuple[str, ...]:
    """The ids meant by ids or by names of rules. Raises NotFound for one that was not found."""
    ids: list[str] = []
    for name in given:
        meant = [f.id for f in found.findings if name in (f.id, f.rule)]
        if not meant:
            known = {f.rule for f in found.findings} | {f.id for f in found.findings}
            raise NotFound.among("finding", name, known)
        ids += meant
    return tuple(ids)


def _key(dataset: Dataset, config: Config, dismissed: frozenset[str]) -> str:
    from sosie.doctor import table

    samples = [item.sample for item in dataset.items]
    content = dataset.content_sha256()
    about = [content, samples, config.model_dump(), table.version(), sorted(dismissed)]
    return f"checkup:{hashlib.sha256(canonical_json(about)).hexdigest()}"
