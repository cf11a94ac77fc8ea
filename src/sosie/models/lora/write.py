"""LoRA files that every client loads: the key names, the scale and the header each one expects.

| base    | keys                              | scale                    | weights |
|---------|-----------------------------------|--------------------------|---------|
| FLUX.1  | `transformer.` + PEFT             | α/r multiplied into B    | bf16    |
| SD, SDXL| kohya with diffusers module names | one float32 `.alpha` each| fp16    |

Plain LoRA of the denoiser and nothing else: what one client or another misreads is never written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sosie.core.errors import WeightsRefused, WorkspaceError
from sosie.core.files import save_atomically, sha256_bytes
from sosie.core.records import Record
from sosie.models.diffusion.base import DiffusionBase, LoraStyle
from sosie.models.lora import container
from sosie.models.lora.apply import first_misfit
from sosie.models.lora.factors import Factors
from sosie.models.lora.inject import LoraSpec
from sosie.models.lora.names import adaptable, flat
from sosie.models.lora.read import read

Sign = Callable[[str], str]
"""From the SHA-256 of a file without its signature to the text of the signature."""

_FIXED_HEADER = {
    "format": "pt",
    "modelspec.sai_model_spec": "1.0.1",
    "modelspec.implementation": "diffusers",
}
_CALLERS_KEYS = re.compile(
    r"modelspec\.(title|date|resolution|license|tags|trigger_phrase)|ss_output_name"
    r"|ss_tag_frequency|sosie\.(?!signature$)[a-z0-9_.]+"
)


@dataclass(frozen=True)
class _Style:
    """How the clients of one kind of base expect a file."""

    dtype: torch.dtype
    down: str
    up: str
    alpha: str | None
    """Key of a module's α; None where the scale is multiplied into B and no α may appear."""
    flat: bool
    """Whether dots in module paths become underscores."""

    @property
    def bakes_scale(self) -> bool:
        return self.alpha is None

    def cast(self, pair: Factors, spec: LoraSpec) -> Factors:
        """The pair as the file holds it; the scale is multiplied in before anything is rounded."""
        a, b = pair
        return a.to(self.dtype), (b * spec.scale if self.bakes_scale else b).to(self.dtype)

    def tensors(self, pairs: Mapping[str, Factors], spec: LoraSpec) -> dict[str, Tensor]:
        tensors = {}
        for module, (a, b) in pairs.items():
            name = flat(module) if self.flat else module
            tensors[self.down.format(name)] = a
            tensors[self.up.format(name)] = b
            if self.alpha is not None:
                tensors[self.alpha.format(name)] = torch.tensor(spec.alpha, dtype=torch.float32)
        return tensors

    def network_header(self, spec: LoraSpec) -> dict[str, str]:
        """Rank and α as other trainers note them; a scale inside B must not count twice."""
        if self.bakes_scale:
            return {"ss_network_dim": str(spec.rank), "ss_network_alpha": str(float(spec.rank))}
        return {
            "ss_network_module": "networks.lora",
            "ss_network_dim": str(spec.rank),
            "ss_network_alpha": str(spec.alpha),
        }


_STYLES: dict[LoraStyle, _Style] = {
    "peft": _Style(
        dtype=torch.bfloat16,
        down="transformer.{}.lora_A.weight",
        up="transformer.{}.lora_B.weight",
        alpha=None,
        flat=False,
    ),
    "kohya": _Style(
        dtype=torch.float16,
        down="lora_unet_{}.lora_down.weight",
        up="lora_unet_{}.lora_up.weight",
        alpha="lora_unet_{}.alpha",
        flat=True,
    ),
}


class Written(Record):
    """An exported file, reloaded and compared."""

    file_sha256: str
    tensors_sha256: str
    """Of the bytes after the header: it stays when a note is added to the header."""
    modules: int
    """How many modules it adapts, as read back from the file."""


def export(
    path: Path,
    *,
    base: DiffusionBase,
    state: Mapping[str, Tensor],
    spec: LoraSpec,
    header: Mapping[str, str],
    sign: Sign | None = None,
) -> Written:
    """Write a trained LoRA to `path`, whole or not at all, read it back and compare.

    `state` has the keys of `inject`. `header` may hold `modelspec.` title, date, resolution,
    license, tags and trigger_phrase, `ss_output_name`, `ss_tag_frequency` (the trigger alone) and
    `sosie.*`; the rest of the header comes from the base and the spec. `sign`, given the SHA-256
    of the file as it is so far, returns the text of `sosie.signature`. Equal arguments give equal
    bytes.

    Raises WeightsRefused for NaN, for keys or shapes that are not this base's plain LoRA, and for
    header entries that clients misread or that would tell of the training pictures; WorkspaceError
    if the file cannot be written or comes back different.
    """
    pairs = _pairs(state, spec)
    misfit = first_misfit(pairs, base)
    if misfit is not None:
        raise WeightsRefused(f"The LoRA does not fit its base: {misfit}.")
    style = _STYLES[base.lora_style]
    pairs = {module: style.cast(pair, spec) for module, pair in pairs.items()}
    tensors = style.tensors(pairs, spec)
    _check_finite(tensors)
    entries, data = container.pack(tensors)
    digest = sha256_bytes(data)
    whole = {
        **_FIXED_HEADER,
        **base.lora_header(),
        **style.network_header(spec),
        **_callers_header(header),
        "modelspec.hash_sha256": f"0x{digest}",
        "sshs_model_hash": digest,
    }
    file = container.frame(entries, data, whole)
    if sign is not None:
        whole[container.SIGNATURE] = sign(sha256_bytes(file))
        file = container.frame(entries, data, whole)
    save_atomically(path, lambda temporary: temporary.write_bytes(file))
    left = 1.0 if style.bakes_scale else spec.scale
    return _read_back(path, file=file, tensors_sha256=digest, pairs=pairs, scale=left)


def carried(header: Mapping[str, str]) -> dict[str, str]:
    """Of a file's header what `export` takes from its caller: what is computed is left out."""
    return {key: value for key, value in header.items() if _CALLERS_KEYS.fullmatch(key)}


def _pairs(state: Mapping[str, Tensor], spec: LoraSpec) -> dict[str, Factors]:
    """(A, B) by module, sorted: all keys pair up, in the spec's rank, on modules clients know."""
    modules = sorted({key.rpartition(".")[0] for key in state})
    wanted = {f"{module}.{part}" for module in modules for part in ("lora_A", "lora_B")}
    if not modules or wanted != state.keys():
        odd = sorted(wanted ^ state.keys())
        raise WeightsRefused(
            "A file holds pairs of lora_A and lora_B and nothing else"
            + (f'; not so: "{odd[0]}".' if odd else ", and there is none.")
        )
    for module in modules:
        if not adaptable(module):
            raise WeightsRefused(
                f'"{module}" cannot be exported: not every client finds such a module again.',
                advice="Leave it out of the LoRA's targets.",
            )
        a, b = state[f"{module}.lora_A"], state[f"{module}.lora_B"]
        if a.ndim != 2 or b.ndim != 2 or a.shape[0] != spec.rank or b.shape[1] != spec.rank:
            raise WeightsRefused(
                f'"{module}" has A {tuple(a.shape)} and B {tuple(b.shape)}, which is not a plain '
                f"LoRA of rank {spec.rank}."
            )
    return {
        module: (_cpu(state[f"{module}.lora_A"]), _cpu(state[f"{module}.lora_B"]))
        for module in modules
    }


def _cpu(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float32)


def _check_finite(tensors: Mapping[str, Tensor]) -> None:
    for key, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise WeightsRefused(
                f'The LoRA was not written: "{key}" holds NaN or numbers beyond {tensor.dtype}.',
                advice="Go back to an earlier checkpoint and train with a lower learning rate.",
            )


def _callers_header(header: Mapping[str, str]) -> dict[str, str]:
    """The caller's entries, if each of them may stand in a file that travels."""
    for key, value in header.items():
        if not _CALLERS_KEYS.fullmatch(key):
            raise WeightsRefused(
                f'The header entry "{key}" is not written: clients misread it, it is computed, or '
                "it would tell of the training pictures."
            )
        if not isinstance(value, str):
            raise WeightsRefused(f'The header entry "{key}" is not text.')
    _check_tags(header.get("ss_tag_frequency"))
    return dict(header)


def _check_tags(text: str | None) -> None:
    """The trigger's count alone: a full list of tags would be the captions."""
    if text is None:
        return
    try:
        [(folder, tags)] = json.loads(text).items()
        [count] = tags.values()
        only_trigger = folder == "sosie" and isinstance(count, int)
    except (ValueError, AttributeError):
        only_trigger = False
    if not only_trigger:
        raise WeightsRefused(
            'The header entry "ss_tag_frequency" may hold the trigger and its count alone, as '
            '{"sosie": {"TRIGGER": 15}}.'
        )


def _read_back(
    path: Path, *, file: bytes, tensors_sha256: str, pairs: Mapping[str, Factors], scale: float
) -> Written:
    """Compare bytes, modules and scaled factors of the file on disk with what was meant."""
    back = read(path)
    same = back.file_sha256 == sha256_bytes(file) and back.modules.keys() == pairs.keys()
    if not same or not all(
        torch.equal(back.modules[module][0], a.float())
        and torch.allclose(back.modules[module][1], b.float() * scale, rtol=1e-6, atol=0)
        for module, (a, b) in pairs.items()
    ):
        raise WorkspaceError(
            f"{path} does not read back as it was written.",
            advice="The disk may be failing: export to another one.",
        )
    return Written(
        file_sha256=back.file_sha256, tensors_sha256=tensors_sha256, modules=len(back.modules)
    )
