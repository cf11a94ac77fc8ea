"""A LoRA of a synthetic person, trained through the studio as a user would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.people import write_pictures
from sosie.core.records import Adapter
from sosie.studio import Studio
from sosie.train.events import OnEvent


def taught(
    seed: int,
    folder: Path,
    overrides: Mapping[str, Any],
    *,
    n: int = 15,
    on_event: OnEvent = lambda kind, data: None,
) -> tuple[Studio, Adapter]:
    """Train a LoRA of the person `seed` on `n` pictures by pocket's recipe, changed by `overrides`.

    The workspace lies in `folder`/home, where several people may share it.
    """
    studio, name = Studio(folder / "home"), f"subject{seed}"
    studio.new(name)
    write_pictures(folder / name, seed=seed, trigger=name, n=n)
    studio.add(name, [folder / name])
    studio.consent(name, relation="synthetic", evidence=f"sosie.world.people.person({seed})")
    return studio, studio.train(name, base="pocket", overrides=dict(overrides), on_event=on_event)
