"""Likeness in the synthetic world: does the LoRA of an unseen person draw that person?

For each of 20 people held out from the base's training: 15 pictures, a LoRA by the base's own
recipe, 8 pictures from prompts with new clothes and places. An identity network that no training
used (SFace) then names each picture among 100 held-out people, by templates of 5 pictures that
training never saw; so does the world's own judge of people, whose error `bench.judges` measures.
Its judge of attributes reads whether clothes and place still are what the prompt asked for. The
control is the base without LoRA at the same prompts and seeds.

LoRAs are kept, so that an interrupted run goes on. `SOSIE_BENCH_PEOPLE` takes fewer people, for a
quicker look.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.kept import side_by_side
from bench.obeys import background, percent
from bench.taught import Lesson, base, lessons
from demo.people import age_of
from sosie.audit import Interval, Known, Retrieval, found, rank
from sosie.audit.intervals import mean_interval
from sosie.generate import GenerateConfig, draw
from sosie.models import faces, judges, lora
from sosie.world.people import HELD_OUT_EVERY, person
from sosie.world.photo import photo

Picture = NDArray[np.uint8]
PEOPLE = int(os.environ.get("SOSIE_BENCH_PEOPLE", "20"))
GALLERY = 100
REFERENCES = 5
PROMPTS = {
    "photo of {}, smiling, red coat, on a beach": ("red", "beach"),
    "photo of {}, green hoodie, in a city street": ("green", "city street"),
    "photo of {}, yellow sweater, in a library": ("yellow", "library"),
    "photo of {}, black suit, in a city at night": ("black", "city at night"),
    "portrait of {}, navy coat, grey background": ("navy", "grey"),
    "photo of {}, blue shirt, in a garden, three-quarter view to the left": ("blue", "garden"),
    "photo of {}, white t-shirt, in the mountains, three-quarter view to the right": (
        "white",
        "mountains",
    ),
    "portrait of {}, serious, pink sweater, turquoise background": ("pink", "turquoise"),
}
"""What is asked for, and which colour of clothes and which background are to be seen then."""
SEEDS = tuple(100 + HELD_OUT_EVERY * n + HELD_OUT_EVERY - 1 for n in range(GALLERY))
"""All held out from the base; the first `PEOPLE` are taught."""


def references(seed: int) -> list[Picture]:
    """Pictures with a face that neither a LoRA nor the base has seen."""
    who, found = person(seed), []
    for number in range(20 * REFERENCES):
        drawn = photo(who, seed=900_000 + number, age=age_of(seed), hat="none")
        if faces.identity(drawn.picture) is not None:
            found.append(drawn.picture)
        if len(found) == REFERENCES:
            break
    return found


@cache
def gallery() -> dict[str, list[Picture]]:
    """Pictures of each person to know them by."""
    return {f"subject{seed}": references(seed) for seed in SEEDS}


def pictures(subject: str, file: Path | None) -> list[Picture]:
    """One picture a prompt, with the LoRA in `file` or without."""
    loras = [("person", lora.read(file), 1.0)] if file else []
    return [
        draw(base(), GenerateConfig(prompt=prompt.format(subject), seed=500 + number), loras)[0].rgb
        for number, prompt in enumerate(PROMPTS)
    ]


def of_one(lesson: Lesson) -> tuple[str, list[Picture]]:
    """A person's name, and one picture a prompt with the LoRA."""
    return lesson.subject, pictures(lesson.subject, lesson.file)


@cache
def known_by(judge: faces.Embedder) -> dict[str, list[NDArray[np.float32]]]:
    """The gallery as a judge sees it."""
    return {
        name: [vector for picture in of if (vector := judge(picture)) is not None]
        for name, of in gallery().items()
    }


def ranked(judge: faces.Embedder, shown: Mapping[str, Sequence[Picture]]) -> Retrieval:
    """How often the judge names the right person."""
    seen = {name: [judge(picture) for picture in of] for name, of in shown.items()}
    return rank(seen, known_by(judge))


def likeness(shown: Mapping[str, Sequence[Picture]]) -> Interval:
    """Mean cosine to pictures that training never saw, as a share of the median between two of
    them, by SFace; interval over people."""
    shares = []
    for name, seen in shown.items():
        known = Known(held_out=found(gallery()[name], faces.identity), training={})
        cosines = [known.cosine(faces.identity(picture)) or 0.0 for picture in seen]
        shares.append(float(np.mean(cosines)) / known.unit)
    share = mean_interval(shares)
    assert share is not None, "there is at least one person"
    return share


def obeying(shown: Mapping[str, Sequence[Picture]]) -> Interval:
    """Share of pictures with clothes and place as asked; interval over people."""
    shares = []
    for seen in shown.values():
        kept = [
            (read.garment_colour, background(read.place, read.wall_colour)) == wanted
            for read, wanted in zip(judges.read(seen), PROMPTS.values(), strict=True)
        ]
        shares.append(sum(kept) / len(kept))
    share = mean_interval(shares)
    assert share is not None, "there is at least one person"
    return share


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    people, named = SEEDS[:PEOPLE], "subject{}".format
    made = lessons("person", people)
    real = {
        named(seed): [
            photo(person(seed), seed=800_000 + n, age=age_of(seed)).picture
            for n in range(len(PROMPTS))
        ]
        for seed in people
    }
    # In one order, whoever was done first: intervals are drawn with a seed.
    drawn = dict(sorted(side_by_side(of_one, [made[seed] for seed in people])))
    plain = pictures("a person", None)
    control = {named(seed): plain for seed in people}
    sets = (drawn, real, control)
    seen, ceiling, floor = (ranked(faces.identity, shown) for shown in sets)
    own = [percent(ranked(judges.person_judge(), shown).rank1) for shown in sets]
    like, minutes = likeness(drawn), [made[seed].minutes for seed in people]
    top = f"rank 1 among {GALLERY}, {PEOPLE} unseen people, {len(PROMPTS)} pictures each"
    return [
        (f"LoRA: {top}", percent(seen.rank1), "at least 80%"),
        ("the same, interval over people", percent(seen.rank1_by_person), ""),
        ("pictures in which no face was found", str(seen.without_face), ""),
        ("new pictures drawn by the world: the ceiling", percent(ceiling.rank1), ""),
        ("base without LoRA: the floor", percent(floor.rank1), "chance (1%)"),
        ("LoRA, ceiling and floor by the world's own judge", "; ".join(own), ""),
        ("LoRA: likeness, of 1 for two real pictures", percent(like), "at least 70%"),
        ("the same without LoRA", percent(likeness(control)), ""),
        ("LoRA: clothes and place still obey the prompt", percent(obeying(drawn)), "at least 75%"),
        ("the same without LoRA", percent(obeying(control)), ""),
        ("training one LoRA on one core", f"{sum(minutes) / len(minutes):.1f} min", ""),
    ]
