"""The spectral filter against copying: a LoRA on file becomes another one, without training.

A picture that was taught again and again is drawn by few directions of the weights, strongly. So
of each module the strongest is left out; what that costs in likeness an audit says. What is made is
filed beside its LoRA and says in its header what it was made of; it has no run of its own, and its
subject's bare name never comes to mean it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sosie.core.canonical import canonical_json
from sosie.core.records import Adapter, now
from sosie.registry import Registry
from sosie.studio import permission
from sosie.studio.drawing import Found

if TYPE_CHECKING:
    from sosie.models.diffusion.base import DiffusionBase

ENTRY = "sosie.filter"
"""Header entry of a file that was made so: JSON of the filter's name and of the hash of the tensors
that it was made from."""


FILTER = "without the strongest direction"


def filtered(header: Mapping[str, str]) -> bool:
    """Whether a file says that it was made so: then it is not what a run trained."""
    return ENTRY in header


def done_to(header: Mapping[str, str]) -> str | None:
    """What a file says was done to its weights, if it was made so."""
    try:
        told = json.loads(header.get(ENTRY, "null"))
    except (ValueError, RecursionError):
        return None
    words = told.get("filter") if isinstance(told, dict) else None
    return words if isinstance(words, str) else None


def made(registry: Registry, base: DiffusionBase, found: Found) -> Adapter | None:
    """The LoRA without its strongest directions: the one on file, or made now; None of a LoRA of
    rank 1, of which nothing would be left.

    Raises BadInput if another LoRA bears its name.
    """
    from sosie.models import lora
    from sosie.models.lora import spectrum

    at = "" if found.step == found.adapter.step else f"-{found.step}"
    name = f"{found.adapter.name}{at}-filtered"
    read = lora.read(found.path)
    rank = next(iter(read.modules.values()))[0].shape[0]
    if rank < 2:
        return None
    made_of = canonical_json({"filter": FILTER, "of": read.tensors_sha256}).decode()
    for adapter in registry.adapters(found.subject):
        path = registry.blobs.path(adapter.file_sha256)
        if adapter.name == name and lora.sealed(path).header.get(ENTRY) == made_of:
            return adapter
    titled = {"modelspec.title": name, "ss_output_name": name}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.safetensors"
        written = lora.export(
            file,
            base=base,
            state=spectrum.state(read.modules, spectrum.without_strongest),
            # The whole scale is in the factors.
            spec=lora.LoraSpec(rank=rank, alpha=rank),
            header={**lora.carried(read.header), **titled, ENTRY: made_of},
            sign=permission.seal(registry),
        )
        registry.blobs.put(file.read_bytes())
    changed = {
        "name": name,
        "file_sha256": written.file_sha256,
        "tensors_sha256": written.tensors_sha256,
        "step": found.step,
        "created": now(),
    }
    return registry.add_adapter(found.adapter.model_copy(update=changed))
