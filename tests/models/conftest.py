"""A public-domain portrait from scikit-image, and machines on which something is not installed."""

import sys
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    picture = data.astronaut()
    picture.setflags(write=False)
    return picture


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Call it with a top-level package: until the test ends, that is not installed."""

    def remove(package: str) -> None:
        for name in [*sys.modules]:
            if name.startswith(f"{package}."):
                monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, package, None)

    return remove
