"""Verbs of pictures: generate, try words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sosie.studio import drawing, permission, releasing
from sosie.studio.drawing import Drawn
from sosie.studio.marking import Marker
from sosie.studio.rooms.room import Room
from sosie.studio.screening import Screen

if TYPE_CHECKING:
    from sosie.generate import WordTrial
    from sosie.generate.words import Unit


class Pictures(Room):
    """Pictures drawn with LoRAs."""

    def generate(
        self,
        prompt: str,
        *,
        base: str,
        out: Path,
        n: int = 4,
        seed: int = 1,
        init: Path | None = None,
        device: str = "auto",
        watermark: bool = True,
        say: Callable[[str], None] = lambda line: None,
        **settings: Any,
    ) -> Drawn:
        """Draw pictures into `out`; the subject of every LoRA called must permit it, and what a
        record prohibits is not written. Ends with NotPermitted when a permission does. A
        handwriting is drawn in the shape of its notes unless a size is given.

        Each is signed, and bears an invisible watermark unless `watermark` is False; what cannot be
        marked is kept, and told.
        """
        calls, consents, screen = self._called(prompt, base, say)
        settings = drawing.as_taught(calls, settings, say)
        config = drawing.configure(prompt, n=n, seed=seed, **settings)
        loaded = self.desk.base(base, device)
        drawn = drawing.draw(
            loaded,
            config,
            calls,
            out=out,
            consents=consents,
            init=init,
            marker=Marker(self.registry, watermark=watermark, say=say),
            passes=screen.passes,
            say=say,
        )
        for call in calls:
            releasing.count(self.registry, call.found, "pictures", len(drawn.files))
        return drawn

    def words(
        self,
        prompt: str,
        *,
        base: str,
        out: Path,
        unit: Unit | None = None,
        n: int = 3,
        seed: int = 1,
        device: str = "auto",
        say: Callable[[str], None] = lambda line: None,
        on_picture: Callable[[int, int], None] = lambda done, of: None,
        **settings: Any,
    ) -> tuple[WordTrial, Path]:
        """Which words of a prompt work on a base, and a sheet in `out` to see it; the subject of
        every LoRA called must permit it.
        """
        calls, consents, screen = self._called(prompt, base, say)
        settings = drawing.as_taught(calls, settings, say)
        config = drawing.configure(prompt, n=n, seed=seed, **settings)
        loaded = self.desk.base(base, device)
        return drawing.words(
            loaded,
            config,
            calls,
            unit=unit,
            out=out,
            consents=consents,
            marker=Marker(self.registry, say=say),
            look=screen.require,
            on_picture=on_picture,
            say=say,
        )

    def _called(
        self, prompt: str, base: str, say: Callable[[str], None]
    ) -> tuple[tuple[drawing.Call, ...], dict[str, str], Screen]:
        """The LoRAs that a prompt calls; by name the permission each is used under today, which may
        be another than the one it was trained under; and who looks at what is drawn with them.
        Raises NotPermitted.
        """
        text, calls = drawing.called(self.registry, prompt, say)
        meant = {"prompts": (text,), "base": drawing.settled(base)}
        adapters = {call.name: call.found.adapter for call in calls}
        consents = {
            name: permission.require_shown(self.registry, "generate", adapter, **meant).sha256()
            for name, adapter in adapters.items()
        }
        return calls, consents, Screen(self.registry, tuple(adapters.values()), meant, say)
