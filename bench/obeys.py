"""Does the base obey the prompt? Each thing asked for is read by a judge whose error is known.

A prompt asks for everything at once: age, glasses, hat, clothes, background, view. What each says
is drawn evenly, not as often as the world shows it: to put no hat on anybody gains nothing. The
judges of `sosie.models.judges` then read the pictures, and have shown on drawn pictures of the same
mixture, once through the base's own autoencoder, how often they are wrong.

The share that a perfect judge would have seen follows from the judge's own share right, a (Rogan
and Gladen, 1978): of asked k ways, (seen - b) / (a - b), where b = (1 - a) / (k - 1) is how often a
wrong picture is read as the right one. That takes the judge to err on the base's pictures as on
drawn ones, which a base's oddities may belie, so the uncorrected share stands beside it.

Some combinations were kept from all training, clothes in a colour and clothes in a place
(`pocket.people.UNSEEN_COLOURS`, `UNSEEN_PLACES`): whether words combine is asked by these alone, of
a tenth as many pictures each, and read by colour and by place, since which garment it is the judge
cannot tell. `SOSIE_BENCH_PICTURES` takes another number of pictures, `SOSIE_BENCH_STEPS` of
sampling steps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import count, islice

import numpy as np
from numpy.typing import NDArray

from bench.taught import base
from pocket.people import UNSEEN_COLOURS, UNSEEN_PLACES
from sosie.audit import Interval
from sosie.audit.intervals import mean_interval, share_interval
from sosie.generate import GenerateConfig, draw
from sosie.models import judges
from sosie.world import tables
from sosie.world.captions import noun, parts
from sosie.world.people import HELD_OUT_EVERY, person
from sosie.world.photo import Truth, choose

Picture = NDArray[np.uint8]
PICTURES = int(os.environ.get("SOSIE_BENCH_PICTURES", "100"))
STEPS = int(os.environ.get("SOSIE_BENCH_STEPS", "20"))
AGES = (10, 80)
SAID = ("age", "glasses", "hat", "garment", "place", "view")
WAYS = {
    "view": len(tables.VIEWS),
    "glasses": len(tables.GLASSES),
    "hat": len(tables.HATS),
    "garment colour": len(tables.COLOURS),
    "background": len(tables.PLACES) - 1 + len(tables.COLOURS),
}
"""What is asked for, and between how many answers its judge chooses."""
UNSEEN: Mapping[str, Sequence[Mapping[str, str]]] = {
    "garment colour": [
        {"garment_colour": colour, "garment": garment} for colour, garment in UNSEEN_COLOURS
    ],
    "background": [{"garment": garment, "place": place} for garment, place in UNSEEN_PLACES],
}
"""Combinations that were kept from training, by which of the answers tells whether one obeys."""
FIRST_UNSEEN = 20_000
"""Number of the first prompt that is tried for each of them; the others begin at 0."""


def asked(number: int, **fixed: str) -> Truth:
    """What prompt `number` asks for, of a held-out person: every answer as likely as any other, but
    for those that are `fixed`.

    Half of the people stand before a wall, half elsewhere, since captions say both; a wall never
    has the colour of the clothes, as in the world.
    """
    r = np.random.default_rng([number, 17])
    who = person(HELD_OUT_EVERY * (4000 + number) + HELD_OUT_EVERY - 1)
    colour, wall = (str(one) for one in r.choice(list(tables.COLOURS), 2, replace=False))
    garments = [g for g in tables.GARMENTS if who.woman or g != "dress"]
    drawn = {
        "age": int(r.integers(AGES[0], AGES[1] + 1)),
        "view": str(r.choice(list(tables.VIEWS))),
        "glasses": str(r.choice(tables.GLASSES)),
        "hat": str(r.choice(tables.HATS)),
        "garment": str(r.choice(garments)),
        "garment_colour": colour,
        "pattern": "plain",
        "place": "plain wall" if r.random() < 0.5 else str(r.choice(tables.PLACES[1:])),
        "wall_colour": colour if fixed.get("garment_colour") == wall else wall,
    }
    return choose(who, number, **{**drawn, **fixed})


def unseen(combination: Mapping[str, str], n: int) -> list[Truth]:
    """`n` prompts for a combination that training never showed; a dress is asked of women alone."""
    prompts = (asked(number, **combination) for number in count(FIRST_UNSEEN))
    wanted = (t for t in prompts if t.woman or combination["garment"] != "dress")
    return list(islice(wanted, n))


def prompt(truth: Truth) -> str:
    """The words that ask for it; what is not to be there is not said, as in captions."""
    said = parts(truth)
    return ", ".join([f"photo of {noun(truth)}", *(said[part] for part in SAID if part in said)])


def background(place: str, wall_colour: str) -> str:
    """The two attributes that make a background, as one."""
    return wall_colour if place == "plain wall" else place


def answers(seen: Truth | judges.Reading) -> dict[str, str]:
    """What a truth or a reading says to each question of `WAYS`."""
    return {
        "view": seen.view,
        "glasses": seen.glasses,
        "hat": seen.hat,
        "garment colour": seen.garment_colour,
        "background": background(seen.place, seen.wall_colour),
    }


def right(truths: Sequence[Truth], readings: Sequence[judges.Reading]) -> Mapping[str, list[bool]]:
    """For each question, whether each picture is read as its truth has it."""
    pairs = [(answers(t), answers(r)) for t, r in zip(truths, readings, strict=True)]
    return {ask: [truth[ask] == read[ask] for truth, read in pairs] for ask in WAYS}


def age_errors(truths: Sequence[Truth], readings: Sequence[judges.Reading]) -> list[float]:
    """Years between the age asked for and the age read, without sign."""
    return [abs(t.age - r.age) for t, r in zip(truths, readings, strict=True)]


def corrected(seen: Interval, judge: float, ways: int) -> Interval:
    """What a perfect judge would have seen; the judge's own share right is taken as exact."""
    mistaken = (1 - judge) / (ways - 1)

    def through(share: float | None) -> float | None:
        return (
            None if share is None else min(1.0, max(0.0, (share - mistaken) / (judge - mistaken)))
        )

    value = through(seen.value)
    assert value is not None
    return seen.model_copy(
        update={"value": value, "low": through(seen.low), "high": through(seen.high)}
    )


def percent(interval: Interval) -> str:
    """A share with its interval."""
    return f"{interval.value:.0%} ({interval.low:.0%} to {interval.high:.0%})"


def drawn_and_read(truths: Sequence[Truth]) -> list[judges.Reading]:
    """What the judges read in the base's pictures of these prompts."""
    pictures = [
        draw(base(), GenerateConfig(prompt=prompt(truth), seed=number, steps=STEPS))[0].rgb
        for number, truth in enumerate(truths)
    ]
    return judges.read(pictures)


def obeyed(ask: str, hits: Sequence[bool]) -> str:
    """The share of pictures that are as asked, as the judge sees it and corrected for it."""
    seen = share_interval(sum(hits), len(hits))
    assert seen is not None, "there is at least one picture"
    judge = judges.about()["errors"]["decoded"][ask]["value"]
    return f"{percent(seen)}; judge {judge:.1%}; corrected " + percent(
        corrected(seen, judge, WAYS[ask])
    )


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    truths = [asked(number) for number in range(PICTURES)]
    readings = drawn_and_read(truths)
    rows = [
        (f"{ask} as asked", obeyed(ask, hits), "at least 85%")
        for ask, hits in right(truths, readings).items()
    ]
    off = mean_interval(age_errors(truths, readings))
    assert off is not None, "there is at least one picture"
    judge = judges.about()["errors"]["decoded"]["age"]["value"]
    figure = f"{off.value:.1f} ({off.low:.1f} to {off.high:.1f}); judge {judge:.1f}"
    rows.append((f"years off, ages {AGES[0]} to {AGES[1]}", figure, "at most 12"))
    rows = [(f"{what}, {PICTURES} prompts, {STEPS} steps", *rest) for what, *rest in rows]
    for ask, combinations in UNSEEN.items():
        few = [t for one in combinations for t in unseen(one, max(1, PICTURES // 10))]
        hits = right(few, drawn_and_read(few))[ask]
        said = ", ".join(" + ".join(one.values()) for one in combinations)
        what = f"{ask} as asked, never shown together: {said}; {len(few)} prompts"
        rows.append((what, obeyed(ask, hits), ""))
    return rows
