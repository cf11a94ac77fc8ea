"""What a run would do, before it does it: the split, the crops, the checks, and what it costs."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from sosie.core.errors import NotFound, NotReady
from sosie.core.files import sha256_file
from sosie.core.records import Dataset, Record
from sosie.core.terms import Kind
from sosie.models import near
from sosie.models.diffusion.base import BaseInfo
from sosie.train import checks
from sosie.train.checks import Check, Examined, Survey
from sosie.train.config import TrainConfig
from sosie.train.crops import ASPECTS, LINES, Framing, Rules, Version, frame
from sosie.train.split import Split, split

SEEN = 100
"""How often each picture is seen by default: where the published recipes meet (15 pictures, 1000
to 2000 steps at batch 1)."""
FEWEST, MOST = 200, 2000
FLOPS = {"cpu": 4e10, "cuda": 6e13}
"""Rough rates that a device keeps up while training, where nothing was timed."""
FLOPS_PER_WEIGHT = 6
"""Per weight and token: forward 2, backward through frozen weights 2, and as much for attention,
the LoRA and recomputation."""
STATE_BYTES = 20
"""Bytes of a checkpoint per LoRA weight: itself, average, two moments (fp32), and the export."""
LORA_SHARE = 0.02
"""Weights of a rank-16 LoRA as a share of a small base's; an upper bound for large ones."""


class Probe(Record):
    """What a few real steps took on this machine."""

    seconds_per_step: float
    memory_gb: float


class Plan(Record):
    """The result of a dry run."""

    checks: tuple[Check, ...]
    split: Split
    framing: Framing
    steps: int
    why_steps: str
    minutes: float | None
    """None if nothing is known of the base's size."""
    memory_gb: float | None
    disk_gb: float
    measured: bool
    """Whether time and memory come from real steps here; else they are rough."""

    @property
    def training(self) -> tuple[Version, ...]:
        """The crops that are taught."""
        return tuple(v for v in self.framing.versions if v.item in self.split.training)

    @property
    def blockers(self) -> tuple[Check, ...]:
        """What stops the run."""
        return tuple(c for c in self.checks if c.severity == "blocker" and not c.waived)

    def require_ready(self) -> None:
        """Raise NotReady, naming the first blocker and how to mend it, if there is one."""
        if self.blockers:
            first = self.blockers[0]
            more = len(self.blockers) - 1
            also = f" ({more} more in --dry-run)" if more else ""
            waiver = f", or go on with --despite {first.name}" if first.waivable else ""
            raise NotReady(
                f"{first.what} {first.evidence}{also}.", advice=f"Mend it: {first.mend}{waiver}."
            )


def plan(
    dataset: Dataset,
    info: BaseInfo,
    config: TrainConfig,
    *,
    multiple: int,
    unread: Callable[[str], str],
    device: str = "cpu",
    folder: Path | None = None,
    probe: Probe | None = None,
    examined: Examined | None = None,
) -> Plan:
    """Look at everything a run would use and write nothing.

    `multiple` is the base's `spatial_multiple`, `unread` the method of it that tells what of a
    caption is not read, `device` its device's type, `folder` where the run would write (its disk is
    checked), `examined` what is known of the pictures. Raises NotFound if a waiver names no check,
    or if a picture to withhold does not exist.
    """
    examined = examined or Examined()
    known = checks.NAMES | examined.rules
    for name in config.waive:
        if name not in known:
            raise NotFound.among("check", name, known)
    sizes, prints, broken = _look(dataset)
    if broken:
        parts = Split(training=(), withheld=(), groups=(), wanted=0)
        framing = Framing(versions=())
    else:
        parts = split(
            dataset,
            near.groups(prints),
            share=config.held_out_share,
            seed=config.seed,
            named=config.withheld,
        )
        framing = frame(
            sizes,
            [item.face for item in dataset.items],
            _rules(info, config, multiple, dataset.kind),
        )
    steps, why = choose_steps(config, len(parts.training))
    disk_gb = _disk(info, config, steps)
    survey = Survey(
        dataset=dataset,
        config=config,
        device=device,
        unread=unread,
        broken=broken,
        split=parts,
        framing=framing,
        steps=steps,
        disk_gb=disk_gb,
        free_gb=None if folder is None else _free(folder),
    )
    plain = config.plain_steps(steps, dataset.kind)
    seconds = probe.seconds_per_step if probe else _rough_seconds(info, config, multiple, device)
    return Plan(
        checks=checks.examine(survey, examined),
        split=parts,
        framing=framing,
        steps=steps,
        why_steps=why,
        minutes=None
        if seconds is None
        else _minutes(info, config, dataset.kind, steps, plain, seconds, parts),
        memory_gb=probe.memory_gb if probe else _size(info.folder) / 1e9 or None,
        disk_gb=disk_gb,
        measured=probe is not None,
    )


DRAWN_COST = 5
"""Steps that what is drawn on the way takes as long as in one step, measured on pocket."""


def effort(begin: int, end: int, plain: int) -> int:
    """Plain steps that take as long as those from `begin` to `end`, of which those after the first
    `plain` also draw and learn from it."""
    return end - begin + DRAWN_COST * max(0, end - max(begin, plain))


def choose_steps(config: TrainConfig, pictures: int) -> tuple[int, str]:
    """The number of steps, and why."""
    if config.steps is not None:
        return config.steps, "set by hand or by the base's recipe"
    each = config.pictures_per_step()
    wished = math.ceil(SEEN * pictures / each)
    steps = min(max(wished, FEWEST), MOST)
    why = f"{pictures} pictures, each seen about {SEEN} times, {each} in a step, are {wished} steps"
    if steps != wished:
        bound = f"at least {FEWEST}" if steps > wished else f"at most {MOST}"
        why += f"; {bound} are taken"
    return steps, why


def _look(
    dataset: Dataset,
) -> tuple[list[tuple[int, int]], list[near.Fingerprint], dict[int, str]]:
    """Sizes and fingerprints of the pictures, and what is wrong with those that cannot be read."""
    sizes: list[tuple[int, int]] = []
    prints: list[near.Fingerprint] = []
    broken: dict[int, str] = {}
    for i, item in enumerate(dataset.items):
        try:
            if sha256_file(item.path) != item.sample:
                broken[i] = "the stored file has changed since it was added"
                continue
            with Image.open(item.path) as picture:
                sizes.append(picture.size)
                prints.append(near.fingerprint(picture))
        except (OSError, ValueError) as error:
            broken[i] = str(error)
    return sizes, prints, broken


def _rules(info: BaseInfo, config: TrainConfig, multiple: int, kind: Kind) -> Rules:
    return Rules(
        aspects=(*ASPECTS, *LINES) if kind == "handwriting" else ASPECTS,
        sides=config.buckets or info.defaults.buckets or (info.defaults.width,),
        multiple=multiple,
        margin=config.face_margin,
        largest_enlargement=config.largest_enlargement,
        close_ups=config.close_ups,
        batch=config.batch,
    )


def _minutes(
    info: BaseInfo,
    config: TrainConfig,
    kind: Kind,
    steps: int,
    plain: int,
    seconds: float,
    parts: Split,
) -> float:
    forward = seconds / 3 / config.pictures_per_step()
    measured = 2 * max(1, len(parts.withheld)) * config.validation_times
    validations = steps // config.validate_every + 2
    prompts = 8 if config.probes is None else len(config.probes)
    previews = _preview_sets(config, steps) * prompts
    if kind == "person" and config.preview_every:
        previews += steps // config.preview_every * config.preview_taught
    drawn = (previews + config.prior_pictures) * info.defaults.steps
    return (effort(0, steps, plain) * seconds + (validations * measured + drawn) * forward) / 60


def _preview_sets(config: TrainConfig, steps: int) -> int:
    """How often previews are drawn, the time without the average of the weights included."""
    if not config.preview_every:
        return 0
    return steps // config.preview_every + 1 + (config.ema > 0 and config.keep == "best")


def _rough_seconds(info: BaseInfo, config: TrainConfig, multiple: int, device: str) -> float | None:
    parts = [_size(path) for path in info.folder.glob("*") if path.is_dir()]
    if not parts or device not in FLOPS:
        return None
    side = max(config.buckets or info.defaults.buckets or (info.defaults.width,))
    tokens = (side / multiple) ** 2 + info.defaults.text_length
    weights = max(parts) / 2
    pictures = config.pictures_per_step() * (2 if config.prior_pictures else 1)
    return FLOPS_PER_WEIGHT * weights * tokens * pictures / FLOPS[device]


def _disk(info: BaseInfo, config: TrainConfig, steps: int) -> float:
    """10^9 bytes of checkpoints and pictures."""
    parts: Sequence[int] = [_size(path) for path in info.folder.glob("*") if path.is_dir()]
    lora = max(parts, default=0) / 2 * LORA_SHARE * config.rank / 16
    saved = -(-steps // config.checkpoint_every)
    drawn = _preview_sets(config, steps) * 8 + config.prior_pictures
    picture = info.defaults.width * info.defaults.height * 2
    return (saved * lora * STATE_BYTES + drawn * picture) / 1e9


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


def _free(folder: Path) -> float:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    return shutil.disk_usage(existing).free / 1e9
