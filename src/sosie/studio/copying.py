"""Copies of samples that leave the house, with marks that say whose they are and what is not
wanted. The marks are words: nobody is kept from anything by them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, PngImagePlugin

from sosie.core.records import Record, Sample, now
from sosie.registry import Registry
from sosie.registry.watermarks import Watermark
from sosie.rights import Claims, Ingredient, xmp
from sosie.studio.marking import Marker


class Copies(Record):
    """What was written of one subject."""

    files: tuple[Path, ...]
    watermarked: int
    """How many of them bear a watermark."""


def copy_out(
    registry: Registry,
    subject: str,
    out: Path,
    *,
    consent: str,
    no_training: bool,
    marker: Marker,
) -> Copies:
    """Write every sample of a subject to `out` as a marked PNG file, under the permission with the
    hash `consent`. A different file of a name is never overwritten. Raises WorkspaceError.
    """
    from sosie.generate import png, safe, save_beside
    from sosie.studio.drawing import pixels

    files, watermarked = [], 0
    for sample in registry.samples(subject):
        stem = safe(Path(sample.file_name).stem)
        rgb, bits = marker.watermarked(
            pixels(registry.blobs.path(sample.picture_sha256)), _mark(sample, consent)
        )
        original = Ingredient(title="original", kind="parent", digest=sample.original_sha256)
        claims = Claims(
            title=stem,
            ingredients=(original,),
            consents=(consent,),
            watermark=bits,
            no_training=no_training,
        )
        data = png(Image.fromarray(rgb), _chunks(no_training))
        files.append(save_beside(marker.signed(data, claims), out, stem))
        watermarked += bits is not None
    return Copies(files=tuple(files), watermarked=watermarked)


def _mark(sample: Sample, consent: str) -> Watermark:
    return Watermark(
        what="given",
        subject=sample.subject,
        pixels_sha256=sample.pixels_sha256,
        consents=(consent,),
        at=now(),
    )


def _chunks(no_training: bool) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    if no_training:
        chunks.add_itxt("XML:com.adobe.xmp", xmp.packet(data_mining=xmp.NO_TRAINING))
    return chunks
