"""Pictures as PNG files that say what made them, for people, programs and machines.

Text chunks:
    parameters          A1111's convention, as its own "PNG Info" reads it
    sosie               the record `Made` as canonical JSON
    XML:com.adobe.xmp   IPTC's digital source type: made by a trained algorithm (see `rights.xmp`)

Credentials are added by whoever has a key (see `claims`). No time of day is written, so that equal
pictures are equal files but for those.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

from PIL import Image, PngImagePlugin
from pydantic import ValidationError

from sosie.core.errors import UnreadablePicture
from sosie.core.files import as_workspace_error, write_atomically
from sosie.generate.draw import Made, Picture
from sosie.rights import xmp
from sosie.rights.credentials import without

Finish = Callable[[bytes], bytes]
"""From a PNG file to the same with credentials."""

SAMPLERS = {
    "FlowMatchEulerDiscreteScheduler": "Euler",
    "EulerDiscreteScheduler": "Euler",
    "EulerAncestralDiscreteScheduler": "Euler a",
    "HeunDiscreteScheduler": "Heun",
    "DPMSolverMultistepScheduler": "DPM++ 2M",
    "DDIMScheduler": "DDIM",
    "PNDMScheduler": "PLMS",
    "UniPCMultistepScheduler": "UniPC",
}
"""A1111's names of diffusers' schedulers; any other is written by diffusers' name."""


def save(picture: Picture, folder: Path, name: str, finish: Finish = lambda png: png) -> Path:
    """Write `picture` to `folder` as `NAME-SEED.png` and return where it lies.

    A file that is there already is never overwritten: an equal one is kept, beside a different one
    the new file is numbered (`NAME-SEED-2.png`). Raises WorkspaceError if it cannot be written.
    """
    return save_beside(finish(encoded(picture)), folder, f"{safe(name)}-{picture.made.seed}")


def save_beside(data: bytes, folder: Path, stem: str) -> Path:
    """Write PNG bytes to `folder` as `STEM.png`, numbered beside a different file of that name.

    Files that differ in their credentials only are equal.
    """
    number = 1
    while True:
        path = folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")
        with as_workspace_error(path):
            there = path.read_bytes() if path.exists() else None
        if there is None:
            write_atomically(path, data)
        if there is None or without(there) == without(data):
            return path
        number += 1


def encoded(picture: Picture) -> bytes:
    """`picture` as the bytes of a PNG file."""
    chunks = synthetic_chunks()
    chunks.add_text("parameters", parameters(picture.made))
    chunks.add_itxt("sosie", picture.made.canonical().decode())
    return png(Image.fromarray(picture.rgb), chunks)


def read_back(path: Path) -> Made:
    """The record inside a PNG file that `save` wrote.

    Raises UnreadablePicture if the file is no picture or carries no such record.
    """
    try:
        with Image.open(path) as image:
            image.load()
            text = getattr(image, "text", {}).get("sosie")
    # As in `registry.intake`: decoders raise whatever they like, SyntaxError among it.
    except Exception as error:
        raise UnreadablePicture(f"{path} cannot be read as a picture: {error}.") from error
    if text is None:
        raise UnreadablePicture(
            f"{path} does not say what made it.",
            advice="Programs that save pictures anew often drop such records.",
        )
    try:
        return Made.model_validate_json(text)
    except ValidationError as error:
        raise UnreadablePicture(
            f"{path} carries a record that this version cannot read.",
            advice="It was altered, or written by a newer Sosie.",
        ) from error


def parameters(made: Made) -> str:
    """`made` as A1111 writes it: the prompt, the negative prompt, one line of settings.

    Hashes are cut as A1111 cuts them: 10 digits of the base's, 12 of a LoRA's.
    """
    settings = {
        "Steps": made.steps,
        "Sampler": SAMPLERS.get(made.sampler, made.sampler),
        "CFG scale": f"{made.guidance:g}",
        "Seed": made.seed,
        "Size": f"{made.width}x{made.height}",
        "Model hash": made.base_sha256[:10],
        "Model": Path(made.base).name,
    }
    if made.true_guidance != 1:
        settings["True CFG scale"] = f"{made.true_guidance:g}"
    if made.strength is not None:
        settings["Denoising strength"] = f"{made.strength:g}"
    if made.loras:
        settings["Lora hashes"] = ", ".join(
            f"{u.name}: {u.tensors_sha256[:12]}" for u in made.loras
        )
    settings["Version"] = made.software
    lines = [made.prompt]
    if made.negative:
        lines.append(f"Negative prompt: {made.negative}")
    return "\n".join([*lines, ", ".join(f"{k}: {_quoted(v)}" for k, v in settings.items())])


def synthetic_chunks() -> PngImagePlugin.PngInfo:
    """PNG chunks that mark a picture as synthetic; the caller adds its own."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", xmp.packet(source_type=xmp.SYNTHETIC))
    return chunks


def png(image: Image.Image, chunks: PngImagePlugin.PngInfo) -> bytes:
    """`image` with `chunks` as the bytes of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=chunks, compress_level=6)
    return file.getvalue()


def _quoted(value: object) -> str:
    """A value of the settings line; A1111 quotes what its own reader would split."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if re.search(r"[,:\n]", text) else text


def safe(name: str) -> str:
    """`name` as the beginning of a file name on every system."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "picture"
