from __future__ import annotations

import io
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from sosie.core.errors import UnreadablePicture
from sosie.registry.intake import Intake, decode, read
from tests.registry.pictures import encoded, png, png_rgb16, scene, tagged


def pixels(intake: Intake) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(intake.picture))).astype(int)


def close(intake: Intake, image: Image.Image, tolerance: float = 4.0) -> bool:
    expected = np.asarray(image.convert("RGB")).astype(int)
    return (
        pixels(intake).shape == expected.shape
        and float(np.abs(pixels(intake) - expected).mean()) < tolerance
    )


@pytest.mark.parametrize(
    ("kind", "named", "options"),
    [
        ("JPEG", "JPEG", {"quality": 95, "subsampling": 0}),
        ("PNG", "PNG", {}),
        ("WEBP", "WEBP", {"lossless": True}),
        ("HEIF", "HEIC", {"quality": 95}),
        ("AVIF", "AVIF", {"quality": 95}),
        ("TIFF", "TIFF", {"compression": "tiff_lzw"}),
        ("BMP", "BMP", {}),
    ],
)
def test_every_usual_format_decodes_whatever_its_name(kind: str, named: str, options: dict) -> None:
    image = scene(1, 64, 48)
    intake = decode(encoded(image, kind, **options), "misnamed.dat")
    assert (intake.width, intake.height, intake.source_format) == (64, 48, named)
    assert close(intake, image)
    assert intake.changes == ()


def test_equal_pixels_in_two_formats_are_one_picture() -> None:
    image = scene(2)
    one, two = decode(encoded(image, "PNG"), "a.png"), decode(encoded(image, "TIFF"), "a.tif")
    assert one.pixels_sha256 == two.pixels_sha256
    assert one.picture == two.picture
    assert one.original_sha256 != two.original_sha256


def test_size_belongs_to_the_hash_of_pixels() -> None:
    flat = bytes(16 * 32 * 3)
    wide, tall = Image.frombytes("RGB", (32, 16), flat), Image.frombytes("RGB", (16, 32), flat)
    hashes = {decode(encoded(image, "PNG"), "x").pixels_sha256 for image in (wide, tall)}
    assert len(hashes) == 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_location_removed(kind: str, orientation: int) -> None:
    image = scene(3, 64, 32)
    options = {} if kind in ("PNG", "TIFF") else {"quality": 95}
    data = tagged(image, kind, orientation, **options)
    intake = decode(data, "x")
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    upright = image.transpose(turns[orientation]) if orientation > 1 else image
    assert close(intake, upright, 6.0)
    assert ("turned upright" in intake.changes) == (orientation > 1 and kind != "HEIF")
    assert "location removed" in intake.changes
    assert "other metadata removed" in intake.changes
    stored = Image.open(io.BytesIO(intake.picture))
    assert not dict(stored.getexif()) and not stored.getexif().get_ifd(0x8825)
    assert set(stored.info) <= {"icc_profile"} and "icc_profile" not in stored.info
    assert b"GPS" not in intake.picture and b"Exif" not in intake.picture


def test_location_in_xmp_is_seen() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>48</exif:GPSLatitude></x:xmpmeta>'
    intake = decode(encoded(scene(), "WEBP", xmp=xmp, lossless=True), "x.webp")
    assert intake.changes == ("location removed", "other metadata removed")
    assert b"GPS" not in intake.picture


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 64 * 32).astype(np.uint16).reshape(32, 64)
    expected = np.round(ramp / 257).astype(int)
    for kind in ("PNG", "TIFF"):
        intake = decode(encoded(Image.fromarray(ramp), kind), "x")
        assert np.abs(pixels(intake)[..., 0] - expected).max() == 0
        assert intake.changes == ("16 bits a channel reduced to 8",)


def test_sixteen_bit_colour_is_scaled_and_not_clipped() -> None:
    values = np.random.default_rng(0).integers(0, 65536, (32, 48, 3))
    tiff = cv2.imencode(".tiff", values.astype(np.uint16)[..., ::-1])[1].tobytes()
    for data in (png_rgb16(values), tiff):
        intake = decode(data, "x")
        # Pillow keeps the high byte, which is at most one step from the rounded value.
        assert np.abs(pixels(intake) - values / 257).max() <= 1.0
        assert "16 bits a channel reduced to 8" in intake.changes


def test_values_without_a_stated_range_are_refused() -> None:
    for mode, reason in (("F", "floating-point"), ("I", "32-bit")):
        image = Image.new(mode, (20, 20), 70000)
        with pytest.raises(UnreadablePicture, match=reason):
            decode(encoded(image, "TIFF"), "x.tif")


def test_cmyk_without_a_profile_is_converted_and_said() -> None:
    image = scene(4).convert("CMYK")
    intake = decode(encoded(image, "JPEG", quality=95), "x.jpg")
    assert close(intake, image.convert("RGB"))
    assert intake.changes == ("CMYK without a profile converted by the plain formula",)


def swapped_profile() -> bytes:
    """An RGB profile whose red and green primaries are exchanged: a visible transform."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    r, g = profile.find(b"rXYZ", 128), profile.find(b"gXYZ", 128)
    profile[r : r + 4], profile[g : g + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile).replace(b"s\0R\0G\0B", b"o\0d\0d\0!").replace(b"sRGB", b"odd!")


def test_a_profile_is_applied() -> None:
    red = Image.new("RGB", (20, 20), (250, 20, 20))
    intake = decode(encoded(red, "PNG", icc_profile=swapped_profile()), "x.png")
    r, g, b = pixels(intake)[5, 5]
    assert g > 240 and r < 40 and b < 40
    assert any("sRGB" in change for change in intake.changes)


def test_cmyk_with_a_profile_goes_through_it(cmyk_profile: bytes) -> None:
    image = scene(4).convert("CMYK")
    data = encoded(image, "JPEG", quality=95, icc_profile=cmyk_profile)
    intake = decode(data, "x.jpg")
    assert any(change.startswith("colours converted from") for change in intake.changes)
    # This profile prints every colour as the same grey, which no plain formula would.
    assert pixels(intake).std() < 2


@pytest.fixture
def cmyk_profile() -> bytes:
    """A CMYK profile (ICC.1:2001-04, `mft1`) whose every ink gives one and the same grey."""
    import struct

    grid, inks, outs = 2, 4, 3
    lut = struct.pack(">4sIBBBB", b"mft1", 0, inks, outs, grid, 0)
    lut += b"".join(struct.pack(">i", 65536 if i % 4 == 0 else 0) for i in range(9))
    lut += bytes(range(256)) * inks
    lut += bytes([128, 128, 128]) * grid**inks
    lut += bytes(range(256)) * outs
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"grey\0" + bytes(78)
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    tags, body, at = [], b"", 128 + 4 + 12 * 3
    for name, data in ((b"desc", text), (b"wtpt", white), (b"A2B0", lut)):
        data += bytes(-len(data) % 4)
        tags.append(struct.pack(">4sII", name, at + len(body), len(data)))
        body += data
    table = struct.pack(">I", len(tags)) + b"".join(tags)
    head = struct.pack(
        ">I4sI4s4s4s",
        128 + len(table) + len(body),
        b"lcms",
        0x02100000,
        *(b"prtr", b"CMYK", b"Lab "),
    )
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">iii", 63190, 65536, 54061) + bytes(48)
    return head + table + body


def test_a_broken_or_foreign_profile_is_ignored_and_said(cmyk_profile: bytes) -> None:
    for profile in (b"nonsense", cmyk_profile):
        intake = decode(encoded(scene(5), "PNG", icc_profile=profile), "x.png")
        assert close(intake, scene(5), 0.01)
        assert intake.changes[0].startswith("colour profile ignored")


def test_adobe_rgb_without_a_profile_is_noted() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 65535
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    intake = decode(encoded(scene(), "JPEG", exif=exif), "x.jpg")
    assert intake.note is not None and "Adobe RGB" in intake.note


def test_transparency_is_laid_on_white_and_said() -> None:
    clear = Image.new("RGBA", (20, 20), (10, 20, 30, 0))
    clear.paste((10, 20, 30, 255), (0, 0, 10, 20))
    for data in (
        encoded(clear, "PNG"),
        encoded(clear, "WEBP", lossless=True, exact=True),
        encoded(clear.quantize(), "PNG"),
        encoded(clear.convert("LA"), "PNG"),
        encoded(clear, "GIF"),
    ):
        intake = decode(data, "x")
        assert tuple(pixels(intake)[5, 15]) == (255, 255, 255)
        assert pixels(intake)[5, 5].max() < 40
        assert "transparent parts laid on white" in intake.changes


def test_full_opacity_is_no_change() -> None:
    assert decode(encoded(scene(6).convert("RGBA"), "PNG"), "x").changes == ()


@pytest.mark.parametrize("mode", ["1", "L", "P", "LAB", "YCbCr"])
def test_other_modes_become_rgb(mode: str) -> None:
    image = scene(7).convert("P" if mode == "P" else mode) if mode != "LAB" else None
    if image is None:
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(scene(7), srgb, lab, outputMode="LAB")
        assert image is not None
        expected = scene(7)
    else:
        expected = image.convert("RGB")
    assert close(decode(encoded(image, "TIFF"), "x.tif"), expected)


def test_animated_files_are_refused() -> None:
    frames = [scene(seed) for seed in range(3)]
    for kind in ("GIF", "WEBP", "PNG", "AVIF"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        with pytest.raises(UnreadablePicture, match=r"animated \(3 frames\)"):
            decode(data, "x")
    pages = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    with pytest.raises(UnreadablePicture, match="3 pages"):
        decode(pages, "x")


def test_the_photograph_is_the_first_picture_of_a_phones_file() -> None:
    for kind, named in (("MPO", "JPEG"), ("HEIF", "HEIC")):
        data = encoded(scene(1), kind, save_all=True, append_images=[scene(2)], quality=95)
        intake = decode(data, "x")
        assert close(intake, scene(1), 8) and intake.source_format == named
        assert intake.changes == ("the first of several pictures in the file used",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated_files_are_refused(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(UnreadablePicture, match=r"cut\.jpg is") as caught:
        decode(data[: int(len(data) * share)], "cut.jpg")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"Dear diary,\n today\xe2\x80\xa6", "a text file"),
        ("Tagebuch".encode("utf-16"), "a text file"),
        (b"<!DOCTYPE html><html>", "a text file"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\0\0\0\x18ftypmp42" + bytes(40), "a video"),
        (b"\0\0\0\x18ftypcrx " + bytes(40), "raw file"),
        (b"PK\x03\x04" + bytes(40), "zip"),
        (bytes(range(256)), "not a picture of a known kind"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadablePicture, match=f"letter.jpg is .*{reason}|letter.jpg is {reason}"):
        decode(data, "letter.jpg")


@pytest.mark.parametrize("side", [30_000, 12_000])
def test_decompression_bombs_are_refused_before_they_unpack(side: int) -> None:
    bomb = png(side, side, 8, 2, bytes(100))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UnreadablePicture, match="more pixels than are safe"):
            decode(bomb, "bomb.png")
    assert Image.MAX_IMAGE_PIXELS is not None


def test_pictures_under_sixteen_pixels_are_refused() -> None:
    with pytest.raises(UnreadablePicture, match="15 × 200 pixels"):
        decode(encoded(scene(0, 15, 200), "PNG"), "x.png")


def test_raw_files_in_tiff_clothes_are_refused() -> None:
    for tag, value in ((50706, b"\1\4\0\0"), (254, 1)):
        data = encoded(scene(), "TIFF", tiffinfo={tag: value})
        with pytest.raises(UnreadablePicture, match="raw file"):
            decode(data, "x.dng")


def test_reading_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePicture, match="not a regular file"):
        read(tmp_path)
    (tmp_path / "a.png").write_bytes(encoded(scene(), "PNG"))
    assert read(tmp_path / "a.png").file_name == "a.png"


def test_many_threads_give_the_same_bytes() -> None:
    data = [tagged(scene(seed), kind, 6) for seed in range(6) for kind in ("JPEG", "HEIF", "TIFF")]
    alone = [decode(one, "x").picture for one in data]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda one: decode(one, "x").picture, data)) == alone


@settings(max_examples=40)
@given(st.integers(16, 40), st.integers(16, 40), st.randoms(use_true_random=False))
def test_a_stored_picture_comes_in_again_unchanged(width: int, height: int, random) -> None:
    image = Image.frombytes("RGB", (width, height), random.randbytes(width * height * 3))
    first = decode(encoded(image, "PNG"), "a.png")
    again = decode(first.picture, "b.png")
    assert again.pixels_sha256 == first.pixels_sha256
    assert again.picture == first.picture and again.changes == ()


@settings(max_examples=150)
@given(st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"]), st.data())
def test_damaged_bytes_never_raise_anything_else(kind: str, draw: st.DataObject) -> None:
    data = bytearray(tagged(scene(0, 24, 24), kind))
    for _ in range(draw.draw(st.integers(1, 8))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        decode(bytes(data), "x")
    except UnreadablePicture as error:
        assert str(error)
