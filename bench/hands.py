"""Does the LoRA of an unseen handwriting write in that hand, and what it is asked to?

For each of 20 writers held out from the base's training: 30 lines, a LoRA by the base's own recipe,
12 texts that nothing was ever taught. Two judges name the writer among 100 held-out ones, by
templates of 10 lines of other texts: contour hinges, which learned nothing, and the world's own
judge of writers, whose error `bench.judges` measures, and which bears no bound where the base's
recipe has it teach. They judge the twelve texts together, as a
page is judged: one word of a few letters says little of its hand, and hinges name the writer's own
in three of ten cases. The writer's own lines of the same texts are the ceiling, the base
without LoRA the floor. What a reader errs is told above what it errs on the writer's own lines.
`SOSIE_BENCH_PEOPLE` takes fewer writers, for a quicker look.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path

from bench.kept import side_by_side
from bench.obeys import percent
from bench.taught import Lesson, base, lessons, subject
from bench.writes import points
from demo.writers import notes
from sosie.audit import Retrieval, rank
from sosie.audit.handwriting.panel import written
from sosie.audit.handwriting.reading import Misread, above, misread
from sosie.audit.retrieval import Vector, template
from sosie.generate import GenerateConfig, draw
from sosie.models import hinges, judges, lora
from sosie.models.faces import Embedder, Picture
from sosie.train.config import for_base
from sosie.world.people import HELD_OUT_EVERY
from sosie.world.writing import WORD

WRITERS = int(os.environ.get("SOSIE_BENCH_PEOPLE", "20"))
GALLERY = 100
REFERENCES = 10
TEXTS = 12
PROMPT = 'handwriting of {} that reads "{}"'
SEEDS = tuple(100 + HELD_OUT_EVERY * n + HELD_OUT_EVERY - 1 for n in range(GALLERY))
"""All held out from the base and from the judges; the first `WRITERS` are taught."""

Hands = dict[str, list[Picture]]


def own(seed: int) -> tuple[list[str], list[Picture]]:
    """The texts that a LoRA is asked for, and how the writer wrote them."""
    found = list(islice(notes(seed, held_out=True), TEXTS))
    return [words for _, words in found], [drawn.picture for drawn, _ in found]


@cache
def gallery() -> Hands:
    """Lines of each writer to know the hand by."""
    return {
        subject("handwriting", seed): [
            drawn.picture for drawn, _ in islice(notes(seed, held_out=False, of=1), REFERENCES)
        ]
        for seed in SEEDS
    }


def lines(name: str, texts: list[str], file: Path | None) -> list[Picture]:
    """One line a text, with the LoRA in `file` or without."""
    loras = [("hand", lora.read(file), 1.0)] if file else []
    width, height = WORD
    return [
        draw(
            base(),
            GenerateConfig(
                prompt=PROMPT.format(name, words), seed=500 + number, width=width, height=height
            ),
            loras,
        )[0].rgb
        for number, words in enumerate(texts)
    ]


def of_one(lesson: Lesson) -> tuple[int, list[Picture], list[Picture]]:
    """A writer, and one line a text with the LoRA and without."""
    texts, _ = own(lesson.seed)
    with_it = lines(lesson.subject, texts, lesson.file)
    return lesson.seed, with_it, lines("somebody", texts, None)


def ranked(judge: Embedder, shown: Hands) -> Retrieval:
    """How often the judge names the right writer, from all that each shows together."""

    def seen(hands: Hands) -> dict[str, list[Vector]]:
        return {
            name: [vector for line in of if (vector := judge(line)) is not None]
            for name, of in hands.items()
        }

    pages = {name: [template(lines) if lines else None] for name, lines in seen(shown).items()}
    return rank(pages, seen(gallery()))


def in_all(lines: Iterable[Misread]) -> Misread:
    """What was misread of several lines together."""
    found = list(lines)
    return Misread(wrong=sum(line.wrong for line in found), of=sum(line.of for line in found))


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    made = lessons("handwriting", SEEDS[:WRITERS])
    drawn, plain = {}, {}
    for seed, with_it, without in sorted(side_by_side(of_one, made.values()), key=lambda r: r[0]):
        drawn[seed], plain[seed] = with_it, without
    texts = {seed: own(seed) for seed in drawn}
    named = {
        "LoRA": drawn,
        "the writer's own lines of the same texts: the ceiling": {
            s: t[1] for s, t in texts.items()
        },
        "base without LoRA: the floor": plain,
    }
    rows = []
    top = f"rank 1 among {GALLERY}, {len(drawn)} unseen writers, {TEXTS} texts of each together"
    taught = for_base(base().info, "handwriting").hand_weight > 0
    for judge, taught_it in ((hinges.hand_judge(), False), (judges.writer_judge(), taught)):
        by = f"{judge.name}, which taught the LoRAs" if taught_it else judge.name
        for what, lines_of in named.items():
            shown = {subject("handwriting", seed): of for seed, of in lines_of.items()}
            bound = "at least 60%" if what == "LoRA" and not taught_it else ""
            rows.append((f"{what}: {top}, by {by}", percent(ranked(judge, shown).rank1), bound))

    def read(lines_of: Mapping[int, Sequence[Picture]]) -> dict[int, Misread]:
        """By writer: lines of one LoRA are no independent witnesses."""
        return {
            seed: in_all(
                misread(written(picture).text, words)
                for picture, words in zip(of, texts[seed][0], strict=True)
            )
            for seed, of in lines_of.items()
        }

    theirs = read({seed: of for seed, (_, of) in texts.items()})
    for what, lines_of, bound in (("LoRA", drawn, "at most 20"), ("base alone", plain, "")):
        found = read(lines_of)
        error = points(above(list(found.values()), list(found), theirs))
        rows.append((f"{what}: wrong characters in a hundred above the writer's own", error, bound))
    minutes = [lesson.minutes for lesson in made.values()]
    rows.append(("training one LoRA on one core", f"{sum(minutes) / len(minutes):.1f} min", ""))
    return rows
