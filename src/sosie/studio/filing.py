"""What an audit leaves: its record, signed, on file and beside its pictures, and its page."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sosie import rights
from sosie.core.files import write_atomically
from sosie.core.records import Record
from sosie.core.terms import AuditKind
from sosie.registry import Registry

if TYPE_CHECKING:
    from sosie.audit import Audit
    from sosie.audit.copying import CopyAudit
    from sosie.audit.copying.cliques import StrangerAudit


class Signed(Record):
    """An audit's record and its signature, as they lie in one file."""

    audit: dict[str, Any]
    signature: rights.Signature
    """Of the SHA-256 of the record's canonical JSON."""

    def text(self) -> str:
        """The file."""
        return self.model_dump_json(indent=1)


def signed(registry: Registry, report: Record, at: datetime) -> Signed:
    """A record with the signature of the workspace."""
    signature = rights.sign(registry.key(), report.sha256(), role="trainer", at=at)
    return Signed(audit=report.model_dump(mode="json"), signature=signature)


def file(
    registry: Registry,
    report: Audit | CopyAudit | StrangerAudit,
    page: str,
    folder: Path,
    kind: AuditKind,
) -> tuple[Path, Path]:
    """Sign an audit of a LoRA and put it on file; write it and its page into `folder`, and give
    their places."""
    made = signed(registry, report, report.taken)
    registry.audits.add(
        report.subject,
        report.adapter,
        report.tensors_sha256,
        report.canonical(),
        made.signature,
        kind=kind,
        verdict=report.verdict,
    )
    stem = f"{report.taken:%Y%m%d-%H%M%S}"
    if kind != "likeness":
        stem = f"copies-{stem}"
    record, html = folder / f"{stem}.json", folder / f"{stem}.html"
    write_atomically(record, made.text().encode() + b"\n")
    write_atomically(html, page.encode())
    return record, html
