"""Prior preservation: the base's own pictures of the class, taught beside the subject's.

They keep the word for the class (and everyone else it stands for) where it was, as in DreamBooth
(Ruiz et al., 2022). Of a handwriting they are notes like those of the set: each has the shape of
one that is taught, and is asked to say what that one says. A base asked for handwriting in a square
and for no words draws nothing that a line of writing could be kept by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from PIL import Image

from sosie.core.canonical import canonical_json
from sosie.core.errors import NotPermitted
from sosie.core.files import sha256_bytes, write_atomically
from sosie.core.quoted import quoted
from sosie.core.terms import Kind
from sosie.models.diffusion import Defaults
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


@dataclass(frozen=True)
class Wanted:
    """A class picture to draw and to teach."""

    prompt: str
    seed: int
    size: tuple[int, int]
    """Width and height in pixels."""


def wanted(
    config: TrainConfig, defaults: Defaults, kind: Kind, taught: Sequence[Lesson]
) -> list[Wanted]:
    """The class pictures of a run that teaches `taught`, as many as the config asks for.

    A prompt of the user's own that quotes a text keeps it.
    """
    prompt, size = config.prior_prompt or CLASS[kind], (defaults.width, defaults.height)
    seeds = [derive("class", config.seed, i) % 2**32 for i in range(config.prior_pictures)]
    if kind == "person":
        return [Wanted(prompt, seed, size) for seed in seeds]
    # By content, so that they are the same wherever the notes lie.
    notes = sorted(taught, key=lambda note: derive("class", config.seed, note.pixels_sha256))
    pictures = []
    for seed, note in zip(seeds, cycle(notes), strict=False):
        text = "" if quoted(prompt) else quoted(note.caption)
        says = f'{prompt}, the text reads "{text}"' if text else prompt
        pictures.append(Wanted(says, seed, (note.version.width, note.version.height)))
    return pictures


def lessons(
    base: DiffusionBase, cache: Cache, pictures: Sequence[Wanted], folder: Path, keep: Keep
) -> list[Lesson]:
    """Draw those pictures that `folder` lacks, with no LoRA in the base, and list them all.

    Files lie under a key of the base, its defaults and the pictures, so that none is stale.

    Raises NotPermitted if one of them may not be kept.
    """
    info = base.info
    asked_for = [[one.prompt, one.seed, *one.size] for one in pictures]
    known = [info.content_sha256, info.defaults.model_dump(mode="json"), asked_for]
    place = folder / sha256_bytes(canonical_json(known))[:16]
    paths = {place / f"{i:04d}.png": one for i, one in enumerate(pictures)}
    missing = defaultdict[tuple[int, int], list[Path]](list)
    for path, one in paths.items():
        if not path.is_file():
            missing[one.size].append(path)
    for size, of_size in missing.items():
        for start in range(0, len(of_size), AT_ONCE):
            some = of_size[start : start + AT_ONCE]
            asked = [paths[path] for path in some]
            prompts, seeds = [one.prompt for one in asked], [one.seed for one in asked]
            drawn = sample(base, cache, prompts, seeds, size)
            for path, one, pixels in zip(some, asked, drawn, strict=True):
                _keep(Drawn(levels(pixels), one.prompt, one.seed), path, keep)
    return [_lesson(path, one.prompt) for path, one in paths.items()]


def _keep(drawn: Drawn, path: Path, keep: Keep) -> None:
    png = keep(drawn)
    if png is None:
        raise NotPermitted(
            f'One of the base\'s own pictures of "{drawn.prompt}" may not be kept.',
            advice="Choose another prior_prompt.",
        )
    write_atomically(path, png)


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
