"""Does the base write the words asked for? The reader's errors on its lines, above those on the
true rendering of the same text.

Texts are held out: training showed none of them. The true rendering is the world's, by a writer who
was held out too, and the prompt is its caption, so that both are to be of one ink on one paper. The
same reader reads both, and what counts is what it errs more on the base's (`sosie.audit`'s own
measure of a handwriting). Who describes no hand gets the usual one; then the same texts are asked
for in words for the hand of the true writer, of no size: all are taught in one.
What it is written on is looked at too: a reader does not mind purple paper. Of lines whose prompt
says the paper, how far its colour is off the true one's; of all, how much it changes from left to
right, both in levels of 255.
`SOSIE_BENCH_LINES` takes another number of texts, `SOSIE_BENCH_STEPS` of sampling steps.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from bench.taught import base
from sosie.audit.handwriting.panel import written
from sosie.audit.handwriting.reading import Misread, above, error, misread
from sosie.audit.intervals import Interval
from sosie.generate import GenerateConfig, draw
from sosie.models.faces import Picture
from sosie.world.hands import evened, is_held_out_writer, style, writer
from sosie.world.notes import handwriting_caption, papers
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


def prompt_of(number: int, one: Written, *, described: bool) -> str:
    """A caption of a line; with the words for the writer's hand, or nothing of it, which means the
    usual one."""
    return handwriting_caption(
        one.truth,
        rng=np.random.default_rng([number, 43]),
        style=style(evened(writer(one.truth.writer))) if described else (),
    )


def drawn(true: list[Written], *, described: bool) -> list[Picture]:
    """The base's lines of these texts."""
    return [
        draw(
            base(),
            GenerateConfig(
                prompt=prompt_of(number, one, described=described),
                seed=number,
                steps=STEPS,
                width=WORD[0],
                height=WORD[1],
            ),
        )[0].rgb
        for number, one in enumerate(true)
    ]


def misread_of(lines: Iterable[Picture], true: list[Written]) -> list[Misread]:
    """What the reader errs on lines of these texts."""
    return [
        misread(written(rgb).text, one.truth.text) for rgb, one in zip(lines, true, strict=True)
    ]


def paper(rgb: Picture) -> NDArray[np.float64]:
    """(3,): the colour between the letters, which are darker."""
    return np.quantile(rgb.reshape(-1, 3), 0.8, axis=0)


def shade(rgb: Picture) -> float:
    """How far the paper's colour at the left end is from that at the right one, in levels."""
    third = rgb.shape[1] // 3
    return float(np.abs(paper(rgb[:, :third]) - paper(rgb[:, -third:])).mean())


def says_paper(prompt: str, one: Written) -> bool:
    """Whether the prompt says what it is written on."""
    return any(words in prompt for words in papers(one.truth))


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    true = rendered(texts(LINES))
    made = {words: drawn(true, described=words) for words in (False, True)}
    usual, described = (misread_of(made[words], true) for words in (False, True))
    own = dict(enumerate(misread_of((one.picture for one in true), true)))
    groups = list(range(len(true)))
    of = f"{LINES} held-out texts, {STEPS} steps"
    return [
        (f"wrong characters in a hundred, {of}", points(error(usual, groups)), "told"),
        ("of the true rendering", points(error(list(own.values()), groups)), "told"),
        ("more than there", points(above(usual, groups, own)), "at most 20"),
        ("the same in hands that the prompt describes", points(above(described, groups, own)), ""),
        *on_paper(true, made),
    ]


def on_paper(
    true: list[Written], made: Mapping[bool, list[Picture]]
) -> Iterator[tuple[str, str, str]]:
    """Rows on what it is written on, in the usual hand and in described ones."""
    for described, lines in made.items():
        hands = "described hands" if described else "the usual hand"
        off = [
            float(np.abs(paper(rgb) - paper(one.picture)).mean())
            for number, (rgb, one) in enumerate(zip(lines, true, strict=True))
            if says_paper(prompt_of(number, one, described=described), one)
        ]
        what = f"levels that the paper is off where it is said, {hands}, {len(off)} lines"
        yield what, f"{np.mean(off):.1f}", ""
        yield (
            f"levels of shade from left to right, {hands}; of the true rendering",
            f"{np.mean([shade(rgb) for rgb in lines]):.1f};"
            f" {np.mean([shade(one.picture) for one in true]):.1f}",
            "",
        )
