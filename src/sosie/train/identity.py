"""The identity loss: what the LoRA draws of new prompts must show the person's face.

The denoising loss counts every pixel alike, and a face is few of them: fifteen pictures are learned
by heart before their person is. So from some step on the LoRA also draws. Every `REFRESH` steps it
walks from noise to pictures of prompts that the set does not answer; at points of these walks it
says what the finished picture will be, that is decoded, its face found, cut out and described by a
face network with gradient, and the loss falls as the description nears the person's.

Conventions:
    network     dlib's ResNet (`sosie.models.resnet`), which from then on is no judge of this LoRA
    likeness    cosine between the ways from anybody to the face and from anybody to the person:
                "anybody" is the mean of what the base alone draws of men and women, "the person" of
                the training pictures; without it all cosines lie near 1 and their gradients near 0
    late        walks start in pure noise, but only points after the first step are learned from
    jitter      the cut is moved, its light changed and grain added, each time anew, so that a face
                is learned rather than what fools one network

After Xu et al. 2023 (ImageReward, arXiv:2304.05977, algorithm 1: feedback through one late step)
and Chen et al. 2024 (ID-Aligner, arXiv:2404.15449: a face network as the reward).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from sosie.core.records import Dataset
from sosie.core.terms import Kind
from sosie.models import faces, resnet, second
from sosie.models.diffusion.base import Conditioning, DiffusionBase, SampleRequest, repeat
from sosie.train.cache import Cache
from sosie.train.config import TrainConfig
from sosie.train.loop import arithmetic
from sosie.train.seeds import derive, generator

NETWORK = second.identity
"""The same network as a judge, which a LoRA that it taught must do without."""
PROMPTS = 48
REFRESH = 20
"""Steps between two sets of walks."""
WALKS = 8
WALK_STEPS = 10
SETS = 2
"""Sets of walks that are learned from: the last ones."""
PICTURES = 4
"""Points of walks in one step."""
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
_FIRST = 0.9999
"""Where a walk begins, of 1 for the noisiest training time."""

# How a cut-out is changed, in pixels of a chip and levels of 255.
_MOVED, _BENT, _BRIGHTER, _TINTED, _GRAIN = 2.0, 0.9, 0.15, 8.0, 4.0


def prompts(config: TrainConfig, kind: Kind, trigger: str) -> tuple[str, ...]:
    """What the walks are asked for, then `ANYBODY`; none if there is no identity loss."""
    if not config.identity_loss or kind != "person":
        return ()
    chosen = random.Random(derive("identity", config.seed)).sample(_ASKED, PROMPTS)
    return (*(text.replace("{trigger}", trigger) for text in chosen), *ANYBODY)


@dataclass(frozen=True, eq=False)
class Target:
    """Whom a picture shall show, as the face network sees faces."""

    anybody: Tensor
    """(128,) of a face that is nobody's."""
    person: Tensor
    """(128,) of unit length: the way from there to the person."""

    def likeness(self, described: Tensor) -> Tensor:
        """(N,) cosines of faces (N, 128) of unit length."""
        return F.normalize(described - self.anybody, dim=1) @ self.person


@dataclass(frozen=True, eq=False)
class Points:
    """Places on walks from noise to picture; row i of every tensor is one."""

    latents: Tensor
    """(N, C, h, w)."""
    stages: Tensor
    """(N,) which step of its walk each is about to take."""
    rows: Tensor
    """(N,) prompts, as rows of the text bank."""


@dataclass(frozen=True, eq=False)
class Walker:
    """Walks from noise to pictures by the base as it is, with its usual guidance."""

    base: DiffusionBase
    config: TrainConfig
    bank: Conditioning
    empty: int

    def begin(self, rows: Tensor, purpose: str) -> Tensor:
        """(N, C, h, w) noise for the prompts `rows`, of the size that the base draws best."""
        d = self.base.info.defaults
        request = SampleRequest(
            prompts=("",) * len(rows),
            seeds=tuple(derive(purpose, self.config.seed, i) % 2**32 for i in range(len(rows))),
            width=d.width,
            height=d.height,
            steps=WALK_STEPS,
            guidance=d.guidance,
        )
        return self.base.noise(request).float()

    def times(self, stages: Tensor, latents: Tensor) -> Tensor:
        """(N,) training times, the noisiest first, at equal shares of the base's own density."""
        places = (1 - stages.float() / WALK_STEPS).clamp(max=_FIRST)
        height, width = latents.shape[-2:]
        return self.base.times(places.to(self.base.device), latent_shape=(height, width))

    def guess(self, latents: Tensor, stages: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The finished latents and the noise that the base now expects, (N, C, h, w) each.

        Gradient flows through the answer to the prompt alone, not through that to the empty one.
        """
        times = self.times(stages, latents)
        answer = self._answer(latents, times, rows)
        weight = getattr(self.base.info.defaults, self.base.negative_setting)
        if weight > 1:
            with torch.no_grad():
                away = self._answer(latents, times, torch.full_like(rows, self.empty))
            answer = away + weight * (answer - away)
        return self.base.unmix(latents, times, answer)

    @torch.no_grad()
    def walk(self, latents: Tensor, rows: Tensor) -> Iterator[Tensor]:
        """The latents before each of the `WALK_STEPS` steps, then the finished ones."""
        for stage in range(WALK_STEPS):
            yield latents
            clean, noise = self.guess(latents, torch.full_like(rows, stage), rows)
            latents = clean
            if stage + 1 < WALK_STEPS:
                times = self.times(torch.full_like(rows, stage + 1), latents)
                latents = self.base.add_noise(clean, noise, times)
        yield latents

    def _answer(self, latents: Tensor, times: Tensor, rows: Tensor) -> Tensor:
        d = self.base.info.defaults
        size = (d.width, d.height)
        geometry = self.base.picture_conditioning(original=size, crop=(0, 0), target=size)
        conditioning = {key: value[rows] for key, value in self.bank.items()}
        conditioning |= repeat(geometry, len(rows))
        with arithmetic(self.base, self.config):
            answer = self.base.predict(latents.to(self.base.dtype), times, conditioning)
        return answer.float()


@dataclass(eq=False)
class Coach:
    """Adds the identity loss's gradient. All that is random in step n is a function of seed and n;
    the points of the last walks are what it remembers, see `state`."""

    walker: Walker
    target: Target
    rows: tuple[int, ...]
    """Rows of the text bank that are asked for."""
    first: int
    """The step with which it begins, counted from 0."""
    points: Points | None = None

    def teach(self, number: int) -> float | None:
        """Add the gradient of step `number`; gives the mean likeness, None before `first` or where
        no face is seen."""
        if number < self.first:
            return None
        if (number - self.first) % REFRESH == 0 or self.points is None:
            self.points = self._walked(number)
        config = self.walker.config
        source = generator("identity-points", config.seed, number)
        chosen = torch.randint(len(self.points.rows), (PICTURES,), generator=source)
        latents, stages, rows = (
            part[chosen.to(part.device)]
            for part in (self.points.latents, self.points.stages, self.points.rows)
        )
        if config.dropout:
            torch.manual_seed(derive("identity-dropout", config.seed, number))
        clean, _ = self.walker.guess(latents, stages, rows)
        seen = describe(self.walker.base, clean, jitter=source)
        if seen is None:
            return None
        likeness = self.target.likeness(seen)
        # Over all pictures, so that the few faces of a batch do not count for the missing ones.
        torch.autograd.backward([config.identity_weight * (1 - likeness).sum() / PICTURES])
        return float(likeness.detach().mean())

    def _walked(self, number: int) -> Points:
        """The points of new walks, after those of the last set."""
        base, seed = self.walker.base, self.walker.config.seed
        source = generator("identity-walks", seed, number)
        drawn = torch.randint(len(self.rows), (WALKS,), generator=source)
        rows = torch.tensor(self.rows)[drawn].to(base.device)
        start = self.walker.begin(rows, f"identity-noise-{number}")
        base.denoiser.eval()
        # Without the pure noise at the beginning and the finished picture at the end.
        passed = list(self.walker.walk(start, rows))[1:-1]
        base.denoiser.train()
        stages = torch.arange(1, WALK_STEPS, device=base.device).repeat_interleave(WALKS)
        new = Points(torch.cat(passed), stages, rows.repeat(len(passed)))
        if self.points is None:
            return new
        kept = (SETS - 1) * len(new.rows)
        before = self.points
        return Points(
            torch.cat([before.latents[-kept:], new.latents]),
            torch.cat([before.stages[-kept:], new.stages]),
            torch.cat([before.rows[-kept:], new.rows]),
        )

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps of it."""
        return {} if self.points is None else dict(vars(self.points))

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        device = self.walker.base.device
        moved = {key: value.to(device) for key, value in state.items()}
        self.points = Points(**moved) if moved else None


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
    asked = prompts(config, dataset.kind, dataset.trigger)
    if not asked:
        return None
    rows = tuple(cache.text_row(prompt) for prompt in asked)
    walker = Walker(base, config, cache.bank(), cache.text_row(""))
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
    target = Target(anybody=anybody, person=F.normalize(ways.mean(0), dim=0))
    return Coach(walker=walker, target=target, rows=rows[:PROMPTS], first=config.plain_steps(steps))


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
