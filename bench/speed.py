"""Steps per second of Sosie's training loop against a plain diffusers + peft loop.

Without the identity loss, which the plain loop does not have.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from bench.plain_loop import steps_per_second
from demo.people import write_pictures
from sosie.core.records import Dataset
from sosie.models.diffusion.resolve import load_base, resolve
from sosie.studio import Studio
from sosie.train import for_base, train

STEPS = 24
BATCH = 4
RANK = 16
ROUNDS = 3
"""Both loops take turns, since the machine's speed drifts."""


def ours(dataset: Dataset, folder: Path) -> float:
    """Steps per second of Sosie's loop, validation and previews apart."""
    base = load_base("pocket")
    config = for_base(base.info, "person").model_copy(
        update={
            "steps": STEPS,
            "batch": BATCH,
            "rank": RANK,
            "preview_every": 0,
            "identity_weight": 0.0,
            "waive": ("steps",),
        }
    )
    rate = train(dataset, base, config, folder=folder, consent="0" * 64).steps_per_second
    assert rate is not None
    return rate


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    base = resolve("pocket")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        studio = Studio(folder / "home")
        studio.new("nobody")
        written = write_pictures(folder / "pictures", seed=19, trigger="nobody")
        studio.add("nobody", [folder / "pictures"])
        dataset = studio.show("nobody").dataset
        captions = [path.with_suffix(".txt").read_text() for path in written]
        rows = []
        for number in range(ROUNDS):
            mine = ours(dataset, folder / f"run-{number}")
            plain = steps_per_second(
                base.folder,
                written,
                captions,
                steps=STEPS,
                batch=BATCH,
                rank=RANK,
                side=base.defaults.width,
                text_length=base.defaults.text_length,
            )
            rows.append((mine, plain))
    mine, plain = (statistics.median(column) for column in zip(*rows, strict=True))
    ratio = statistics.median(a / b for a, b in rows)
    size = f"batch {BATCH}, rank {RANK}"
    return [
        (f"plain diffusers + peft loop, {size}", f"{plain:.2f} steps/s", ""),
        (f"sosie train, {size}", f"{mine:.2f} steps/s", ""),
        (f"ratio, median of {ROUNDS} pairs", f"{ratio:.2f}", "at least 1.5"),
    ]
