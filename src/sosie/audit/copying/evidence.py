"""Two pictures against each other: how well each part of the one is found in the other.

The parts are told apart because they mean different things. Of a LoRA of a person the *face* should
be like; so what is judged for copying is the *rest*: figure and background without the face. A
perfect likeness with new pixels around it scores there like any other picture of that person.

The rest is judged in several ways, since each is blind to something: by the mean of its tiles; by
the largest patch that equals, where a bar, a corner or half of the picture is new; by its pixels
and by its low frequencies, where it was blurred.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sosie.audit.copying import detectors
from sosie.audit.copying.detectors import Fine, Mask
from sosie.audit.copying.look import Look
from sosie.core.records import Record

INSIDE = 0.6
"""Share of a tile that must belong to a part for the tile to speak of it."""
SOFT = 2.0
"""Standard deviation, in pixels, of the edge of what is hidden from the hash."""
FEWEST = 6
"""Tiles that a part must have, else nothing is said of it."""
AGREES = 0.8
"""Correlation from which a tile is shown as copied."""
EQUALS = 0.95
"""Correlation from which a tile belongs to a patch: of two pictures on one sofa many tiles agree,
and few do so well."""
SURE = 0.92
"""Correlation of the rest from which no other placement is tried."""

Part = Literal["rest", "patch", "pixels", "coarse", "figure", "background", "face"]
STAGES: tuple[Part, ...] = ("rest", "patch", "pixels", "coarse")
"""Ways in which the rest is judged; by any of them a picture may be a copy."""
PARTS: tuple[Part, ...] = (*STAGES, "figure", "background", "face")


class Evidence(Record):
    """One picture against one reference, 1 for equal ones: mean correlations of a part's tiles, in
    [-1, 1], and what the other stages say of the rest.

    None where a part has too little in it that could be recognised.
    """

    rest: float | None
    """All but the face."""
    patch: float | None = None
    """Share of the rest in the largest patch of tiles that correlate by `EQUALS` or more: of the
    figure or of the background, whichever is less. Where these cannot be told apart, what it would
    be at least were they equal halves. At most 1, and 0 or less for nothing."""
    pixels: float | None = None
    """One less the tiled L2 of the rest, in standard deviations of the reference's rest. At most
    1, and 0 or less for nothing."""
    coarse: float | None = None
    """Agreeing less differing bits of a hash of the rest, as a share of all, in [-1, 1]."""
    figure: float | None
    """Hair, clothes and body without the face."""
    background: float | None
    face: float | None
    """The face's own pixels, in its place or turned upright: not whose face it is."""
    agreeing: float
    """Share of the recognisable tiles that agree by `AGREES` or more."""
    hash_distance: int
    """Differing bits of 256, of the better of picture and mirror image."""
    tiled_l2: float
    """Of the better of picture and mirror image, in [0, 1]."""
    mirrored: bool
    """Whether the mirror image agrees better."""
    placed: bool
    """Whether it agrees better moved, turned or scaled."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """One way of laying the picture over the reference."""

    tiles: Fine
    """(T, T) correlations; NaN where nothing can be said."""
    face: Mask
    """(S, S): either picture's face."""
    backdrop: Fine | None
    """(T, T) correlations of the backgrounds alone."""
    figure: Mask | None
    """(S, S): either picture's people."""
    inner_face: Mask
    """(S, S): the reference's."""
    mirrored: bool
    placed: bool

    @property
    def agreeing(self) -> float:
        """Share of the recognisable tiles that agree."""
        said = self.tiles[~np.isnan(self.tiles)]
        return float((said >= AGREES).mean()) if len(said) else 0.0

    @property
    def patch(self) -> float | None:
        """See `Evidence`."""
        known = ~np.isnan(self.tiles)
        rest = known & _within(~self.face)
        if rest.sum() < FEWEST:
            return None
        found = detectors.largest_patch(rest & (self.tiles >= EQUALS), ~rest)
        if self.figure is not None:
            sides = [rest & _within(side) for side in (self.figure, ~self.figure)]
            if min(side.sum() for side in sides) >= FEWEST:
                return float(min((found & side).sum() / side.sum() for side in sides))
        return float(2 * found.sum() / rest.sum() - 1)

    def mean(self, part: Part) -> float | None:
        """The mean correlation over a part."""
        if part == "face":
            return _mean(self.tiles, self.inner_face)
        if part == "rest":
            return _mean(self.tiles, ~self.face)
        if self.figure is None or self.backdrop is None:
            return None
        if part == "background":
            return _mean(self.backdrop, ~self.figure)
        return _mean(self.tiles, self.figure & ~self.face)


def compare(reference: Look, made: Look) -> Evidence:
    """All evidence that `made` copies `reference`; both of one shape."""
    laid = overlays(reference, made)
    best = max(laid, key=lambda way: way.agreeing)
    # Clothes and place may draw the whole elsewhere than where the face lies.
    face = [way.mean("face") for way in laid]
    face.append(_features(reference, made.mirrored if best.mirrored else made))
    both = made, made.mirrored
    rest = best.mean("rest")
    # Of what is flat they would say that all of it agrees.
    stages = [] if rest is None else [_stages(reference, one) for one in both]
    return Evidence(
        rest=rest,
        patch=_greatest(way.patch for way in laid),
        pixels=_greatest(pixels for pixels, _ in stages),
        coarse=_greatest(coarse for _, coarse in stages),
        figure=best.mean("figure"),
        background=best.mean("background"),
        face=_greatest(face),
        agreeing=best.agreeing,
        hash_distance=min(detectors.hash_distance(reference.bits, one.bits) for one in both),
        tiled_l2=min(detectors.tiled_l2(reference.rgb, one.rgb) for one in both),
        mirrored=best.mirrored,
        placed=best.placed,
    )


def overlays(reference: Look, made: Look) -> list[Overlay]:
    """Ways of laying `made` over `reference`: in place or mirrored, and where that does not settle
    it, as the points that both share say."""
    # At once in place, and only the better of picture and mirror image by the slow search.
    rough = [
        detectors.tile_correlation(reference.detail, one.detail, search=0)
        for one in (made, made.mirrored)
    ]
    laid = [_overlay(reference, made, None, mirrored=_level(rough[1]) > _level(rough[0]))]
    if (laid[0].mean("rest") or 0.0) >= SURE:
        return laid
    for mirrored in (False, True):
        one = made.mirrored if mirrored else made
        matrix = detectors.placement(reference.keypoints, one.keypoints)
        if matrix is not None:
            laid.append(_overlay(reference, made, matrix, mirrored=mirrored))
    return laid


def _overlay(
    reference: Look, made: Look, matrix: NDArray[np.float64] | None, *, mirrored: bool
) -> Overlay:
    one = made.mirrored if mirrored else made

    def over(square: Fine) -> Fine:
        return square if matrix is None else detectors.laid(square, matrix)

    def mask(drawn: Mask) -> Mask:
        return np.asarray(np.nan_to_num(over(drawn.astype(np.float32))) > 0.5)

    figure = backdrop = None
    if reference.figure is not None and one.figure is not None:
        assert reference.backdrop is not None and one.backdrop is not None
        figure = reference.figure | mask(one.figure)
        backdrop = detectors.tile_correlation(reference.backdrop, over(one.backdrop))
    return Overlay(
        tiles=detectors.tile_correlation(reference.detail, over(one.detail)),
        backdrop=backdrop,
        face=reference.face | mask(one.face),
        figure=figure,
        inner_face=reference.inner_face,
        mirrored=mirrored,
        placed=matrix is not None,
    )


def _stages(reference: Look, made: Look) -> tuple[float | None, float]:
    """What pixels and low frequencies say of all but either face, laid over each other in place."""
    rest = ~(reference.face | made.face)
    furthest = detectors.tiled_l2(reference.rgb, made.rgb, rest)
    spread = float(np.sqrt((reference.rgb[rest] / 255).var(axis=0).mean())) if rest.any() else 0.0
    pixels = 1 - furthest / spread if spread and np.isfinite(furthest) else None
    bits = [detectors.hash_bits(_without(look.grey, ~rest)) for look in (reference, made)]
    return pixels, 1 - 2 * detectors.hash_distance(*bits) / len(bits[0])


def _without(grey: Fine, hidden: Mask) -> Fine:
    """A square with the mean of the rest in the place of what is hidden, with a soft edge: a hard
    one would be a figure that both share."""
    import cv2

    if hidden.all():
        return grey
    share = cv2.GaussianBlur(hidden.astype(np.float32), (0, 0), SOFT)
    return np.asarray(grey * (1 - share) + grey[~hidden].mean() * share, np.float32)


def _features(reference: Look, made: Look) -> float | None:
    """The faces' correlation, both turned upright."""
    if reference.features is None or made.features is None:
        return None
    tiles = detectors.tile_correlation(reference.features, made.features)
    return _mean(tiles, _upright_face(len(reference.features)))


@cache
def _upright_face(side: int) -> Mask:
    """Where the face lies in `faces.aligned`."""
    at = (np.arange(side) + 0.5) / side
    return np.asarray(((at[None] - 0.5) / 0.34) ** 2 + ((at[:, None] - 0.54) / 0.44) ** 2 <= 1)


def _within(part: Mask) -> Mask:
    """(T, T): the tiles that speak of a part."""
    return np.asarray(detectors.area(part) > INSIDE)


def _greatest(scores: Iterable[float | None]) -> float | None:
    return max((score for score in scores if score is not None), default=None)


def _mean(tiles: Fine, mask: Mask) -> float | None:
    said = tiles[_within(mask) & ~np.isnan(tiles)]
    return float(said.mean()) if len(said) >= FEWEST else None


def _level(tiles: Fine) -> float:
    return -1.0 if np.isnan(tiles).all() else float(np.nanmean(tiles))
