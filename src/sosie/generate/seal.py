"""A signature inside a PNG file, of the file as it is without that chunk: any changed byte shows.

Format: 8 magic bytes, then chunks, each of 4 bytes big-endian length, 4 of type, the data and 4 of
CRC; the last is IEND (https://www.w3.org/TR/png-3/#5DataRep).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from sosie.core.files import sha256_bytes

Sign = Callable[[str], str]
"""From the SHA-256 of a file without its signature to the text of the signature."""

_MAGIC = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"sosie.signature\0"
_IEND = b"\0\0\0\0IEND\xaeB`\x82"


def sealed(png: bytes, sign: Sign) -> bytes:
    """`png` with its signature in a tEXt chunk before the end."""
    assert png.endswith(_IEND)
    body = b"tEXt" + _KEYWORD + sign(sha256_bytes(png)).encode("latin-1")
    length, crc = len(body) - 4, zlib.crc32(body)
    chunk = length.to_bytes(4, "big") + body + crc.to_bytes(4, "big")
    return png.removesuffix(_IEND) + chunk + _IEND


def opened(png: bytes) -> tuple[str, str | None]:
    """The SHA-256 of a file without its signature, and the signature's text if it has one.

    Whatever is no whole PNG file is taken as it is, without a signature.
    """
    found = [(start, end) for start, end in _chunks(png) if _is_signature(png[start:end])]
    if len(found) != 1:
        # With two it was not sealed here, and which one counts is not guessed.
        return sha256_bytes(png), None
    ((start, end),) = found
    text = png[start + 8 + len(_KEYWORD) : end - 4].decode("latin-1")
    return sha256_bytes(png[:start] + png[end:]), text


def _is_signature(chunk: bytes) -> bool:
    sound = zlib.crc32(chunk[4:-4]).to_bytes(4, "big") == chunk[-4:]
    return sound and chunk[4:].startswith(b"tEXt" + _KEYWORD)


def _chunks(png: bytes) -> Iterator[tuple[int, int]]:
    """Where each chunk begins and ends, as far as the file is whole."""
    start = len(_MAGIC)
    while png.startswith(_MAGIC) and start + 12 <= len(png):
        end = start + 12 + int.from_bytes(png[start : start + 4], "big")
        if end > len(png):
            return
        yield start, end
        start = end
