"""Marks on pictures that leave the house: an invisible watermark, and signed credentials.

A picture that cannot be marked is kept all the same, and it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sosie.core.errors import NotMarked, WeightsRefused
from sosie.core.records import now
from sosie.registry import Registry
from sosie.registry.watermarks import Watermark
from sosie.rights import Claims, credentials

if TYPE_CHECKING:
    from sosie.generate import Made, Picture


class Marker:
    """Marks the pictures of one call."""

    def __init__(
        self,
        registry: Registry,
        *,
        watermark: bool = False,
        say: Callable[[str], None],
    ) -> None:
        """`watermark` is whether pictures get one; `say` is told of each mark that is left out."""
        self._registry, self._watermark, self._say = registry, watermark, say
        self._told: set[str] = set()

    def drawn(self, picture: Picture, subject: str | None) -> tuple[Picture, str | None]:
        """A drawn picture with its watermark, and that watermark's bits; both as they were if it
        gets none."""
        made = picture.made
        parts = [(made.base, made.base_sha256), *((u.name, u.tensors_sha256) for u in made.loras)]
        consents = tuple(u.consent_sha256 for u in made.loras if u.consent_sha256)
        rgb, bits = self.watermarked(
            picture.rgb, mark_of_drawn(picture.rgb, subject, parts, consents)
        )
        return replace(picture, rgb=rgb), bits

    def watermarked(self, rgb: Any, mark: Watermark) -> tuple[Any, str | None]:
        """A picture (H, W, 3) with the watermark that is filed for it, and its bits as hexadecimal;
        as it was, and None, if it gets none."""
        from sosie.models import watermark

        height, width = rgb.shape[:2]
        if not self._watermark:
            return rgb, None
        if not watermark.markable(width, height):
            self._once(
                f"No watermark on pictures of {width}x{height}: it needs {watermark.SMALLEST} "
                f"pixels a side, and a shape of at most 1 to {watermark.LONGEST}."
            )
            return rgb, None
        try:
            number = self._registry.watermarks.number(mark)
            return watermark.marked(rgb, number), f"{number:08x}"
        except WeightsRefused as error:
            self._once(f"No watermark: {error}")
            return rgb, None

    def signed(self, png: bytes, claims: Claims) -> bytes:
        """A PNG file with credentials that say `claims`; as it was if they cannot be written."""
        try:
            return credentials.signed(png, claims, self._registry.chain())
        except NotMarked as error:
            self._say(f"{claims.title} is kept without credentials. {error}")
            return png

    def finish(
        self, made: Sequence[Made], title: str, bits: str | None = None
    ) -> Callable[[bytes], bytes]:
        """Signs a PNG file of drawn pictures."""
        from sosie.generate import claims

        return lambda png: self.signed(png, claims(made, title, bits))

    def _once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._say(line)


def mark_of_drawn(
    rgb: Any, subject: str | None, parts: Sequence[tuple[str, str]], consents: tuple[str, ...]
) -> Watermark:
    """What is filed with the watermark of a drawn picture (H, W, 3), made from `parts`: names of
    models with their hashes."""
    from PIL import Image

    from sosie.registry.intake import pixels_sha256

    return Watermark(
        what="drawn",
        subject=subject,
        pixels_sha256=pixels_sha256(Image.fromarray(rgb)),
        made_from=tuple(f"{name} ({sha256[:12]}…)" for name, sha256 in parts),
        consents=consents,
        at=now(),
    )
