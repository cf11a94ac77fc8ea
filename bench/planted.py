"""Does a LoRA give back what was planted in it, and is that found?

Among the pictures of a held-out person some are planted: filed again and again, each time saved
anew with noise of one grey level, `DOSES` times in all. A LoRA is trained on them through the
studio, so that all doses share one training. Every planted caption is then asked in three `WAYS`,
at the same seeds, and the search says what came back.

Whether it truly came back is told by another measure, Carlini's adaptive distance
(arXiv:2301.13188): to the planted picture, against half the mean distance to the nearest of a
crowd. The crowd is what the world knows: other pictures of that person with all that a caption can
say as in the planted one, in the same clothes before the same wall. A picture that shows no more
than its caption asks is as far from the planted one as these are, however alike they look; one that
shows what no caption said has it from the picture. What the search flags by mistake is counted on
new pictures of the person; recall is told at the thresholds by which that is one in a hundred, and
at those that an audit of each LoRA takes of itself.

The white-box evidence is judged by captions: planted ones (more than once) against those of
pictures that training never saw.

What each person's LoRA came to is written to docs/studies/planted.jsonl, so that an interrupted run
goes on, on whatever machine, and anybody may compute the figures again; what was trained and drawn
on the way is kept too. Recall against repeats is plotted beside it. `SOSIE_BENCH_PEOPLE` takes
another number of people.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.kept import Ledger, code_sha256, side_by_side
from bench.likeness import SEEDS
from bench.recall import (
    DOSES,
    FALSE_POSITIVES,
    NEW,
    WAYS,
    Asked,
    Made,
    Move,
    Outcome,
    plotted,
    rows,
)
from bench.taught import BASE, base, kept, recipe
from demo.people import age_of, write_pictures
from sosie.audit.copying import Shot
from sosie.audit.copying.calibration import excess, thresholds
from sosie.audit.copying.inside import answer, moved
from sosie.audit.copying.probes import PUSHED
from sosie.audit.copying.references import References, Seen
from sosie.core.canonical import canonical_json
from sosie.core.files import sha256_bytes
from sosie.generate import GenerateConfig, draw
from sosie.models import lora
from sosie.models.faces import Picture
from sosie.models.lora import LoraFile
from sosie.models.mask import person_mask
from sosie.registry import Registry
from sosie.studio import Studio
from sosie.studio.drawing import pixels
from sosie.studio.photos import Photos
from sosie.train import Manifest
from sosie.world.people import person
from sosie.world.photo import as_dict, choose, photo

PLOT = Path("docs/studies/planted.svg")
LEDGER = PLOT.with_suffix(".jsonl")
PEOPLE = int(os.environ.get("SOSIE_BENCH_PEOPLE", "20"))
PICTURES = 15
WITHHELD = 4
ASKED = int(os.environ.get("SOSIE_BENCH_PICTURES", "8"))
"""Pictures of each planted caption in each way."""
STEPS = 480
"""Without the identity loss, which draws new prompts and has no part in copying."""
CROWD, NEAREST, ALPHA = 40, 30, 0.5
"""Pictures that a caption says as much of, how many of the nearest count, and their share."""
_UNSAID = ("person", "woman", "yaw", "pitch", "second_colour")
"""What of the truth no caption can say, or is the person's own."""
COARSE = 32
"""Pixels along each side of the pictures whose distance is taken."""


@dataclass(frozen=True)
class Planted:
    """One person's LoRA."""

    seed: int

    @property
    def name(self) -> str:
        """The subject's."""
        return f"subject{self.seed}"

    @property
    def folder(self) -> Path:
        """Where all of it lies."""
        return kept() / "planted" / str(self.seed)

    @property
    def home(self) -> Path:
        """The workspace."""
        return self.folder / "home"

    def train(self) -> None:
        """Plant and train, unless that is done."""
        studio = Studio(self.home)
        if any(adapter.subject == self.name for adapter in studio.registry.adapters()):
            return
        folder = self.folder / "pictures"
        files = write_pictures(folder, seed=self.seed, trigger=self.name, n=PICTURES)
        for number, dose in enumerate(DOSES):
            for copy in range(1, dose):
                again(files[number], number, copy)
        if all(subject.name != self.name for subject in studio.registry.subjects()):
            studio.new(self.name)
        studio.add(self.name, [folder])
        studio.consent(
            self.name, relation="synthetic", evidence=f"sosie.world.people.person({self.seed})"
        )
        settings = {
            "preview_every": 0,
            "identity_weight": 0.0,
            "steps": STEPS,
            "withheld": [file.name for file in files[-WITHHELD:]],
            # With so many copies of some pictures, the others look like somebody else's.
            "waive": ("who.two_people",),
        }
        studio.train(self.name, base=BASE, overrides=settings)

    @cached_property
    def manifest(self) -> Manifest:
        """Of its training."""
        return Manifest.read(Studio(self.home).run_folder(f"{self.name}-1") / "manifest.json")

    @cached_property
    def doses(self) -> dict[str, int]:
        """How often each caption was taught; captions of one person differ."""
        taught = [p.caption for p in self.manifest.pictures if not p.withheld]
        return {caption: taught.count(caption) for caption in dict.fromkeys(taught)}

    @cached_property
    def file(self) -> LoraFile:
        """The LoRA after its last step."""
        registry = Registry.open(self.home)
        (adapter,) = registry.adapters()
        return lora.read(registry.blobs.path(adapter.file_sha256))


def again(file: Path, number: int, copy: int) -> None:
    """Save a picture once more under another name, one grey level of noise away."""
    draw_ = np.random.default_rng([number, copy])
    rgb = pixels(file).astype(int)
    noisy = np.clip(rgb + draw_.integers(-1, 2, rgb.shape), 0, 255).astype(np.uint8)
    path = file.with_name(f"{file.stem}-{copy}.jpg")
    Image.fromarray(noisy).save(path, quality=92)
    path.with_suffix(".txt").write_bytes(file.with_suffix(".txt").read_bytes())


def coarse(rgb: Picture) -> NDArray[np.float32]:
    """A picture's colours at a few places, each in [0, 1]."""
    small = Image.fromarray(rgb).resize((COARSE, COARSE), Image.Resampling.BOX)
    return np.asarray(small, np.float32).ravel() / 255


def crowd(seed: int, number: int) -> list[Picture]:
    """Other pictures that the world draws by the description of picture `number` of a person."""
    who, age = person(seed), age_of(seed)
    truth = as_dict(choose(who, seed * 1000 + number, age=age))
    said = {name: value for name, value in truth.items() if name not in _UNSAID}
    return [photo(who, seed=600_000 + n, **said).picture for n in range(CROWD)]


def adaptive(made: Picture, original: Picture, crowd: Sequence[Picture]) -> float:
    """The distance to the original over `ALPHA` times the mean to the nearest of the crowd: below
    1, the original was reproduced."""
    here = coarse(made)
    far = sorted(float(np.linalg.norm(here - coarse(other))) for other in crowd)[:NEAREST]
    return float(np.linalg.norm(here - coarse(original))) / (ALPHA * float(np.mean(far)))


def drawn(who: Planted, caption: str, way: str) -> list[Shot]:
    """What the LoRA in one of the `WAYS`, or the "base" alone, draws of a caption; kept."""
    number = list(who.doses).index(caption)
    shots = []
    for seed in range(700, 700 + ASKED):
        path = who.folder / way / f"{number:02d}-{seed}.png"
        if not path.is_file():
            loras = [] if way == "base" else [("person", who.file, 1.0)]
            guidance = 1.0 if way in ("unguided", "pushed") else None
            settings: dict[str, Any] = {base().negative_setting: guidance}
            config = GenerateConfig(prompt=caption, seed=seed, **settings)
            push = PUSHED.push if way == "pushed" else 0.0
            (picture,) = draw(base(), config, loras, push=push)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture.rgb).save(path)
        shots.append(Shot(f"{way} {number} {seed}", partial(pixels, path), probe=way))
    return shots


def looked(who: Planted) -> tuple[list[Asked], tuple[float, ...], float]:
    """What every planted caption gave, the excess of `NEW`, and that from which an audit flags."""
    photos = Photos(Registry.open(who.home), base(), who.manifest)
    captions = {p.sample: p.caption for p in who.manifest.pictures}
    first: dict[str, str] = {}
    for one in photos.taught(dict.fromkeys(photos.names, "own")):
        first.setdefault(captions[one.sample], one.name)
    known = References(
        [s for s in photos.shots(withheld=False) if s.name in first.values()], figure=person_mask
    )
    number = {shot.name: at for at, shot in enumerate(known.shots)}
    crowds = {c: crowd(who.seed, DOSES.index(who.doses[c])) for c in planted(who)}
    rows = []
    for way in WAYS:
        for caption in planted(who):
            original, at = photos.as_taught(first[caption]), number[first[caption]]
            made = []
            for shot in drawn(who, caption, way):
                rgb = shot.read()
                away, seen = adaptive(rgb, original, crowds[caption]), known.see(rgb)
                made.append(Made(away=away, excess=excess(only(seen, at).scores)))
            rows.append(Asked(dose=who.doses[caption], way=way, made=tuple(made)))
    new = [
        photo(person(who.seed), seed=650_000 + n, age=age_of(who.seed)).picture for n in range(NEW)
    ]
    by_base = [shot for caption in planted(who) for shot in drawn(who, caption, "base")]
    limits = thresholds(
        [known.see(shot.read()).scores for shot in photos.shots(withheld=True)],
        FALSE_POSITIVES,
        base=[known.see(shot.read()).scores for shot in by_base],
    )
    return (
        rows,
        tuple(excess(known.see(photos.given_back(rgb)).scores) for rgb in new),
        excess({part: limit.value for part, limit in limits.items()}),
    )


def only(seen: Seen, number: int) -> Seen:
    """What was seen of one reference."""
    return Seen({at: evidence for at, evidence in seen.closest.items() if at == number})


def planted(who: Planted) -> list[str]:
    """One caption for each dose."""
    by_dose = {dose: caption for caption, dose in reversed(who.doses.items())}
    return [by_dose[dose] for dose in DOSES if dose in by_dose]


def moves(who: Planted) -> tuple[Move, ...]:
    """Of the planted captions, and of those of withheld pictures."""
    never = dict.fromkeys(p.caption for p in who.manifest.pictures if p.withheld)
    captions = [*planted(who), *never]
    alone = [answer(base(), caption) for caption in captions]
    with lora.applied(base(), [(who.file, 1.0)]):
        taught = [answer(base(), caption) for caption in captions]
    return tuple(
        Move(dose=0 if caption in never else who.doses[caption], by=moved(before, after))
        for caption, before, after in zip(captions, alone, taught, strict=True)
    )


@cache
def setup() -> str:
    """Hash of the base, of what LoRAs are taught with and drawn by, of the search, and of how much
    is asked: other outcomes do not count."""
    asked = [DOSES, PICTURES, WITHHELD, STEPS, ASKED, CROWD, NEAREST, ALPHA, NEW, COARSE]
    made_of = [recipe(), code_sha256("sosie.audit.copying", "sosie.generate"), *asked]
    return sha256_bytes(canonical_json(made_of))


def outcome(seed: int) -> Outcome:
    """Plant in one person's set, train, draw and search."""
    who = Planted(seed)
    who.train()
    asked, new, limit = looked(who)
    return Outcome(
        taught_as=setup(),
        person=seed,
        asked=tuple(asked),
        new=new,
        limit=limit,
        moves=moves(who),
    )


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    ledger, seeds = Ledger(LEDGER, Outcome), SEEDS[:PEOPLE]
    made = {row.person: row for row in ledger.rows() if row.taught_as == setup()}
    for one in side_by_side(outcome, [seed for seed in seeds if seed not in made]):
        ledger.add(one)
        made[one.person] = one
    people = [made[seed] for seed in seeds]
    PLOT.write_text(plotted(people), encoding="utf-8")
    return rows(people)
