"""What a picture file says of itself, in every way that can be read here; nothing is judged."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sosie.core.errors import NotMarked, UnreadablePicture, WeightsRefused
from sosie.registry import Registry
from sosie.registry.intake import decode, head, read_bytes, shown_name
from sosie.registry.watermarks import Hit
from sosie.rights import Credentials, credentials, xmp

if TYPE_CHECKING:
    from sosie.generate import Made


@dataclass(frozen=True)
class Marks:
    """The marks of one picture."""

    made: Made | None
    """The record of a picture that Sosie drew."""
    credentials: Credentials | None
    xmp: xmp.Said
    hit: Hit | None
    """The watermark on file that it bears."""
    sought: int
    """Among how many watermarks it was sought; 0 if there are none, or it could not be read."""
    unread: tuple[str, ...]
    """What could not be read, and why, in sentences."""

    @property
    def synthetic(self) -> bool:
        """Whether one of the marks says that a machine made it."""
        said = {self.xmp.source_type, self.credentials.source_type if self.credentials else None}
        drawn = self.hit is not None and self.hit.mark.what == "drawn"
        return self.made is not None or xmp.SYNTHETIC in said or drawn

    def said(self) -> dict[str, Any]:
        """The marks as JSON has them."""
        whole: dict[str, Any] = {}
        if self.made is not None:
            whole["made"] = self.made.model_dump(mode="json")
        if self.credentials is not None:
            whole["credentials"] = self.credentials.model_dump(mode="json")
        if any(self.xmp):
            whole["xmp"] = self.xmp._asdict()
        if self.hit is not None:
            number = {"number": f"{self.hit.number:08x}", "wrong_bits": self.hit.wrong}
            whole["watermark"] = {**number, **self.hit.mark.model_dump(mode="json")}
        return whole


def is_picture(path: Path) -> bool:
    """Whether a file begins as a picture of a kind that is read here."""
    try:
        head(read_bytes(path), path.name)
    except UnreadablePicture:
        return False
    return True


def marks(registry: Registry, path: Path) -> Marks:
    """The marks of a picture. Raises UnreadablePicture if the file is none."""
    from sosie.generate import read_back

    data, unread = read_bytes(path), []
    mime, packet = head(data, shown_name(path))
    made = found = hit = None
    try:
        made = read_back(path)
    except UnreadablePicture as error:
        unread.append(str(error))
    try:
        found = credentials.read(data, mime)
    except NotMarked as error:
        unread.append(str(error))
    sought = registry.watermarks.count()
    if sought:
        try:
            hit = _hit(registry, data, path)
        except (UnreadablePicture, WeightsRefused) as error:
            sought = 0
            unread.append(f"No watermark was sought: {error}")
    return Marks(made, found, xmp.read(packet), hit, sought, tuple(unread))


def _hit(registry: Registry, data: bytes, path: Path) -> Hit | None:
    """The watermark on file that a picture bears, upright or mirrored."""
    import numpy as np
    from PIL import Image

    from sosie.models import watermark

    picture = Image.open(io.BytesIO(decode(data, shown_name(path)).picture))
    if not watermark.markable(*picture.size):
        raise UnreadablePicture(f"{picture.width}x{picture.height} pixels are too few to bear one.")
    rgb = np.asarray(picture)
    read = (watermark.read(rgb, mirrored=mirrored) for mirrored in (False, True))
    return next((hit for number in read if (hit := registry.watermarks.hit(number))), None)
