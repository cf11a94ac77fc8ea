"""Throws bytes at the doors until one breaks, guided by what code they reach (atheris, libFuzzer).

    python -m tests.fuzz [DOOR …] [--seconds 60] [--corpus build/fuzz]

Each door has its own process. What reached new code stays in the corpus, so that the next time goes
on from there; what breaks a door lies beside it as DOOR-crash-…: mend it, and move the file to
tests/fuzz/found.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["sosie"]):
    from tests.fuzz.doors import doors

ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**63, 1e308, float("nan"), "", "0" * 64, "../x", "\ud800", "\0", [], {}),
    *("2999-01-01T00:00:00Z", "2026-01-01T00:00:00", "9" * 5000, "[" * 3000, "-0.0", "train"),
)
"""Values that readers have stumbled over."""


def mutated(data: bytes, most: int, seed: int) -> bytes:
    """Something like `data`: where it is JSON, often with one value of it replaced by another."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        try:
            whole = json.loads(data)
            replace_one(whole, chance)
            return json.dumps(whole).encode()[:most]
        except (ValueError, RecursionError):
            pass
    return bytes(atheris.Mutate(data, most))


def replace_one(whole: Any, chance: random.Random) -> None:
    """Put something else in one place of a JSON value. Raises ValueError if it has none."""
    place = whole
    while True:
        keys: list[Any] = list(place) if isinstance(place, dict) else []
        keys = keys or (list(range(len(place))) if isinstance(place, list) else [])
        if not keys:
            raise ValueError("nothing in it can be replaced")
        key = chance.choice(keys)
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.3:
            break
        place = inner
    place[key] = chance.choice((*ODD, inner, [inner], {"x": inner}))


def fuzz(name: str, seconds: int, corpus: Path) -> None:
    """Throw bytes at one door for so long; ends the process."""
    with tempfile.TemporaryDirectory() as folder:
        door = doors(Path(folder))[name]
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(door.seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        options = [
            *(sys.argv[0], str(corpus), f"-max_total_time={seconds}", "-max_len=65536"),
            *(f"-artifact_prefix={corpus.parent}/{name}-", "-rss_limit_mb=4096", "-timeout=60"),
            *("-print_final_stats=1", "-verbosity=0"),
        ]
        atheris.Setup(options, door.feed, custom_mutator=mutated)
        atheris.Fuzz()


def main() -> None:
    """One process a door, so that one that breaks ends no other."""
    told = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    told.add_argument("doors", nargs="*")
    told.add_argument("--seconds", type=int, default=60, help="for each door")
    told.add_argument("--corpus", type=Path, default=Path("build/fuzz"))
    told.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = told.parse_args()
    if asked.here:
        [name] = asked.doors
        fuzz(name, asked.seconds, asked.corpus / name)
    with tempfile.TemporaryDirectory() as folder:
        names = asked.doors or list(doors(Path(folder)))
    broken = []
    for name in names:
        more = ["--seconds", str(asked.seconds), "--corpus", str(asked.corpus), "--here"]
        ended = subprocess.run([sys.executable, "-m", "tests.fuzz", name, *more], check=False)
        if ended.returncode:
            broken.append(name)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{len(names)} doors, {asked.seconds} seconds each, {spent.ru_utime + spent.ru_stime:.0f} "
        f"seconds of processor time; broken: {', '.join(broken) or 'none'}"
    )
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
