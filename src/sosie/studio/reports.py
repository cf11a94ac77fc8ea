"""What is on file of the examinations of a LoRA, in short, as its card tells them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sosie.core.files import sha256_bytes
from sosie.core.release import Release, Report, Search
from sosie.core.terms import Verdict
from sosie.registry import Registry

if TYPE_CHECKING:
    from sosie.audit import Choice
    from sosie.models.lora import Sealed


def doctor(registry: Registry, seal: Sealed) -> Report | None:
    """The doctor's results on the pictures that the LoRA was trained on; of several the gravest."""
    from sosie.doctor import Checkup

    dataset = seal.header.get("sosie.dataset_sha256")
    if dataset is None:
        return None
    kept = registry.readings.find("checkup:", "dataset_sha256", dataset)
    found = [Checkup.model_validate_json(text) for text in kept]
    if not found:
        return None
    order = ("blocked", "needs attention", "ready")
    worst = min(found, key=lambda checkup: (order.index(checkup.verdict), checkup.sha256()))
    figures: dict[str, Any] = {
        "pictures": worst.pictures,
        "findings": dict(Counter(finding.severity for finding in worst.open)),
        "dismissed": len(worst.findings) - len(worst.open),
        "rules passed": len(worst.passed),
        "rules that could not look": len({entry.rule for entry in worst.not_examined}),
    }
    return Report(verdict=worst.verdict, report_sha256=worst.sha256(), figures=figures)


def likeness(registry: Registry, tensors_sha256: str) -> tuple[Report, Choice] | None:
    """The latest audit of the likeness of these weights, and what it chose."""
    from sosie.audit import Audit
    from sosie.audit.page import told

    filed = registry.audits.of_weights(tensors_sha256, "likeness")
    if not filed:
        return None
    record = filed[-1].record.encode()
    found = Audit.model_validate_json(record)
    figures: dict[str, Any] = {"at strength": f"{found.choice.strength:g}"}
    for figure in found.figures:
        row = told(figure)
        by = f" ({row.judge})" if row.judge else ""
        figures[f"{row.title}{by}"] = " ".join(part for part in (row.value, row.interval) if part)
    # Of the record as it was filed: a later version may read more into it than it says.
    report = Report(verdict=found.verdict, report_sha256=sha256_bytes(record), figures=figures)
    return report, found.choice


def chosen_instead(registry: Registry, adapter: str) -> str | None:
    """The checkpoint that the latest audit of a LoRA's likeness chose, as NAME@STEP."""
    from sosie.audit import Audit

    filed = [one for one in registry.audits.of(adapter) if one.kind == "likeness"]
    if not filed:
        return None
    return f"{adapter}@{Audit.model_validate_json(filed[-1].record).choice.step}"


def copying(registry: Registry, tensors_sha256: str) -> Search | None:
    """The latest audit that looked for copies of the pictures in what these weights draw."""
    filed = registry.audits.of_weights(tensors_sha256, "copying")
    if not filed:
        return None
    latest = filed[-1]
    return Search(verdict=latest.verdict, report_sha256=sha256_bytes(latest.record.encode()))


def copying_today(registry: Registry, release: Release) -> Verdict | None:
    """Whether a release copies its pictures: by an audit on file here, else by its card."""
    found = copying(registry, release.tensors_sha256) or release.copying
    return found.verdict if found else None
