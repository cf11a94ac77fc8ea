"""Time and memory of `sosie --help`, against a bare import of its command-line library."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 7


def measure(command: list[str]) -> tuple[float, float]:
    """Median wall seconds and peak resident MiB of a command over `RUNS` runs after a warm-up."""
    seconds, peaks = [], []
    for run in range(RUNS + 1):
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise RuntimeError(f"{command} failed")
        if run:
            seconds.append(time.perf_counter() - started)
            peaks.append(usage.ru_maxrss / 1024)
    return statistics.median(seconds), statistics.median(peaks)


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    bare = measure([sys.executable, "-c", "import typer"])
    ours = measure([str(Path(sys.executable).with_name("sosie")), "--help"])
    return [
        ("import typer", f"{bare[0]:.3f} s, {bare[1]:.0f} MiB", ""),
        ("sosie --help", f"{ours[0]:.3f} s, {ours[1]:.0f} MiB", ""),
        ("ratio of times", f"{ours[0] / bare[0]:.2f}", "at most 3"),
    ]
