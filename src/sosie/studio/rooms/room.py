"""What every room of the house has: the registry, and a desk with the base in use."""

from __future__ import annotations

from pathlib import Path

from sosie.registry import Registry, home_folder
from sosie.studio.drawing import Desk


class Room:
    """A part of `Studio`: verbs that belong together, over one workspace."""

    def __init__(self, home: Path | None = None) -> None:
        self.registry = Registry.open(home_folder(home))
        self.desk = Desk()
