"""A large shelf: how long a ranking and a search take, and how fast uses are filed, by many at once
and through kill -9.

The shelf is made up (shelf.py). A list is timed as a user waits for it, signatures and permissions
of what it shows included; beside it stands the processor's time, which other work on the machine
does not lengthen as much.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench import shelf
from sosie.core.files import sha256_bytes
from sosie.core.records import now
from sosie.core.terms import PERIODS
from sosie.registry import Registry
from sosie.registry.labels import Wanted
from sosie.registry.usage import DAY, Use
from sosie.studio import Studio

WRITTEN = int(os.environ.get("SOSIE_BENCH_WRITTEN", "40000"))
"""Uses that the writers file, all together."""
WRITERS = 8
BATCH = 25
"""Uses that a writer files at once."""
REPEATS = 5
FIRST = float(os.environ.setdefault("SOSIE_BENCH_FIRST", str(time.time())))
"""When the first use was filed, for writers that are started again as well."""


def run() -> Iterator[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        seconds = shelf.build(home)
        size = (home / "sosie.sqlite3").stat().st_size / 1e9
        yield (
            f"{shelf.RELEASES:,} releases, {shelf.EVENTS:,} uses",
            f"{size:.2f} GB, made in {seconds:.0f} s",
            "",
        )
        yield from lists(home)
        yield from writing(home)


def lists(home: Path) -> Iterator[tuple[str, str, str]]:
    """Rankings over every period with every kind of filter, and searches of every kind."""
    studio = Studio(home)

    def timed(**wanted: Any) -> Times:
        return _timed(lambda: studio.releases(Wanted(**wanted)))

    filters: dict[str, dict[str, Any]] = {
        "none": {},
        "base": {"base": "flux"},
        "tag": {"tags": ("family",)},
        "base and tag": {"base": "flux", "tags": ("family",)},
        "rare base": {"base": "pocket"},
        "rare tag": {"tags": ("place 77",)},
        "author": {"author": "author 5"},
        "age and terms": {"age": 65, "allows": ("picture",), "free": True},
        "three tags": {"tags": ("portrait", "family", "vintage")},
        "no such": {"base": "sdxl", "tags": ("portrait",), "author": "nobody"},
    }
    ranked = {
        f"{name}, {period}": timed(**chosen, period=period)
        for name, chosen in filters.items()
        for period in PERIODS
    }
    yield _row("top 10", ranked, 50)
    by_time = {
        f"{name}, {sort}": timed(**chosen, sort=sort, period="year")
        for name, chosen in filters.items()
        for sort in ("newest", "oldest")
    }
    yield _row("newest and oldest 10 of a year", by_time, 50)
    words = {"two words": "grandfather sea", "a common word": "garden", "a beginning": "gra",
             "a rare word": "person777", "a name": "person777@v1", "no such": "zebra"}  # fmt: skip
    searched = {
        f"{name}, {sort}, {which}": timed(words=text, sort=sort, **filters[which])
        for name, text in words.items()
        for sort in ("relevance", "downloads", "newest")
        for which in ("none", "base and tag", "rare tag")
    }
    yield _row("search, 10 found", searched, 100)
    row = studio.registry._db.row("SELECT today FROM usage_calendar")
    assert row is not None
    started = time.perf_counter()
    studio.registry.usage.turn(row["today"] + 1)
    yield "first list of a new day, once", f"{(time.perf_counter() - started) * 1e3:.0f} ms", ""
    studio.registry.close()


def writing(home: Path) -> Iterator[tuple[str, str, str]]:
    """Writers side by side, then killed one after another while they write."""
    before = _filed(home)
    each = WRITTEN // WRITERS
    going = [_writer(home, f"quick {i}", 0, each) for i in range(WRITERS)]
    for process in going:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    started = time.perf_counter()
    for process in going:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in going:
        process.communicate()
    rate = each * WRITERS / (time.perf_counter() - started)
    yield f"uses filed by {WRITERS} processes, {BATCH} at once", f"{rate:.0f}/s", "2000/s"
    killed = _killing(home, each // 4)
    lost = before + (each + each // 4) * WRITERS - _filed(home)
    with Registry.open(home) as registry:
        wrong = _wrong_sums(registry)
    yield (
        f"lost or doubled through {killed} times kill -9",
        f"{lost}; sums that differ {wrong}",
        "0",
    )


def write(home: str, writer: str, first: str, number: str) -> None:
    """What a writer does: file uses with ids of its own and tell after each batch where it is."""
    with Registry.open(Path(home)) as registry:
        hashes = [
            row["sha256"] for row in registry._db.rows("SELECT sha256 FROM releases LIMIT 5000")
        ]
        print("ready", flush=True)
        sys.stdin.readline()
        at_random = random.Random(writer)
        for start in range(int(first), int(number), BATCH):
            end = min(start + BATCH, int(number))
            uses = [
                Use(
                    id=_id(writer, i),
                    release=at_random.choice(hashes),
                    metric="downloads",
                    at=now(),
                )
                for i in range(start, end)
            ]
            registry.usage.add(uses)
            print(end, flush=True)


def _id(writer: str, i: int) -> str:
    """The same for the same use, and near those of the same time, as ids are that begin with it."""
    return f"{int(FIRST * 1000) + i:012x}{sha256_bytes(f'{writer}/{i}'.encode())[:20]}"


def _killing(home: Path, each: int) -> int:
    """Let writers file `each`, kill them at random, and start them where they were answered."""
    at = {f"killed {i}": 0 for i in range(WRITERS)}
    at_random, killed = random.Random(7), 0
    while unfinished := [writer for writer in at if at[writer] < each]:
        going = {writer: _writer(home, writer, at[writer], each) for writer in unfinished}
        for process in going.values():
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        if killed < 2 * WRITERS:
            time.sleep(2)
            for process in going.values():
                time.sleep(at_random.random() / 10)
                process.send_signal(signal.SIGKILL)
        for writer, process in going.items():
            said = process.communicate()[0].split()
            killed += process.returncode == -signal.SIGKILL
            at[writer] = max([at[writer], *(int(word) for word in said if word.isdigit())])
    return killed


def _filed(home: Path) -> int:
    with Registry.open(home) as registry:
        row = registry._db.row("SELECT count(*) AS number FROM usage_events")
    assert row is not None
    number: int = row["number"]
    return number


def _wrong_sums(registry: Registry) -> int:
    """How many sums of days and windows are not those of the events."""
    wrong = len(
        registry._db.rows(
            """SELECT 1 FROM (SELECT at / ? AS day, kind, release, count(*) AS number
            FROM usage_events GROUP BY 1, 2, 3) AS e LEFT JOIN usage_days AS d
            USING (day, kind, release) WHERE d.number IS NOT e.number""",
            (DAY,),
        )
    )
    row = registry._db.row("SELECT today FROM usage_calendar")
    assert row is not None
    for period, days in PERIODS.items():
        first = 0 if days is None else row["today"] - days + 1
        last = row["today"] if days else 10**9
        wrong += len(
            registry._db.rows(
                """SELECT 1 FROM usage_windows AS w LEFT JOIN (SELECT kind, release,
                sum(number) AS number FROM usage_days WHERE day BETWEEN ? AND ? GROUP BY 1, 2) AS d
                USING (kind, release) WHERE w.period = ? AND w.number IS NOT d.number""",
                (first, last, period),
            )
        )
    return wrong


def _writer(home: Path, name: str, first: int, number: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "bench.catalogue", str(home), name, str(first), str(number)]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class Times(NamedTuple):
    """Milliseconds of one call, the median of `REPEATS`."""

    waited: float
    worked: float
    """Of the processor."""


def _timed(call: Callable[[], object]) -> Times:
    waited, worked = [], []
    for _ in range(REPEATS):
        started = time.perf_counter(), time.process_time()
        call()
        waited.append((time.perf_counter() - started[0]) * 1e3)
        worked.append((time.process_time() - started[1]) * 1e3)
    return Times(statistics.median(waited), statistics.median(worked))


def _row(what: str, times: dict[str, Times], bound: int) -> tuple[str, str, str]:
    slowest = max(times, key=lambda name: times[name].worked)
    waited, worked = (statistics.median(column) for column in zip(*times.values(), strict=True))
    most = f"the slowest ({slowest}) {times[slowest].waited:.0f} and {times[slowest].worked:.0f} ms"
    figure = f"{waited:.1f} ms, of which {worked:.1f} of the processor; {most}"
    return f"{what}, median of {len(times)} kinds", figure, f"{bound} ms"


if __name__ == "__main__":
    write(*sys.argv[1:])
