"""The settings of a training run, and presets that derive from each other.

Light: importing this loads neither torch nor a model, so that the front doors may describe it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict, Field, ValidationError

from sosie.core.canonical import EXACT
from sosie.core.errors import BadInput
from sosie.core.records import Record, first_complaint
from sosie.core.terms import Kind
from sosie.models.diffusion.folder import SETTINGS, read_settings

if TYPE_CHECKING:
    from sosie.models.diffusion.base import BaseInfo

Optimizer = Literal["adamw", "adamw8bit", "prodigy"]
Schedule = Literal["constant", "linear", "cosine"]
Precision = Literal["fp32", "bf16"]
Keep = Literal["best", "last"]


class TrainConfig(Record):
    """Everything that decides what a run does: equal configs and data give equal files on CPU."""

    model_config = ConfigDict(allow_inf_nan=False)

    name: str | None = None
    """What the file calls itself, and its file name; None takes the subject's name."""
    seed: int = Field(default=0, gt=-EXACT, lt=EXACT)
    """Seed of the split, the order, the noise, the times and the start of the LoRA."""
    started: datetime | None = None
    """Date written into the file; None takes the time at which the run starts."""

    steps: int | None = Field(default=None, ge=1)
    """Optimizer steps; None chooses by the number of pictures and says why."""
    batch: int = Field(default=1, ge=1)
    """Pictures in one forward pass."""
    accumulate: int = Field(default=1, ge=1)
    """Forward passes in one optimizer step."""

    rank: int = Field(default=16, ge=1)
    """Rank of the LoRA."""
    alpha: float = Field(default=16.0, gt=0)
    """Scale of the LoRA: alpha / rank multiplies what it adds."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the LoRA's inputs that is zeroed while training."""
    targets: tuple[str, ...] | None = None
    """Modules to adapt, by full name; None takes those the base declares."""

    optimizer: Optimizer = "adamw"
    """AdamW; AdamW with 8-bit state (CUDA only); or Prodigy, which finds its own rate (rate 1)."""
    learning_rate: float = Field(default=1e-4, gt=0)
    """Highest learning rate; with Prodigy a factor on what it finds, usually 1."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Decoupled weight decay."""
    schedule: Schedule = "constant"
    """Course of the rate after the warm-up: constant, or down to zero linearly or as a cosine."""
    warmup: int = Field(default=10, ge=0)
    """Steps in which the rate rises linearly to its height."""
    clip: float = Field(default=1.0, gt=0)
    """Highest norm of the whole gradient."""
    ema: float = Field(default=0.0, ge=0, lt=1)
    """Decay of the running average of the weights, which is exported instead of them; 0 is off.
    Where checkpoints are scored, the one that is kept is also tried without it, and the better of
    the two is exported: that costs one set of previews more."""
    precision: Precision = "fp32"
    """Arithmetic of the forward pass; the LoRA's own weights are fp32 either way."""
    gradient_checkpointing: bool = False
    """Recompute activations on the way back: about a third slower, much less memory."""

    shift: float = Field(default=1.0, gt=0)
    """Moves training times towards noise above 1, where hair, clothes and the place are decided, on
    top of the base's own shift; below 1 towards detail."""
    caption_dropout: float = Field(default=0.05, ge=0, le=1)
    """Share of pictures taught under the empty caption."""
    prior_pictures: int = Field(default=0, ge=0)
    """Pictures that the base draws of the class before training, taught beside; 0 is off."""
    prior_prompt: str | None = None
    """What they are drawn and taught with; None takes the plain word for the kind. Of a handwriting
    each also says what one of its notes says."""
    prior_weight: float = Field(default=1.0, gt=0)
    """Weight of their loss against the subject's."""

    identity_weight: float = Field(default=0.0, ge=0)
    """Weight of the identity loss: how unlike the person's the faces are that the LoRA draws of new
    prompts, as dlib's face network sees them; 0 is off. That network then judges no more."""
    identity_from: float = Field(default=0.4, ge=0, lt=1)
    """Share of the steps before it begins: the trigger has to mean somebody first."""
    reading_weight: float = Field(default=0.0, ge=0)
    """Weight of the reading loss of a handwriting: how badly a reader of drawn hands reads new
    texts that the LoRA writes; 0 is off. How well it writes is measured by another reader."""
    hand_weight: float = Field(default=0.0, ge=0)
    """Weight of the hand loss of a handwriting: how unlike the writer's the hand of these texts is,
    as the world's judge of writers sees it; 0 is off. That network then judges no more."""
    hold_weight: float = Field(default=0.0, ge=0)
    """Weight of how far what is said of these texts goes from what the base alone says at the same
    points; 0 is off. Without it a LoRA that is read unlearns to spell, and to leave paper alone."""
    reading_from: float = Field(default=0.4, ge=0, lt=1)
    """Share of the steps before the reading loss and the hand loss begin."""

    buckets: tuple[int, ...] = ()
    """Square-equivalent sides in pixels; empty takes the base's own."""
    close_ups: bool = False
    """Teach a close crop around the face beside the wide one."""
    face_margin: float = Field(default=0.2, ge=0, le=1)
    """Room kept around a face on each side, as a share of its size."""
    largest_enlargement: float = Field(default=1.5, ge=1)
    """Pictures are not enlarged beyond this factor without a warning, close-ups never."""

    held_out_share: float = Field(default=0.2, gt=0, le=0.5)
    """Share of pictures that training never touches; at least 3 pictures where there are 12."""
    withheld: tuple[str, ...] | None = None
    """Samples to withhold instead, by hash (8 digits suffice) or file name."""
    validate_every: int = Field(default=100, ge=1)
    """Steps between two validations."""
    validation_times: int = Field(default=4, ge=1)
    """Fixed times at which each picture is validated."""

    checkpoint_every: int = Field(default=250, ge=1)
    """Steps between two checkpoints."""
    preview_every: int = Field(default=250, ge=0)
    """Steps between two sets of previews; 0 is off. The last step always has one unless off."""
    preview_taught: int = Field(default=4, ge=0)
    """Training captions that are asked for too where the previews of a person score a checkpoint,
    those that were taught most often first: do their pictures come back? 0 is off."""
    keep: Keep = "best"
    """The checkpoint that becomes the LoRA: the one whose previews are most like the held-out
    pictures, of level ones the one that gives back fewest training pictures, where checkpoints have
    previews to be scored by; or the last."""
    patience: int = Field(default=0, ge=0)
    """Checkpoints in a row without a better score after which the run ends; 0 is never."""
    probes: tuple[str, ...] | None = None
    """Prompts of the previews, "{trigger}" standing for the trigger; None takes eight probes."""
    waive: tuple[str, ...] = ()
    """Checks that may fail: named here, told in the manifest."""

    @property
    def identity_loss(self) -> bool:
        """Whether there is an identity loss, where the subject is a person."""
        return self.identity_weight > 0 and "identity" not in self.waive

    def walks(self, kind: Kind) -> bool:
        """Whether the LoRA of such a subject draws on the way, and learns from it."""
        if kind == "person":
            return self.identity_loss
        return self.reading_weight > 0 or self.hand_weight > 0

    def plain_steps(self, steps: int, kind: Kind) -> int:
        """How many of `steps` come before the LoRA also draws: all, where it does not."""
        if not self.walks(kind):
            return steps
        return round((self.identity_from if kind == "person" else self.reading_from) * steps)

    def pictures_per_step(self) -> int:
        """Pictures that one optimizer step sees."""
        return self.batch * self.accumulate


def standard() -> TrainConfig:
    """The starting recipe for full-size bases: rank 16, alpha 16, AdamW at 1e-4."""
    return TrainConfig()


def small_base() -> TrainConfig:
    """For bases that draw at most 256 pixels: larger batches, a higher rate, fewer steps."""
    return standard().model_copy(
        update={
            "batch": 4,
            "learning_rate": 2e-3,
            "steps": 300,
            "validate_every": 50,
            "checkpoint_every": 100,
            "preview_every": 100,
        }
    )


def prodigy(config: TrainConfig) -> TrainConfig:
    """`config` with the optimizer that finds its own rate."""
    return config.model_copy(
        update={"optimizer": "prodigy", "learning_rate": 1.0, "weight_decay": 0.0}
    )


def for_base(info: BaseInfo, kind: Kind) -> TrainConfig:
    """The recipe for a kind of subject on a base: its size's, changed by the `training` that the
    base's `sosie.json` may carry, and by what it says of this kind.

    Raises BadInput if these parts of `sosie.json` hold an unknown or impossible setting.
    """
    recipe = small_base() if max(info.defaults.width, info.defaults.height) <= 256 else standard()
    said = read_settings(info.folder)
    changes = {**said.training, **said.training_of.get(kind, {})}
    try:
        return TrainConfig.model_validate({**recipe.model_dump(), **changes})
    except ValidationError as error:
        raise BadInput(
            f'The "training" settings in {info.folder / SETTINGS} cannot be used: '
            f"{first_line(error)}.",
            advice="Correct them, or remove them.",
        ) from error


def first_line(error: Exception) -> str:
    """The first complaint of a validation error, as "field: what"."""
    if isinstance(error, ValidationError):
        first = first_complaint(error)
        return f"{first.field}: {first.what}"
    return str(error).splitlines()[0]
