"""The story: `Studio` alone knows the order of things, and alone writes the registry."""

from sosie.studio.captioning import Proposed
from sosie.studio.drawing import Drawn
from sosie.studio.house import Studio
from sosie.studio.reproducing import Reproduction
from sosie.studio.rooms.workspace import Overview

__all__ = ["Drawn", "Overview", "Proposed", "Reproduction", "Studio"]
