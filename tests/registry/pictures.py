"""Picture files as users have them, made in memory."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, TiffImagePlugin

pillow_heif.register_heif_opener()


def scene(seed: int = 0, width: int = 48, height: int = 32) -> Image.Image:
    """A smooth RGB picture, different for every seed, whose corners differ from each other."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    shift = np.random.default_rng(seed).uniform(0, 6, 3)
    waves = [np.sin(5 * x + 3 * y * (channel + 1) + shift[channel]) for channel in range(3)]
    return Image.fromarray((np.stack(waves, 2) * 120 + 128).astype(np.uint8), "RGB")


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def gps_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    exif[271] = "Camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 24.0), 3: "E", 4: (2.0, 21.0, 3.0)})
    return exif


def tagged(image: Image.Image, kind: str, orientation: int = 1, **options: Any) -> bytes:
    """`image` with orientation, camera and place, as each format keeps them."""
    exif = gps_exif(orientation)
    if kind == "TIFF":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags.update({274: orientation, 271: "Camera", 34853: dict(exif.get_ifd(0x8825))})
        return encoded(image, kind, tiffinfo=tags, **options)
    return encoded(image, kind, exif=exif.tobytes(), **options)


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG written by hand, so that it may hold or claim what Pillow would not write."""

    def chunk(name: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_rgb16(values: np.ndarray) -> bytes:
    """`values` (height, width, 3) as a PNG of 16 bits a channel."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(width, height, 16, 2, rows)
