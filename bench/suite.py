"""Wall time of the tests."""

from __future__ import annotations

import subprocess
import time


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    started = time.perf_counter()
    outcome = subprocess.run(["make", "test"], capture_output=True, text=True)
    seconds = time.perf_counter() - started
    last = outcome.stdout.strip().splitlines()[-1]
    return [("tests", f"{seconds / 60:.1f} min ({last})", "under 10 min")]
