"""Does the base write the words asked for? The reader's errors on its lines, above those on the
true rendering of the same text.

Texts are held out: training showed none of them. The true rendering is the world's, by a writer who
was held out too, and the prompt is its caption, so that both are to be of one ink on one paper. The
same reader reads both, and what counts is what it errs more on the base's (`sosie.audit`'s own
measure of a handwriting). Who describes no hand gets the usual one; then the same texts are asked
for in words for the hand of the true writer, of no size: all are taught in one.
`SOSIE_BENCH_LINES` takes another number of texts, `SOSIE_BENCH_STEPS` of sampling steps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from bench.taught import base
from sosie.audit.handwriting.panel import written
from sosie.audit.handwriting.reading import Misread, above, error, misread
from sosie.audit.intervals import Interval
from sosie.generate import GenerateConfig, draw
from sosie.world.hands import evened, is_held_out_writer, style, writer
from sosie.world.notes import handwriting_caption
from sosie.world.texts import is_held_out_text, text, word
from sosie.world.writing import WORD, CannotWrite, DoesNotFit, Written, line

LINES = int(os.environ.get("SOSIE_BENCH_LINES", "100"))
STEPS = int(os.environ.get("SOSIE_BENCH_STEPS", "20"))
LONGEST = 12
"""Characters."""


def texts(count: int) -> list[str]:
    """Held-out words and short sentences of two letters or more, all different."""
    rng, found = np.random.default_rng(41), dict[str, None]()
    while len(found) < count:
        said = word(rng) if rng.random() < 0.7 else text(rng, shortest=3, longest=LONGEST)
        if 2 <= len(said) <= LONGEST and is_held_out_text(said):
            found[said] = None
    return list(found)


def held_out_writers() -> Iterator[int]:
    """Their numbers, from the least."""
    number = 0
    while True:
        if is_held_out_writer(number):
            yield number
        number += 1


def rendered(said: list[str]) -> list[Written]:
    """Each text by a held-out writer of its own: the next who can write it in so much room."""
    found: list[Written] = []
    writers = held_out_writers()
    for number, words in enumerate(said):
        while len(found) == number:
            try:
                found.append(
                    line(writer(next(writers)), words, seed=number, width=WORD[0], height=WORD[1])
                )
            except (CannotWrite, DoesNotFit):
                continue
    return found


def points(interval: Interval | None) -> str:
    """An error or a difference with its interval, in points of a hundred."""
    assert interval is not None, "there is at least one line"
    low, high = interval.low, interval.high
    assert low is not None and high is not None, "there are characters"
    return f"{100 * interval.value:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def misread_of(true: list[Written], *, described: bool) -> list[Misread]:
    """What the reader errs on the base's lines of these texts; with the words for the writer's hand
    in the prompt, or nothing of it, which means the usual one."""
    made = []
    for number, one in enumerate(true):
        prompt = handwriting_caption(
            one.truth,
            rng=np.random.default_rng([number, 43]),
            style=style(evened(writer(one.truth.writer))) if described else (),
        )
        config = GenerateConfig(
            prompt=prompt, seed=number, steps=STEPS, width=WORD[0], height=WORD[1]
        )
        made.append(misread(written(draw(base(), config)[0].rgb).text, one.truth.text))
    return made


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    true = rendered(texts(LINES))
    usual, described = (misread_of(true, described=words) for words in (False, True))
    own = {
        number: misread(written(one.picture).text, one.truth.text)
        for number, one in enumerate(true)
    }
    groups = list(range(len(true)))
    of = f"{LINES} held-out texts, {STEPS} steps"
    return [
        (f"wrong characters in a hundred, {of}", points(error(usual, groups)), "told"),
        ("of the true rendering", points(error(list(own.values()), groups)), "told"),
        ("more than there", points(above(usual, groups, own)), "at most 20"),
        ("the same in hands that the prompt describes", points(above(described, groups, own)), ""),
    ]
