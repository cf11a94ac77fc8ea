"""The parts of a portrait that are not the face: what is behind, what is worn, the hair.

A part is described by what it is made of, and not by how it is laid out: its colours and its edges.
So a wall is the same wall when the person stands further to the left. Colours are measured against
the skin where light may change them: the same shirt by a lamp and by a window is one shirt.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sosie.doctor.view import Floats, View
from sosie.models.faces import Face

Where = NDArray[np.bool_]
"""(H, W) of `Portrait.lab`."""

SURE = 0.6
"""Mask value from which a pixel is certainly of the person."""
CLEAR = 0.3
"""Mask value below which a pixel, with its neighbours, is certainly not."""
NEAR_SKIN = 8.0
"""CIELAB distance (lightness counts a third) below which a pixel below the chin may be skin."""
LIKE_CROWN = 22.0
"""CIELAB distance (lightness counts half) from the crown of the head up to which it is hair."""
BROW = -0.75
"""Height of the brow over the eyes, in `unit`: what is above it is mostly hair."""
CROWN = 0.55
"""Share of the way from the top of the head to the brow that is taken for its crown."""
USUAL_SKIN = (14.0, 16.0)
"""a*, b* to which colours are moved by what the light does to the skin."""
ADAPTED = 0.7
"""Share of the skin's cast that is taken out of a part: lamps seldom light all alike."""
SHADES, HUES = 6, 9
"""Bins of L* over 0..100, and of a* and b* over -64..64."""
STEEP = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Steps of L* for each pixel at which edges are told apart: from flat to sharp."""
ANGLES = 4
AROUND = 0.7
"""How far the surroundings of a pixel of cloth reach, from eyes to mouth."""


@dataclass(frozen=True, eq=False)
class Portrait:
    """A picture, small, and where the person stands in it."""

    lab: Floats
    """(H, W, 3), CIELAB."""
    mask: Floats
    """(H, W), the person in [0, 1]."""
    face: Face | None
    zoom: float
    """Pixels of this for each stored pixel."""

    @classmethod
    def of(cls, view: View) -> Portrait:
        """Read from a view. Raises WeightsRefused if faces or mask cannot be found."""
        import cv2

        lab = cv2.cvtColor(view.tiny.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        zoom = max(view.tiny.shape) / max(view.rgb.shape)
        return cls(np.asarray(lab), view.mask, view.face, zoom)

    @cached_property
    def inside(self) -> Where:
        """Certainly the person."""
        import cv2

        return np.asarray(cv2.erode(self.mask, np.ones((5, 5), np.uint8)) > SURE)

    @cached_property
    def background(self) -> Where:
        """Certainly not the person: their outline, where a mask errs, belongs to nothing."""
        import cv2

        reach = 2 * round(max(self.mask.shape) / 50) + 1
        return np.asarray(cv2.dilate(self.mask, np.ones((reach, reach), np.uint8)) < CLEAR)

    @cached_property
    def skin(self) -> Floats:
        """Median CIELAB between eyes and mouth; there must be a face."""
        x, y = self._from(np.asarray((self._eyes + self._mouth) / 2, np.float32))
        disc = np.hypot(x, y) < 0.6
        return np.asarray(np.median(self.lab[disc], axis=0) if disc.any() else self.lab[0, 0])

    @cached_property
    def torso(self) -> Where:
        """The person below the chin, without what looks like skin; there must be a face."""
        assert self.face is not None
        rows, columns = np.mgrid[: self.mask.shape[0], : self.mask.shape[1]]
        box = self.face.box
        high, middle = box.height * self.zoom, (box.left + box.right) / 2 * self.zoom
        below = rows > box.bottom * self.zoom + 0.12 * high
        worn = self.inside & below & (np.abs(columns - middle) < 1.3 * high)
        bare = np.linalg.norm((self.lab - self.skin) * np.array([0.35, 1, 1], np.float32), axis=-1)
        return np.asarray(worn & (bare > NEAR_SKIN))

    @cached_property
    def hair(self) -> Where:
        """What has the colour of the crown of the head rather than that of the skin; a hat, where
        one is worn. There must be a face."""
        import cv2

        x, y = self._from(self._eyes)
        above = self.inside & (y < BROW) & (np.abs(x) < 2.2)
        if not above.any():
            return above
        top = float(y[above].min())
        crown = np.median(self.lab[above & (y < top + CROWN * (BROW - top))], axis=0)
        weight = np.array([0.45, 1, 1], np.float32)
        from_crown = np.linalg.norm((self.lab - crown) * weight, axis=-1)
        from_skin = np.linalg.norm((self.lab - self.skin) * weight, axis=-1)
        face = (np.abs(x) < 0.7) & (y > -0.5) & (y < 2.2)
        chest = (np.abs(x) < 0.5) & (y > 1.6)
        found = self.inside & (y < 3.6) & ~face & ~chest
        found &= from_crown < np.minimum(from_skin, LIKE_CROWN)
        clean = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        return np.asarray(clean > 0)

    def adapted(self) -> Floats:
        """`lab` with most of what the light does to the skin taken out; there must be a face."""
        cast = np.zeros(3, np.float32)
        cast[1:] = (self.skin[1:] - USUAL_SKIN) * ADAPTED
        return np.asarray(self.lab - cast)

    @property
    def _eyes(self) -> Floats:
        assert self.face is not None
        return np.asarray(self.face.landmarks[:2].mean(0) * self.zoom)

    @property
    def _mouth(self) -> Floats:
        assert self.face is not None
        return np.asarray(self.face.landmarks[3:5].mean(0) * self.zoom)

    @property
    def unit(self) -> float:
        """From eyes to mouth, in pixels: it stays when the head turns. There must be a face."""
        return max(4.0, float(np.linalg.norm(self._mouth - self._eyes)))

    def _from(self, point: Floats) -> tuple[Floats, Floats]:
        """How far each pixel lies right of and below a point, in `unit`."""
        rows, columns = np.mgrid[: self.mask.shape[0], : self.mask.shape[1]].astype(np.float32)
        return (columns - point[0]) / self.unit, (rows - point[1]) / self.unit


def patterned(lab: Floats, where: Where, unit: float) -> float:
    """How far most of a part (70% of it) is from the mean colour around, in CIELAB.

    A lapel or a zip is little of a jacket; stripes are all of it. `unit` is in pixels.
    """
    import cv2

    inside = where.astype(np.float32)
    near = cv2.GaussianBlur(inside, (0, 0), AROUND * unit)
    mean = cv2.GaussianBlur(lab * inside[..., None], (0, 0), AROUND * unit)
    mean = mean / np.maximum(near, 1e-3)[..., None]
    return float(np.percentile(np.linalg.norm((lab - mean)[where], axis=-1), 30))


def described(lab: Floats, where: Where, edges: float) -> Floats:
    """What the pixels of a part are made of, of unit length, so that a dot product compares two.

    The product is the Bhattacharyya coefficient of the colours and that of the edges, weighted
    1 - `edges` and `edges`.
    """
    colours, steps = _colours(lab[where]), _edges(lab[..., 0], where)
    both = np.concatenate([colours * (1 - edges), steps * edges])
    return np.asarray(np.sqrt(both / both.sum()), np.float32)


def _colours(pixels: Floats) -> Floats:
    """Share of the pixels near each of a lattice of colours: each counts at the corners around it,
    by nearness, so that a slightly other light changes little."""
    size = (SHADES, HUES, HUES)
    top = np.array(size) - 1
    place = (pixels - [0, -64, -64]) / [100, 128, 128] * top
    place = np.clip(place, 0, top - 1e-4).T
    low = place.astype(int)
    share = place - low
    nearness = (1 - share, share)
    counted = np.zeros(size).ravel()
    for i, j, k in np.ndindex(2, 2, 2):
        weight = nearness[i][0] * nearness[j][1] * nearness[k][2]
        index = ((low[0] + i) * HUES + low[1] + j) * HUES + low[2] + k
        counted += np.bincount(index, weight, counted.size)
    return np.asarray(counted / len(pixels), np.float32)


def _edges(light: Floats, where: Where) -> Floats:
    """Share of the pixels with each steepness and direction of edge, fine and coarse."""
    import cv2

    found = []
    for blur in (1.0, 2.5):
        smooth = cv2.GaussianBlur(light, (0, 0), blur)
        across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)[where] * blur / 8
        down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)[where] * blur / 8
        steep = np.log2(np.maximum(np.hypot(across, down), STEEP[0]) / STEEP[0])
        steep = np.clip(steep, 0, len(STEEP) - 1 - 1e-4)
        angle = np.round(np.arctan2(down, across) % np.pi / np.pi * ANGLES).astype(int) % ANGLES
        low, size = steep.astype(int), len(STEEP) * ANGLES
        share = steep - low
        counted = np.bincount(low * ANGLES + angle, 1 - share, size)
        counted += np.bincount((low + 1) * ANGLES + angle, share, size)
        counted[:ANGLES] = counted[:ANGLES].mean()  # where it is flat, there is no direction
        found.append(counted / (2 * len(across)))
    return np.asarray(np.concatenate(found), np.float32)


def alike(vectors: Floats, least: float) -> list[list[int]]:
    """Groups of rows whose mean dot product with one another is at least `least`, largest first.

    Average linkage: a chain of likenesses does not make its two ends one.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    if len(vectors) < 2:
        return [[row] for row in range(len(vectors))]
    apart = pdist(vectors, "sqeuclidean") / 2  # of unit vectors: 1 - dot product
    names = fcluster(linkage(apart, "average"), 1 - least, "distance")
    groups = [np.flatnonzero(names == name).tolist() for name in np.unique(names)]
    return sorted(groups, key=lambda group: (-len(group), group))
