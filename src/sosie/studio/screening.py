"""The look at a picture before it is written: whether it may still be drawn, and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from sosie import rights
from sosie.core.errors import NotPermitted, WeightsRefused
from sosie.core.records import Adapter
from sosie.core.terms import Act
from sosie.registry import Registry
from sosie.studio import permission

if TYPE_CHECKING:
    from sosie.generate import Picture


class Screen:
    """Looks at each picture drawn, as soon as it is there."""

    def __init__(
        self,
        registry: Registry,
        adapters: Sequence[Adapter],
        meant: dict[str, Any],
        say: Callable[[str], None],
        *,
        act: Act = "generate",
        subjects: Sequence[str] = (),
    ) -> None:
        """Of pictures that are drawn with `adapters`, or in training of `subjects`."""
        self._registry, self._adapters, self._subjects = registry, adapters, subjects
        self._act, self._meant, self._say = act, meant, say
        shown = self._shown()
        decisions = [
            rights.decide(act, name, permission.context(registry, name, **meant)) for name in shown
        ]
        self._look = any("sexual" in decision.prohibitions for decision in decisions)
        self._guarded = any(rights.guarded(name, registry.consents(name)) for name in shown)
        self._blind = False

    def _shown(self) -> tuple[str, ...]:
        """Whom the pictures show, each once."""
        by = (permission.shown_by(self._registry, adapter) for adapter in self._adapters)
        return tuple(dict.fromkeys([*self._subjects, *chain.from_iterable(by)]))

    def require_permission(self) -> None:
        """Raises NotPermitted if the permission has ended meanwhile."""
        for name in self._shown():
            permission.require(self._registry, self._act, name, **self._meant)

    def passes(self, picture: Picture) -> bool:
        """`lets` of a picture with its record."""
        return self.lets(picture.rgb, picture.made.seed)

    def lets(self, rgb: Any, seed: int) -> bool:
        """Whether a picture (H, W, 3) of a seed may be written; tells why not.

        Raises NotPermitted if the permission has ended meanwhile, and WeightsRefused if a child may
        be shown and the detector is not installed.
        """
        self.require_permission()
        objection = self._objection(rgb) if self._look else None
        if objection is not None:
            self._say(f"The picture of seed {seed} {objection}: it was not written.")
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
