"""What both trainings share: the rate over time, resumable state, a log that can be read later."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch

REPORT = 60
"""Steps from one line of the log to the next."""


def rate(step: int, *, steps: float, warmup: int, decay_share: float) -> float:
    """The factor on the learning rate: up over `warmup` steps, then 1, then linearly down to 0.

    The fall takes the last `decay_share` of `steps`.
    """
    return min(1.0, (step + 1) / warmup) * min(1.0, (1 - step / steps) / decay_share)


def save_whole(state: Any, path: Path) -> None:
    """Write a checkpoint so that a killed run leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    torch.save(state, temporary)
    temporary.replace(path)


class Log:
    """One JSON line for each report, on screen and in a file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path

    def __call__(self, **values: Any) -> None:
        rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
        line = json.dumps({"at": time.strftime("%H:%M:%S"), **rounded})
        print(line, flush=True)
        with self.path.open("a") as file:
            file.write(line + "\n")
