"""Where an audit draws: each picture is screened, marked and kept, so that one stopped goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sosie.core.errors import Interrupted
from sosie.registry import Registry
from sosie.studio.marking import Marker
from sosie.studio.screening import Screen

if TYPE_CHECKING:
    from sosie.models.diffusion.base import DiffusionBase
    from sosie.models.faces import Picture
    from sosie.models.lora.read import LoraFile

OnEvent = Callable[[str, dict[str, Any]], None]


@dataclass(eq=False)
class Easel:
    """Draws the pictures of one audit with one LoRA, and counts them."""

    registry: Registry
    base: DiffusionBase
    name: str
    """Of the LoRA."""
    consent: str
    """Hash of the permission it is applied under."""
    screen: Screen
    on_event: OnEvent
    should_stop: Callable[[], bool]
    total: int
    size: tuple[int, int] | None = None
    """Width and height of a picture in pixels; None takes the base's own."""
    done: int = 0

    def draw(
        self,
        cell: Path,
        key: str,
        prompt: str,
        seed: int,
        lora: tuple[LoraFile, float] | None = None,
        *,
        push: float = 0.0,
    ) -> Picture:
        """One picture of `prompt`, written to the folder `cell` as KEY-SEED.png.

        Raises Interrupted before it is drawn, NotPermitted before it is kept.
        """
        from sosie import generate

        if self.should_stop():
            raise Interrupted(
                f"The audit was stopped after {self.done} of {self.total} pictures; "
                "nothing is lost.",
                advice="The same command goes on.",
            )
        width, height = self.size or (None, None)
        (picture,) = generate.draw(
            self.base,
            generate.GenerateConfig(prompt=prompt, seed=seed, width=width, height=height),
            [] if lora is None else [(self.name, *lora)],
            consents={} if lora is None else {self.name: self.consent},
            push=push,
        )
        self.screen.require(picture)
        marker = Marker(
            self.registry,
            say=lambda line: self.on_event("note", {"message": line}),
        )
        generate.save(picture, cell, key, marker.finish([picture.made], key))
        return picture.rgb

    def step(self) -> None:
        """Count a picture that is there."""
        self.done += 1
        self.on_event("picture", {"done": self.done, "of": self.total})


@dataclass(frozen=True)
class Story:
    """Tells what an audit does, and adds it to the story of the run that it judges."""

    registry: Registry
    run: str
    on_event: OnEvent

    def tell(self, kind: str, message: str, **data: Any) -> None:
        """One event."""
        event = {"message": message, **data}
        self.registry.add_event(self.run, kind, event)
        self.on_event(kind, event)
