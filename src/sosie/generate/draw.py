"""A prompt, a base and LoRAs in; pictures out, each with the record of what made it.

Picture i is drawn from seed `seed + i`. On CPU, equal inputs give equal bytes (on one machine with
one number of threads). A matrix product may round differently in a larger batch, so on CPU pictures
are drawn one at a time unless `batch` says otherwise: then picture i depends on its seed alone, and
asking for more pictures leaves the first ones as they were.

A second core gains a small model little within a picture and all of it with another one: there each
picture takes one core, as many are drawn side by side as there are, and the number of threads does
not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pydantic import Field

from sosie.core.errors import BadInput, WeightsRefused
from sosie.core.files import sha256_bytes
from sosie.core.records import Record
from sosie.generate.prompt import LoraCall, parse
from sosie.models.diffusion.base import Conditioning, DiffusionBase, SampleRequest, repeat
from sosie.models.lora.apply import applied, extrapolated
from sosie.models.lora.read import LoraFile

GPU_BATCH = 4
"""Pictures drawn together on a GPU when nothing else is asked for."""

SMALL = 50_000_000
"""Weights of a denoiser up to which each picture takes one core."""

INIT_STRENGTH = 0.6
"""Share of the noise schedule walked from a given picture when nothing else is asked for."""

Rgb = NDArray[np.uint8]
"""(H, W, 3)."""


class GenerateConfig(Record):
    """What to draw. None means what the base draws best with."""

    prompt: str
    """As typed, LoRA tags included."""
    negative: str = ""
    n: int = Field(default=1, ge=1, le=10_000)
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Picture i uses `seed + i`."""
    width: int | None = Field(default=None, ge=8, le=8192)
    height: int | None = Field(default=None, ge=8, le=8192)
    steps: int | None = Field(default=None, ge=1, le=1000)
    guidance: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    true_guidance: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    batch: int | None = Field(default=None, ge=1, le=256)
    """Pictures drawn together; None is 1 on CPU and `GPU_BATCH` elsewhere."""
    strength: float | None = Field(default=None, gt=0, le=1)
    """Share of the noise schedule walked from a given picture; None is `INIT_STRENGTH`. Without one
    the whole schedule is walked, and nothing but 1 is accepted."""


class LoraUse(Record):
    """A LoRA as it was applied."""

    name: str
    weight: float
    file_sha256: str
    tensors_sha256: str
    """Hash of the bytes after the header: what A1111 and Forge know the file by."""
    consent_sha256: str | None
    """Hash of the permission it was applied under."""


class Made(Record):
    """What made one picture: the JSON inside its file."""

    synthetic: Literal[True] = True
    software: str
    prompt: str
    """As typed, LoRA tags included."""
    negative: str
    seed: int
    width: int
    height: int
    steps: int
    sampler: str
    """diffusers' name of the scheduler."""
    guidance: float
    true_guidance: float
    strength: float | None = None
    init_sha256: str | None = None
    """Hash of size and RGB values of the picture that was started from."""
    push: float | None = None
    """How far beyond the LoRAs it was pushed (`lora.extrapolated`): by audits alone."""
    base: str
    family: str
    base_sha256: str
    loras: tuple[LoraUse, ...] = ()


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn picture."""

    rgb: Rgb
    made: Made


def draw(
    base: DiffusionBase,
    config: GenerateConfig,
    loras: Sequence[tuple[str, LoraFile, float]] = (),
    *,
    consents: Mapping[str, str] | None = None,
    init: Rgb | None = None,
    push: float = 0.0,
    on_picture: Callable[[Picture], None] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[Picture, ...]:
    """`draw_each` for one config."""
    return draw_each(
        base,
        (config,),
        loras,
        consents=consents,
        init=init,
        push=push,
        on_picture=None if on_picture is None else lambda _, picture: on_picture(picture),
        say=say,
    )


def draw_each(
    base: DiffusionBase,
    configs: Sequence[GenerateConfig],
    loras: Sequence[tuple[str, LoraFile, float]] = (),
    *,
    consents: Mapping[str, str] | None = None,
    init: Rgb | None = None,
    push: float = 0.0,
    on_picture: Callable[[int, Picture], None] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[Picture, ...]:
    """Draw the `n` pictures of each config with each LoRA of `loras` (name, file, weight) applied.

    A LoRA that no tag of the prompt calls is applied all the same, and its tag is added to the
    recorded prompt. `consents` gives, by the LoRA's name, the hash of the permission it is applied
    under, for the record: the gate itself stands before this call. `init` is scaled and cut about
    its middle to the size drawn. `push` goes beyond the LoRAs as an attacker would, to draw out
    what they remember (`lora.extrapolated`). `on_picture` is called with the number of the config
    and each picture, in order and as soon as it is there, so that what is drawn before an
    interruption can be kept. `say` is told what of the words the text encoder will not read.

    Raises BadInput if a tag has no LoRA or another weight, if the size does not suit the base, if
    `strength` has no picture to act on or the guidance lets the negative prompt do nothing;
    WeightsRefused if a LoRA does not fit the base or the numbers overflow.
    """
    uses = tuple(_use(*lora, (consents or {}).get(lora[0])) for lora in loras)
    asked = []
    for config in configs:
        text, agreed = _agreed(config, loras)
        request, made = _resolved(base, agreed, text, init)
        made = made.model_copy(update={"loras": uses, "push": push or None})
        asked.append((agreed, request, made))
        for what, words in (("prompt", text), ("negative prompt", config.negative)):
            if unread := base.unread(words):
                say(f'The {what} is longer than this base reads; it leaves out "{unread.strip()}".')
    # What one caption says is asked for picture after picture, and is large on a large base.
    encoded = lru_cache(maxsize=8)(lambda text: base.encode_text([text]))
    pictures: list[Picture] = []
    beyond = extrapolated(base, push) if push else nullcontext()
    with torch.no_grad(), beyond, applied(base, [(file, weight) for _, file, weight in loras]):
        batches = [
            (number, one, made)
            for number, (config, request, made) in enumerate(asked)
            for one in _batches(base, config, request)
        ]
        with _drawing(base) as every:
            drawn = every(lambda job: _sampled(base, job[1], encoded, init), batches)
            for (number, one, made), pixels in zip(batches, drawn, strict=True):
                for each, seed in zip(pixels, one.seeds, strict=True):
                    made_here = made.model_copy(update={"seed": seed})
                    pictures.append(Picture(_bytes(each, seed), made_here))
                    if on_picture is not None:
                        on_picture(number, pictures[-1])
    return tuple(pictures)


def _batches(
    base: DiffusionBase, config: GenerateConfig, request: SampleRequest
) -> Iterator[SampleRequest]:
    """The requests that together draw a config's pictures."""
    batch = config.batch or (1 if base.device.type == "cpu" else GPU_BATCH)
    for first in range(0, config.n, batch):
        count = min(batch, config.n - first)
        seeds = tuple(config.seed + first + i for i in range(count))
        yield request.model_copy(update={"prompts": request.prompts * count, "seeds": seeds})


def _sampled(
    base: DiffusionBase,
    request: SampleRequest,
    encoded: Callable[[str], Conditioning],
    init: Rgb | None,
) -> torch.Tensor:
    """The pictures of one request, (B, 3, H, W)."""
    count = len(request.prompts)
    start = None
    if init is not None:
        start = _pixels(init, request.width, request.height).expand(count, -1, -1, -1)
    with torch.no_grad():
        return base.sample(
            request,
            conditioning=repeat(encoded(request.prompts[0]), count),
            negative=repeat(encoded(request.negative), count),
            init=None if start is None else start.to(base.device),
        )


Every = Callable[[Callable[[Any], torch.Tensor], Iterable[Any]], Iterable[torch.Tensor]]
"""`map`, or what does the same side by side."""


@contextmanager
def _drawing(base: DiffusionBase) -> Iterator[Every]:
    """How a base's pictures are drawn: in turn, or each on a core of its own."""
    cores = torch.get_num_threads()
    small = sum(weight.numel() for weight in base.denoiser.parameters()) <= SMALL
    # A model that is being taught changes to evaluation and back with each picture.
    taught = any(part.training for part in base.denoiser.modules())
    if base.device.type != "cpu" or not small or taught:
        yield map
        return
    torch.set_num_threads(1)
    crew = ThreadPoolExecutor(cores)
    try:
        yield crew.map
    finally:
        crew.shutdown(cancel_futures=True)
        torch.set_num_threads(cores)


def _agreed(
    config: GenerateConfig, loras: Sequence[tuple[str, LoraFile, float]]
) -> tuple[str, GenerateConfig]:
    """The text without tags, and the config with a tag for every LoRA that is applied."""
    prompt = parse(config.prompt)
    given = {name: weight for name, _, weight in loras}
    if len(given) < len(loras):
        raise BadInput("A LoRA is given twice.", advice="Give each one weight.")
    called = {call.name: call.weight for call in prompt.loras}
    for name, weight in called.items():
        if given.get(name) != weight:
            tag = LoraCall(name=name, weight=weight).tag()
            raise BadInput(f"The prompt calls {tag}, but no such LoRA was given at that weight.")
    silent = [LoraCall(name=n, weight=w).tag() for n, w in given.items() if n not in called]
    whole = " ".join([config.prompt.strip(), *silent])
    return prompt.text, config.model_copy(update={"prompt": whole})


def _resolved(
    base: DiffusionBase, config: GenerateConfig, text: str, init: Rgb | None
) -> tuple[SampleRequest, Made]:
    """The request and the record of the first picture, with the base's own settings filled in."""
    if config.strength not in (None, 1.0) and init is None:
        raise BadInput("`strength` acts on a picture to start from, and none is given.")
    usual = base.info.defaults
    pipeline: Any = base.pipeline()
    settings = {
        name: getattr(usual if getattr(config, name) is None else config, name)
        for name in ("width", "height", "steps", "guidance", "true_guidance")
    }
    strength = 1.0 if init is None else config.strength or INIT_STRENGTH
    request = SampleRequest(
        prompts=(text,),
        seeds=(config.seed,),
        negative=config.negative,
        strength=strength,
        **settings,
    )
    if config.negative and not base.uses_negative(request):
        knob = base.negative_setting
        raise BadInput(
            f"The negative prompt would do nothing: on {base.info.name} it acts only with {knob} "
            f"above 1, and that is {getattr(request, knob):g}.",
            advice=f"Raise {knob} (each step then takes twice as long), or leave it out.",
        )
    made = Made(
        software=f"Sosie {version('sosie')}",
        prompt=config.prompt,
        negative=config.negative,
        seed=config.seed,
        strength=None if init is None else strength,
        init_sha256=None if init is None else _pixels_sha256(init),
        sampler=type(pipeline.scheduler).__name__,
        base=base.info.name,
        family=base.info.family,
        base_sha256=base.info.content_sha256,
        **settings,
    )
    return request, made


def _use(name: str, file: LoraFile, weight: float, consent_sha256: str | None) -> LoraUse:
    return LoraUse(
        name=name,
        weight=weight,
        file_sha256=file.file_sha256,
        tensors_sha256=file.tensors_sha256,
        consent_sha256=consent_sha256,
    )


def _pixels(rgb: Rgb, width: int, height: int) -> torch.Tensor:
    """A picture scaled and cut about its middle to (1, 3, height, width) in [-1, 1]."""
    fitted = ImageOps.fit(Image.fromarray(rgb), (width, height), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.array(fitted, dtype=np.float32))
    return (pixels / 127.5 - 1).permute(2, 0, 1)[None].contiguous()


def _pixels_sha256(rgb: Rgb) -> str:
    height, width = rgb.shape[:2]
    return sha256_bytes(f"{width}x{height}:".encode() + np.ascontiguousarray(rgb).tobytes())


def _bytes(pixels: torch.Tensor, seed: int) -> Rgb:
    """(3, H, W) in [-1, 1] to (H, W, 3) bytes, rounded to the nearest."""
    if not torch.isfinite(pixels).all():
        raise WeightsRefused(
            f"The picture of seed {seed} came out as no numbers at all.",
            advice="Draw in fp32 or bf16, or lower the weight of the LoRA.",
        )
    scaled = ((pixels.float() + 1) * 127.5).round().clamp(0, 255)
    return scaled.permute(1, 2, 0).to("cpu", torch.uint8).numpy()
