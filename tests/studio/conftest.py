from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sosie.core.records import Adapter
from sosie.models.diffusion.flux import Flux
from sosie.studio import Studio
from tests.studio.household import QUICK, household, photos


@dataclass(frozen=True)
class Trained:
    """A workspace in which one LoRA was trained."""

    home: Path
    base: Path
    adapter: Adapter
    told: tuple[tuple[str, dict[str, Any]], ...]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases") / "tiny"
    Flux.write_tiny(folder)
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos(tmp_path_factory.mktemp("anna") / "photos")


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory, base: Path, pictures: Path) -> Trained:
    home = tmp_path_factory.mktemp("trained") / "home"
    told: list[tuple[str, dict[str, Any]]] = []
    adapter = household(home, pictures).train(
        "anna",
        base=str(base),
        overrides=QUICK,
        device="cpu",
        on_event=lambda kind, data: told.append((kind, data)),
    )
    return Trained(home, base, adapter, tuple(told))


@pytest.fixture
def trained(trained_once: Trained, tmp_path: Path) -> Trained:
    """A copy that a test may spoil."""
    home = tmp_path / "home"
    shutil.copytree(trained_once.home, home)
    return Trained(home, trained_once.base, trained_once.adapter, trained_once.told)


@pytest.fixture
def studio(trained: Trained) -> Studio:
    return Studio(trained.home)
