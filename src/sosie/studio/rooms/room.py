"""What every room of the house has: the registry, and a desk with the base in use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sosie.registry import Registry, home_folder
from sosie.studio.drawing import Desk
from sosie.studio.easel import OnEvent
from sosie.studio.screening import Screen


class Room:
    """A part of `Studio`: verbs that belong together, over one workspace."""

    def __init__(self, home: Path | None = None) -> None:
        self.registry = Registry.open(home_folder(home))
        self.desk = Desk()

    def _teaching(self, name: str, meant: dict[str, Any], on_event: OnEvent) -> Screen:
        """Looks at the pictures that a training of NAME draws."""

        def say(line: str) -> None:
            on_event("note", {"message": line})

        return Screen(self.registry, (), meant, say, act="train", subjects=(name,))
