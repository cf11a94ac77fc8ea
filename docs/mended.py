"""`python -m docs.mended` draws images/mends.jpg: faults of a drawn person, before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.plants import Shot
from bench.plants.skin import PLANTS
from sosie.doctor.mends import table
from sosie.doctor.mends.apply import apply
from sosie.doctor.mends.mend import Known
from sosie.doctor.rules import skin
from sosie.doctor.view import Bytes, InMemory
from sosie.world.people import person
from sosie.world.photo import photo

SIDE, GAP, LINE = 200, 8, 22
PERSON, AGE = 29, 40
FILE = Path(__file__).parent / "images" / "mends.jpg"


def main() -> None:
    """Plant, mend, and lay out."""
    pictures = [photo(person(PERSON), seed=n, age=AGE, size=320).picture for n in range(7)]
    read = [(n, skin.FAMILY.measure(InMemory(rgb))) for n, rgb in enumerate(pictures)]
    usual = skin.usual_of([(n, r) for n, r in read if isinstance(r, skin.Reading)])
    shots = [Shot(rgb, "", number, PERSON) for number, rgb in enumerate(pictures)]
    pairs = []
    for rule, mend in (("skin.drift", "white-balance"), ("skin.whitened", "match-skin")):
        planted = PLANTS[rule](shots, 1, np.random.default_rng(3))
        faulty = next(
            new.rgb for new, old in zip(planted[1:], shots[1:], strict=True) if new is not old
        )
        pairs.append((mend, faulty, mended(mend, faulty, usual)))
    wall = np.full((640, 640, 3), 140, np.uint8)
    wall += np.random.default_rng(0).integers(0, 12, wall.shape, dtype=np.uint8)
    wall[320:, 60:380] = pictures[2]
    for mend, rgb in (("crop-shoulders", wall), ("replace-background", pictures[5])):
        pairs.append((mend, rgb, mended(mend, rgb, usual)))
    FILE.parent.mkdir(exist_ok=True)
    laid_out(pairs).save(FILE, quality=88, optimize=True)


def mended(name: str, rgb: Bytes, usual: skin.Reading | None) -> Bytes:
    """The picture after one mend with its usual options."""
    mend = table.mend(name)
    return apply(mend, rgb, mend.options(), Known(side=128, usual=usual), rgb).rgb


def laid_out(pairs: list[tuple[str, Bytes, Bytes]]) -> Image.Image:
    """Befores in one row, afters below, each pair under its mend's name."""
    size = (len(pairs) * (SIDE + GAP) + GAP, LINE + 2 * (SIDE + GAP) + GAP)
    sheet = Image.new("RGB", size, (238, 238, 236))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, (name, *both) in enumerate(pairs):
        left = GAP + number * (SIDE + GAP)
        pen.text((left + SIDE / 2, GAP / 2 + LINE / 2), name, (64, 64, 64), font, anchor="mm")
        for row, rgb in enumerate(both):
            picture = Image.fromarray(rgb)
            picture.thumbnail((SIDE, SIDE))
            top = LINE + GAP + row * (SIDE + GAP)
            sheet.paste(picture, (left + (SIDE - picture.width) // 2, top))
    return sheet


if __name__ == "__main__":
    main()
