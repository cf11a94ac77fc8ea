"""LoRA: trained inside a base, written to files every client loads, read from others' files.

inject.py      a trainable LoRA inside a denoiser; layer.py: one layer of it
write.py       a trained LoRA -> file
read.py        anyone's file -> LoraFile; names.py, scale.py and factors.py are its three questions
apply.py       LoraFiles at work in a base, as a weighted sum
spectrum.py    singular values weighed anew: another LoRA, without training
container.py   the bytes
"""

from sosie.models.lora.apply import applied, check_fits, delta, extrapolated
from sosie.models.lora.container import Sealed, sealed
from sosie.models.lora.inject import (
    LoraSpec,
    checked_targets,
    enabled,
    inject,
    load_state,
    remove,
    state,
)
from sosie.models.lora.read import LoraFile, read
from sosie.models.lora.write import Sign, Written, carried, export

__all__ = [
    "LoraFile",
    "LoraSpec",
    "Sealed",
    "Sign",
    "Written",
    "applied",
    "carried",
    "check_fits",
    "checked_targets",
    "delta",
    "enabled",
    "export",
    "extrapolated",
    "inject",
    "load_state",
    "read",
    "remove",
    "sealed",
    "state",
]
