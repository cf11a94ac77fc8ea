"""Real photographs: what the commands make of portraits that packages carry.

They are read out of scikit-image, and out of the archives of matplotlib and face_recognition if
those lie in the folder that `SOSIE_BENCH_ARCHIVES` names (`pip download --no-deps`); nothing of it
is kept. Nobody on them gave Sosie a permission, so nothing is taught and nobody is drawn: that
refusal is part of the table. What `pocket` could hold of a real face at all is read from its
autoencoder, through which every picture passes. `SOSIE_BENCH_REPORT` names a file for the doctor's
page.
"""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import permutations
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from sosie.core.errors import NotPermitted
from sosie.models import faces
from sosie.models.diffusion.base import DiffusionBase
from sosie.models.diffusion.resolve import load_base
from sosie.registry.intake import decode
from sosie.studio import Studio

Picture = NDArray[np.uint8]
SIDE = 128
"""Of the pictures that `pocket` codes, in pixels."""
ROOM = 0.6
"""Around a face, on each side, as a share of its height: the framing that `pocket` knows."""


def archived() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the portraits that can be found."""
    if (package := find_spec("skimage")) is not None and package.origin:
        astronaut = Path(package.origin).parent / "data" / "astronaut.png"
        yield astronaut.name, astronaut.read_bytes()
    folder = Path(os.environ.get("SOSIE_BENCH_ARCHIVES", ""))
    for wheel in sorted(folder.glob("matplotlib-*.whl")):
        with zipfile.ZipFile(wheel) as held:
            name = "matplotlib/mpl-data/sample_data/grace_hopper.jpg"
            yield "grace_hopper.jpg", held.read(name)
    for source in sorted(folder.glob("face_recognition-*.tar.gz")):
        with tarfile.open(source) as held_in:
            for member in held_in:
                path = Path(member.name)
                data = held_in.extractfile(member)
                if path.parent.name == "test_images" and data is not None:
                    yield path.name, data.read()


def close(rgb: Picture, face: faces.Face) -> Picture:
    """The square around a face, (SIDE, SIDE, 3); edges are repeated where it reaches outside."""
    box = face.box
    reach = round((0.5 + ROOM) * box.height)
    x, y = (box.left + box.right) // 2 + reach, (box.top + box.bottom) // 2 + reach
    wide = np.pad(rgb, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    part = wide[y - reach : y + reach, x - reach : x + reach]
    return np.asarray(cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


@torch.no_grad()
def through(base: DiffusionBase, rgb: Picture) -> Picture:
    """The picture as it leaves the base's autoencoder."""
    pixels = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 127.5 - 1
    back = base.decode(base.encode_pixels(pixels))[0].permute(1, 2, 0)
    return np.asarray(((back + 1) * 127.5).round().clamp(0, 255), np.uint8)


def held(portraits: Mapping[str, bytes]) -> list[tuple[str, str, str]]:
    """How much of a face is left behind the autoencoder, by SFace and by signal to noise."""
    base, before, after, noise = load_base("pocket"), {}, {}, []
    for name, data in portraits.items():
        rgb = np.asarray(Image.open(io.BytesIO(decode(data, name).picture)))
        found = faces.find_faces(rgb)
        if not found:
            continue
        picture = close(rgb, found[0])
        coded = through(base, picture)
        first, second = faces.identity(picture), faces.identity(coded)
        error = float(np.square(picture / 255 - coded / 255).mean())
        noise.append(-10 * np.log10(error))
        if first is not None and second is not None:
            before[name], after[name] = first, second
    same = [float(before[name] @ after[name]) for name in before]
    others = [float(before[one] @ after[two]) for one, two in permutations(before, 2)]
    if not same:
        return []
    return [
        ("autoencoder alone, signal to noise", f"{np.mean(noise):.1f} dB", ""),
        ("the same face before and after it, cosine", f"{np.mean(same):.2f}", ""),
        ("two pictures, one of them through it, cosine", f"{np.mean(others):.2f}", ""),
    ]


def attempt(studio: Studio) -> str:
    """What training says without a permission."""
    try:
        studio.train("portraits", base="pocket", overrides={})
    except NotPermitted as refusal:
        return f"refused: {refusal}"
    return "trained"


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    portraits = dict(archived())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "portraits"
        folder.mkdir()
        for name, data in portraits.items():
            (folder / name).write_bytes(data)
        studio = Studio(Path(scratch) / "home")
        studio.new("portraits")
        added = studio.add("portraits", [folder])
        found = studio.doctor("portraits", base="pocket")
        if page := os.environ.get("SOSIE_BENCH_REPORT"):
            studio.report("portraits", found, Path(page))
        counts = f"{len(added.added)}, {len(added.known)}, {len(added.refused)}"
        told = [
            (f"finding {each.rule}", f"{each.severity}, {len(each.samples)} pictures", "")
            for each in found.open
        ]
        return [
            ("pictures added, known already, refused", counts, ""),
            ("the doctor's verdict", found.verdict, ""),
            *told,
            ("training on them", attempt(studio), "refused"),
            *held(portraits),
        ]
