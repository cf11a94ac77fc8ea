"""Which processes are alive: a number alone is not enough, since systems use numbers again."""

from __future__ import annotations

import psutil

SAME_BIRTH = 60.0
"""Seconds by which two readings of one start may differ: clocks are corrected."""


def birth(pid: int) -> float | None:
    """When process `pid` started, in seconds since 1970; None if there is no such process."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except (psutil.NoSuchProcess, ValueError):
        return None
    except psutil.AccessDenied:
        return float("nan")


def is_alive(pid: int, born: float | None) -> bool:
    """Whether the process `pid` that started at `born` (as `birth` told then) still runs."""
    seen = birth(pid)
    if seen is None:
        return False
    # A reading that was refused (NaN) or never taken cannot speak against the process.
    return born is None or not abs(seen - born) > SAME_BIRTH
