"""Where an audit draws: each picture is screened, marked and kept, so that one stopped goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sosie.core.errors import Interrupted
from sosie.registry import Registry
from sosie.studio.marking import Marker
from sosie.studio.screening import Screen

if TYPE_CHECKING:
    from sosie.generate import Picture as Drawn
    from sosie.models.diffusion.base import DiffusionBase
    from sosie.models.faces import Picture
    from sosie.models.lora.read import LoraFile

OnEvent = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Wanted:
    """A picture that an audit asks for."""

    cell: Path
    """The folder it is kept in."""
    key: str
    prompt: str
    seed: int

    @property
    def file(self) -> Path:
        """Where it is once it is drawn."""
        from sosie.generate import safe

        return self.cell / f"{safe(self.key)}-{self.seed}.png"


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
        wanted: Sequence[Wanted],
        lora: tuple[LoraFile, float] | None = None,
        *,
        push: float = 0.0,
        guided: bool = True,
        all_needed: bool = True,
        seen: Callable[[Wanted, Picture], object] = lambda one, rgb: None,
    ) -> None:
        """Those of the wanted pictures that are not there yet, with one LoRA or the base alone.

        `seen` is given each as soon as it is kept; all are counted. One that may not be shown is
        left out, unless `all_needed`. Unless `guided`, the base's classifier-free guidance does not
        act. Raises Interrupted and NotPermitted, if something is missing
        before it is kept.
        """
        from sosie import generate

        missing = [one for one in wanted if not one.file.is_file()]
        for _ in range(len(wanted) - len(missing)):
            self._step()
        self._go_on()
        self.screen.require_permission()
        if not missing:
            return
        width, height = self.size or (None, None)
        settings: dict[str, Any] = {} if guided else {self.base.negative_setting: 1.0}
        marker = Marker(
            self.registry,
            say=lambda line: self.on_event("note", {"message": line}),
        )

        def keep(number: int, picture: Drawn) -> None:
            one = missing[number]
            if all_needed:
                self.screen.require(picture)
            if all_needed or self.screen.passes(picture):
                generate.save(picture, one.cell, one.key, marker.finish([picture.made], one.key))
                seen(one, picture.rgb)
            self._step()
            if number + 1 < len(missing):
                self._go_on()

        generate.draw_each(
            self.base,
            [
                generate.GenerateConfig(
                    prompt=one.prompt, seed=one.seed, width=width, height=height, **settings
                )
                for one in missing
            ],
            [] if lora is None else [(self.name, *lora)],
            consents={} if lora is None else {self.name: self.consent},
            push=push,
            on_picture=keep,
        )

    def _go_on(self) -> None:
        if self.should_stop():
            raise Interrupted(
                f"The audit was stopped after {self.done} of {self.total} pictures; "
                "nothing is lost.",
                advice="The same command goes on.",
            )

    def _step(self) -> None:
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
