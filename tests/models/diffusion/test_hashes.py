"""Weight files are read once, and again exactly when they may have changed."""

import os
from pathlib import Path

import pytest

from sosie.core.files import sha256_bytes
from sosie.models.diffusion import hashes
from sosie.models.diffusion.folder import content_sha256
from sosie.models.diffusion.resolve import resolve


@pytest.fixture
def read(monkeypatch, tmp_path) -> list[Path]:
    """The files that are read from now on, with a memory of the test's own."""
    memory = tmp_path / "cache" / "weights.json"
    monkeypatch.setattr(hashes, "memory_file", lambda: memory)
    monkeypatch.setattr(hashes, "SETTLED", -1.0)
    opened: list[Path] = []
    real = hashes.sha256_file

    def spy(path: Path) -> str:
        opened.append(path)
        return real(path)

    monkeypatch.setattr(hashes, "sha256_file", spy)
    return opened


@pytest.fixture
def weights(tmp_path) -> Path:
    return fill(tmp_path / "weights.safetensors", b"a")


def fill(path: Path, byte: bytes) -> Path:
    path.write_bytes(byte * hashes.WORTHWHILE)
    return path


def test_a_second_call_reads_nothing(read, weights):
    first = hashes.sha256_files([weights])
    assert first == (sha256_bytes(weights.read_bytes()),)
    assert read == [weights]
    assert hashes.sha256_files([weights]) == first
    assert read == [weights]


@pytest.mark.parametrize("how", ["rewritten", "time set back", "replaced"])
def test_a_changed_file_is_read_again(how, read, weights, tmp_path):
    (before,) = hashes.sha256_files([weights])
    times = weights.stat()
    if how == "replaced":
        fill(tmp_path / "other", b"b").replace(weights)
    else:
        fill(weights, b"b")
    if how == "rewritten":
        os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    else:
        os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    (after,) = hashes.sha256_files([weights])
    assert after == sha256_bytes(weights.read_bytes()) != before
    assert len(read) == 2


def test_a_file_that_lay_still_too_briefly_is_not_remembered(read, weights, monkeypatch):
    monkeypatch.setattr(hashes, "SETTLED", 60.0)
    hashes.sha256_files([weights])
    hashes.sha256_files([weights])
    assert len(read) == 2


@pytest.mark.parametrize("damage", [b"", b"{", b'{"/x": {"size": "many"}}', b"[1, 2]"])
def test_a_damaged_memory_is_ignored_and_mended(damage, read, weights):
    first = hashes.sha256_files([weights])
    hashes.memory_file().write_bytes(damage)
    assert hashes.sha256_files([weights]) == first
    assert hashes.sha256_files([weights]) == first
    assert len(read) == 2


def test_a_memory_that_cannot_be_written_costs_only_time(read, weights, monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(hashes, "memory_file", lambda: tmp_path / "file" / "weights.json")
    assert hashes.sha256_files([weights]) == hashes.sha256_files([weights])
    assert len(read) == 2


def test_files_that_are_gone_are_forgotten(read, weights, tmp_path):
    hashes.sha256_files([weights])
    other = fill(tmp_path / "other", b"c")
    weights.unlink()
    hashes.sha256_files([other])
    told = hashes.memory_file().read_text()
    assert str(other) in told and str(weights) not in told


def test_the_embedded_base_is_remembered_too(read):
    folder = resolve("pocket").folder
    first = content_sha256(folder)
    assert any(path.stat().st_size >= hashes.WORTHWHILE for path in read)
    read.clear()
    assert content_sha256(folder) == first
    assert all(path.stat().st_size < hashes.WORTHWHILE for path in read)
