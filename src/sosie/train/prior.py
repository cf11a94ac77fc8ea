"""Prior preservation: the base's own pictures of the class, taught beside the subject's.

They keep the word for the class (and everyone else it stands for) where it was, as in DreamBooth
(Ruiz et al., 2022).
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from sosie.core.canonical import canonical_json
from sosie.core.errors import NotPermitted
from sosie.core.files import sha256_bytes, write_atomically
from sosie.core.terms import Kind
from sosie.models.diffusion.base import DiffusionBase
from sosie.rights.credentials import without
from sosie.train.cache import Cache, Lesson
from sosie.train.config import TrainConfig
from sosie.train.crops import Version
from sosie.train.preview import Drawn, Keep, levels, sample
from sosie.train.seeds import derive

CLASS: dict[Kind, str] = {"person": "photo of a person", "handwriting": "handwriting"}
AT_ONCE = 16
"""Pictures between two writes to disk."""


def prompt(config: TrainConfig, kind: Kind) -> str:
    """What the class pictures are drawn and taught with."""
    return config.prior_prompt or CLASS[kind]


def lessons(
    base: DiffusionBase,
    cache: Cache,
    config: TrainConfig,
    kind: Kind,
    folder: Path,
    keep: Keep,
) -> list[Lesson]:
    """Draw the class pictures that `folder` lacks, with no LoRA in the base, and list them all.

    Raises NotPermitted if one of them may not be kept.

    Files lie under a key of base, prompt, seed and the base's defaults, so that none is stale.
    """
    text, d = prompt(config, kind), base.info.defaults
    key = sha256_bytes(
        canonical_json([base.info.content_sha256, text, config.seed, d.model_dump(mode="json")])
    )
    seeds = [derive("class", config.seed, i) % 2**32 for i in range(config.prior_pictures)]
    paths = [folder / key[:16] / f"{i:04d}.png" for i in range(config.prior_pictures)]
    missing = [i for i, path in enumerate(paths) if not path.is_file()]
    for start in range(0, len(missing), AT_ONCE):
        some = missing[start : start + AT_ONCE]
        drawn = sample(base, cache, [text] * len(some), [seeds[i] for i in some])
        for i, pixels in zip(some, drawn, strict=True):
            png = keep(Drawn(levels(pixels), text, seeds[i]))
            if png is None:
                raise NotPermitted(
                    f'One of the base\'s own pictures of "{text}" may not be kept.',
                    advice="Choose another prior_prompt.",
                )
            write_atomically(paths[i], png)
    return [_lesson(path, text) for path in paths]


def _lesson(path: Path, text: str) -> Lesson:
    with Image.open(path) as picture:
        width, height = picture.size
    version = Version(item=0, crop=(0.0, 0.0, width, height), width=width, height=height)
    return Lesson(
        picture=0,
        path=path,
        # Credentials differ each time; what is taught does not.
        pixels_sha256=sha256_bytes(without(path.read_bytes())),
        caption=text,
        version=version,
    )
