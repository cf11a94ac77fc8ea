"""How often are the judges wrong? On people and writers that neither they nor a base has seen.

Attributes: one drawn picture each of 400 held-out people, of the mixture that `bench.obeys` asks
for; read as drawn, and once through the base's own autoencoder, which is the best that a base could
draw. People: 100, each with three pictures to know them by and one to tell, at one age, as
`bench.likeness` asks; and two more at any two ages. Writers: 100 of the held-out families, four
lines to know them by and four to tell; they are told apart by contour hinges too, which learned
nothing. The reader, who judges nobody and teaches LoRAs of hands, reads four short texts of each.
`SOSIE_BENCH_PEOPLE` takes fewer of all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from bench.obeys import age_errors, asked, percent, right
from demo.people import age_of
from demo.writers import notes
from sosie.audit import Interval, rank
from sosie.audit.handwriting.reading import error, misread
from sosie.audit.intervals import RESAMPLES, mean_interval, share_interval
from sosie.models import hinges, judges
from sosie.models.diffusion.base import DiffusionBase
from sosie.models.diffusion.resolve import load_base
from sosie.models.faces import Embedder
from sosie.models.judges import reader
from sosie.world.hands import writer
from sosie.world.people import HELD_OUT_EVERY, person
from sosie.world.photo import Truth, as_dict, photo
from sosie.world.texts import text
from sosie.world.writing import CannotWrite, DoesNotFit, line

Picture = NDArray[np.uint8]
Vector = NDArray[np.float32]
PEOPLE = int(os.environ.get("SOSIE_BENCH_PEOPLE", "100"))
KNOWN, TOLD = 3, 1
LINES = 4
FIRST = 10_000
"""Number of the first mixture that is asked for: `bench.obeys` begins at 0."""
ALSO = ("garment", "place", "hair_style", "hair_colour", "beard", "expression", "woman")
"""Attributes that no figure on the base rests on, for completeness."""


def held_out(number: int) -> int:
    """The seed of a held-out person or writer."""
    return HELD_OUT_EVERY * (2000 + number) + HELD_OUT_EVERY - 1


def decoded(base: DiffusionBase, picture: Picture) -> Picture:
    """A picture once through the base's autoencoder."""
    with torch.no_grad():
        pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
        out = base.decode(base.encode_pixels(pixels))[0].permute(1, 2, 0).numpy()
    return np.asarray(np.round((out + 1) * 127.5).clip(0, 255), np.uint8)


def auc(same: Sequence[float], other: Sequence[float]) -> float:
    """Area under the ROC curve: how often a same pair is nearer than another; ties count half."""
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(same, other).statistic / (len(same) * len(other)))


def separation(first: Vector, second: Vector, seed: int = 0) -> Interval:
    """AUC of nearness of `first` (N, D), one a person, to `second`: own partner against others.

    Its interval is bootstrapped over people; a person drawn twice is never its own stranger.
    """
    near = first @ second.T
    rng = np.random.default_rng(seed)

    def of(rows: NDArray[np.intp]) -> float:
        strangers = rows[:, None] != rows[None, :]
        return auc(near[rows, rows].tolist(), near[np.ix_(rows, rows)][strangers].tolist())

    everyone = np.arange(len(first))
    draws = [of(rng.choice(everyone, len(everyone))) for _ in range(RESAMPLES // 10)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(value=of(everyone), low=float(low), high=float(high), n=len(first))


def attributes(truths: Sequence[Truth], pictures: Sequence[Picture]) -> dict[str, Interval]:
    """The share read right of each attribute, and the mean error of ages in years."""
    readings = judges.read(pictures)
    hits = dict(right(truths, readings))
    for ask in ALSO:
        shown = [
            (getattr(t, ask), getattr(r, ask))
            for t, r in zip(truths, readings, strict=True)
            if not (ask == "hair_style" and t.hat != "none")
            and not (ask == "hair_colour" and t.hair_style == "bald")
        ]
        hits[ask.replace("_", " ")] = [true == said for true, said in shown]
    figures = {ask: share_interval(sum(h), len(h)) for ask, h in hits.items()}
    figures["age"] = mean_interval(age_errors(truths, readings))
    return {ask: figure for ask, figure in figures.items() if figure is not None}


def identities(base: DiffusionBase) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """How well people are told apart: new pictures as drawn, and through the autoencoder.

    What they are compared with is as drawn in both, as a bench compares with real pictures.
    """
    judge, known, new = judges.person_judge(), {}, {}
    for number in range(PEOPLE):
        seed = held_out(number)
        at_one = [
            photo(person(seed), seed=700_000 + n, age=age_of(seed)).picture
            for n in range(KNOWN + TOLD)
        ]
        at_any = [photo(person(seed), seed=700_100 + n).picture for n in range(2)]
        known[str(seed)] = [judge(p) for p in (*at_one[:KNOWN], at_any[0])]
        new[str(seed)] = (*at_one[KNOWN:], at_any[1])

    def figures(through: Callable[[Picture], Picture]) -> dict[str, Interval]:
        told = {name: [judge(through(p)) for p in shown] for name, shown in new.items()}
        first, second = np.array(list(known.values())), np.array(list(told.values()))
        ranked = rank(
            {name: vectors[:TOLD] for name, vectors in told.items()},
            {name: vectors[:KNOWN] for name, vectors in known.items()},
        )
        return {
            "identity AUC": separation(first[:, 0], second[:, 0]),
            "identity AUC, any two ages": separation(first[:, -1], second[:, -1]),
            f"identity rank 1 among {PEOPLE}": ranked.rank1,
            f"identity rank 1 among {PEOPLE}, over people": ranked.rank1_by_person,
        }

    return figures(lambda picture: picture), figures(lambda picture: decoded(base, picture))


def hands() -> dict[str, Interval]:
    """How well writers are told apart, by the judge of writers and by contour hinges."""
    both = {"": judges.writer_judge(), ", contour hinges": hinges.hand_judge()}
    pictures = written()
    return {
        what + by: figure
        for by, judge in both.items()
        for what, figure in _hands(judge, pictures).items()
    }


def written() -> dict[str, list[Picture]]:
    """Lines by each held-out writer: those to know them by, then those to tell."""
    pictures = {}
    for number in range(PEOPLE):
        seed, rng = held_out(number), np.random.default_rng([held_out(number), 19])
        found: list[Picture] = []
        while len(found) < 2 * LINES:
            words = text(rng, shortest=8, longest=30)
            try:
                done = line(writer(seed), words, seed=int(rng.integers(1 << 30)))
            except (CannotWrite, DoesNotFit):
                continue
            found.append(done.picture)
        pictures[str(seed)] = found
    return pictures


def misread_by_the_reader() -> Interval:
    """Wrong characters of the reader's over all, on lines as LoRAs of hands are taught, by held-out
    writers; a group of the interval is a writer."""
    found, groups = [], []
    for number in range(PEOPLE):
        lines = list(islice(notes(held_out(number), held_out=True), LINES))
        pictures = torch.from_numpy(np.stack([drawn.picture for drawn, _ in lines]))
        read = reader.read(pictures.permute(0, 3, 1, 2).float() / 255)
        found += [misread(said, text) for said, (_, text) in zip(read, lines, strict=True)]
        groups += [number] * LINES
    wrong = error(found, groups)
    assert wrong is not None, "there are lines"
    return wrong


def _hands(judge: Embedder, pictures: Mapping[str, Sequence[Picture]]) -> dict[str, Interval]:
    vectors = {name: [judge(picture) for picture in lines] for name, lines in pictures.items()}
    every = np.array(list(vectors.values()))
    ranked = rank(
        {name: v[LINES:] for name, v in vectors.items()},
        {name: v[:LINES] for name, v in vectors.items()},
    )
    return {
        "writer AUC": separation(every[:, 0], every[:, LINES]),
        f"writer rank 1 among {PEOPLE}": ranked.rank1,
        f"writer rank 1 among {PEOPLE}, over writers": ranked.rank1_by_person,
    }


def measure() -> dict[str, dict[str, dict[str, float]]]:
    """All errors, as `sosie.models.judges.about` stores them."""
    base = load_base("pocket")
    truths = [asked(FIRST + number) for number in range(4 * PEOPLE)]
    pictures = [photo(person(t.person), seed=FIRST, **as_dict(t)).picture for t in truths]
    people, people_decoded = identities(base)
    found = {
        "drawn": attributes(truths, pictures)
        | people
        | hands()
        | {"reader, characters wrong": misread_by_the_reader()},
        "decoded": attributes(truths, [decoded(base, p) for p in pictures]) | people_decoded,
    }
    return {
        how: {what: figure.model_dump(exclude={"confidence"}) for what, figure in figures.items()}
        for how, figures in found.items()
    }


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    return rows(measure())


def rows(errors: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[tuple[str, str, str]]:
    """Measured or stored errors, a row each: as drawn, and through the autoencoder."""
    found = []
    for what, drawn in errors["drawn"].items():
        told = said(what, Interval.model_validate(drawn))
        if what in errors["decoded"]:
            told += f"; decoded {said(what, Interval.model_validate(errors['decoded'][what]))}"
        found.append((what, told, ""))
    return found


def said(what: str, figure: Interval) -> str:
    """A figure in its own unit."""
    if what == "age":
        return f"{figure.value:.1f} ({figure.low:.1f} to {figure.high:.1f}) years off"
    if "AUC" in what:
        return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
    return percent(figure)
