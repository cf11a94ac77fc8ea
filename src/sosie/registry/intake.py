"""The bytes of a picture file -> one upright sRGB picture without metadata, or a reason why not.

The kind of a file is told by its content, never by its name.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from sosie.core.errors import UnreadablePicture
from sosie.core.files import sha256_bytes
from sosie.models.decoders import opened

T = TypeVar("T")

SMALLEST = 16
"""Least width and height, in pixels."""
LARGEST_FILE = 1 << 30
"""Bytes: more than any picture under Pillow's limit of pixels needs."""

_FAMILIAR = {"MPO": "JPEG", "HEIF": "HEIC"}
_RAW = "a camera's raw file: develop it to JPEG or TIFF first"
_CUT = "damaged or cut short: its start says {}, the rest does not follow"
_STARTS = (
    (b"%PDF", 0, "a PDF document, not a picture"),
    (b"ftypcrx", 4, _RAW),
    (b"FUJIFILMCCD-RAW", 0, _RAW),
    (b"\xff\xd8", 0, _CUT.format("JPEG")),
    (b"\x89PNG", 0, _CUT.format("PNG")),
    (b"GIF8", 0, _CUT.format("GIF")),
    (b"WEBP", 8, _CUT.format("WebP")),
    (b"II*\0", 0, _CUT.format("TIFF")),
    (b"MM\0*", 0, _CUT.format("TIFF")),
    (b"ftyphei", 4, _CUT.format("HEIC")),
    (b"ftypmif1", 4, _CUT.format("HEIC")),
    (b"ftypavi", 4, _CUT.format("AVIF")),
    (b"ftyp", 4, "a video, not a picture"),
    (b"PK\x03\x04", 0, "a zip archive, not a picture: unpack it first"),
)
_PERSONAL = {
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
    ExifTags.IFD.Exif,
}
_EFFORT = 3
"""Of 9: a third of the time of the usual 6, for files some percent larger."""
_ORIENTATION = ExifTags.Base.Orientation
_TIFF_SUBFILE, _TIFF_DNG = 254, 50706


@dataclass(frozen=True)
class Intake:
    """A decoded picture."""

    file_name: str
    original: bytes
    picture: bytes
    """PNG, 8-bit RGB, no metadata: equal pixels give equal bytes."""
    width: int
    height: int
    pixels_sha256: str
    source_format: str
    changes: tuple[str, ...]
    """What was done to the picture on the way, in words."""
    note: str | None = None
    """What is worth knowing though nothing was done about it."""

    @property
    def original_sha256(self) -> str:
        return sha256_bytes(self.original)

    @property
    def picture_sha256(self) -> str:
        return sha256_bytes(self.picture)


def read(path: Path) -> Intake:
    """Decode the file at `path`. Raises UnreadablePicture with the reason."""
    return decode(read_bytes(path), shown_name(path))


def shown_name(path: Path) -> str:
    """The file's name as text: bytes that are not UTF-8 (old disks have them) become "�"."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def read_bytes(path: Path) -> bytes:
    """The bytes of the file at `path`. Raises UnreadablePicture if it cannot be read."""
    try:
        if not path.is_file():
            raise UnreadablePicture(f"{shown_name(path)} is not a regular file.")
        if path.stat().st_size > LARGEST_FILE:
            raise UnreadablePicture(
                f"{shown_name(path)} is too large to be a picture (over 1 GiB)."
            )
        return path.read_bytes()
    except OSError as error:
        raise UnreadablePicture(f"{shown_name(path)} cannot be read: {error.strerror}.") from error


def decode(data: bytes, file_name: str) -> Intake:
    """Decode `data`, the content of a JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP or still GIF file.

    Raises UnreadablePicture if it is none of these, is damaged, animated, smaller than 16 pixels
    on a side, or has more pixels than are safe to open.
    """
    return _guarded(_decode, data, file_name)


def upright(data: bytes, file_name: str) -> Image.Image:
    """The picture alone, as `decode` would store it: for what is looked at and not kept.

    Raises UnreadablePicture as that does.
    """
    return _guarded(_upright, data, file_name)


def _guarded(decoder: Callable[[bytes, str], T], data: bytes, file_name: str) -> T:
    if not data:
        raise UnreadablePicture(f"{file_name} is empty (0 bytes).")
    try:
        return decoder(data, file_name)
    except UnreadablePicture:
        raise
    except UnidentifiedImageError as error:
        raise UnreadablePicture(f"{file_name} is {_kind(data)}.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadablePicture(
            f"{file_name} has more pixels than are safe to open "
            f"(the limit is {Image.MAX_IMAGE_PIXELS or 0:,}).",
            advice="Save a smaller copy.",
        ) from error
    except MemoryError as error:
        raise UnreadablePicture(f"{file_name} does not fit in memory.") from error
    # Decoders meet hostile bytes here and raise whatever they like: OSError, SyntaxError,
    # ValueError, struct.error, IndexError, RuntimeError have all been seen.
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UnreadablePicture(f"{file_name} is damaged or cut short: {reason}.") from error


def head(data: bytes, file_name: str) -> tuple[str, bytes]:
    """The media type of a picture file, and its XMP packet (empty if it has none); its pixels are
    not read.

    Raises UnreadablePicture if it is none of the kinds that `decode` takes.
    """
    try:
        image = opened(io.BytesIO(data))
        kind = "JPEG" if image.format == "MPO" else image.format or ""
        return Image.MIME.get(kind, ""), _xmp(image)
    except Exception as error:  # as in `decode`
        raise UnreadablePicture(f"{file_name} is {_kind(data)}.") from error


def pixels_sha256(image: Image.Image) -> str:
    """Hash of size and RGB values of an RGB image."""
    head = f"{image.width}x{image.height}\n".encode()
    return hashlib.sha256(head + image.tobytes()).hexdigest()


def _decode(data: bytes, file_name: str) -> Intake:
    image = opened(io.BytesIO(data))
    _refuse_unsuitable(image, file_name)
    # Pillow forgets these while it loads or turns the picture, so they are read first.
    source = _FAMILIAR.get(image.format or "", image.format or "")
    bits, turned = _bits(image), _is_turned(image)
    several = getattr(image, "n_frames", 1) > 1
    image.load()
    metadata, adobe_rgb = _metadata(image), _says_adobe_rgb(image)
    profile = image.info.get("icc_profile")

    clean, alpha, converted = _cleaned(image, file_name, profile)
    out = io.BytesIO()
    clean.save(out, "PNG", compress_level=_EFFORT)

    changes = {
        "the first of several pictures in the file used": several,
        "turned upright": turned,
        f"{bits} bits a channel reduced to 8": bits > 8,
        converted: bool(converted),
        "transparent parts laid on white": alpha is not None,
        "location removed": "location" in metadata,
        "other metadata removed": "other" in metadata,
    }
    taken = "marked as Adobe RGB but carries no profile: taken as sRGB"
    return Intake(
        file_name=file_name,
        original=data,
        picture=out.getvalue(),
        width=clean.width,
        height=clean.height,
        pixels_sha256=pixels_sha256(clean),
        source_format=source,
        changes=tuple(words for words, done in changes.items() if done),
        note=taken if adobe_rgb and not profile else None,
    )


def _upright(data: bytes, file_name: str) -> Image.Image:
    image = opened(io.BytesIO(data))
    _refuse_unsuitable(image, file_name)
    image.load()
    return _cleaned(image, file_name, image.info.get("icc_profile"))[0]


def _cleaned(
    image: Image.Image, file_name: str, profile: bytes | None
) -> tuple[Image.Image, Image.Image | None, str]:
    """A loaded image upright in sRGB, its opacity where that is not full, and in words how its
    colours were changed."""
    colour, alpha = _split_alpha(ImageOps.exif_transpose(image))
    colour, converted = _to_srgb(_eight_bits(colour, file_name), profile)
    # A new image, since Pillow would carry comments and profile of the old one into the file.
    clean = Image.new("RGB", colour.size, "white")
    clean.paste(colour, mask=alpha)
    return clean, alpha, converted


def _refuse_unsuitable(image: Image.Image, file_name: str) -> None:
    if image.format == "TIFF":
        tags = image.getexif()
        if _TIFF_DNG in tags or tags.get(_TIFF_SUBFILE, 0) & 1:
            raise UnreadablePicture(f"{file_name} is {_RAW}.")
    if min(image.size) < SMALLEST:
        raise UnreadablePicture(
            f"{file_name} is too small: {image.width} × {image.height} pixels; "
            f"each side needs at least {SMALLEST}."
        )
    frames = getattr(image, "n_frames", 1)
    # The further pictures in a phone's JPEG or HEIC are depth maps, gain maps or a burst: the
    # first is the photograph.
    if frames > 1 and image.format not in ("MPO", "HEIF"):
        what = f"has {frames} pages" if image.format == "TIFF" else f"is animated ({frames} frames)"
        raise UnreadablePicture(
            f"{file_name} {what}.", advice="Save the wanted one as a picture of its own."
        )


def _is_turned(image: Image.Image) -> bool:
    # HEIC says nothing here: its decoder turns by the file's own rule, in which EXIF has no part.
    return image.getexif().get(_ORIENTATION, 1) in range(2, 9)


def _bits(image: Image.Image) -> int:
    """Bits a channel in the file, as far as Pillow tells: more than 8 are told by name."""
    depth = image.info.get("bit_depth", 8)
    raw_modes = " ".join(str(tile[3]) for tile in getattr(image, "tile", ()))
    return 16 if image.mode.startswith("I") or ";16" in raw_modes else int(depth)


def _metadata(image: Image.Image) -> set[str]:
    """Which of "location" and "other" the file carries beside its pixels."""
    exif = image.getexif()
    xmp, found = _xmp(image), set()
    if exif.get_ifd(ExifTags.IFD.GPSInfo) or b"GPSL" in xmp:
        found.add("location")
    spoken = image.info.get("comment") or getattr(image, "text", None)
    if xmp or spoken or _PERSONAL & set(exif):
        found.add("other")
    return found


def _xmp(image: Image.Image) -> bytes:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def _says_adobe_rgb(image: Image.Image) -> bool:
    # Exif's DCF option file: cameras mark Adobe RGB so, often without embedding a profile.
    return str(image.getexif().get_ifd(ExifTags.IFD.Interop).get(1, "")).startswith("R03")


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours, and the opacity where some of it is less than full."""
    if image.mode in ("LA", "La"):
        image = image.convert("LA")
        colour, alpha = image.getchannel("L"), image.getchannel("A")
    elif image.mode in ("RGBA", "RGBa", "PA") or (
        "transparency" in image.info and image.mode in ("1", "L", "P", "RGB")
    ):
        image = image.convert("RGBA")
        colour, alpha = image.convert("RGB"), image.getchannel("A")
    else:
        return image, None
    lowest = alpha.getextrema()[0]
    return colour, None if lowest == 255 else alpha


def _eight_bits(image: Image.Image, file_name: str) -> Image.Image:
    if image.mode == "F":
        raise UnreadablePicture(
            f"{file_name} holds floating-point values, whose black and white nobody states.",
            advice="Save it with 8 or 16 bits a channel.",
        )
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise UnreadablePicture(
            f"{file_name} holds 32-bit values, whose black and white nobody states.",
            advice="Save it with 8 or 16 bits a channel.",
        )
    # 65,535 / 255 = 257; the half of it rounds to the nearest.
    return Image.fromarray(((values + 128) // 257).astype(np.uint8), "L")


def _to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str]:
    """`image` as sRGB, and in words how its colours were changed ("" if they were not)."""
    if image.mode in ("1", "P", "RGBX", "YCbCr", "HSV"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if profile:
        try:
            return _by_profile(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            plain, how = _to_srgb(image, None)
            ignored = f"colour profile ignored ({error})"
            return plain, f"{ignored}, {how}" if how else ignored
    if image.mode == "CMYK":
        return image.convert("RGB"), "CMYK without a profile converted by the plain formula"
    if image.mode == "LAB":
        return _by_profile(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    return image.convert("RGB"), ""


def _by_profile(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> tuple[Image.Image, str]:
    space = profile.profile.xcolor_space.strip()
    mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}.get(space)
    if image.mode == "L" and mode == "RGB":
        image = image.convert("RGB")
    if image.mode != mode:
        raise ValueError(f"it is for {space}, the picture is {image.mode}")
    name = ImageCms.getProfileDescription(profile).strip()
    if name.startswith("sRGB"):
        return image, ""
    converted = ImageCms.profileToProfile(
        image,
        profile,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert converted is not None
    return converted, f'colours converted from "{name or space}" to sRGB'


def _kind(data: bytes) -> str:
    """What `data`, which no decoder knew, seems to be."""
    for start, at, name in _STARTS:
        if data[at : at + len(start)] == start:
            return name
    head = data[:4096]
    try:
        text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
    except UnicodeDecodeError as error:
        # A character cut in two at the end of the head is no objection.
        text = head[: error.start].decode("utf-8", "replace") if error.start > 4090 else "\0"
    if all(character.isprintable() or character in "\r\n\t\f\ufeff" for character in text):
        return "a text file, not a picture"
    return "not a picture of a known kind (JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP, still GIF)"
