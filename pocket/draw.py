"""Draw the pictures that the base model learns from: `python -m pocket.draw people --out DIR`,
`lines` for words in named hands, `plain` for those in plain hands, `short` for the first ones of
these, `long` for longer texts."""

from __future__ import annotations

import argparse
from pathlib import Path

from pocket import lines, people, shards
from pocket.recipe import Recipe

DOMAINS = {
    "people": people.one,
    "short": lines.short,
    "plain": lines.plain,
    "lines": lines.named,
    "long": lines.long,
}


def main() -> None:
    """Parse the command line and draw."""
    parser = argparse.ArgumentParser(prog="python -m pocket.draw", description=__doc__)
    parser.add_argument("what", choices=list(DOMAINS))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=24_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    options = parser.parse_args()
    one = DOMAINS[options.what]
    shards.draw(options.out, options.n, one, workers=options.workers, seed=options.seed)


if __name__ == "__main__":
    main()
