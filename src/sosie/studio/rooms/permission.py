"""Verbs of permission: consent, withdraw, forget, verify."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sosie import rights
from sosie.core.consent import Consent
from sosie.core.terms import Act, Relation
from sosie.studio import consenting, forgetting, permission, verifying
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
            name,
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

    def verify(self, file: Path) -> Account:
        """What is known of a LoRA or a picture, ours or not. Raises NotFound."""
        return verifying.verify(self.registry, file)
