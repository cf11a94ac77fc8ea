"""The signature inside a LoRA file: any changed byte shows, and clients load the file as before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sosie.core.errors import WeightsRefused
from sosie.core.files import sha256_bytes, sha256_file
from sosie.models import lora
from sosie.models.lora import container


def file(path: Path, signature: str | None = None) -> Path:
    entries, data = container.pack({"b": torch.ones(2, 3), "a": torch.zeros(4)})
    header = {"sosie.consent_sha256": "ab" * 32, "modelspec.title": "Mémé"}
    if signature is not None:
        header[container.SIGNATURE] = signature
    path.write_bytes(container.frame(entries, data, header))
    return path


def test_the_signature_is_about_the_file_without_it(tmp_path: Path) -> None:
    bare, signed = file(tmp_path / "bare"), file(tmp_path / "signed", "by me")
    found = lora.sealed(signed)
    assert (found.signature, found.unsigned_sha256) == ("by me", sha256_file(bare))
    assert found.as_written and found.header["modelspec.title"] == "Mémé"
    assert container.SIGNATURE not in found.header
    assert lora.sealed(bare).unsigned_sha256 == sha256_file(bare)
    assert lora.sealed(bare).signature is None
    assert container.load(signed).tensors.keys() == {"a", "b"}


def test_any_changed_byte_shows(tmp_path: Path) -> None:
    signed = file(tmp_path / "signed", "by me")
    data, before = signed.read_bytes(), lora.sealed(signed)
    assert data[8:].startswith(b"{") and sha256_bytes(data) == sha256_file(signed)
    for place in range(len(data)):
        signed.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            after = lora.sealed(signed)
        except WeightsRefused:
            continue
        assert after != before, place


def test_a_blank_turned_into_another_blank_shows(tmp_path: Path) -> None:
    signed = file(tmp_path / "signed", "by me!")
    data = signed.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    assert data[end - 1 : end] == b" ", "the header is padded"
    signed.write_bytes(data[: end - 1] + b"\n" + data[end:])
    assert not lora.sealed(signed).as_written


def test_a_header_entry_said_twice_shows(tmp_path: Path) -> None:
    signed = file(tmp_path / "signed", "by me")
    data = signed.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    text = data[8:end].rstrip().replace(b"{", b'{"a":0,', 1)
    text += b" " * (-len(text) % 8)
    signed.write_bytes(len(text).to_bytes(8, "little") + text + data[end:])
    assert not lora.sealed(signed).as_written


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b'{"__metadata__":3}',
        b"{",
        b'{"a":1',
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 200_000,
        b'{"__metadata__":{"x":"\\ud800"}}',
        b'{"__metadata__":{"sosie.signature":3}}',
        b'{"__metadata__":{"sosie.consent_sha256":["a"]}}',
        b'{"__metadata__":{"x":' + b"9" * 5000 + b"}}",
    ],
    ids=lambda header: header[:24].decode(),
)
def test_what_is_no_header_is_refused(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "odd"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(WeightsRefused):
        lora.sealed(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda deeper: (
        st.lists(deeper, max_size=3)
        | st.dictionaries(
            st.sampled_from(["__metadata__", "a", "dtype", "shape"]), deeper, max_size=4
        )
    ),
    max_leaves=12,
)
NO_FRESH_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def weighed(path: Path, data: bytes) -> None:
    """What any bytes may do: be read, or be refused in words."""
    path.write_bytes(data)
    for read in (lora.sealed, lora.read):
        try:
            read(path)
        except WeightsRefused as refusal:
            assert str(path) in str(refusal)


@NO_FRESH_FOLDER
@given(header=JSON, tail=st.binary(max_size=40))
def test_no_header_breaks_the_reader(tmp_path: Path, header: Any, tail: bytes) -> None:
    text = json.dumps(header).encode()
    weighed(tmp_path / "odd", len(text).to_bytes(8, "little") + text + tail)


@NO_FRESH_FOLDER
@given(draws=st.data())
def test_no_spoiled_byte_breaks_the_reader(tmp_path: Path, draws: st.DataObject) -> None:
    data = bytearray(file(tmp_path / "signed", "by me").read_bytes())
    for place in draws.draw(st.lists(st.integers(0, len(data) - 1), min_size=1, max_size=5)):
        data[place] = draws.draw(st.integers(0, 255))
    weighed(tmp_path / "odd", bytes(data[: draws.draw(st.integers(0, len(data)))]))
