"""From a base's name to its folder, offline: a short name, a folder or a hub id.

Nothing here loads torch until `load_base` does, or `resolve` needs a family's own defaults, so that
`sosie bases` answers at once.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sosie.core.errors import BadInput, NotFound, WeightsRefused
from sosie.core.records import Record
from sosie.models.diffusion import BASES, Defaults, KnownBase, family
from sosie.models.diffusion.folder import (
    INDEX,
    content_files,
    read_index,
    read_settings,
    size_bytes,
)

if TYPE_CHECKING:
    import torch

    from sosie.models.diffusion.base import DiffusionBase

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_PACKAGE = Path(__file__).parent
_WANTED = ("model_index.json", "*/*.json", "*/*.txt", "*/*.model", "*/*.safetensors")
_UNWANTED = ("*fp16*", "*non_ema*", "safety_checker/*", "vae_1_0/*")
"""A hub repository also holds the same weights in other forms, many times as big together."""


class ResolvedBase(Record):
    """A base that lies on this machine."""

    name: str
    """As the user named it."""
    family: str
    folder: Path
    licence: str
    defaults: Defaults


class BaseRow(Record):
    """One line of `sosie bases`."""

    name: str
    family: str
    licence: str
    size_gb: float
    """10^9 bytes: on disk if it is here, to download if not."""
    folder: Path | None
    """Where it lies; None if it is not here."""
    note: str
    """Where it lies, or why not and how to get it."""


def resolve(name: str, *, cache: Path | None = None) -> ResolvedBase:
    """Find a base by short name, folder or hub id; `cache` is the Hugging Face cache to look in.

    Nothing is downloaded. Raises NotFound, with the command that fetches it or the nearest known
    name, and WeightsRefused if the folder is no base that Sosie drives.
    """
    return describe(name, _find(name, cache))


def describe(name: str, folder: Path) -> ResolvedBase:
    """What `folder` is, by its index, its `sosie.json` and what is known of `name`.

    Raises WeightsRefused if it is no diffusers folder or no family drives it.
    """
    index = read_index(folder)
    settings = read_settings(folder)
    known = _known(name)
    return ResolvedBase(
        name=name,
        family=index.family,
        folder=folder.resolve(),
        licence=settings.licence or (known.licence if known else "unknown"),
        defaults=settings.defaults or family(index.family).usual_defaults(folder),
    )


def load_base(
    name: str, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
) -> DiffusionBase:
    """Resolve `name` and load it; `dtype` is torch.float32 (the default) or torch.bfloat16.

    Raises what `resolve` and `DiffusionBase.load` raise.
    """
    import torch

    base = resolve(name)
    return family(base.family).load(
        base.folder, name=name, device=device, dtype=dtype or torch.float32
    )


def listing(*, cache: Path | None = None) -> tuple[BaseRow, ...]:
    """The bases with a short name, and where each lies; reads configurations, never weights."""
    return tuple(_row(known, cache) for known in BASES)


def _row(known: KnownBase, cache: Path | None) -> BaseRow:
    folder: Path | None = None
    size = known.download_gb
    try:
        folder = _find(known.name, cache)
        size = round(size_bytes(folder) / 1e9, 3)
        note = str(folder)
    except NotFound as error:
        note = f"not here. {error.advice}"
    except WeightsRefused as error:
        folder, note = None, str(error)
    return BaseRow(
        name=known.name,
        family=known.family,
        licence=known.licence,
        size_gb=size,
        folder=folder,
        note=note,
    )


def _find(name: str, cache: Path | None) -> Path:
    known = _known(name)
    if known is not None and known.source == "package":
        return _in_package(known)
    if known is not None:
        return _in_cache(known.source, cache)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise BadInput(
            f"{name} is a file, not a diffusers folder.",
            advice=f"Name the folder that holds {INDEX}; single-file checkpoints are not opened.",
        )
    if _HUB_ID.fullmatch(name) and not name.startswith("."):
        return _in_cache(name, cache)
    if name.startswith((".", "~")) or "/" in name:
        raise NotFound(f"There is no folder {name}.", advice="Check the path.")
    raise NotFound.among("base", name, [base.name for base in BASES])


def _known(name: str) -> KnownBase | None:
    return next((base for base in BASES if name in (base.name, base.source)), None)


def _in_package(known: KnownBase) -> Path:
    folder = _PACKAGE / known.name
    if not (folder / INDEX).is_file():
        raise NotFound(
            f'The embedded base "{known.name}" is missing from this installation.',
            advice="Install Sosie again, or train it in a source checkout: `make pocket`, then "
            "`make pocket-ship`.",
        )
    return folder


def _in_cache(hub_id: str, cache: Path | None) -> Path:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(hub_id, INDEX, cache_dir=cache)
    if not isinstance(found, str):
        raise NotFound(
            f"{hub_id} is not on this machine, and Sosie downloads nothing by itself.",
            advice=f"Get it with: {download_command(hub_id)}",
        )
    folder = Path(found).parent
    try:
        content_files(folder)
    except WeightsRefused as error:
        raise WeightsRefused(
            error.message, advice=f"Complete it with: {download_command(hub_id)}"
        ) from error
    return folder


def download_command(hub_id: str) -> str:
    """The shell command that fetches a base's diffusers folder and no other form of its weights."""
    include = " ".join(f"--include '{pattern}'" for pattern in _WANTED)
    exclude = " ".join(f"--exclude '{pattern}'" for pattern in _UNWANTED)
    return f"hf download {hub_id} {include} {exclude}"
