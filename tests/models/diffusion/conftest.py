from pathlib import Path

import pytest

from sosie.models.diffusion import FAMILIES, family


@pytest.fixture(scope="session")
def twins(tmp_path_factory) -> dict[str, Path]:
    """A tiny folder of every family; tests that damage one copy it first."""
    folders = {name: tmp_path_factory.mktemp("twins") / name for name in FAMILIES}
    for name, folder in folders.items():
        family(name).write_tiny(folder)
    return folders
