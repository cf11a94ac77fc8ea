"""Files that are whole or absent, and who may read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sosie.core.files import is_temporary, save_atomically, write_atomically


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.usefixtures("umask")
def test_what_is_given_out_can_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    own, given = tmp_path / "own.png", tmp_path / "given.png"
    write_atomically(own, b"mine")
    write_atomically(given, b"ours", shared=True)
    assert [path.stat().st_mode & 0o777 for path in (own, given)] == [0o600, 0o640]


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, b"old")
    seen = []

    def fail(temporary: Path) -> None:
        temporary.write_bytes(b"ha")
        seen.append(temporary.name)
        raise ValueError

    with pytest.raises(ValueError):
        save_atomically(path, fail)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    assert is_temporary(seen[0]), "what a killed process leaves is swept"
