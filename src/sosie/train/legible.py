"""The reading loss and the hand loss: new texts that the LoRA writes are legible, and theirs.

Thirty lines are learned by heart, and of new texts the LoRA draws each letter two or three times
over: where it stands follows from the hand's own widths, of which thirty lines tell little. So what
the LoRA draws on the way (`walks.py`) is decoded and read with gradient, and the loss falls as the
text that was asked for becomes the likeliest one. A reader alone minds nobody's hand:
so whose hand it is is looked at too, and the loss falls as it nears that of the training notes; and
what the base knew of paper, ink and letters is held (`walks.Coach.hold`).

Conventions:
    reader      `sosie.models.judges.reader`, which measures nothing; the audit's reader is another
    hand        `sosie.models.judges.hand`, which from then on is no judge of this LoRA
    texts       pieces of the training notes' own words put together anew, and letters of theirs in
                any order, so that words are not learned for letters

After Kang et al. 2020 (GANwriting, arXiv:2003.02567: a reader teaches a generator of handwriting).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sosie.core.quoted import quoted, requoted
from sosie.core.records import Dataset
from sosie.models.diffusion.base import DiffusionBase
from sosie.models.judges import hand, lines, reader
from sosie.train.cache import Cache, crop_pixels
from sosie.train.config import TrainConfig
from sosie.train.crops import Version
from sosie.train.seeds import derive
from sosie.train.walks import Coach, Judged, Walker

PROMPTS = 192
_SPLICED, _COPIED = 0.5, 0.75
"""Shares of texts: two words spliced, up to the second whole words; the others any letters."""
_LONGEST = 8
"""Letters of a text of any letters."""


def prompts(dataset: Dataset, config: TrainConfig, training: Sequence[Version]) -> tuple[str, ...]:
    """What the walks are asked for: captions of the notes `training`, each with another text; none
    if nothing looks at them, or the reader knows none of the letters."""
    if dataset.kind != "handwriting" or not config.walks(dataset.kind):
        return ()
    captions = [dataset.items[version.item].caption for version in training]
    source = random.Random(derive("reading", config.seed))
    asked = texts([quoted(caption) for caption in captions], source)
    return tuple(requoted(source.choice(captions), text) for text in asked)


def texts(written: Sequence[str], source: random.Random) -> list[str]:
    """`PROMPTS` new texts of two characters to as many as the longest of `written`, all of
    characters that these have and the reader knows; none if these say nothing that it knows."""
    known = set(reader.letters())
    words = [word for text in written for word in text.split() if known.issuperset(word)]
    if not words or max(map(len, words)) < 2:
        return []
    letters, longest, found = "".join(words), max(map(len, written)), list[str]()
    while len(found) < PROMPTS:
        kind = source.random()
        if kind < _SPLICED:
            first, second = source.choice(words), source.choice(words)
            text = first[: source.randint(1, len(first))] + second[source.randrange(len(second)) :]
        elif kind < _COPIED:
            text = " ".join(source.choices(words, k=source.randint(1, 2)))
        else:
            text = "".join(source.choices(letters, k=source.randint(2, _LONGEST)))
        text = text[:longest].strip()
        if len(text) > 1:
            found.append(text)
    return found


@dataclass(frozen=True, eq=False)
class Notes:
    """What notes shall say, and in whose hand, as an aim of walks."""

    texts: Mapping[int, str]
    """By the row of the prompt in the text bank."""
    reading_weight: float
    hand: Tensor | None = None
    """(128,) of unit length: the writer's, as `judges.hand` describes it; None: nobody looks."""
    hand_weight: float = 0.0
    name: str = "reading"

    def judge(
        self, base: DiffusionBase, clean: Tensor, rows: Tensor, jitter: torch.Generator
    ) -> Judged:
        """What a letter of the texts costs the reader, in nats, and how like the writer's the hands
        are, as a cosine: tells the mean of both."""
        pixels = base.decode(lines.sparing_the_paper(clean)).float()
        pixels = ((pixels + 1) / 2).clamp(0, 1)
        cost = reader.cost(pixels, [self.texts[row] for row in rows.tolist()], jitter=jitter).mean()
        loss, told = self.reading_weight * cost, {"reading": float(cost.detach())}
        if self.hand is not None:
            likeness = (hand.described(pixels, jitter=jitter) @ self.hand.to(pixels.device)).mean()
            loss = loss + self.hand_weight * (1 - likeness)
            told["hand"] = float(likeness.detach())
        return Judged(loss, told)

    def held(self, change: Tensor) -> Tensor:
        """All but the paper's part, over some letters: where that is held, ink can hardly come to
        lie where the writer's own letters would have it."""
        return change - lines.paper(change, lines.SOME_LETTERS)


def prepare(
    dataset: Dataset,
    base: DiffusionBase,
    config: TrainConfig,
    cache: Cache,
    training: Sequence[Version],
    *,
    steps: int,
) -> Coach | None:
    """The coach of a run that is about to begin; it draws in the shape that most notes have.

    None where both losses are off, the subject is no handwriting, or the reader knows none of its
    letters.
    """
    asked = prompts(dataset, config, training)
    if not asked:
        return None
    rows = {cache.text_row(prompt): quoted(prompt) for prompt in asked}
    shapes = Counter((version.width, version.height) for version in training)
    walker = Walker(
        base, config, cache.bank(), cache.text_row(""), size=shapes.most_common(1)[0][0]
    )
    aim = Notes(
        rows,
        config.reading_weight,
        hand_of(dataset, training) if config.hand_weight else None,
        config.hand_weight,
    )
    return Coach(
        walker,
        aim,
        tuple(rows),
        first=config.plain_steps(steps, dataset.kind),
        hold=config.hold_weight,
    )


def hand_of(dataset: Dataset, training: Sequence[Version]) -> Tensor:
    """(128,) of unit length: the mean hand of the notes `training`."""
    seen = []
    for version in training:
        path = dataset.items[version.item].path
        pixels = crop_pixels(path, version.crop, (version.width, version.height))
        seen.append(hand.described((pixels + 1) / 2))
    return F.normalize(torch.cat(seen).mean(0), dim=0)


def told(coach: Coach | None) -> str:
    """One line on what a run asks of the texts that it writes, for who watches."""
    if coach is None:
        return "no reading loss: the reader knows none of these letters"
    assert isinstance(coach.aim, Notes), "it was made here"
    weights = {"reading": coach.aim.reading_weight, "hand": coach.aim.hand_weight}
    held = ", and held to what the base alone says of them" if coach.hold else ""
    judge = "; the world's judge of writers teaches it the hand and will not judge it"
    return (
        f"{' and '.join(name for name, weight in weights.items() if weight)} loss from step"
        f" {coach.first + 1} on, by texts of those words and letters of the notes that the reader"
        f" knows{held}{judge if coach.aim.hand_weight else ''}"
    )
