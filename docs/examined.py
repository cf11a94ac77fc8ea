"""`python -m docs.examined PAGE` examines a drawn set with planted faults and writes its report.

images/doctor.png is a screenshot of that page.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from bench.plants import Plant, focus, letters, light, setting, twins, who
from bench.sets import good_set
from sosie.doctor import Checkup
from sosie.studio import Studio

SET = 2
"""Of `bench.sets.good_set`."""
NAME = "ada"
FAULTS: tuple[tuple[str, Plant], ...] = (
    ("setting.background", setting.PLANTS["setting.background"]),
    ("who.unlike", who.PLANTS["who.unlike"]),
    ("focus.soft", focus.PLANTS["focus.soft"]),
    ("light.dark", light.PLANTS["light.dark"]),
    ("letters.watermark", letters.PLANTS["letters.watermark"]),
    ("twins.near", twins.PLANTS["twins.near"]),
)
"""One after the other, each with its middle strength and a generator of its own."""


def examined(page: Path) -> Checkup:
    """Plant, file, examine, and write the page."""
    shots = good_set(SET)
    for number, (_, plant) in enumerate(FAULTS):
        shots = plant(shots, 1, np.random.default_rng([SET, number]))
    with tempfile.TemporaryDirectory() as scratch:
        folder, studio = Path(scratch) / NAME, Studio(Path(scratch) / "home")
        folder.mkdir()
        for number, shot in enumerate(shots, start=1):
            Image.fromarray(shot.rgb).save(folder / f"{NAME}-{number:02d}.png")
            (folder / f"{NAME}-{number:02d}.txt").write_text(shot.caption, encoding="utf-8")
        studio.new(NAME)
        studio.add(NAME, [folder])
        found = studio.doctor(NAME, base="pocket")
        studio.report(NAME, found, page)
    return found


if __name__ == "__main__":
    for finding in examined(Path(sys.argv[1])).open:
        print(finding.rule, finding.severity, len(finding.samples))
