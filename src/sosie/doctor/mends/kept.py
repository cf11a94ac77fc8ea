"""What a mend did to a face: measured before and after, on every picture, told, and bounded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sosie.core.errors import BadInput
from sosie.core.records import Record
from sosie.doctor.view import View
from sosie.models.faces import Face, embed
from sosie.models.mesh import Mesh, find_mesh

SAME = 0.88
"""Least identity that a safe mend must keep. On drawn portraits a crop, which leaves every pixel of
a face alone, measures .96 and more, in profile .90; saving as JPEG 50 .93; and a white balance that
takes a cast of 12 CIELAB units back .90."""
SAME_SHAPE = 3.5
"""Most that a safe mend may move the face's shape: 2.2 after those crops, for the mesh has a jitter
of its own, and 2.7 after a white balance."""
PERSON = 0.75
"""Least identity that any mend must keep: two pictures of one person measure about .8."""


class Kept(Record):
    """How much of a face stayed."""

    identity: float
    """Cosine of SFace's descriptions before and after; 1 is untouched."""
    shape: float
    """Mean way of the 468 points of the face mesh, in hundredths of the distance between the eyes,
    after both were laid on each other: cropping and resizing do not count."""


def compare(before: View, after: View) -> Kept | None:
    """What became of the face that `after` shows largest; None if there was no face before.

    Raises BadInput if there is none after, WeightsRefused if it cannot be measured here.
    """
    if before.face is None:
        return None
    if after.face is None or after.mesh is None:
        raise BadInput("The face could no longer be found.")
    described = embed(after.rgb, after.face)
    cosines = [float(embed(before.rgb, face) @ described) for face in before.faces]
    face = before.faces[int(np.argmax(cosines))]
    shape = _moved(find_mesh(before.rgb, face), after.mesh, face)
    return Kept(identity=round(max(cosines), 3), shape=round(shape, 2))


def require_kept(kept: Kept | None, *, safe: bool) -> None:
    """Raise BadInput, naming the figures, if a face is no longer the person's."""
    if kept is None:
        return
    if kept.identity < PERSON:
        raise BadInput(f"It would change who it is (identity {kept.identity:.2f}).")
    if safe and (kept.identity < SAME or kept.shape > SAME_SHAPE):
        raise BadInput(
            f"It would change the face more than a safe mend may "
            f"(identity {kept.identity:.2f}, shape {kept.shape:.1f}%)."
        )


def _moved(before: Mesh, after: Mesh, face: Face) -> float:
    a, b = (mesh.landmarks[:, :2].astype(np.float64) for mesh in (before, after))
    eyes = float(np.linalg.norm(face.landmarks[1] - face.landmarks[0]))
    laid = _laid_on(a, b)
    return 100 * float(np.linalg.norm(laid - a, axis=1).mean()) / max(eyes, 1e-6)


def _laid_on(fixed: NDArray[np.float64], moving: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points turned, scaled and shifted onto others by least squares (Umeyama 1991)."""
    a, b = fixed - fixed.mean(0), moving - moving.mean(0)
    u, sizes, vt = np.linalg.svd(a.T @ b)
    sign = np.diag([1.0, float(np.sign(np.linalg.det(u @ vt)))])
    scale = float((sizes * np.diag(sign)).sum() / (b**2).sum())
    return np.asarray(scale * b @ (u @ sign @ vt).T + fixed.mean(0))
