"""Marks on pictures: what the watermark survives, how often one is seen that is not there, and what
marking and verifying cost.

Marked are photographs that scikit-image carries and portraits that the world draws. Unmarked are
256-pixel windows of those and of more of the kind, upright and mirrored. The networks are run once
over a picture and a window's bits are the means over its pixels, which is what `read` does but for
the few pixels at the window's edge, where it would see black. `SOSIE_BENCH_PICTURES` is how many
portraits are drawn, `SOSIE_BENCH_WINDOWS` how many windows are read.
"""

from __future__ import annotations

import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from sosie.models import watermark
from sosie.registry.watermarks import chance, nearest, tolerance
from sosie.rights import Claims, credentials
from sosie.rights.xmp import SYNTHETIC
from sosie.studio import Studio
from sosie.world.people import person
from sosie.world.photo import photo

Picture = NDArray[np.uint8]

PORTRAITS = int(os.environ.get("SOSIE_BENCH_PICTURES", "8"))
WINDOWS = int(os.environ.get("SOSIE_BENCH_WINDOWS", "10000"))
PORTRAIT_SIDE = 512
SMALL = 128
"""Pixels a side of what pocket draws."""
ON_FILE = 1000
"""Watermarks on file among which one is sought."""
SHELVES = (10, 1000, 100_000)
RUNS = 5

CARRIED = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field", "immunohistochemistry")
"""What scikit-image carries in colour."""


def jpeg(quality: int) -> Callable[[Picture], Picture]:
    """Once through JPEG."""

    def saved(rgb: Picture) -> Picture:
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return saved


def half(rgb: Picture) -> Picture:
    """Half as wide and high."""
    size = (rgb.shape[1] // 2, rgb.shape[0] // 2)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def cropped(rgb: Picture) -> Picture:
    """The middle, 90% as wide and high."""
    y, x = round(rgb.shape[0] * 0.05), round(rgb.shape[1] * 0.05)
    return rgb[y:-y, x:-x]


TRANSFORMS: dict[str, Callable[[Picture], Picture]] = {
    "nothing": lambda rgb: rgb,
    "JPEG 90": jpeg(90),
    "JPEG 75": jpeg(75),
    "JPEG 50": jpeg(50),
    "half the size": half,
    "cropped to 90% of width and height": cropped,
    "1.2 times as bright": lambda rgb: np.clip(rgb * 1.2, 0, 255).astype(np.uint8),
    "mirrored": lambda rgb: np.ascontiguousarray(rgb[:, ::-1]),
    "turned by 5 degrees": lambda rgb: np.asarray(Image.fromarray(rgb).rotate(5)),
}


def portraits() -> list[Picture]:
    """People whom nobody knows, one picture of each."""
    size = PORTRAIT_SIDE
    return [photo(person(seed), seed=seed, size=size).picture for seed in range(PORTRAITS)]


def carried() -> list[Picture]:
    """Photographs in a package."""
    return [np.ascontiguousarray(getattr(data, name)()[:, :, :3]) for name in CARRIED]


def survived(pictures: list[Picture], names: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Bits read wrong, and pictures recognised, after each transform."""
    rng = np.random.default_rng(11)
    known = rng.integers(0, 1 << watermark.BITS, ON_FILE, np.uint32)
    marked = [watermark.marked(rgb, int(known[i])) for i, rgb in enumerate(pictures)]
    side = f"{min(min(rgb.shape[:2]) for rgb in pictures)} pixels or more a side"
    noise = [cv2.PSNR(before, after) for before, after in zip(pictures, marked, strict=True)]
    yield f"{len(pictures)} pictures, {side}: signal to noise", f"{np.mean(noise):.1f} dB", ""
    for name in names:
        wrong, found = [], 0
        for i, rgb in enumerate(marked):
            read = watermark.read(TRANSFORMS[name](rgb), mirrored=name == "mirrored")
            wrong.append((read ^ int(known[i])).bit_count())
            hit = nearest(known, read)
            found += hit is not None and hit[0] == int(known[i])
        rate = np.mean(wrong) / watermark.BITS
        told = f"{rate:.1%} (at most {max(wrong)} of 32); {found} of {len(marked)} recognised"
        yield f"bits wrong after: {name}", told, ""


def maps(rgb: Picture) -> Iterator[NDArray[np.float64]]:
    """What each pixel says of each bit, upright and mirrored, summed up from the corner."""
    seen = torch.from_numpy(np.ascontiguousarray(rgb[:, :, ::-1])).permute(2, 0, 1)[None]
    seen = seen.float() / 127.5 - 1
    for picture in (seen, seen.flip(3)):
        said = watermark.told(picture)[0].double().numpy()
        yield np.pad(said, ((0, 0), (1, 0), (1, 0))).cumsum(1).cumsum(2)


def unmarked(pictures: list[Picture]) -> Iterator[tuple[int, int]]:
    """What windows of pictures without a watermark say, upright and mirrored."""
    rng, side = np.random.default_rng(12), watermark.SIDE
    share = -(-WINDOWS // len(pictures))
    for rgb in pictures:
        upright, mirrored = maps(rgb)
        height, width = rgb.shape[:2]
        for _ in range(share):
            y, x = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
            places = ((upright, x), (mirrored, width - side - x))
            first, second = (
                watermark.number_of(torch.from_numpy(_mean(sums, y, left, side)))
                for sums, left in places
            )
            yield first, second


def _mean(sums: NDArray[np.float64], y: int, x: int, side: int) -> NDArray[np.float64]:
    whole = (
        sums[:, y + side, x + side] - sums[:, y, x + side] - sums[:, y + side, x] + sums[:, y, x]
    )
    return np.asarray(whole / side**2)


def false_hits(pictures: list[Picture]) -> Iterator[tuple[str, str, str]]:
    """How often a watermark is seen that is not there."""
    read = list(unmarked(pictures))
    yield "windows without a watermark", f"{len(read):,} of {len(pictures)} pictures", ""
    apart = len({first for first, _ in read})
    yield "different readings among them", f"{apart:,}", ""
    for count in SHELVES:
        # A shelf of its own for each tenth, so that one unlucky number does not decide.
        rng, hits = np.random.default_rng(count), 0
        for part in np.array_split(np.array(read, np.uint32), 10):
            known = rng.integers(0, 1 << watermark.BITS, count, np.uint32)
            hits += sum(any(nearest(known, int(read)) for read in both) for both in part)
        allowed = tolerance(count)
        yield (
            f"taken for one of {count:,} on file, {allowed} bits off at most",
            f"{hits} of {len(read):,}",
            f"at most {len(read) * chance(count, allowed):.2g} expected",
        )


def costs(portrait: Picture) -> Iterator[tuple[str, str, str]]:
    """What it takes to mark and to verify a picture of 1024 pixels a side."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        studio = Studio(folder / "home")
        (folder / "photos").mkdir()
        big = Image.fromarray(portrait).resize((1024, 1024), Image.Resampling.BICUBIC)
        big.save(folder / "photos" / "nobody.png")
        studio.new("nobody")
        studio.add("nobody", [folder / "photos"])
        studio.consent("nobody", relation="synthetic", evidence="sosie.world person seed 0")
        chain, png = studio.registry.chain(), (folder / "photos" / "nobody.png").read_bytes()
        claims, rgb = Claims(title="nobody", source_type=SYNTHETIC), np.asarray(big)

        def signed() -> None:
            credentials.signed(png, claims, chain)

        def marked() -> None:
            watermark.marked(rgb, 1)
            signed()

        yield "signing a picture of 1024 x 1024", median(signed), "under 0.2 s"
        yield "signing and watermarking it", median(marked), "under 3 s"
        for marks, bound in ((False, "under 0.2 s"), (True, "under 3 s")):
            out = folder / f"watermark-{marks}"
            (copy,) = studio.export_pictures("nobody", out, watermark=marks).files
            label = "verifying it" + ", with a watermark" * marks
            yield label, median(lambda copy=copy: studio.verify(copy)), bound
        yield (
            "verifying another, without a hit",
            median(lambda: studio.verify(plain(big, folder))),
            "",
        )
        added = len(credentials.signed(png, claims, chain)) - len(png)
        yield "bytes that credentials add at least", f"{added:,}", ""


def plain(picture: Image.Image, folder: Path) -> Path:
    """The picture in a file without marks."""
    path = folder / "plain.jpg"
    picture.save(path)
    return path


def median(call: Callable[[], object]) -> str:
    """The median CPU time of `RUNS` calls, after one that loads what they find loaded: other
    programs lengthen the wait, and hardly that."""
    times = []
    for _ in range(RUNS + 1):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return f"{statistics.median(times[1:]):.3f} s of CPU"


def run() -> Iterator[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    drawn, photographs = portraits(), carried()
    yield from survived([*photographs, *drawn], tuple(TRANSFORMS))
    small = [np.asarray(Image.fromarray(rgb).resize((SMALL, SMALL))) for rgb in drawn]
    yield from survived(small, ("nothing", "JPEG 90", "JPEG 75", "mirrored"))
    yield from false_hits([*photographs, *drawn])
    yield from costs(drawn[0])
