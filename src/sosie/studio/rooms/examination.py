"""Verbs of the doctor: examine, dismiss, report, mend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sosie.core.files import write_atomically
from sosie.core.terms import Language, Undo
from sosie.registry.mends import Mended
from sosie.studio import examining, mending, training
from sosie.studio.mending import Mending, Offer, Undone
from sosie.studio.rooms.room import Room

if TYPE_CHECKING:
    from sosie.doctor import Checkup


class Examination(Room):
    """The doctor and what she mends."""

    def doctor(
        self,
        name: str,
        *,
        base: str | None = None,
        on_picture: Callable[[int, int], None] = lambda done, of: None,
        **settings: int | None,
    ) -> Checkup:
        """Examine a subject's pictures, for a base if one is named.

        `settings` are fields of `sosie.doctor.Config`; `on_picture` hears how many pictures are
        read, of how many.
        """
        config = examining.config_for(base, **settings)
        dataset = training.dataset_of(self.registry, self.registry.subject(name))
        return examining.checkup(self.registry, dataset, config, on_picture)

    def report(self, name: str, found: Checkup, page: Path, *, language: Language = "en") -> None:
        """Write a checkup as one self-contained HTML page, with thumbnails and marks."""
        from sosie.doctor.page import render

        dataset = training.dataset_of(self.registry, self.registry.subject(name))
        write_atomically(page, render(found, dataset, language).encode())

    def dismiss(self, name: str, found: Checkup, findings: Sequence[str]) -> int:
        """Set findings aside, by id or by rule; they stay listed and no longer count.

        Raises NotFound, and BadInput for one that may not be set aside.
        """
        ids = examining.dismissible(found, findings)
        self.registry.dismissals.add(name, ids)
        return len(ids)

    def restore(self, name: str, found: Checkup, findings: Sequence[str]) -> int:
        """Let dismissed findings count again, by id or by rule."""
        ids = examining.known_findings(found, findings)
        self.registry.dismissals.remove(name, ids)
        return len(ids)

    def mend(
        self,
        name: str,
        mends: Sequence[str],
        *,
        pictures: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        preview: Path | None = None,
        base: str | None = None,
        on_picture: Callable[[int, int], None] = lambda done, of: None,
        **settings: int | None,
    ) -> Mending:
        """Mend pictures ("safe" stands for all safe mends that findings ask for), or with `preview`
        only write what would be before and after into that folder.

        Without `pictures`, those are mended for which an open finding asks it. Originals are kept.
        """
        return mending.mend(
            self.registry,
            name,
            mends,
            config=examining.config_for(base, **settings),
            pictures=pictures,
            options=options or {},
            preview=preview,
            on_picture=on_picture,
        )

    def offers(self, name: str, found: Checkup) -> tuple[Offer, ...]:
        """The mends there are for a subject, and the pictures for which findings ask each."""
        return mending.offers(found, self.registry.subject(name).kind)

    def mends(self, name: str) -> tuple[Mended, ...]:
        """The log: every mend of a subject's pictures, those undone among them."""
        return self.registry.mends.of(self.registry.subject(name).name)

    def unmend(
        self,
        name: str,
        which: Undo,
        *,
        pictures: Sequence[str] = (),
        base: str | None = None,
        **settings: int | None,
    ) -> tuple[Undone, ...]:
        """Take back the last mend of each picture, or all. Raises NotFound if there is none.

        Findings that were set aside stay so, as they are found for a base with `settings`.
        """
        config = examining.config_for(base, **settings)
        return mending.undo(self.registry, name, which, pictures, config=config)
