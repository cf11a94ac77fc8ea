"""Dataset and base -> LoRA. The loop, which knows no model by name.

config.py      settings and presets                 loop.py         batches, steps, the watch
planning.py    a dry run: steps, time, memory       optim.py        flat weights, optimizers, rate
checks.py      the table of checks                  order.py        which pictures come when
split.py       what is withheld                    validation.py   loss at fixed noise and times
crops.py       buckets that never cut a face        checkpoint.py   whole or absent
cache.py       latents and captions in memory       preview.py      the eight probes
prior.py       pictures of the class                manifest.py     what it was made of
material.py    all of it encoded; the probe         events.py       the story, line by line
run.py         the order of these: `train`          seeds.py        randomness by purpose
opening.py     told and written before step 0       identity.py     faces drawn on the way
course.py      steps, and what falls due between    legible.py      texts written on the way
walks.py       what a LoRA draws as it learns      averaging.py    the weights' average, or not
losses.py      what an answer costs                standing.py     which checkpoint is kept

Names are looked up when they are used, so that settings can be read without loading torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sosie.train.averaging import is_bare, previews_of
    from sosie.train.checkpoint import Checkpoint
    from sosie.train.checks import Check
    from sosie.train.config import TrainConfig, for_base
    from sosie.train.manifest import Manifest
    from sosie.train.material import probe
    from sosie.train.planning import Plan, Probe, plan
    from sosie.train.preview import PROBES, Probes
    from sosie.train.result import PictureLoss, TrainResult
    from sosie.train.run import train
    from sosie.train.standing import Score
    from sosie.train.validation import Validation

_HOMES = {
    "is_bare": "averaging",
    "previews_of": "averaging",
    "Checkpoint": "checkpoint",
    "Check": "checks",
    "TrainConfig": "config",
    "for_base": "config",
    "Manifest": "manifest",
    "probe": "material",
    "Plan": "planning",
    "Probe": "planning",
    "plan": "planning",
    "PROBES": "preview",
    "Probes": "preview",
    "PictureLoss": "result",
    "TrainResult": "result",
    "train": "run",
    "Score": "standing",
    "Validation": "validation",
}

__all__ = [
    "PROBES",
    "Check",
    "Checkpoint",
    "Manifest",
    "PictureLoss",
    "Plan",
    "Probe",
    "Probes",
    "Score",
    "TrainConfig",
    "TrainResult",
    "Validation",
    "for_base",
    "is_bare",
    "plan",
    "previews_of",
    "probe",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
