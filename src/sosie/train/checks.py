"""The checks before a run: one function and one line in `CHECKS` each."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from sosie.core.errors import WeightsRefused
from sosie.core.records import Dataset, Record
from sosie.models import resnet, second
from sosie.train.config import TrainConfig
from sosie.train.crops import Framing
from sosie.train.split import Split

Severity = Literal["blocker", "warning", "note"]


class Check(Record):
    """One row of the table that a dry run prints."""

    name: str
    """What a waiver calls it."""
    what: str
    severity: Severity
    """A blocker stops the run unless it is waived."""
    evidence: str
    mend: str
    """Where and how to mend it."""
    waivable: bool = True
    waived: bool = False


class Examined(Record):
    """What was found wrong with the pictures before the run, by those who examine pictures; what
    they were told to let pass is waived already."""

    rules: frozenset[str] = frozenset()
    """Every name that such a check may bear, so that a misspelt waiver is found."""
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, eq=False)
class Survey:
    """What the checks look at."""

    dataset: Dataset
    config: TrainConfig
    device: str
    """"cpu", "cuda", "mps"."""
    unread: Callable[[str], str]
    """The end of a caption that the base's text encoder cuts off."""
    broken: dict[int, str]
    """Pictures that cannot be read, and why."""
    split: Split
    framing: Framing
    steps: int
    disk_gb: float
    free_gb: float | None

    def names(self, items: list[int], most: int = 6) -> str:
        """File names of items, as a sentence part."""
        shown = ", ".join(self.dataset.items[i].file_name for i in items[:most])
        return shown + (f" and {len(items) - most} more" if len(items) > most else "")


def pictures(s: Survey) -> Iterator[Check]:
    """There are pictures, and enough of them."""
    count = len(s.dataset.items)
    if count == 0:
        yield Check(
            name="pictures",
            what="There are no pictures to teach.",
            severity="blocker",
            evidence="0 pictures",
            mend=f"sosie add {s.dataset.subject} FILES…",
            waivable=False,
        )
    elif count < 10:
        yield Check(
            name="pictures",
            what="So few pictures are learned by heart rather than understood.",
            severity="blocker" if count < 4 else "warning",
            evidence=f"{count} pictures; about 15 teach well",
            mend=f"sosie add {s.dataset.subject} FILES…",
        )


def readable(s: Survey) -> Iterator[Check]:
    """Every stored picture is still what it was."""
    for i, why in s.broken.items():
        yield Check(
            name="readable",
            what=f"{s.dataset.items[i].file_name} cannot be taught.",
            severity="blocker",
            evidence=why,
            mend=f"sosie add {s.dataset.subject} the original again",
            waivable=False,
        )


def captions(s: Survey) -> Iterator[Check]:
    """Every caption has the trigger, and they differ."""
    dataset = s.dataset
    without = [i for i, item in enumerate(dataset.items) if dataset.trigger not in item.caption]
    if without:
        yield Check(
            name="trigger",
            what="A caption without the trigger word teaches nothing that can be asked for.",
            severity="blocker",
            evidence=f'"{dataset.trigger}" is missing in: {s.names(without)}',
            mend=f"sosie caption {dataset.subject}",
            waivable=False,
        )
    if len(dataset.items) > 1 and len({item.caption for item in dataset.items}) == 1:
        yield Check(
            name="captions",
            what="All captions are equal: clothes and places are learned as part of the subject.",
            severity="warning",
            evidence=f"{len(dataset.items)} pictures, one caption",
            mend=f"sosie caption {dataset.subject}",
        )


def words(s: Survey) -> Iterator[Check]:
    """What is said is read to its end."""
    items = s.dataset.items
    cut = {i: end for i, item in enumerate(items) if (end := s.unread(item.caption))}
    if cut:
        yield Check(
            name="caption-length",
            what="This base does not read these captions to their end.",
            severity="warning",
            evidence=f'{s.names(list(cut))}: "{next(iter(cut.values())).strip()}" is left out',
            mend=f"sosie caption {s.dataset.subject}: say less, or first what matters",
        )
    asked = [*(s.config.probes or ()), s.config.prior_prompt or ""]
    for prompt in (one.replace("{trigger}", s.dataset.trigger) for one in asked):
        if end := s.unread(prompt):
            yield Check(
                name="prompt-length",
                what="This base does not read this prompt to its end.",
                severity="warning",
                evidence=f'"{prompt}": "{end.strip()}" is left out',
                mend="A shorter one in probes or prior_prompt",
            )


def faces(s: Survey) -> Iterator[Check]:
    """Every picture of a person shows a face."""
    without = [i for i, item in enumerate(s.dataset.items) if item.face is None]
    if s.dataset.kind == "person" and without:
        yield Check(
            name="faces",
            what="No face was found, so these crops cannot be centred on one.",
            severity="warning",
            evidence=s.names(without),
            mend="Leave these pictures out if the face is hidden or tiny",
        )


def crops(s: Survey) -> Iterator[Check]:
    """What cropping does to pictures."""
    said = {
        "left-out": ("These pictures are not taught: no crop holds the whole face.", "warning"),
        "enlarged": ("These pictures are smaller than they are taught.", "warning"),
        "tight": ("Faces in these pictures nearly touch the edge.", "note"),
        "no-close-up": ("No close-up is made of these pictures: it would be blurred.", "note"),
    }
    for kind, (what, severity) in said.items():
        found = [r for r in s.framing.remarks if r.kind == kind]
        if found:
            evidence = f"{s.names([r.item for r in found])}: {found[0].text}"
            yield Check(
                name=f"crop-{kind}",
                what=what,
                severity=severity,  # type: ignore[arg-type]
                evidence=evidence,
                mend="Add larger pictures, or ones with room around the face",
            )
    taught = any(v.item in s.split.training for v in s.framing.versions)
    if s.dataset.items and not s.broken and not taught:
        yield Check(
            name="crops",
            what="No picture is left to teach.",
            severity="blocker",
            evidence="every crop would cut a face",
            mend="Add pictures with room around the face",
            waivable=False,
        )


def split(s: Survey) -> Iterator[Check]:
    """Enough pictures are withheld, and none has a twin on the other side."""
    if s.broken or not s.dataset.items:
        return
    if s.config.withheld == ():
        yield Check(
            name="split",
            what="Nothing is withheld, so nothing can be measured on unseen pictures.",
            severity="blocker",
            evidence="the setting withheld is empty, which asks for none",
            mend="Name pictures in withheld, leave it out, or waive this check",
        )
    elif not s.split.withheld:
        yield Check(
            name="split",
            what="Nothing can be withheld, so nothing can be measured on unseen pictures.",
            severity="blocker",
            evidence=" ".join(s.split.remarks)
            or f"{len(s.dataset.items)} pictures are too few to spare one",
            mend="Add pictures that differ, or waive this check",
        )
    elif s.split.remarks:
        yield Check(
            name="split",
            what="The split is not the one asked for.",
            severity="warning",
            evidence=" ".join(s.split.remarks),
            mend="Add pictures that differ",
        )
    if s.split.groups:
        yield Check(
            name="near-duplicates",
            what="Pictures that nearly equal each other count as one.",
            severity="note",
            evidence="; ".join(s.names(list(group)) for group in s.split.groups),
            mend="Keep the best of each group",
        )


def machine(s: Survey) -> Iterator[Check]:
    """The optimizer exists here, and the disk holds the run."""
    if s.config.optimizer == "adamw8bit":
        missing = importlib.util.find_spec("bitsandbytes") is None
        if missing or s.device != "cuda":
            yield Check(
                name="optimizer",
                what="8-bit AdamW does not work here.",
                severity="blocker",
                evidence="bitsandbytes is not installed"
                if missing
                else f"the device is {s.device}",
                mend='optimizer = "adamw", or a CUDA device and pip install "sosie[cuda]"',
                waivable=False,
            )
    if s.free_gb is not None and s.disk_gb > s.free_gb:
        yield Check(
            name="disk",
            what="The checkpoints do not fit on the disk.",
            severity="blocker",
            evidence=f"{s.disk_gb:.2f} GB are needed, {s.free_gb:.2f} GB are free",
            mend="Free some space, or write fewer checkpoints (checkpoint_every)",
            waivable=False,
        )


def length(s: Survey) -> Iterator[Check]:
    """The run is neither a glance nor learning by heart."""
    if not s.split.training:
        return
    each = s.steps * s.config.pictures_per_step() / len(s.split.training)
    if not 20 <= each <= 400:
        few = each < 20
        yield Check(
            name="steps",
            what="Each picture is seen too rarely." if few else "Each picture is seen very often.",
            severity="warning",
            evidence=f"{each:.0f} times in {s.steps} steps",
            mend="steps = None chooses by the number of pictures",
        )


def identity(s: Survey) -> Iterator[Check]:
    """An identity loss that was asked for can be computed."""
    if not s.config.identity_weight:
        return
    if s.dataset.kind != "person":
        yield Check(
            name="identity",
            what="A handwriting has no face: there is no identity loss.",
            severity="note",
            evidence=f"identity_weight {s.config.identity_weight:g}",
            mend="identity_weight = 0",
        )
        return
    try:
        resnet.face_network()
    except WeightsRefused as error:
        yield Check(
            name="identity",
            what="The identity loss has no face network.",
            severity="blocker",
            evidence=error.message,
            mend=f"pip install {second.ENGINE} {second.INSTALL}",
        )


def reading(s: Survey) -> Iterator[Check]:
    """A reading loss and a hand loss are asked for of a handwriting alone."""
    asked = {of: getattr(s.config, of) for of in ("reading_weight", "hand_weight", "hold_weight")}
    if s.dataset.kind == "person" and any(asked.values()):
        yield Check(
            name="reading",
            what="Pictures of a person say no text: there is no reading loss, nor one of the hand.",
            severity="note",
            evidence=", ".join(f"{of} {weight:g}" for of, weight in asked.items() if weight),
            mend=", ".join(f"{of} = 0" for of, weight in asked.items() if weight),
        )
    elif s.config.hold_weight and not s.config.walks(s.dataset.kind):
        yield Check(
            name="reading",
            what="Nothing that the LoRA writes is looked at, so nothing of it is held.",
            severity="note",
            evidence=f"hold_weight {s.config.hold_weight:g}",
            mend="reading_weight = 0.05, or hold_weight = 0",
        )


CHECKS: tuple[Callable[[Survey], Iterator[Check]], ...] = (
    pictures,
    readable,
    captions,
    words,
    faces,
    crops,
    split,
    length,
    identity,
    reading,
    machine,
)

NAMES = frozenset(
    {"pictures", "readable", "trigger", "captions", "faces", "crops", "split", "near-duplicates"}
    | {"crop-left-out", "crop-enlarged", "crop-tight", "crop-no-close-up"}
    | {"optimizer", "disk", "steps", "identity", "reading", "caption-length", "prompt-length"}
)
"""Every name that a check may bear, so that a misspelt waiver is found."""


def examine(survey: Survey, examined: Examined) -> tuple[Check, ...]:
    """Run all checks, after those made already; what `waive` names is marked where allowed."""
    found = [*examined.checks, *(check for rule in CHECKS for check in rule(survey))]
    waive = set(survey.config.waive)
    return tuple(
        check.model_copy(update={"waived": True})
        if check.waivable and check.severity == "blocker" and check.name in waive
        else check
        for check in found
    )
