"""All that is taught, encoded; and the teacher over it."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from sosie.core.errors import BadInput
from sosie.core.records import Dataset
from sosie.models import lora
from sosie.models.diffusion.base import Conditioning, DiffusionBase
from sosie.train import prior
from sosie.train.cache import Bucket, Cache, Lesson
from sosie.train.config import TrainConfig
from sosie.train.crops import Version
from sosie.train.loop import Tally, Teacher
from sosie.train.optim import Weights, optimizer
from sosie.train.planning import Plan, Probe
from sosie.train.preview import Drawn, Keep
from sosie.train.seeds import derive
from sosie.train.walks import Coach


@dataclass(frozen=True, eq=False)
class Material:
    """Everything encoded."""

    training: tuple[Bucket, ...]
    subset: tuple[Bucket, ...]
    """As many taught pictures as are withheld, for validation."""
    withheld: tuple[Bucket, ...]
    prior: tuple[Bucket, ...]
    bank: Conditioning
    empty: int
    """Row of the empty caption in `bank`."""


def encode(
    dataset: Dataset,
    base: DiffusionBase,
    config: TrainConfig,
    plan: Plan,
    *,
    cache: Cache,
    prior_folder: Path,
    keep: Keep = Drawn.png,
    prompts: Sequence[str] = (),
) -> Material:
    """Encode the crops and captions of `plan`, and `prompts` for later; draw the class pictures."""
    empty = cache.text_row("")
    for prompt in prompts:
        cache.text_row(prompt)
    training = _lessons(dataset, plan.training)
    withheld = _lessons(
        dataset,
        (v for v in plan.framing.versions if v.item in plan.split.withheld and not v.close),
    )
    # A fixed subset, chosen by content so that it is the same wherever the pictures lie.
    taught = sorted(
        {lesson.picture for lesson in training},
        key=lambda i: derive("subset", config.seed, dataset.items[i].pixels_sha256),
    )
    some = set(taught[: max(1, len(plan.split.withheld))])
    subset = [x for x in training if x.picture in some and not x.version.close]
    pictures = prior.wanted(config, base.info.defaults, dataset.kind, training)
    drawn = prior.lessons(base, cache, pictures, prior_folder, keep)
    return Material(
        training=cache.buckets(training),
        subset=cache.buckets(subset),
        withheld=cache.buckets(withheld),
        prior=cache.buckets(drawn),
        bank=cache.bank(),
        empty=empty,
    )


def inject_teacher(
    dataset: Dataset,
    base: DiffusionBase,
    config: TrainConfig,
    material: Material,
    *,
    steps: int,
    coach: Coach | None = None,
) -> Teacher:
    """Put a new LoRA into the base, in train mode, with a teacher that is about to take step 0.

    `coach` adds the loss of what is drawn on the way.

    Raises BadInput if gradient checkpointing is asked of a base that cannot.
    """
    base.denoiser.requires_grad_(False)
    parameters = lora.inject(base, spec_of(config), seed=derive("lora", config.seed))
    base.denoiser.train()
    if config.gradient_checkpointing:
        enable = getattr(base.denoiser, "enable_gradient_checkpointing", None)
        if not callable(enable):
            raise BadInput(
                f"Gradient checkpointing does not exist for {base.info.name}.",
                advice="Set gradient_checkpointing to false.",
            )
        enable()
    weights = Weights(parameters, ema=config.ema)
    return Teacher(
        base=base,
        config=config,
        steps=steps,
        weights=weights,
        optimizer=optimizer(weights, config),
        buckets=material.training,
        prior=material.prior,
        bank=material.bank,
        empty=material.empty,
        names=[item.file_name for item in dataset.items],
        tally=Tally.of(len(dataset.items)),
        coach=coach,
    )


def give_back(base: DiffusionBase, config: TrainConfig) -> None:
    """Leave the base as it was lent: no LoRA, eval mode, nothing recomputed."""
    lora.remove(base)
    base.denoiser.eval()
    disable = getattr(base.denoiser, "disable_gradient_checkpointing", None)
    if config.gradient_checkpointing and callable(disable):
        disable()


def probe(
    dataset: Dataset, base: DiffusionBase, config: TrainConfig, plan: Plan, *, steps: int = 3
) -> Probe:
    """Time a few real steps on this machine, and throw them away. The base keeps its encoders.

    `plan` is one made without a probe, and without blockers.
    """
    few = plan.split.training[: config.batch]
    versions = tuple(v for v in plan.framing.versions if v.item in few)
    small = plan.model_copy(
        update={
            "framing": plan.framing.model_copy(update={"versions": versions}),
            "split": plan.split.model_copy(update={"withheld": ()}),
        }
    )
    bare = config.model_copy(update={"prior_pictures": 0})
    with torch.random.fork_rng():
        try:
            cache = Cache(base)
            material = encode(dataset, base, bare, small, cache=cache, prior_folder=Path())
            teacher = inject_teacher(dataset, base, bare, material, steps=steps + 1)
            teacher.step(0)
            begun = time.perf_counter()
            for number in range(1, steps + 1):
                teacher.step(number)
            seconds = (time.perf_counter() - begun) / steps
        finally:
            give_back(base, bare)
    twice = 2 if config.prior_pictures else 1
    return Probe(seconds_per_step=seconds * twice, memory_gb=_peak_bytes(base) / 1e9)


def spec_of(config: TrainConfig) -> lora.LoraSpec:
    """The LoRA that `config` asks for."""
    return lora.LoraSpec(
        rank=config.rank, alpha=config.alpha, dropout=config.dropout, targets=config.targets
    )


def _lessons(dataset: Dataset, versions: Iterable[Version]) -> list[Lesson]:
    items = dataset.items
    return [
        Lesson(
            picture=v.item,
            path=items[v.item].path,
            pixels_sha256=items[v.item].pixels_sha256,
            caption=items[v.item].caption,
            version=v,
        )
        for v in versions
    ]


def _peak_bytes(base: DiffusionBase) -> int:
    """The most memory held so far: the device's where it has its own, else the process's."""
    if base.device.type == "cuda":
        return torch.cuda.max_memory_allocated(base.device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
