"""Throws bytes at the doors until one breaks, guided by what code they reach (atheris, libFuzzer).

    python -m tests.fuzz [DOOR …] [--seconds 60] [--corpus build/fuzz]

Each door has its own process. What reached new code stays in the corpus, so that the next time goes
on from there; what breaks a door lies beside it as DOOR-crash-…: mend it, and move the file to
tests/fuzz/found.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import resource
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["sosie"]):
    from tests.fuzz.doors import Door, doors

PNG = b"\x89PNG\r\n\x1a\n"

ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**63, 1e308, float("nan"), "", "0" * 64, "../x", "\ud800", "\0", [], {}),
    *("2999-01-01T00:00:00Z", "2026-01-01T00:00:00", "9" * 5000, "[" * 3000, "-0.0", "train"),
)
"""Values that readers have stumbled over."""


Mutator = Callable[[bytes, int, int], bytes]


def mutator(door: Door) -> Mutator:
    """Makes something like what a door has seen: as often as not it is changed in one place and
    whole otherwise, so that what is read behind lengths, sums and signatures is reached too."""

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.5:
            with contextlib.suppress(ValueError, RecursionError, struct.error):
                changed = reframed(data, chance)
                if door.seal is not None and chance.random() < 0.5:
                    changed = door.seal(changed)
                if len(changed) <= most:
                    return changed
        return bytes(atheris.Mutate(data, most))

    return mutated


def reframed(data: bytes, chance: random.Random) -> bytes:
    """`data` with one value of its JSON or of its LoRA's header, or one chunk of its PNG, changed,
    and the lengths and sums around it right. Raises ValueError or struct.error if it is none.
    """
    if data.startswith(PNG):
        return rechunked(data, chance)
    start = 0 if data[:1] in (b"{", b"[") else 8
    end = 8 + struct.unpack_from("<Q", data)[0] if start else len(data)
    whole = json.loads(data[start:end])
    replace_one(whole, chance)
    header = json.dumps(whole).encode()
    return struct.pack("<Q", len(header)) + header + data[end:] if start else header


def rechunked(data: bytes, chance: random.Random) -> bytes:
    """A PNG with one chunk changed, left out or told twice, and every checksum right."""
    chunks, at = [], len(PNG)
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        chunks.append((kind, data[at + 8 : at + 8 + size]))
        at += 12 + size
    if not chunks:
        raise ValueError("it has no chunk")
    number = chance.randrange(len(chunks))
    kind, body = chunks[number]
    changed = (kind, bytes(atheris.Mutate(body, len(body) + 64)))
    chunks[number : number + 1] = chance.choice(([changed], [changed], [], [(kind, body)] * 2))
    return PNG + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


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
        atheris.Setup(options, door.feed, custom_mutator=mutator(door))
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
