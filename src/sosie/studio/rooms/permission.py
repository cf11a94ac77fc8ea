"""Verbs of permission: consent, withdraw, forget, verify."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from sosie.core.records import Consent
from sosie.core.terms import Act, Relation
from sosie.studio import forgetting, permission, verifying
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
        sign_with: Path | None = None,
    ) -> Consent:
        """Record a permission, or with no acts its withdrawal, countersigned by the workspace.

        `sign_with` is a file with the signer's own key. Raises BadInput if the record contradicts
        itself.
        """
        return permission.record(
            self.registry,
            name,
            relation=relation,
            who=who,
            signed_by=signed_by,
            acts=acts,
            until=until,
            evidence=evidence,
            sign_with=sign_with,
        )

    def withdraw(
        self, name: str, *, signed_by: str | None = None, sign_with: Path | None = None
    ) -> Withdrawal:
        """Withdraw every permission of a subject, and tell what is refused from now on."""
        return permission.withdraw(self.registry, name, signed_by=signed_by, sign_with=sign_with)

    def forget(self, name: str) -> tuple[Path, Receipt]:
        """Destroy everything of a subject but its permissions; gives the signed receipt."""
        return forgetting.forget(self.registry, name)

    def permitted(self, act: Act, name: str) -> Consent:
        """The record that permits `act` for a subject today. Raises NotPermitted."""
        return permission.require(self.registry, act, name)

    def verify(self, file: Path) -> Account:
        """What is known of a LoRA or a picture, ours or not. Raises NotFound."""
        return verifying.verify(self.registry, file)
