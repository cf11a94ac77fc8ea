"""Which words of a prompt work: the same seeds, with and without each, and how far apart they are.

Two pictures are compared by what a network trained on photographs makes of them (`models.scene`;
one less the cosine), in the spirit of LPIPS (Zhang et al., arXiv:1801.03924): it follows what is
shown, where a distance of pixels follows every shift of an edge. On pocket, "round glasses" moved
pictures ten times as far as made-up words by this measure, and two and a half times by the mean of
the most changed tenth of the pixels, in CIELAB.

A word works if the picture is far both from the one without it and from the one with made-up words
in its place. Any change shifts a picture a little, so a distance means something only between two
others, taken at the same seeds:
    floor       made-up words against nothing in the same place, the median over all places. Doubled
                blanks will not do: tokenizers drop them, and the distance is nought.
    one seed    pictures of the same prompt from two seeds.
That a word moves the picture does not mean that it is obeyed: that is seen on the sheet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sosie.core.errors import BadInput
from sosie.core.records import Record
from sosie.generate.draw import GenerateConfig, Made, Picture, draw
from sosie.generate.files import Finish
from sosie.generate.prompt import parse
from sosie.generate.sheet import contact_sheet
from sosie.models import scene
from sosie.models.diffusion.base import DiffusionBase
from sosie.models.lora.read import LoraFile

Unit = Literal["phrase", "word"]
"""What is taken away at a time: a phrase between commas, or a word."""
Verdict = Literal["works", "hardly seen", "does nothing"]

MADE_UP = ("zorbly", "quim", "frell", "blont", "vasky", "drund")
"""Stand in the place of as many words."""
ABOVE_FLOOR = 2.0
"""Times the floor up to which a word does nothing: made-up words do as much."""
SEEN = 0.25
"""Share of the distance of two seeds from which a word works."""
SHOWN = 2
"""Seeds on a sheet: a pair of pictures for each."""
SMALL_WORDS = frozenset(
    (
        *("a", "an", "the", "of", "in", "on", "at", "to", "by", "with", "and", "or", "for", "from"),
        *("is", "are", "her", "his", "their", "its"),
    )
)
"""Words that mean nothing by themselves, and are not tried one by one."""


class Piece(Record):
    """A part of a prompt."""

    words: str
    without: str
    """The prompt without it."""
    made_up: str
    """The prompt with made-up words in its place."""


class Effect(Record):
    """What taking a piece away does."""

    words: str
    without: str
    """The prompt without it."""
    apart: tuple[float, ...]
    """Distance with and without it, seed by seed: 0 is the same picture."""
    from_made_up: tuple[float, ...]
    """Distance with it and with made-up words in its place, seed by seed."""
    verdict: Verdict

    @property
    def moves(self) -> float:
        """The smaller of the two distances, each the mean over the seeds."""
        return moved(self.apart, self.from_made_up)


class WordTrial(Record):
    """Every piece of a prompt, the one that does most first."""

    prompt: str
    base: str
    seeds: tuple[int, ...]
    effects: tuple[Effect, ...]
    floor: float
    """What made-up words do."""
    seeds_apart: float
    """Mean distance of two seeds of the whole prompt."""


def pieces(text: str, unit: Unit | None = None) -> tuple[Piece, ...]:
    """The parts of a prompt (without LoRA tags) that can be taken away one at a time.

    None takes phrases where there are commas, else words. Raises BadInput if there is none.
    """
    phrases = [phrase.strip() for phrase in text.split(",") if phrase.strip()]
    if unit == "phrase" or (unit is None and len(phrases) > 1):
        found = [
            Piece(
                words=phrase,
                without=", ".join(phrases[:i] + phrases[i + 1 :]),
                made_up=", ".join([*phrases[:i], _made_up(phrase), *phrases[i + 1 :]]),
            )
            for i, phrase in enumerate(phrases)
        ]
    else:
        words = (w for w in re.finditer(r"[\w'-]+", text) if w[0].casefold() not in SMALL_WORDS)
        found = [
            Piece(
                words=w[0],
                without=_without(text, w.start(), w.end()),
                made_up=f"{text[: w.start()]}{_made_up(w[0])}{text[w.end() :]}",
            )
            for w in words
        ]
    if not found:
        raise BadInput("The prompt has no words to try.")
    return tuple(found)


def try_words(
    base: DiffusionBase,
    config: GenerateConfig,
    loras: Sequence[tuple[str, LoraFile, float]] = (),
    *,
    unit: Unit | None = None,
    consents: Mapping[str, str] | None = None,
    look: Callable[[Picture], None] = lambda picture: None,
    on_picture: Callable[[int, int], None] = lambda done, of: None,
    say: Callable[[str], None] = lambda line: None,
    finish: Callable[[Sequence[Made]], Finish] = lambda made: lambda png: png,
) -> tuple[WordTrial, bytes]:
    """Draw a prompt whole, without each of its parts, and with made-up words for each, `config.n`
    pictures of all; and the sheet, which `finish` signs.

    `look` sees every picture, and may end the trial by raising. `on_picture` hears how many are
    drawn, of how many; `say` is told what of the whole prompt is not read. Raises BadInput for
    fewer than two seeds, which leave nothing to compare with, and what `draw` raises;
    WeightsRefused if the network that compares is not installed.
    """
    if config.n < 2:
        raise BadInput("One seed says little about a word.", advice="Draw at least two.")
    parsed = parse(config.prompt)
    tried = pieces(parsed.text, unit)
    total, done = config.n * (1 + 2 * len(tried)), 0

    def drawn(text: str, say: Callable[[str], None] = lambda line: None) -> tuple[Picture, ...]:
        def count(picture: Picture) -> None:
            nonlocal done
            look(picture)
            done += 1
            on_picture(done, total)

        tags = " ".join(call.tag() for call in parsed.loras)
        asked = config.model_copy(update={"prompt": f"{text} {tags}".strip()})
        return draw(base, asked, loras, consents=consents, on_picture=count, say=say)

    whole = drawn(parsed.text, say)
    looks = _looks(whole)
    between = float(np.mean([1 - looks[i] @ looks[j] for i, j in combinations(range(config.n), 2)]))
    without = [drawn(piece.without) for piece in tried]
    bare = [_looks(pictures) for pictures in without]
    replaced = [_looks(drawn(piece.made_up)) for piece in tried]
    floor = float(np.median([_apart(a, b).mean() for a, b in zip(replaced, bare, strict=True)]))
    found: list[tuple[Effect, tuple[Picture, ...]]] = []
    for piece, pictures, gone, other in zip(tried, without, bare, replaced, strict=True):
        apart, from_made_up = (tuple(_apart(looks, one).tolist()) for one in (gone, other))
        effect = Effect(
            words=piece.words,
            without=piece.without,
            apart=apart,
            from_made_up=from_made_up,
            verdict=judged(moved(apart, from_made_up), floor, between),
        )
        found.append((effect, pictures))
    found.sort(key=lambda entry: -entry[0].moves)
    trial = WordTrial(
        prompt=config.prompt,
        base=base.info.name,
        seeds=tuple(picture.made.seed for picture in whole),
        effects=tuple(effect for effect, _ in found),
        floor=floor,
        seeds_apart=between,
    )
    return trial, finish([picture.made for picture in whole])(_sheet(whole, found))


def moved(apart: Sequence[float], from_made_up: Sequence[float]) -> float:
    """How far a word moves the pictures, by its distances seed by seed."""
    return float(min(np.mean(apart), np.mean(from_made_up)))


def judged(moves: float, floor: float, seeds_apart: float) -> Verdict:
    """The verdict on how far a word moves the pictures."""
    if moves <= ABOVE_FLOOR * floor:
        return "does nothing"
    return "works" if moves >= SEEN * seeds_apart else "hardly seen"


def _made_up(words: str) -> str:
    """As many words that mean nothing."""
    return " ".join(MADE_UP[i % len(MADE_UP)] for i in range(len(words.split())))


def _without(text: str, start: int, end: int) -> str:
    """The text without a stretch, and without the blanks and commas that it leaves behind."""
    left, right = text[:start].rstrip(), text[end:].lstrip()
    if right.startswith(",") and (not left or left.endswith(",")):
        right = right[1:].lstrip()
    joined = left + right if right.startswith(",") else f"{left} {right}"
    return joined.strip(" ,")


def _looks(pictures: Sequence[Picture]) -> NDArray[np.float32]:
    """(n, 1280), of unit length."""
    return np.stack([scene.embed(picture.rgb) for picture in pictures])


def _apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance of the pictures of equal seeds, (n,)."""
    # Rounding may give a cosine a little above one.
    return np.asarray(np.clip(1 - (one * other).sum(1), 0, 2), np.float32)


def _sheet(whole: Sequence[Picture], found: Sequence[tuple[Effect, tuple[Picture, ...]]]) -> bytes:
    """A row for each piece: pairs of pictures, with it and without it."""
    cells = []
    shown = min(SHOWN, len(whole))
    for effect, pictures in found:
        for i in range(shown):
            seed = whole[i].made.seed
            cells.append((whole[i].rgb, f"seed {seed}: with {effect.words}"))
            cells.append((pictures[i].rgb, f"without: {effect.apart[i]:.3f}, {effect.verdict}"))
    return contact_sheet(cells, columns=2 * shown)
