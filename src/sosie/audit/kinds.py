"""The table of figures: what each means to a reader, where it must lie, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "cosine", "chance"]


@dataclass(frozen=True)
class Kind:
    """One row of the table of figures."""

    title: str
    means: str
    """For a reader who has never trained anything."""
    unit: Unit = "share"
    least: float | None = None
    """The lower end of the interval must reach it."""
    most: float | None = None
    """The upper end of the interval must not pass it."""
    mend: str | None = None
    """The command for one that failed."""

    def command(self, names: Mapping[str, object]) -> str | None:
        """`mend` with the names of subject, LoRA and steps in it."""
        return None if self.mend is None else self.mend.format(**names)


KINDS: dict[str, Kind] = {
    "learned": Kind(
        "The way from anybody to the person",
        "0% is what the base draws without the LoRA, 100% is as like as two real pictures of the "
        "person are to each other. Where the base draws no face, its other faces stand for it.",
        least=0.5,
        mend="{better}",
    ),
    "likeness": Kind(
        "Likeness",
        "The mean cosine to each held-out picture, as a share of the median cosine of two real "
        "pictures of the person. A picture without a face counts as 0.",
    ),
    "hand": Kind(
        "The way from anybody's hand to the writer's",
        "0% is another hand, drawn for this, or the base without the LoRA where that is more like; "
        "100% is as like as two real lines of the writer are to each other.",
        least=0.5,
        mend="{better}",
    ),
    "hand_likeness": Kind(
        "Likeness of the hand",
        "The mean cosine to each held-out note, as a share of the median cosine of two real notes "
        "of the writer. A picture without writing counts as 0.",
    ),
    "lift": Kind(
        "Lift over the base",
        "The cosine less that of the base alone, prompt by prompt and seed by seed.",
        unit="cosine",
    ),
    "other_hands": Kind(
        "Other hands that the judge tells from this one",
        "Of lines by drawn writers, those that are less like the writer than two of the writer's "
        "own are. A judge that is not sure of three in four says nothing of this hand.",
    ),
    "error_above_own": Kind(
        "Characters misread, above the writer's own",
        "By how much more of the characters a reader misreads than it does on the writer's own "
        "notes, which are pairs where both wrote the text. An untidy hand is hard to read by "
        "nature.",
        most=0.1,
        mend="{better}",
    ),
    "error": Kind(
        "Characters misread",
        "Changed, added or dropped, of all that were asked for; capitals and spaces do not count. "
        "The reader was made for print.",
    ),
    "error_of_own": Kind(
        "Misread of the writer's own notes", "The same reader, against what their captions say."
    ),
    "error_of_base": Kind(
        "Misread of the base alone", "The same prompts at the same seeds without the LoRA."
    ),
    "right": Kind(
        "Pictures that read just as asked",
        "Not one character is misread.",
    ),
    "written": Kind(
        "Pictures that hold writing",
        "The reader finds at least one line that it can read.",
        least=0.8,
        mend="sosie audit {adapter} --strength {weaker}",
    ),
    "faces": Kind(
        "Pictures that show a face",
        "A face that the detector cannot find is like nobody.",
        least=0.8,
        mend="sosie audit {adapter} --strength {weaker}",
    ),
    "garments": Kind(
        "Likeness kept when the prompt names a garment",
        "Of what the LoRA adds to the base's likeness, the share that stays with clothes in the "
        "prompt, at the same scenes and seeds: a likeness that is lost in a red jacket was not "
        "learned.",
        least=0.8,
        mend="sosie caption {subject} --suggest",
    ),
    "copycat": Kind(
        "Nearer to a training picture than to a new one",
        "It speaks of faces or hands, not of copied pixels, and hangs on which few pictures were "
        "withheld.",
    ),
    "lean": Kind(
        "Lean to the training pictures, in the unit of likeness",
        "As audits told it before they had a scale for it.",
        most=0.25,
    ),
    "repeats": Kind(
        "Lean to the training pictures",
        "By how much the nearest training picture is nearer than the nearest held-out one: 0% is "
        "how another real picture leans, 100% how a training picture does that is given back.",
        most=0.9,
        mend="sosie train {subject} --steps {fewer}",
    ),
    "chance": Kind(
        "Chance of leaning so far",
        "How often the pictures lean as far when the real pictures are split at random: a "
        "small share says that the lean is no accident of which pictures were withheld.",
        unit="chance",
    ),
    "obedience": Kind(
        "Clothes and place as asked",
        "Read by a judge that errs itself; where everything is as asked, the picture obeys.",
        least=0.5,
        mend="sosie audit {adapter} --strength {weaker}",
    ),
    "diversity": Kind(
        "Variety beside the base alone",
        "How far apart two pictures of one prompt are, as a share of what the base draws: near 0, "
        "all pictures are the same.",
    ),
    "spread": Kind(
        "Spread over seeds",
        "How much the likeness changes from seed to seed of one prompt, in the unit of likeness.",
    ),
}
"""Every figure there is, in the order in which they are told."""
