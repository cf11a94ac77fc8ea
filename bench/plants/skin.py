"""Faults of skin: whitened, discoloured, smoothed, lined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.plants import Plant, Shot
from bench.plants.pose import some
from sosie.models.faces import Face, find_faces

Floats = NDArray[np.float32]
COUNT = 3
"""Pictures of fifteen that get the fault."""


def shown(shots: list[Shot], r: np.random.Generator) -> list[int]:
    """Pictures that get a fault of the face: not those in profile, where nobody would see it."""
    order = some(shots, len(shots), r)
    order = [int(number) for number in r.permutation(order)]
    return [number for number in order if _faced(shots[number])][:COUNT]


def _faced(shot: Shot) -> bool:
    from sosie.doctor.closeup import turn_of

    faces = find_faces(shot.rgb)
    return bool(faces) and abs(turn_of(faces[0])) < 0.5


def skin_of(rgb: NDArray[np.uint8], face: Face) -> Floats:
    """(H, W, 1) share of skin: the face's colour within and around its box, softly."""
    import cv2

    lab = _lab(rgb)
    eyes, mouth = face.landmarks[:2], face.landmarks[3:]
    cheeks = np.clip((eyes + mouth) / 2, 0, np.array(rgb.shape[1::-1]) - 1).astype(int)
    usual = np.median([lab[y, x] for x, y in cheeks], axis=0)
    near = np.exp(-((np.hypot(lab[..., 1] - usual[1], lab[..., 2] - usual[2]) / 14) ** 4))
    mask = np.zeros(rgb.shape[:2], np.float32)
    box, grow = face.box, face.box.height // 4
    mask[
        max(0, box.top - grow) : box.bottom + grow,
        max(0, box.left - grow // 2) : box.right + grow // 2,
    ] = 1
    soft = cv2.GaussianBlur((mask * near).astype(np.float32), (0, 0), 2)
    return np.asarray(soft[..., None], np.float32)


def _lab(rgb: NDArray[np.uint8]) -> Floats:
    import cv2

    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _rgb(lab: Floats) -> NDArray[np.uint8]:
    import cv2

    rgb = cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.clip(rgb * 255 + 0.5, 0, 255), np.uint8)


def _whitened(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Skin taken 20, 35 or 50 hundredths of the way to white."""
    way, out = (0.2, 0.35, 0.5)[strength], list(shots)
    for number in shown(shots, r):
        rgb = shots[number].rgb
        lab, share = _lab(rgb), way * skin_of(rgb, find_faces(rgb)[0])
        white = np.array([100.0, 0.0, 0.0], np.float32)
        out[number] = replace(shots[number], rgb=_rgb(lab * (1 - share) + white * share))
    return out


def _drift(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """A cast of 7, 12 or 18 units to green, magenta or blue over the picture."""
    size, out = (7.0, 12.0, 18.0)[strength], list(shots)
    casts = np.array([[0, -0.9, 0.45], [0, 0.9, -0.45], [0, -0.6, -1.6]], np.float32)
    for number in shown(shots, r):
        lab = _lab(shots[number].rgb) + size * casts[int(r.integers(len(casts)))]
        out[number] = replace(shots[number], rgb=_rgb(lab))
    return out


def pored(shot: Shot, r: np.random.Generator) -> Shot:
    """With the texture of real skin, which drawn skin lacks."""
    import cv2

    faces = find_faces(shot.rgb)
    if not faces:
        return shot
    grain = cv2.GaussianBlur(r.normal(0, 1, shot.rgb.shape[:2]).astype(np.float32), (0, 0), 0.8)
    grain = 0.045 * grain / grain.std()
    rgb = shot.rgb * (1 + grain[..., None] * skin_of(shot.rgb, faces[0]))
    return replace(shot, rgb=np.asarray(np.clip(rgb + 0.5, 0, 255), np.uint8))


def _retouched(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Skin with pores in all pictures, smoothed by 50, 75 or 95 hundredths in some."""
    import cv2

    way = (0.5, 0.75, 0.95)[strength]
    out = [pored(shot, r) for shot in shots]
    for number in shown(shots, r):
        rgb = out[number].rgb
        share = way * skin_of(shots[number].rgb, find_faces(shots[number].rgb)[0])
        smooth = cv2.bilateralFilter(rgb, 9, 35, 4)
        mixed = rgb * (1 - share) + smooth * share
        out[number] = replace(out[number], rgb=np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8))
    return out


def _lines(shots: list[Shot], strength: int, r: np.random.Generator) -> list[Shot]:
    """Folds from the nose past the mouth, and lines below the eyes, 30, 50 or 70 % darker."""
    import cv2

    dark, out = (0.3, 0.5, 0.7)[strength], list(shots)
    for number in shown(shots, r):
        rgb, face = shots[number].rgb, find_faces(shots[number].rgb)[0]
        left, right, nose, *corners = face.landmarks.astype(np.float32)
        across = (right - left) / np.linalg.norm(right - left)
        fall = np.mean(corners, axis=0) - (left + right) / 2
        unit, drawn = float(np.linalg.norm(fall)), np.zeros(rgb.shape[:2], np.float32)
        for side, corner, eye in ((-1, corners[0], left), (1, corners[1], right)):
            out_ = across * side * unit
            fold = [nose + 0.25 * out_, (nose + corner) / 2 + 0.24 * out_, corner + 0.2 * out_]
            bag = [
                eye - 0.16 * out_ + 0.2 * fall,
                eye + 0.24 * fall,
                eye + 0.16 * out_ + 0.2 * fall,
            ]
            for line in (fold, bag):
                points = np.round(np.stack(line) * 16).astype(np.int32)
                cv2.polylines(drawn, [points], False, 1.0, max(1, round(unit / 28)), cv2.LINE_AA, 4)
        share = dark * np.minimum(cv2.GaussianBlur(drawn, (0, 0), unit / 70) * 1.3, 1)
        mixed = np.clip(rgb * (1 - share[..., None]) + 0.5, 0, 255)
        out[number] = replace(shots[number], rgb=np.asarray(mixed, np.uint8))
    return out


PLANTS: dict[str, Plant] = {
    "skin.whitened": _whitened,
    "skin.drift": _drift,
    "skin.retouched": _retouched,
    "skin.lines": _lines,
}
