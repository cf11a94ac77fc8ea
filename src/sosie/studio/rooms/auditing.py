"""Verbs of audits: is it like the person?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sosie.studio import auditing, drawing, permission
from sosie.studio.auditing import Audited, OnEvent
from sosie.studio.rooms.room import Room
from sosie.studio.screening import Screen


class Auditing(Room):
    """What a LoRA draws, measured."""

    def audit(
        self,
        name: str,
        *,
        base: str | None = None,
        device: str = "auto",
        on_event: OnEvent = lambda kind, data: None,
        should_stop: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = lambda line: None,
        **settings: Any,
    ) -> Audited:
        """Measure the likeness of a LoRA's checkpoints (NAME), or of one (NAME@STEP), choose one,
        and file what was found. An audit that was stopped goes on; it ends when a permission does,
        and keeps no picture that a record prohibits.

        `base` says where the base lies now, if it lies elsewhere; `settings` are `AuditConfig`'s.
        Raises NotPermitted, BadInput where nothing can be measured, Interrupted.
        """
        found = drawing.find(self.registry, name)
        place = drawing.settled(base or found.adapter.base)
        meant = {"prompts": auditing.texts(found.adapter.trigger or ""), "base": place}
        consent = permission.require_shown(self.registry, "generate", found.adapter, **meant)
        config = auditing.configure(settings)
        manifest = auditing.manifest_of(found)
        return auditing.audit(
            self.registry,
            self.desk.base(place, device),
            found,
            manifest,
            config,
            only="@" in name,
            consent=consent.sha256(),
            screen=Screen(self.registry, (found.adapter,), meant, say),
            on_event=on_event,
            should_stop=should_stop,
        )
