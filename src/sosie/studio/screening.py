"""The look at a picture before it is written: whether it may still be drawn, and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sosie import rights
from sosie.core.errors import NotPermitted, WeightsRefused
from sosie.core.records import Adapter
from sosie.registry import Registry
from sosie.studio import permission

if TYPE_CHECKING:
    from sosie.generate import Picture


class Screen:
    """Looks at each picture drawn with LoRAs, as soon as it is there."""

    def __init__(
        self,
        registry: Registry,
        adapters: Sequence[Adapter],
        meant: dict[str, Any],
        say: Callable[[str], None],
    ) -> None:
        self._registry, self._adapters, self._meant, self._say = registry, adapters, meant, say
        shown = [name for adapter in adapters for name in permission.shown_by(registry, adapter)]
        decisions = [
            rights.decide("generate", name, permission.context(registry, name, **meant))
            for name in dict.fromkeys(shown)
        ]
        self._look = any("sexual" in decision.prohibitions for decision in decisions)
        self._guarded = any(rights.guarded(name, registry.consents(name)) for name in shown)
        self._blind = False

    def passes(self, picture: Picture) -> bool:
        """Whether a picture may be written; tells why not.

        Raises NotPermitted if the permission has ended meanwhile, and WeightsRefused if a child may
        be shown and the detector is not installed.
        """
        for adapter in self._adapters:
            permission.require_shown(self._registry, "generate", adapter, **self._meant)
        objection = self._objection(picture.rgb) if self._look else None
        if objection is not None:
            self._say(f"The picture of seed {picture.made.seed} {objection}: it was not written.")
        return objection is None

    def require(self, picture: Picture) -> None:
        """`passes` where nothing can be made without this picture. Raises NotPermitted."""
        if not self.passes(picture):
            raise NotPermitted("One of the pictures may not be shown.", advice="Ask for others.")

    def _objection(self, rgb: Any) -> str | None:
        from sosie.models import unsafe

        try:
            score = unsafe.score(rgb)
        except WeightsRefused as error:
            if self._guarded:
                raise
            if not self._blind:
                self._say(f"Not examined for explicit content: {error}")
            self._blind = True
            return None
        limit = unsafe.limit(guarded=self._guarded)
        if score <= limit:
            return None
        return f"looks explicit (the detector gives it {score:.2f} of 1, and takes up to {limit:g})"
