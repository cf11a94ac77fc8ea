"""How a LoRA is asked for its training pictures: the mixture for which an audit's rates hold.

    held-out prompts    what a user asks: the prompts of the audit of likeness, of no caption
    trigger alone       the one word that every training caption held
    training captions   word for word, as Carlini et al. asked (arXiv:2301.13188)
    raised strength     captions at a half more than the strength that is meant
    extrapolated        captions, pushed on beyond the LoRA (FineXtract, arXiv:2410.03039)

The last three force the model as no user does, and are told apart from the others. Of a stranger's
LoRA nobody knows the captions; instead it is asked by

    trigger variants    the trigger in other forms and frames
    words in its file   tags that trainers leave in a file's header, the most frequent first
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from sosie.audit.prompts import PROMPTS
from sosie.core.records import Record

PUSH = 1.5
"""How far an attacker goes beyond the LoRA: FineXtract's weight of 2.5. It stands in place of
classifier-free guidance: both at once go too far, and draw out less."""
RAISED = 1.5
"""Strength an attacker gives the LoRA, in strengths that are meant."""
APART = 100_000
"""Between the seeds of two probes: more than any audit draws of one."""


class Probe(Record):
    """One way of asking."""

    name: str
    forced: bool
    """Whether no user asks like this."""
    captions: bool = False
    """Whether the training captions are the prompts."""
    strength: float = 1.0
    """In strengths that are meant."""
    push: float = 0.0
    guided: bool = True
    """Whether the base's classifier-free guidance acts, as it does for users."""


HELD_OUT = Probe(name="held-out prompts", forced=False)
TRIGGER = Probe(name="trigger alone", forced=False)
CAPTIONS = Probe(name="training captions", forced=True, captions=True)
STRONGER = Probe(name="raised strength", forced=True, captions=True, strength=RAISED)
PUSHED = Probe(name="extrapolated", forced=True, captions=True, push=PUSH, guided=False)
VARIANTS = Probe(name="trigger variants", forced=False)
TAGS = Probe(name="words in its file", forced=True)
PROBES = (HELD_OUT, TRIGGER, CAPTIONS, STRONGER, PUSHED)
BY_CAPTIONS = tuple(probe for probe in PROBES if probe.captions)
Numbered = list[tuple[int, str]]
"""Prompts with their numbers among the probe's, in the order in which they are asked."""


@dataclass(frozen=True)
class Ask:
    """One picture to be drawn; the base alone draws it too, from the same words and seed."""

    probe: Probe
    number: int
    """Of the prompt among the probe's."""
    prompt: str
    seed: int

    @property
    def key(self) -> str:
        """Its file's name without the seed: "training captions 03"."""
        return f"{self.probe.name} {self.number:02d}"


def mixture(captions: Sequence[str], trigger: str, *, each: int, seed: int) -> tuple[Ask, ...]:
    """`each` pictures of every probe: its prompts in turn, and never a seed twice.

    The probes that ask by captions begin at equal distances from each other, so that together they
    ask for as many different ones as they can. Seeds differ between probes too, so that all
    pictures are independent of each other.
    """
    taught = _numbered(dict.fromkeys(captions))
    starts = {
        probe: place * len(taught) // len(BY_CAPTIONS) for place, probe in enumerate(BY_CAPTIONS)
    }
    by = {HELD_OUT: _numbered(_new(trigger)), TRIGGER: _numbered([trigger])}
    by |= {probe: taught[start:] + taught[:start] for probe, start in starts.items()}
    return _asked([(probe, by[probe]) for probe in PROBES], each, seed)


def unasked(captions: Sequence[str], asks: Sequence[Ask]) -> tuple[str, ...]:
    """Captions by which nothing is asked for: of their pictures an audit knows little."""
    asked = {ask.prompt for ask in asks}
    return tuple(caption for caption in dict.fromkeys(captions) if caption not in asked)


def enough(captions: Sequence[str]) -> int:
    """The fewest pictures of each probe with which a mixture asks by every caption."""
    return -(-len(set(captions)) // len(BY_CAPTIONS))


def stranger_mixture(trigger: str, tags: Sequence[str], *, each: int, seed: int) -> tuple[Ask, ...]:
    """The same where nobody knows the captions; `tags` are words that the file itself names, and
    their probe falls away without any."""
    forms = (f"photo of {trigger}", f"portrait of {trigger}", trigger.upper(), f"{trigger} person")
    others = (tag for tag in tags if tag.casefold() != trigger.casefold())
    named = tuple(tag if trigger in tag else f"{trigger}, {tag}" for tag in others)
    ways = [(TRIGGER, (trigger,)), (VARIANTS, forms), (TAGS, named), (HELD_OUT, _new(trigger))]
    return _asked([(probe, _numbered(prompts)) for probe, prompts in ways if prompts], each, seed)


def _new(trigger: str) -> tuple[str, ...]:
    return tuple(prompt.text.replace("{trigger}", trigger) for prompt in PROMPTS)


def _numbered(prompts: Iterable[str]) -> Numbered:
    return list(enumerate(prompts, 1))


def _asked(ways: Sequence[tuple[Probe, Numbered]], each: int, seed: int) -> tuple[Ask, ...]:
    asks = []
    for place, (probe, prompts) in enumerate(ways):
        asks += [
            Ask(probe, number, prompt, seed + APART * place + count)
            for count, (number, prompt) in enumerate(islice(cycle(prompts), each))
        ]
    return tuple(asks)
