"""Base models by name. A new family is one file and one line in `FAMILIES`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from sosie.core.records import Record

if TYPE_CHECKING:
    from sosie.models.diffusion.base import DiffusionBase

FAMILIES: dict[str, str] = {
    "flux": "sosie.models.diffusion.flux:Flux",
    "sdxl": "sosie.models.diffusion.sdxl:StableDiffusionXL",
    "sd15": "sosie.models.diffusion.sd15:StableDiffusion15",
}
"""Family name to "module:class"; looked up lazily, so that listing bases loads no torch."""

PIPELINES: dict[str, str] = {
    "FluxPipeline": "flux",
    "StableDiffusionXLPipeline": "sdxl",
    "StableDiffusionPipeline": "sd15",
}
"""`_class_name` of a folder's model_index.json to family; a class not listed is refused by name."""


class Defaults(Record):
    """What a base draws best with; a folder may carry its own in `sosie.json`."""

    width: int
    height: int
    steps: int
    guidance: float
    """The pipeline's own guidance: embedded for FLUX.1-dev, classifier-free for SD."""
    true_guidance: float = 1.0
    """Classifier-free guidance against the negative prompt where `guidance` is embedded (FLUX)."""
    text_length: int = 77
    """Tokens a caption is padded or cut to."""
    buckets: tuple[int, ...] = ()
    """Square-equivalent sides, in pixels, that training uses; empty means `(width,)`."""


class KnownBase(Record):
    """A base with a short name."""

    name: str
    family: str
    source: str
    """Hub id, or "package" for the one that ships with Sosie."""
    licence: str
    download_gb: float
    """Size of the diffusers folder in 10^9 bytes."""


BASES: tuple[KnownBase, ...] = (
    KnownBase(
        name="pocket", family="flux", source="package", licence="Apache-2.0", download_gb=0.06
    ),
    KnownBase(
        name="flux-dev",
        family="flux",
        source="black-forest-labs/FLUX.1-dev",
        licence="FLUX.1-dev Non-Commercial License",
        download_gb=33.7,
    ),
    KnownBase(
        name="flux-schnell",
        family="flux",
        source="black-forest-labs/FLUX.1-schnell",
        licence="Apache-2.0",
        download_gb=33.7,
    ),
    KnownBase(
        name="sdxl",
        family="sdxl",
        source="stabilityai/stable-diffusion-xl-base-1.0",
        licence="CreativeML Open RAIL++-M",
        download_gb=13.9,
    ),
    KnownBase(
        name="sd15",
        family="sd15",
        source="stable-diffusion-v1-5/stable-diffusion-v1-5",
        licence="CreativeML Open RAIL-M",
        download_gb=5.5,
    ),
)


def family(name: str) -> type[DiffusionBase]:
    """The class of a family. Raises KeyError for a name that is not in `FAMILIES`."""
    module, _, attribute = FAMILIES[name].partition(":")
    cls: type[DiffusionBase] = getattr(import_module(module), attribute)
    return cls
