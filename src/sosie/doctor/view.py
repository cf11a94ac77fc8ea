"""One picture while it is examined: decoded once, each detector run once, and then forgotten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags

from sosie.core.records import Box, Item
from sosie.doctor.texture import noise
from sosie.doctor.writing import Writing
from sosie.models.decoders import opened
from sosie.models.faces import Face, find_faces
from sosie.models.mask import person_mask
from sosie.models.mesh import Mesh, find_mesh

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
T = TypeVar("T")

WORKING_SIDE = 1024
"""Longer side in pixels at which most measures work; what needs true pixels reads `rgb`."""
TINY_SIDE = 256
"""Longer side in pixels at which parts are told apart and described: finer does it no better."""


class View:
    """A picture and, lazily, what detectors see in it.

    A detector whose weights are missing raises WeightsRefused; the examination then lists the rules
    that need it as not examined.
    """

    def __init__(self, item: Item, original: Path | None = None) -> None:
        self.item = item
        self.original = original
        """The file as it was given, for what it says of itself; None if it is not at hand."""

    @cached_property
    def _made(self) -> dict[Callable[[View], Any], Any]:
        return {}

    def once(self, make: Callable[[View], T]) -> T:
        """What `make` gives of this view, made when it is first asked for."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    @cached_property
    def rgb(self) -> Bytes:
        """The stored picture, (H, W, 3). Raises OSError where it cannot be read."""
        import cv2

        # OpenCV unpacks a PNG in two thirds of Pillow's time. From memory: it opens not every name.
        how = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        content = np.frombuffer(self.item.path.read_bytes(), np.uint8)
        stored = cv2.imdecode(content, how) if content.size else None
        if stored is None:
            raise OSError(f"{self.item.path.name} is no picture.")
        return np.asarray(stored, np.uint8)

    @cached_property
    def scale(self) -> float:
        """Working pixels for each stored pixel, at most 1."""
        return float(min(1.0, WORKING_SIDE / max(self.rgb.shape[0], self.rgb.shape[1])))

    @cached_property
    def small(self) -> Bytes:
        """The picture with its longer side at most `WORKING_SIDE`."""
        return _shrunk(self.rgb, WORKING_SIDE)

    @cached_property
    def tiny(self) -> Bytes:
        """The picture with its longer side at most `TINY_SIDE`."""
        return _shrunk(self.small, TINY_SIDE)

    @cached_property
    def mask(self) -> Floats:
        """How much of each pixel of `tiny` belongs to a person, (H, W) in [0, 1]."""
        return person_mask(self.tiny)

    @cached_property
    def grey(self) -> Floats:
        """`small` as luma in [0, 1]."""
        return np.asarray(self.small @ np.array([0.299, 0.587, 0.114], np.float32) / 255)

    @cached_property
    def noise(self) -> float | None:
        """Deviation of the noise in `grey`; None where nothing is flat."""
        return noise(self.grey)

    @cached_property
    def faces(self) -> list[Face]:
        """Faces in pixels of `rgb`, the largest first."""
        return find_faces(self.rgb)

    @property
    def face(self) -> Face | None:
        """The largest face."""
        return self.faces[0] if self.faces else None

    @cached_property
    def mesh(self) -> Mesh | None:
        """The mesh of the largest face, in pixels of `rgb`."""
        return find_mesh(self.rgb, self.face) if self.face else None

    @cached_property
    def writing(self) -> Writing:
        """What is written, and on what paper."""
        return Writing(self.rgb)

    @cached_property
    def exif(self) -> Mapping[str, Any]:
        """Names and values that the original says of itself; empty if it says nothing."""
        if self.original is None:
            return {}
        try:
            with opened(self.original) as original:
                tags = original.getexif()
                inner = tags.get_ifd(ExifTags.IFD.Exif)
        except (OSError, SyntaxError, ValueError):
            return {}
        return {ExifTags.TAGS.get(tag, str(tag)): value for tag, value in {**tags, **inner}.items()}

    def near_face(self, share: float) -> Box | None:
        """The largest face in pixels of `small` and `grey`, grown by `share` on every side."""
        if self.face is None:
            return None
        box = around(self.face, share, self.rgb.shape)
        sides = {name: round(side * self.scale) for name, side in box.model_dump().items()}
        return Box(**sides)

    def cut(self, box: Box) -> Bytes:
        """The part of `rgb` inside `box`."""
        return self.rgb[box.top : box.bottom, box.left : box.right]


class InMemory(View):
    """A picture that lies in no file, and says nothing of itself."""

    def __init__(self, rgb: Bytes) -> None:
        self.rgb = rgb
        self.original = None


def around(face: Face, share: float, shape: tuple[int, ...]) -> Box:
    """The face's box grown by `share` of its size on every side, kept inside a picture (H, W)."""
    grow = share * max(face.box.width, face.box.height)
    height, width = shape[:2]
    return Box(
        left=max(0, round(face.box.left - grow)),
        top=max(0, round(face.box.top - grow)),
        right=min(width, round(face.box.right + grow)),
        bottom=min(height, round(face.box.bottom + grow)),
    )


def _shrunk(rgb: Bytes, side: int) -> Bytes:
    """The picture with its longer side at most `side` pixels."""
    import cv2

    height, width = rgb.shape[:2]
    shrink = side / max(height, width)
    if shrink >= 1:
        return rgb
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
