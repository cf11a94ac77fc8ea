from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sosie.core.records import Subject, now
from sosie.registry import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry.open(tmp_path / "home") as registry:
        registry.add_subject(Subject(name="anna", kind="person", trigger="anna", created=now()))
        yield registry
