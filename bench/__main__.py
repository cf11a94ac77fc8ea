"""Run the benchmarks named on the command line, or all, and print one table for each."""

from __future__ import annotations

import platform
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

NAMES = (
    "startup",
    "speed",
    "embedded",
    "judges",
    "obeys",
    "writes",
    "likeness",
    "hands",
    "choice",
    "studies",
    "coverage",
    "doctor",
    "pace",
    "mends",
    "captions",
    "rules",
    "copies",
    "planted",
    "neighbours",
    "portraits",
    "photographs",
    "watermark",
    "catalogue",
    "suite",
)


def processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        return f"{names[0]}, {len(names)} cores"
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def main(names: list[str]) -> None:
    """Print the machine, then each benchmark's rows as a Markdown table."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        sys.exit(f"bench: unknown: {', '.join(unknown)}. Known: {', '.join(NAMES)}.")
    print(f"Machine: {processor()}; Python {platform.python_version()}, torch {version('torch')}\n")
    for name in names or NAMES:
        print(f"### {name}\n\n| What | Figure | Must |\n|---|---|---|")
        for what, figure, bound in import_module(f"bench.{name}").run():
            print(f"| {what} | {figure} | {bound} |", flush=True)
        print()


if __name__ == "__main__":  # and not in the processes of a benchmark, which import it too
    main(sys.argv[1:])
