"""The safetensors container: bytes to named tensors and back, equal input to equal bytes.

Format: 8 bytes little-endian header length, the header as JSON padded with blanks to a multiple of
8, then the tensors' bytes without gaps (https://github.com/huggingface/safetensors#format).
Writing is done here because the library orders the header's metadata at random.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from sosie.core.errors import NotFound, WeightsRefused
from sosie.core.files import sha256_bytes

LARGEST = 8 * 2**30
"""Bytes; a LoRA is smaller, and a whole model must not fill the memory before it is refused."""

SIGNATURE = "sosie.signature"
"""Header entry that holds the trainer's signature of the file as it is without this entry."""

_DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
_FOREIGN = (
    (b"PK\x03\x04", "a PyTorch zip (a pickle, which can run code)"),
    (b"\x80", "a Python pickle, which can run code"),
    (b"GGUF", "a GGUF file"),
)


@dataclass(frozen=True)
class Contents:
    """What one safetensors file holds."""

    tensors: dict[str, Tensor]
    header: dict[str, str]
    """The `__metadata__` of the file."""
    file_sha256: str
    tensors_sha256: str
    """Of the bytes after the header, as `sshs_model_hash` has it."""


@dataclass(frozen=True)
class Sealed:
    """A file's header, taken apart into what was signed and the signature."""

    header: dict[str, str]
    """The `__metadata__` of the file, without the signature."""
    signature: str | None
    unsigned_sha256: str
    """Of the file as it would be without its signature: what a signature is about."""
    tensors_sha256: str
    as_written: bool
    """Whether every byte lies as `frame` lays it; else `unsigned_sha256` speaks of other bytes."""


def sealed(path: Path) -> Sealed:
    """Read what a signature needs of a file, and leave the tensors as bytes.

    Raises NotFound and WeightsRefused as `load` does.
    """
    data = _bytes(path)
    start = _data_start(path, data)
    try:
        entries = json.loads(data[8:start])
        whole = dict(entries.pop("__metadata__", {}))
        if not all(isinstance(text, str) for pair in whole.items() for text in pair):
            raise ValueError("its metadata are not texts")
        tensors = data[start:]
        header = {name: text for name, text in whole.items() if name != SIGNATURE}
        unsigned = frame(entries, tensors, header)
        as_written = frame(entries, tensors, whole) == data
    # A stranger's header may be nested without end, or hold halves of letters.
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise WeightsRefused(f"{path} is truncated or damaged: {error}.") from error
    return Sealed(
        header=header,
        signature=whole.get(SIGNATURE),
        unsigned_sha256=sha256_bytes(unsigned),
        tensors_sha256=sha256_bytes(tensors),
        as_written=as_written,
    )


def load(path: Path) -> Contents:
    """Read a safetensors file, whatever its suffix says.

    Raises NotFound if there is no file, WeightsRefused if its content is anything else (a pickle is
    never opened), truncated or damaged.
    """
    data = _bytes(path)
    start = _data_start(path, data)
    try:
        tensors = safetensors.torch.load(data)
        header = json.loads(data[8:start]).get("__metadata__") or {}
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise WeightsRefused(
            f"{path} is truncated or damaged: {error}.", advice="Download or export it again."
        ) from error
    return Contents(
        tensors=tensors,
        header=header,
        file_sha256=sha256_bytes(data),
        tensors_sha256=hashlib.sha256(memoryview(data)[start:]).hexdigest(),
    )


def pack(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Any], bytes]:
    """The header entries and the bytes of `tensors` (CPU; float32, float16 or bfloat16).

    Wide types come first, as the library lays them, so that every tensor is aligned; then by name.
    """
    entries: dict[str, Any] = {}
    pieces: list[bytes] = []
    offset = 0
    for name in sorted(tensors, key=lambda n: (-tensors[n].dtype.itemsize, n)):
        tensor = tensors[name]
        piece = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        entries[name] = {
            "dtype": _DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(piece)],
        }
        pieces.append(piece)
        offset += len(piece)
    return entries, b"".join(pieces)


def frame(entries: Mapping[str, Any], data: bytes, header: Mapping[str, str]) -> bytes:
    """The whole file from what `pack` returned and the `__metadata__`, keys sorted."""
    whole = {"__metadata__": dict(sorted(header.items())), **entries}
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    size = path.stat().st_size
    if size > LARGEST:
        raise WeightsRefused(f"{path} has {size / 1e9:.1f} GB: a whole model, not a LoRA.")
    return path.read_bytes()


def _data_start(path: Path, data: bytes) -> int:
    """Offset of the first tensor byte, after the checks that name a foreign or cut file."""
    if not data:
        raise WeightsRefused(f"{path} is empty.", advice="Download or export it again.")
    start = 8 + int.from_bytes(data[:8], "little")
    if data[8:9] == b"{":
        if start > len(data):
            raise WeightsRefused(
                f"{path} is truncated or damaged: its header says {start} bytes, the file has "
                f"{len(data)}.",
                advice="Download or export it again.",
            )
        return start
    for magic, what in _FOREIGN:
        if data.startswith(magic):
            raise WeightsRefused(
                f"{path} is {what}, whatever its name says.",
                advice="Only safetensors files are opened; ask its author for one.",
            )
    raise WeightsRefused(f"{path} is not a safetensors file.")
