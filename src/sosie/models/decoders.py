"""Pillow with every decoder that Sosie reads, HEIC among them, and with its guards on."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import BinaryIO

import pillow_heif
from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "BMP", "GIF")


def opened(file: Path | BinaryIO) -> Image.Image:
    """A picture file whose pixels are not read yet, told by its content.

    Pillow's limit against decompression bombs stays on, and its warning counts as an error. Raises
    UnidentifiedImageError for what is no picture.
    """
    _prepare()
    # Process-wide, as catch_warnings() is not safe among threads. What Pillow says of odd TIFF
    # tags would only be noise beside the one line that a refused file gets.
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", module=r"PIL\.TiffImagePlugin")
    return Image.open(file, formats=FORMATS)


@functools.cache
def _prepare() -> None:
    """Load every decoder; done once, as decoders that threads load one by one can be missed."""
    Image.init()
    pillow_heif.register_heif_opener()
