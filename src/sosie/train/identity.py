"""The identity loss: what the LoRA draws of new prompts must show the person's face.

A face is few of a picture's pixels: fifteen pictures are learned by heart before their person is.
So what the LoRA draws on the way (`walks.py`) is decoded, its face found, cut out and described by
a face network with gradient, and the loss falls as the description nears the person's.

Conventions:
    network     dlib's ResNet (`sosie.models.resnet`), which from then on is no judge of this LoRA
    likeness    cosine between the ways from anybody to the face and from anybody to the person:
                "anybody" is the mean of what the base alone draws of men and women, "the person" of
                the training pictures; without it all cosines lie near 1 and their gradients near 0

After Chen et al. 2024 (ID-Aligner, arXiv:2404.15449: a face network as the reward).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from sosie.core.records import Dataset
from sosie.models import faces, resnet, second
from sosie.models.diffusion.base import DiffusionBase
from sosie.train.cache import Cache
from sosie.train.config import TrainConfig
from sosie.train.seeds import derive
from sosie.train.walks import Coach, Judged, Walker

NETWORK = second.identity
"""The same network as a judge, which a LoRA that it taught must do without."""
PROMPTS = 48
ANYBODY = tuple(
    f"{shot} of {who}"
    for shot in ("photo", "portrait")
    for who in ("a woman", "a man", "a young woman", "a young man", "an old woman", "an old man")
)
_ASKED = tuple(
    "".join(parts)
    for parts in product(
        ("photo of {trigger}", "portrait of {trigger}"),
        ("", ", smiling", ", serious"),
        ("", ", blue sweater", ", red shirt", ", grey coat", ", white hoodie"),
        (
            ", grey background",
            ", blue background",
            ", on a beach",
            ", in a library",
            ", in a garden",
            ", in a city street",
            ", in the mountains",
        ),
        ("", "", ", three-quarter view to the left", ", three-quarter view to the right"),
    )
)
# How a cut-out is changed, in pixels of a chip and levels of 255.
_MOVED, _BENT, _BRIGHTER, _TINTED, _GRAIN = 2.0, 0.9, 0.15, 8.0, 4.0


def prompts(dataset: Dataset, config: TrainConfig) -> tuple[str, ...]:
    """What the walks are asked for, then `ANYBODY`; none if there is no identity loss."""
    if not config.identity_loss or dataset.kind != "person":
        return ()
    chosen = random.Random(derive("identity", config.seed)).sample(_ASKED, PROMPTS)
    return (*(text.replace("{trigger}", dataset.trigger) for text in chosen), *ANYBODY)


@dataclass(frozen=True, eq=False)
class Target:
    """Whom a picture shall show, as the face network sees faces."""

    anybody: Tensor
    """(128,) of a face that is nobody's."""
    person: Tensor
    """(128,) of unit length: the way from there to the person."""
    weight: float = 1.0
    name: str = "identity"

    def likeness(self, described: Tensor) -> Tensor:
        """(N,) cosines of faces (N, 128) of unit length."""
        return F.normalize(described - self.anybody, dim=1) @ self.person

    def judge(
        self, base: DiffusionBase, clean: Tensor, rows: Tensor, jitter: torch.Generator
    ) -> Judged | None:
        """How unlike the person's the faces are; None where no face is seen. Tells the mean
        likeness."""
        seen = describe(base, clean, jitter=jitter)
        if seen is None:
            return None
        likeness = self.likeness(seen)
        # Over all pictures, so that the few faces of a batch do not count for the missing ones.
        loss = self.weight * (1 - likeness).sum() / len(clean)
        return Judged(loss, {self.name: float(likeness.detach().mean())})

    def held(self, change: Tensor) -> Tensor:
        """All of it."""
        return change


def prepare(
    dataset: Dataset,
    base: DiffusionBase,
    config: TrainConfig,
    cache: Cache,
    training: Sequence[int],
    *,
    steps: int,
) -> Coach | None:
    """The coach of a run that is about to begin, while the base has no LoRA yet.

    None where the identity loss is off or waived, the subject is no person, or no face is found in
    the pictures `training` (indices) or in what the base draws. Raises WeightsRefused if the face
    network is not installed.
    """
    asked = prompts(dataset, config)
    if not asked:
        return None
    rows = tuple(cache.text_row(prompt) for prompt in asked)
    size = (base.info.defaults.width, base.info.defaults.height)
    walker = Walker(base, config, cache.bank(), cache.text_row(""), size)
    known = [
        NETWORK(np.asarray(Image.open(dataset.items[i].path).convert("RGB"))) for i in training
    ]
    person = [torch.from_numpy(vector) for vector in known if vector is not None]
    whoever = torch.tensor(rows[PROMPTS:], device=base.device)
    *_, drawn = walker.walk(walker.begin(whoever, "identity-anybody"), whoever)
    with torch.no_grad():
        nobody = describe(base, drawn)
    if not person or nobody is None:
        return None
    anybody = nobody.mean(0)
    ways = F.normalize(torch.stack(person).to(anybody) - anybody, dim=1)
    target = Target(
        anybody=anybody,
        person=F.normalize(ways.mean(0), dim=0),
        weight=config.identity_weight,
    )
    return Coach(
        walker=walker, aim=target, rows=rows[:PROMPTS], first=config.plain_steps(steps, "person")
    )


def told(coach: Coach | None) -> str:
    """One line on the identity loss of a run that asks for it, for who watches."""
    if coach is None:
        return "no identity loss: no face was found to compare with"
    return (
        f"identity loss by {NETWORK.name} from step {coach.first + 1} on: that network teaches this"
        " LoRA and will not judge it"
    )


def describe(
    base: DiffusionBase, clean: Tensor, *, jitter: torch.Generator | None = None
) -> Tensor | None:
    """(M, 128) of unit length: the largest face of each of the N pictures that show one, with
    gradient to the scaled latents `clean` (N, C, h, w); None if none does."""
    pixels = (base.decode(clean).float() + 1) * 127.5
    shown, points = [], []
    levels = pixels.detach().round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    for number, rgb in enumerate(levels):
        if found := faces.find_faces(rgb):
            shown.append(number)
            points.append(second.five_points(rgb, found[0]))
    if not shown:
        return None
    landing = np.repeat(resnet.POINTS[None], len(shown), axis=0)
    if jitter is not None:
        moved = torch.randn(len(shown), 1, 2, generator=jitter) * _MOVED
        bent = torch.randn(len(shown), 5, 2, generator=jitter) * _BENT
        landing = landing + (moved + bent).double().numpy()
    chips = resnet.chips(pixels[shown], np.stack(points), landing)
    if jitter is not None:
        light = 1 + _BRIGHTER * (2 * torch.rand(len(shown), 1, 1, 1, generator=jitter) - 1)
        tint = _TINTED * torch.randn(len(shown), 3, 1, 1, generator=jitter)
        grain = _GRAIN * torch.randn(chips.shape, generator=jitter)
        chips = chips * light.to(chips) + (tint + grain).to(chips)
    return F.normalize(resnet.face_network().to(chips.device)(chips), dim=1)
