"""The look at a picture before it is filed: where the face is, and whether it may come in."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from sosie.core.errors import WeightsRefused
from sosie.core.records import Box
from sosie.registry import Seen
from sosie.studio.drawing import pixels

if TYPE_CHECKING:
    from sosie.models.faces import Picture


def face(rgb: Picture) -> Box | None:
    """The box of the largest face, or None."""
    from sosie.models import faces

    found = faces.find_faces(rgb)
    return found[0].box if found else None


class Door:
    """Looks at new pictures of one subject, decoding each once."""

    def __init__(self, *, person: bool, guarded: bool) -> None:
        self._person, self._guarded = person, guarded
        self._blind: str | None = None

    def look(self, png: bytes) -> Seen:
        """The largest face of a person, and what speaks against filing the picture."""
        rgb = pixels(BytesIO(png))
        objection = self._objection(rgb)
        if objection is not None or not self._person:
            return Seen(objection=objection)
        return Seen(face=face(rgb))

    @property
    def notes(self) -> tuple[str, ...]:
        """What it could not look for, aloud: no picture passes in silence."""
        if self._blind is None:
            return ()
        return (f"Not examined for explicit content: {self._blind}",)

    def _objection(self, rgb: Picture) -> str | None:
        from sosie.models import unsafe

        try:
            score = unsafe.score(rgb)
        except WeightsRefused as error:
            self._blind = str(error)
            return None
        limit = unsafe.limit(guarded=self._guarded)
        if score <= limit:
            return None
        measured = f"the detector gives it {score:.2f} of 1, and takes up to {limit:g}"
        if self._guarded:
            return (
                f"may show revealing clothes ({measured} where a guardian signs). Crop it to the "
                "face, or leave it out. Nothing of it was kept."
            )
        return f"looks explicit ({measured}). Nothing of it was kept."
