"""Does the search of copies say what was copied? On pictures composed of drawn people.

Each original is copied whole, as a template (its face from another picture), by its background
alone (only where it is no plain wall, in which nothing can be recognised), by its face alone, and
not at all: the same person in the same pose in another place. Twelve pictures of each person that
copy nothing set the thresholds. `SOSIE_BENCH_PEOPLE` takes fewer or more people.
"""

from __future__ import annotations

import os
from collections import Counter

from bench.copied import MAKES, Original
from bench.kept import side_by_side
from sosie.audit.copying import Shot, search
from sosie.audit.intervals import rate_interval
from sosie.models.faces import Picture
from sosie.models.mask import person_mask
from sosie.world.people import HELD_OUT_EVERY, person
from sosie.world.photo import photo

PEOPLE = int(os.environ.get("SOSIE_BENCH_PEOPLE", "20"))
PICTURES = 8
HELD_OUT = 12
SIZE = 256


def shot(name: str, picture: Picture) -> Shot:
    """A picture in memory, by name."""
    return Shot(name, lambda: picture)


def originals(number: int) -> list[Original]:
    """The pictures of one held-out person that training would have seen."""
    who = person(HELD_OUT_EVERY * (number + 1) + HELD_OUT_EVERY - 1)
    return [Original(who, seed, 25 + number % 40, SIZE) for seed in range(PICTURES)]


def told(number: int) -> dict[str | None, Counter[str | None]]:
    """For one person, what was said of the copies of each kind."""
    taken = originals(number)
    made = {}
    for kind, make in MAKES.items():
        for i, original in enumerate(taken):
            wall = kind == "background" and original.shot().truth.place == "plain wall"
            if not wall and (picture := make(original)) is not None:
                made[f"{kind} {i}"] = kind, picture
    who, age = taken[0].who, taken[0].age
    found = search(
        [shot(name, picture) for name, (_, picture) in made.items()],
        [shot(str(i), original.shot().picture) for i, original in enumerate(taken)],
        [
            shot(f"held-out {i}", photo(who, seed=500 + i, age=age, size=SIZE).picture)
            for i in range(HELD_OUT)
        ],
        figure=person_mask,
    )
    said = {match.made: match.kind for match in found.matches}
    counted: dict[str | None, Counter[str | None]] = {kind: Counter() for kind in MAKES}
    for name, (kind, _) in made.items():
        counted[kind][said.get(name)] += 1
    return counted


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    people = list(side_by_side(told, range(PEOPLE)))
    rows = []
    for kind in MAKES:
        total: Counter[str | None] = sum((one[kind] for one in people), Counter())
        each = [(said == kind, n) for n, one in enumerate(people) for said in one[kind].elements()]
        right = rate_interval([hit for hit, _ in each], groups=[n for _, n in each])
        assert right is not None, "there are people"
        how = f"{right.value:.2f} [{right.low:.2f}, {right.high:.2f}]"
        others = ", ".join(f"{said or 'nothing'} {n}" for said, n in total.items() if said != kind)
        what = f"{kind} copies told as such" if kind else "new pictures told as no copy"
        rows.append(
            (what, f"{how} of {total.total()}{f'; else {others}' if others else ''}", "0.80")
        )
    return rows
