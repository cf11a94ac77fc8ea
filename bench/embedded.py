"""The embedded base apart from what it was taught: what its autoencoder loses, and how long things
take.

People, writers and texts are held out; every picture passes the autoencoder once. A picture of the
base is timed by the clock, as it is waited for, on all cores of the machine; the world by processor
time, which is that of one core. `SOSIE_BENCH_PICTURES` takes another number for the autoencoder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.judges import decoded, held_out
from bench.kept import side_by_side
from bench.obeys import asked, prompt
from bench.taught import base
from bench.writes import rendered, texts
from sosie.audit.intervals import mean_interval
from sosie.generate import GenerateConfig, draw
from sosie.world.people import person
from sosie.world.photo import photo

Picture = NDArray[np.uint8]
PICTURES = int(os.environ.get("SOSIE_BENCH_PICTURES", "100"))
TIMED = 16
PORTRAITS = 40


def portrait(number: int) -> Picture:
    """A picture of a held-out person, with whatever the world draws."""
    return photo(person(held_out(number)), seed=number).picture


def psnr(true: Picture, other: Picture) -> float:
    """Peak signal-to-noise ratio in decibels; infinite where they are equal."""
    error = np.square(true.astype(np.float64) - other).mean()
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def lost(pictures: Sequence[Picture]) -> str:
    """What the autoencoder leaves of pictures, on average, with its interval over them."""
    found = mean_interval([psnr(one, decoded(base(), one)) for one in pictures])
    assert found is not None, "there is at least one picture"
    return f"{found.value:.1f} dB ({found.low:.1f} to {found.high:.1f})"


def seconds_each(count: int) -> float:
    """By the clock, for each of `count` pictures that are asked for at once."""
    config = GenerateConfig(prompt=prompt(asked(0)), n=count)
    begun = time.perf_counter()
    draw(base(), config)
    return (time.perf_counter() - begun) / count


def portraits_a_second(count: int) -> float:
    """How many the world draws in a second of processor time, of another person each."""
    portrait(0)
    begun = time.process_time()
    for number in range(count):
        portrait(number)
    return count / (time.process_time() - begun)


def run() -> Iterator[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    written = [one.picture for one in rendered(texts(PICTURES))]
    drawn = [portrait(number) for number in range(PICTURES)]
    once = "once through the autoencoder"
    yield f"{PICTURES} portraits {once}", lost(drawn), "at least 28 dB"
    yield f"{PICTURES} written lines {once}", lost(written), "at least 28 dB"
    seconds_each(1)  # loads and warms up
    size = base().info.defaults
    what = f"{size.width} pixels, {size.steps} steps, {os.cpu_count()} cores"
    yield f"a picture alone, {what}", f"{seconds_each(1):.2f} s", "at most 3 s on two cores"
    yield f"each of {TIMED}, {what}", f"{seconds_each(TIMED):.2f} s", ""
    (rate,) = side_by_side(portraits_a_second, [PORTRAITS])
    yield "portraits of the world, one core", f"{rate:.1f} a second", "at least 10"
