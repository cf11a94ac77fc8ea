"""The audits on file: what was found of a LoRA, signed, the latest last."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from sosie.core.errors import WorkspaceError
from sosie.core.files import sha256_bytes
from sosie.core.terms import AuditKind, Verdict
from sosie.registry.database import Database, insert
from sosie.registry.processes import birth
from sosie.registry.signatures import Signatures
from sosie.rights import Signature


class FiledAudit(NamedTuple):
    """One audit as it is on file."""

    adapter: str
    tensors_sha256: str
    """Of the weights that were audited: another checkpoint of the LoRA has others."""
    kind: AuditKind
    verdict: Verdict
    record: str
    """Canonical JSON."""
    signatures: tuple[Signature, ...]
    """Of the record's SHA-256; they may not hold."""


class Audits:
    """The audits of a workspace."""

    def __init__(self, db: Database, signatures: Signatures) -> None:
        self._db, self._signatures = db, signatures

    def add(
        self,
        subject: str,
        adapter: str,
        tensors_sha256: str,
        record: bytes,
        signature: Signature,
        *,
        kind: AuditKind,
        verdict: Verdict,
    ) -> None:
        """File an audit of weights, as canonical JSON, with the signature of its SHA-256."""
        columns = {"subject": subject, "adapter": adapter, "tensors_sha256": tensors_sha256}
        columns |= {"kind": kind, "verdict": verdict}
        about = sha256_bytes(record)
        with self._db.writing() as db:
            insert(db, "audits", columns | {"sha256": about, "record": record.decode()})
            self._signatures.add(db, signature)

    @contextmanager
    def going(self, adapter: str, shown: Sequence[str]) -> Iterator[None]:
        """Note that an audit of a LoRA, and of whom it shows, goes on until the block ends or the
        process dies: nobody of them is forgotten meanwhile. Raises WorkspaceError if one is being
        forgotten.
        """
        pid = os.getpid()
        mark = secrets.token_hex(8)
        columns = {"mark": mark, "adapter": adapter, "pid": pid, "pid_born": birth(pid)}
        with self._db.writing() as db:
            for subject in shown:
                sql = "SELECT 1 FROM forgettings WHERE subject = ? AND done IS NULL"
                if db.execute(sql, (subject,)).fetchone():
                    raise WorkspaceError(
                        f'"{subject}" is being forgotten.',
                        advice=f"If that was cut short: sosie forget {subject} goes on.",
                    )
                insert(db, "auditing", {**columns, "subject": subject})
        try:
            yield
        finally:
            with self._db.writing() as db:
                db.execute("DELETE FROM auditing WHERE mark = ?", (mark,))

    def of(self, adapter: str) -> tuple[FiledAudit, ...]:
        """The audits of a LoRA, the latest last."""
        return self._rows("adapter = ?", adapter)

    def of_weights(self, tensors_sha256: str, kind: AuditKind) -> tuple[FiledAudit, ...]:
        """The audits of a kind of these very weights, the latest last."""
        return self._rows("tensors_sha256 = ? AND kind = ?", tensors_sha256, kind)

    def _rows(self, where: str, *values: str) -> tuple[FiledAudit, ...]:
        rows = self._db.rows(f"SELECT * FROM audits WHERE {where} ORDER BY id", values)
        return tuple(
            FiledAudit(
                adapter=row["adapter"],
                tensors_sha256=row["tensors_sha256"],
                kind=row["kind"],
                verdict=row["verdict"],
                record=row["record"],
                signatures=self._signatures.of(row["sha256"]),
            )
            for row in rows
        )
