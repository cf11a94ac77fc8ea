"""Put a finished build into the package, in place of the base that ships: `python -m pocket.ship`.

The last act of a training, and one of its own: benchmarks, demo and LoRAs rest on what ships, so a
build is judged first (`SOSIE_BENCH_BASE=FOLDER python -m bench obeys writes likeness hands`).
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from pocket.build import FINISHED, RUN
from pocket.export import CARD, replacing, weights_sha256

SHIPPED = Path(__file__).resolve().parents[1] / "src" / "sosie" / "models" / "diffusion" / "pocket"


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and ship."""
    parser = argparse.ArgumentParser(prog="python -m pocket.ship", description=__doc__)
    parser.add_argument("--run", type=Path, default=RUN, help="the folder of the build")
    given = parser.parse_args(arguments)
    try:
        ship(given.run / FINISHED, SHIPPED)
    except ValueError as error:
        sys.exit(f"pocket.ship: {error}")
    print(f"{SHIPPED} is now that of {given.run}")


def ship(built: Path, shipped: Path) -> None:
    """Replace the folder `shipped` by a copy of `built`.

    Raises ValueError where no build was finished there, or its weights are not those of its card.
    """
    card = built / CARD
    if not card.is_file():
        raise ValueError(f"{built} holds no finished build: go on with python -m pocket.build.")
    if weights_sha256(built) not in card.read_text():
        raise ValueError(f"{built} holds other weights than its card says: build it again.")
    with replacing(shipped) as fresh:
        shutil.copytree(built, fresh)


if __name__ == "__main__":
    main()
