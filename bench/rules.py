"""Do the rules matter? Sets with and without one fault, each taught to the embedded base.

Of fifteen pictures of one drawn person, 0, 5 or 10 have the fault; everything else is as it was.
A LoRA is taught on each set, for each of several people and training seeds, and asked for six
pictures whose prompts say nothing of the fault. *Leakage* says how much of it they show all the
same, by the judges of `sosie.models.judges` or in the fault's own unit; *likeness* is the mean
cosine, by SFace, to pictures of the person that training never saw. Both are compared with the
same person's and seed's own set without the fault; seeds are averaged, and people are what the
interval is over.

Each LoRA's outcome is written to docs/studies/rules.jsonl, so that an interrupted run goes on, on
whatever machine, and anybody may compute the figures again. `SOSIE_BENCH_STUDY_SIZE` takes another
number of people and of seeds than "10x3", and `SOSIE_BENCH_STUDY_FAULTS` some faults only. Both
against the amount are plotted beside it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.faults import PICTURES, QUESTIONS, TRIGGER, Picture, cosine, good, spoilt
from bench.kept import Ledger, side_by_side
from bench.likeness import references
from bench.plants import Shot
from bench.plot import Point, chart, panels
from bench.taught import base
from sosie.audit import Interval
from sosie.audit.intervals import mean_interval
from sosie.core.canonical import canonical_json
from sosie.core.files import sha256_bytes
from sosie.core.records import Dataset, Record
from sosie.generate import GenerateConfig, draw
from sosie.models import faces, judges, lora
from sosie.studio import Studio
from sosie.train import TrainConfig, for_base, train
from sosie.world.people import HELD_OUT_EVERY

PEOPLE, SEEDS = map(int, os.environ.get("SOSIE_BENCH_STUDY_SIZE", "10x3").split("x"))
PLOT = Path("docs/studies/rules.svg")
LEDGER = PLOT.with_suffix(".jsonl")
SETTINGS = {"identity_weight": 0.0, "steps": 160, "preview_every": 0, "waive": ("near-duplicates",)}
"""Without the identity loss, which takes two thirds of the time and draws prompts of its own; of
as many steps as are best without it. What would stop a run over the faults is waived."""
AMOUNTS = (0, 5, 10)
"""Pictures of fifteen with the fault; a set without any is taught once for all faults."""
PROMPTS = (
    "photo of {}",
    "portrait of {}",
    "photo of {}, smiling",
    "photo of {}, outdoors",
    "portrait of {}, serious",
    "photo of {}, looking at the camera",
)
"""They name no place, clothes, light or view."""


class Outcome(Record):
    """What one LoRA came to."""

    taught_as: str
    """What `setup` gave."""
    fault: str
    """Empty: the set without a fault, of which every question is asked."""
    amount: int
    person: int
    seed: int
    likeness: float | None
    """None where no face was found in what was drawn."""
    leaks: dict[str, float | None]
    """Question -> leakage."""


def recipe(seed: int) -> TrainConfig:
    """What a set is taught with."""
    return for_base(base().info, "person").model_copy(update={**SETTINGS, "seed": seed})


@cache
def setup() -> str:
    """Hash of the base's weights, of what sets are taught with and of the judge: other outcomes do
    not count."""
    settings = recipe(seed=0).model_dump(mode="json")
    weights = [base().info.content_sha256, judges.about()["people"]["sha256"]]
    return sha256_bytes(canonical_json([settings, *weights]))


def taught(shots: Sequence[Shot], seed: int) -> list[Picture]:
    """Teach a LoRA and draw with it, one picture a prompt."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        dataset = _filed(shots, folder)
        config, run = recipe(seed), folder / "run"
        done = train(dataset, base(), config, folder=run, consent="0" * 64, keep_encoders=True)
        loras = [("ada", lora.read(done.adapter), 1.0)]
        return [
            draw(base(), GenerateConfig(prompt=prompt.format(TRIGGER), seed=700 + n), loras)[0].rgb
            for n, prompt in enumerate(PROMPTS)
        ]


def _filed(shots: Sequence[Shot], folder: Path) -> Dataset:
    """The set as a workspace has it."""
    pictures, studio = folder / TRIGGER, Studio(folder / "home")
    pictures.mkdir()
    for number, shot in enumerate(shots, start=1):
        path = pictures / f"{TRIGGER}-{number:02d}.png"
        Image.fromarray(shot.rgb).save(path)
        path.with_suffix(".txt").write_text(shot.caption, encoding="utf-8")
    studio.new(TRIGGER)
    studio.add(TRIGGER, [pictures])
    return studio.show(TRIGGER).dataset


def wanted(names: Sequence[str]) -> Iterator[tuple[str, int, int, int]]:
    """(fault, amount, person, seed) of every LoRA, person by person."""
    for number, seed in product(range(PEOPLE), range(SEEDS)):
        who = HELD_OUT_EVERY * (2000 + number) + HELD_OUT_EVERY - 1
        yield "", 0, who, seed
        for name, amount in product(names, AMOUNTS[1:]):
            yield name, amount, who, seed


def go_on(names: Sequence[str]) -> list[Outcome]:
    """Teach what is missing; gives all outcomes."""
    ledger = Ledger(LEDGER, Outcome)
    made = [row for row in ledger.rows() if row.taught_as == setup()]
    done = {(one.fault, one.amount, one.person, one.seed) for one in made}
    for outcome in side_by_side(outcome_of, [job for job in wanted(names) if job not in done]):
        ledger.add(outcome)
        made.append(outcome)
    return made


def outcome_of(job: tuple[str, int, int, int]) -> Outcome:
    """What one LoRA, of those that are `wanted`, comes to."""
    name, amount, who, seed = job
    shots = spoilt(name, good(who), amount) if name else good(who)
    return _judged(name, amount, who, seed, taught(shots, seed))


def _judged(name: str, amount: int, who: int, seed: int, seen: Sequence[Picture]) -> Outcome:
    asked = [name] if name else list(QUESTIONS)
    # A set without the fault is asked about the same pictures as the worst one with it.
    bad = {ask: spoilt(ask, good(who), AMOUNTS[-1])[: AMOUNTS[-1]] for ask in asked}
    leaks = {ask: QUESTIONS[ask].leak(seen, [shot.rgb for shot in bad[ask]]) for ask in asked}
    return Outcome(
        taught_as=setup(),
        fault=name,
        amount=amount,
        person=who,
        seed=seed,
        likeness=_finite(cosine(seen, unseen(who))),
        leaks={ask: _finite(value) for ask, value in leaks.items()},
    )


@cache
def unseen(who: int) -> tuple[NDArray[np.float32], ...]:
    """The person on pictures that training never saw."""
    return tuple(v for rgb in references(who) if (v := faces.identity(rgb)) is not None)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def differences(
    made: Sequence[Outcome], name: str, amount: int, of: Callable[[Outcome], float | None]
) -> Interval | None:
    """With the fault less without it: paired by person and seed, averaged over seeds."""
    plain = {(one.person, one.seed): one for one in made if not one.fault}
    by_person: dict[int, list[float]] = {}
    for one in made:
        if (one.fault, one.amount) != (name, amount) or (one.person, one.seed) not in plain:
            continue
        after, before = of(one), of(plain[one.person, one.seed])
        if after is not None and before is not None:
            by_person.setdefault(one.person, []).append(after - before)
    return mean_interval([float(np.mean(values)) for values in by_person.values()])


def course(
    made: Sequence[Outcome], name: str, of: Callable[[Outcome], float | None]
) -> list[Point]:
    """The mean over people at each amount of a fault."""
    points = []
    for amount in AMOUNTS:
        by_person: dict[int, list[float]] = {}
        for one in made:
            value = of(one) if (one.fault, one.amount) == (name if amount else "", amount) else None
            if value is not None:
                by_person.setdefault(one.person, []).append(value)
        mean = mean_interval([float(np.mean(values)) for values in by_person.values()])
        if mean is not None and mean.low is not None and mean.high is not None:
            points.append(Point(amount, mean.value, mean.low, mean.high))
    return points


def plotted(made: Sequence[Outcome], names: Sequence[str]) -> str:
    """For each fault, leakage and likeness side by side."""
    charts = []
    for name in names:
        leak = course(made, name, lambda one, name=name: one.leaks.get(name))
        like = course(made, name, lambda one: one.likeness)
        for line, unit in ((leak, QUESTIONS[name].unit), (like, "cosine to new pictures")):
            axis = f"pictures of {PICTURES} with the fault"
            charts.append(chart({name: line}, x=axis, y=unit))
    return panels(charts, 2)


def said(interval: Interval | None) -> str:
    """ "+0.12 (+0.03 to +0.21)"."""
    if interval is None:
        return "–"
    if interval.low is None or interval.high is None:
        return f"{interval.value:+.2f} (one person)"
    return f"{interval.value:+.2f} ({interval.low:+.2f} to {interval.high:+.2f})"


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    names = os.environ.get("SOSIE_BENCH_STUDY_FAULTS", " ".join(QUESTIONS)).split()
    made = go_on(names)
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    PLOT.write_text(plotted(made, names), encoding="utf-8")
    rows = []
    for name, amount in product(names, AMOUNTS[1:]):
        question = QUESTIONS[name]
        leak = differences(made, name, amount, lambda one, name=name: one.leaks.get(name))
        like = differences(made, name, amount, lambda one: one.likeness)
        people = 0 if leak is None else leak.n
        rows.append(
            (
                f"`{question.rule}`, {amount} of {PICTURES}, {people} people x {SEEDS} seeds",
                f"{question.unit} {said(leak)}; likeness {said(like)}",
                "",
            )
        )
    return rows
