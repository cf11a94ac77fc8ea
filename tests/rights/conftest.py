from __future__ import annotations

from pathlib import Path

import pytest

from sosie.rights import Chain, home_chain, home_key


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace's key."""
    folder = tmp_path_factory.mktemp("signer")
    home_key(folder)
    return folder


@pytest.fixture(scope="session")
def chain(home: Path) -> Chain:
    return home_chain(home, home_key(home))
