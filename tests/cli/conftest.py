from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.door import sosie
from tests.studio.household import QUICK, photos

SET = [word for key, value in QUICK.items() for word in ("--set", f"{key}={json.dumps(value)}")]
"""The settings of a quick run, as a user types them."""


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sosie.models.diffusion.flux import Flux

    folder = tmp_path_factory.mktemp("bases") / "tiny"
    Flux.write_tiny(folder)
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos(tmp_path_factory.mktemp("anna") / "photos")


@pytest.fixture(scope="session")
def told_once(
    tmp_path_factory: pytest.TempPathFactory, base: Path, pictures: Path
) -> tuple[Path, dict[str, str]]:
    """A workspace in which one LoRA was trained, and what each command printed."""
    home = tmp_path_factory.mktemp("told") / "home"
    printed = {}
    for words in (
        ("new", "anna"),
        ("add", "anna", pictures),
        ("consent", "anna", "--self", "--signed-by", "Anna Weber", "--who", "Anna Weber"),
        ("train", "anna", "--base", base, *SET),
    ):
        answer = sosie(home, *words)
        assert answer.code == 0, answer
        printed[words[0]] = answer.out + answer.err
    return home, printed


@pytest.fixture
def home(told_once: tuple[Path, dict[str, str]], tmp_path: Path) -> Path:
    """A copy of that workspace, which a test may spoil."""
    shutil.copytree(told_once[0], tmp_path / "home")
    return tmp_path / "home"
