"""Verbs of permission: consent, withdraw, forget, verify."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sosie import rights
from sosie.core.consent import Consent
from sosie.core.files import write_atomically
from sosie.core.terms import Act, Relation
from sosie.rights import Status
from sosie.studio import agency, carrying, consenting, forgetting, papers, permission, verifying
from sosie.studio.agency import Row
from sosie.studio.forgetting import Receipt
from sosie.studio.permission import Withdrawal
from sosie.studio.rooms.room import Room
from sosie.studio.verifying import Account


class Permission(Room):
    """What may be done with whom, and who says so."""

    def consent(
        self,
        name: str,
        *,
        relation: Relation,
        who: str | None = None,
        signed_by: str | None = None,
        acts: tuple[Act, ...] = ("train", "generate", "export"),
        until: date | None = None,
        evidence: str | None = None,
        terms: Mapping[str, Any] | None = None,
        holders: Mapping[str, str] | None = None,
        sign_with: Path | None = None,
        draft: bool = False,
    ) -> Consent:
        """Record a permission, or with no acts its withdrawal, countersigned by the workspace; a
        `draft` is drawn up and not recorded.

        `terms` are fields of `sosie.core.consent.Terms`; `holders` says by file name whose work a
        picture is; `sign_with` is a file with the signer's own key. Raises BadInput if the record
        contradicts itself.
        """
        consent = consenting.drawn_up(
            self.registry,
            self.registry.subject(name),
            relation=relation,
            who=who,
            signed_by=signed_by,
            acts=acts,
            until=until,
            evidence=evidence,
            terms=terms or {},
            holders=holders or {},
        )
        return consent if draft else consenting.record(self.registry, consent, sign_with)

    def take_releases(self, path: Path, *, dry_run: bool = False) -> tuple[Row, ...]:
        """Record an agency's list of releases, each row for itself, or only tell what would become
        of them. Raises BadInput if it is no list.
        """
        return agency.take(self.registry, path, dry_run=dry_run)

    def give_consent(self, name: str, path: Path) -> Consent:
        """Write the latest record of a subject, with all who signed it, as one JSON file."""
        return carrying.give(self.registry, name, path)

    def take_consent(self, name: str, path: Path) -> Consent:
        """File a record from elsewhere. Raises BadInput if it does not hold, or not for `name`."""
        return carrying.take(self.registry, name, path)

    def paper(self, consent: Consent, path: Path) -> None:
        """Write a record, or a draft, as a page to sign. Raises BadInput if it is too long."""
        write_atomically(path, rights.paper(consent))

    def make_key(self, path: Path) -> Path:
        """Make a key for a signer, in a file for their eyes only. Raises BadInput if it exists."""
        rights.new_key(path)
        return path

    def withdraw(
        self, name: str, *, signed_by: str | None = None, sign_with: Path | None = None
    ) -> Withdrawal:
        """Withdraw every permission of a subject, and tell what is refused from now on."""
        return permission.withdraw(self.registry, name, signed_by=signed_by, sign_with=sign_with)

    def forget(self, name: str) -> tuple[Path, Receipt]:
        """Destroy everything of a subject but its permissions; gives the signed receipt."""
        return forgetting.forget(self.registry, name)

    def permitted(self, act: Act, name: str, **meant: Any) -> Consent:
        """The record that permits `act` for a subject today; `meant` says what is to be done, as
        fields of `sosie.rights.Context`. Raises NotPermitted.
        """
        return permission.require(self.registry, act, name, **meant)

    def status(self, out: Path | None = None, *, days: int = 30) -> Status:
        """The signed list of which permissions hold, for others to fetch; good for so many days."""
        status = papers.issue(self.registry, days=days)
        if out is not None:
            papers.write(status, out)
        return status

    def verify(self, file: Path, *, status: Path | None = None) -> Account:
        """What is known of a LoRA, a picture, a permission, its paper or a status list, ours or
        not; of permissions that are not on file here, or still stand, what the list `status` tells.
        Raises NotFound.
        """
        known = papers.account(self.registry, file) if file.is_file() else None
        found = known or verifying.verify(self.registry, file)
        return found if status is None else papers.informed(found, papers.read(status))
