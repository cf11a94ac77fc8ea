"""LoRA files of every trainer, read at the right scale or refused by name: never a silent no-op.

Files differ in how they name modules (see `names`), in how they factor the change of a weight, and
in where they say its scale. What comes out is always plain: ΔW = B·A, the whole scale in B.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sosie.core.errors import WeightsRefused
from sosie.models.lora.container import Contents, load
from sosie.models.lora.factors import Factors, factorise, unfolded_numbers
from sosie.models.lora.names import Family, Parts, is_encoder, is_flux, locate, unet_family
from sosie.models.lora.scale import Scales

UNFOLDED_LIMIT = 2**30
"""Numbers (4 GiB in fp32) that LoHa and LoKr factors may multiply out to."""

_PEFT_OWN = "base_model.model."
_PREFIXES = {
    "lora_unet_": "kohya",
    "lora_transformer_": "OneTrainer",
    "lycoris_": "LyCORIS",
    "transformer.": "PEFT",
    "unet.": "PEFT",
    "diffusion_model.": "ComfyUI",
}
_ENCODERS = {
    "lora_te_": "text_encoder.",
    "lora_te1_": "text_encoder.",
    "lora_te2_": "text_encoder_2.",
}
"""kohya's prefixes of text encoders: SD 1.5 has one, SDXL two; the second of FLUX.1 is T5."""
_SUFFIXES = {
    ".lora_A.weight": "down",
    ".lora_B.weight": "up",
    ".lora_down.weight": "down",
    ".lora_up.weight": "up",
    ".lora.down.weight": "down",
    ".lora.up.weight": "up",
    ".alpha": "alpha",
    **{f".hada_{part}": f"hada_{part}" for part in ("w1_a", "w1_b", "w2_a", "w2_b")},
    **{f".lokr_{part}": f"lokr_{part}" for part in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b")},
}
_REFUSED = {
    "bundle_emb": "a bundled embedding",
    "dora_scale": "DoRA (weight-decomposed) magnitudes",
    "lora_magnitude_vector": "DoRA (weight-decomposed) magnitudes",
    "lora_te3": "an adapted T5 text encoder",
}


@dataclass(frozen=True)
class LoraFile:
    """A LoRA as a file holds it, whoever wrote it."""

    family: Family
    modules: Mapping[str, Factors]
    """Module path inside the denoiser, or of a text encoder as `DiffusionBase.encoder_modules`
    has it, to (A, B): (r, in) and (out, r), fp32 on CPU, ΔW = B·A.

    A convolution's kernel is flattened into `in`.
    """
    format: str
    """Whose key names and which factors, in words: "kohya LoRA", "ComfyUI LoKr"…"""
    header: Mapping[str, str]
    """The file's own metadata: it informs and proves nothing."""
    file_sha256: str
    tensors_sha256: str
    """Of the bytes after the header, so that a note added to the header leaves it as it was."""


def read(path: Path) -> LoraFile:
    """Read a LoRA from a safetensors file of any known dialect.

    Raises NotFound if there is no file, and WeightsRefused for anything else than safetensors,
    damage, NaN, keys that are not understood, a scale said twice or not at all, DoRA, an adapted T5
    and bundled embeddings, each naming the key.
    """
    contents = load(path)
    raw = _sort_keys(path, contents.tensors)
    _check_numbers(path, contents.tensors)
    scales = Scales(path, contents.header)
    modules: dict[str, Factors] = {}
    formats: set[str] = set()
    unfolded = 0
    for name, parts in raw.items():
        own, dialect = _strip(name)
        unfolded += unfolded_numbers(parts)
        if unfolded > UNFOLDED_LIMIT:
            raise WeightsRefused(
                f"{path} multiplies out to more than {UNFOLDED_LIMIT * 4 / 2**30:.0f} GiB: its "
                "LoHa or LoKr factors are of too high a rank to be held as a plain LoRA.",
                advice="Ask its author for a plain LoRA.",
            )
        scale = scales.of(name, own, parts, unscaled_means_one=not name.startswith(_PEFT_OWN))
        a, b, kind = factorise(path, name, parts, scale)
        formats.add(f"{dialect} {kind}")
        for module, rows in _split(path, name, b, _place(own)):
            if module in modules:
                raise WeightsRefused(f'{path} adapts {module} twice; the second time as "{name}".')
            modules[module] = (a, rows)
    return LoraFile(
        family=_family(path, contents, modules),
        modules=dict(sorted(modules.items())),
        format=" and ".join(sorted(formats)),
        header=contents.header,
        file_sha256=contents.file_sha256,
        tensors_sha256=contents.tensors_sha256,
    )


def _sort_keys(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Tensors by module name, as the file has it, and part. Refuses every key it does not know."""
    if not tensors:
        raise WeightsRefused(f"{path} holds no tensors.")
    for key in sorted(tensors):
        for mark, what in _REFUSED.items():
            if mark in key:
                raise WeightsRefused(
                    f'{path} holds {what} ("{key}"), which Sosie cannot apply.',
                    advice="Without it the LoRA would draw something else: use one that has none.",
                )
    raw: dict[str, dict[str, Tensor]] = {}
    unknown: list[str] = []
    for key in sorted(tensors):
        suffix = next((s for s in _SUFFIXES if key.endswith(s)), None)
        name = key.removesuffix(suffix) if suffix else key
        if suffix is None or locate(_strip(name)[0]) is None:
            unknown.append(key)
        elif _SUFFIXES[suffix] in raw.setdefault(name, {}):
            raise WeightsRefused(f'{path} says the same twice; the second time as "{key}".')
        else:
            raw[name][_SUFFIXES[suffix]] = tensors[key]
    if unknown:
        raise WeightsRefused(
            f"{path} is not a LoRA that Sosie understands: {len(unknown)} of {len(tensors)} keys "
            f"are unknown, the first: {_quoted(unknown[:3])}.",
            advice="It may be for another kind of model; nothing of it was used.",
        )
    return raw


def _strip(name: str) -> tuple[str, str]:
    """A module name without its prefix, and whose it was; a text encoder's keeps the encoder."""
    inner = name.removeprefix(_PEFT_OWN)
    for prefix, whose in _PREFIXES.items():
        if inner.startswith(prefix):
            return inner.removeprefix(prefix), whose
    for prefix, part in _ENCODERS.items():
        if inner.startswith(prefix):
            return part + inner.removeprefix(prefix), "kohya"
    if is_encoder(inner):
        return inner, "PEFT"
    return inner, "PEFT" if name != inner else "unprefixed"


def _place(own: str) -> Parts:
    parts = locate(own)
    assert parts is not None, "unknown names were refused with all others at once"
    return parts


def _check_numbers(path: Path, tensors: Mapping[str, Tensor]) -> None:
    for key in sorted(tensors):
        if not torch.isfinite(tensors[key].float()).all():
            raise WeightsRefused(
                f'{path} is damaged: "{key}" holds NaN or infinity.',
                advice="Use an earlier checkpoint of that training.",
            )


def _split(path: Path, name: str, b: Tensor, parts: Parts) -> Iterable[tuple[str, Tensor]]:
    """The rows of B that belong to each module behind a (perhaps fused) name; A is shared."""
    unit, rest = divmod(b.shape[0], sum(share for _, share in parts))
    if rest:
        raise WeightsRefused(
            f'{path}: "{name}" has {b.shape[0]} rows, which {len(parts)} modules cannot share.'
        )
    rows = torch.split(b, [unit * share for _, share in parts])
    # Own memory: a part must not keep the others alive.
    return [(module, r.clone()) for (module, _), r in zip(parts, rows, strict=True)]


def _family(path: Path, contents: Contents, modules: Mapping[str, Factors]) -> Family:
    denoiser = {m: factors for m, factors in modules.items() if not is_encoder(m)}
    flux = [module for module in denoiser if is_flux(module)]
    if flux and len(flux) == len(denoiser):
        return "flux"
    if flux:
        raise WeightsRefused(f"{path} mixes modules of FLUX.1 with others: {_quoted(flux[:3])}.")
    family = unet_family(contents.header, {p: a.shape[1] for p, (a, _) in denoiser.items()})
    if family is None:
        raise WeightsRefused(
            f"{path} does not tell whether it is for Stable Diffusion 1.5 or XL "
            f"(Stable Diffusion 2 is not supported): it adapts {_quoted(sorted(modules)[:3])}.",
            advice='A header entry "ss_base_model_version" would tell.',
        )
    return family


def _quoted(keys: Iterable[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)
