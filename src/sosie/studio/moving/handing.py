"""What is handed out, to whoever asks: never without asking for permission first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sosie.core.errors import NotFound, NotPermitted
from sosie.core.release import LATEST, ReleasedFile
from sosie.core.terms import Act
from sosie.registry import Registry, Shelved
from sosie.registry.releases import taken_apart
from sosie.studio import drawing, permission, releasing


@dataclass(frozen=True)
class Handed:
    """A file that may be handed out, now."""

    file: ReleasedFile
    path: Path
    ask_again: Callable[[], object]
    """Raises NotPermitted as soon as it may not be handed out any more."""
    count: Callable[[], object]
    """Notes that it was fetched, if it is the LoRA: for whom its last byte was handed out."""


def require(registry: Registry, title: str, act: Act = "serve") -> Shelved:
    """The release NAME@VERSION (or @ALIAS, or the newest), if all whom it shows permit `act` with
    it today. Raises NotFound and NotPermitted.
    """
    name, version = taken_apart(title)
    shelved = registry.releases.get(name, version or LATEST)
    ask(registry, shelved, act)
    return shelved


def ask(registry: Registry, shelved: Shelved, act: Act = "serve") -> None:
    """Raise NotPermitted unless all whom a release shows permit `act` with it today."""
    permission.require_shown(registry, act, drawing.released(shelved, registry).adapter)


def may(registry: Registry, shelved: Shelved) -> bool:
    """Whether a release may be handed out today."""
    try:
        ask(registry, shelved)
    except NotPermitted:
        return False
    return True


def handed(registry: Registry, title: str, sha256: str) -> Handed:
    """The file with this hash of a release. Raises NotFound and NotPermitted."""
    shelved = require(registry, title)
    for file in shelved.release.files:
        if file.file_sha256 == sha256:
            path = registry.blobs.path(sha256)
            count = partial(_fetched, registry, shelved, file)
            return Handed(file, path, partial(ask, registry, shelved), count)
    raise NotFound(f"{shelved.release.title} has no file {sha256[:12]}….")


def _fetched(registry: Registry, shelved: Shelved, file: ReleasedFile) -> None:
    if file.role == "lora":
        releasing.count(registry, drawing.released(shelved, registry), "downloads")
