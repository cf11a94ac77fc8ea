"""Choosing a checkpoint: is the automatic choice as like as the best that hindsight finds?

For each of 20 people held out from the base's training: 15 pictures, a LoRA trained for three times
as long as is best without the identity loss, a checkpoint every 80 steps. The run chooses by its
eight previews and the pictures that it withheld itself. Hindsight then looks at every checkpoint
with what the choice never had: other prompts, other seeds, ten new pictures of the person as
references, and another identity network besides (dlib's, which chose nothing). Likeness is the mean
cosine to the references as a share of their own median. Copying is the share of training captions
whose picture comes back, at another seed than the choice's, as `bench.planted` tells it: by the
distance to the picture against that to others that the world draws by the same description.
`SOSIE_BENCH_PEOPLE` takes fewer people, for a quicker look, `SOSIE_BENCH_PICTURES` fewer pictures
of each checkpoint. What each run came to is written to docs/studies/choice.jsonl, so that an
interrupted benchmark goes on, on whatever machine, and anybody may compute the figures again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from bench.kept import Ledger, code_sha256, side_by_side
from bench.likeness import SEEDS, Picture
from bench.obeys import percent
from bench.planted import ALPHA, COARSE, CROWD, NEAREST, adaptive, crowd
from bench.taught import base, recipe, taught
from demo.people import age_of
from sosie.audit import PROMPTS, Known, found, seed_of
from sosie.audit.intervals import mean_interval
from sosie.core.canonical import canonical_json
from sosie.core.files import sha256_bytes
from sosie.core.records import Record
from sosie.generate import GenerateConfig, draw
from sosie.models import faces, lora, second
from sosie.models.faces import Embedder
from sosie.studio import Studio
from sosie.studio.photos import Photos
from sosie.train import Manifest
from sosie.world.people import person
from sosie.world.photo import photo

PEOPLE = int(os.environ.get("SOSIE_BENCH_PEOPLE", "20"))
PICTURES = int(os.environ.get("SOSIE_BENCH_PICTURES", "16"))
LEDGER = Path("docs/studies/choice.jsonl")
RUN = {"steps": 480, "checkpoint_every": 80, "preview_every": 80, "identity_weight": 0.0}
"""Without the identity loss: both networks are to judge. A choice can win only where a run goes on
past its best."""
REFERENCES = 10
JUDGES = (faces.identity, second.identity)


class Course(Record):
    """One person's run, as hindsight sees it."""

    taught_as: str
    """What `setup` gave."""
    person: int
    chosen: int
    """The step that was kept."""
    likeness: dict[str, dict[int, float]]
    """By judge and step."""
    copied: dict[int, float]
    """By step: the share of training captions whose picture came back."""

    def share(self, judge: str, step: int) -> float:
        """Likeness of a step as a share of the best step's."""
        return self.likeness[judge][step] / max(self.likeness[judge].values())

    def less_copying(self, judge: str, step: int) -> float:
        """Likeness less copying of a step."""
        return self.likeness[judge][step] - self.copied[step]

    @property
    def last(self) -> int:
        return max(next(iter(self.likeness.values())))


@cache
def setup() -> str:
    """Hash of the base, of what LoRAs are taught with and chosen by, of the judges and of how much
    is asked: other courses do not count."""
    asked = [RUN, PICTURES, REFERENCES, CROWD, NEAREST, ALPHA, COARSE]
    code = code_sha256("sosie.generate", "sosie.audit.copying", "sosie.studio.references")
    judges = [judge.sha256 for judge in JUDGES]
    return sha256_bytes(canonical_json([recipe(), code, *judges, *asked]))


def course(seed: int) -> Course:
    """Train a LoRA of a person through the studio, and look at all its checkpoints."""
    with tempfile.TemporaryDirectory() as name:
        studio, adapter = taught(seed, Path(name), RUN)
        assert adapter.step is not None, "it was trained here"
        return hindsight(studio, seed, adapter.name, adapter.step)


def hindsight(studio: Studio, seed: int, run: str, chosen: int) -> Course:
    """Look at all checkpoints of a run of the person `seed`."""
    folder = studio.run_folder(run)
    manifest = Manifest.read(folder / "manifest.json")
    references = new_pictures(seed)
    known = {judge.name: Known(held_out=found(references, judge), training={}) for judge in JUDGES}
    likeness: dict[str, dict[int, float]] = {judge.name: {} for judge in JUDGES}
    copied, originals = {}, taught_of(studio, manifest, seed)
    for file in sorted(folder.glob("checkpoints/step-*/adapter.safetensors")):
        step = int(file.parent.name.removeprefix("step-"))
        drawn = pictures(manifest.trigger, file)
        for judge in JUDGES:
            likeness[judge.name][step] = like(drawn, judge, known[judge.name])
        copied[step] = came_back(originals, file)
    return Course(taught_as=setup(), person=seed, chosen=chosen, likeness=likeness, copied=copied)


@dataclass(frozen=True, eq=False)
class Original:
    """A picture that was taught."""

    caption: str
    rgb: Picture
    crowd: list[Picture]
    """Others by the same description."""


def taught_of(studio: Studio, manifest: Manifest, seed: int) -> list[Original]:
    """The pictures of the person `seed` that a run was taught."""
    photos = Photos(studio.registry, base(), manifest)
    return [
        # Named by their number, from 1, by `demo.people.write_pictures`.
        Original(
            photos.captions[name],
            photos.as_taught(name),
            crowd(seed, int(Path(name).stem.rsplit("-", 1)[1]) - 1),
        )
        for name in photos.names
    ]


def came_back(originals: Sequence[Original], file: Path) -> float:
    """The share of pictures that the LoRA in `file` gives back by their captions."""
    loras = [("person", lora.read(file), 1.0)]
    hits = 0
    for number, one in enumerate(originals):
        config = GenerateConfig(prompt=one.caption, seed=80_000 + number)
        made = draw(base(), config, loras)[0].rgb
        hits += adaptive(made, one.rgb, one.crowd) < 1
    return hits / len(originals)


def new_pictures(seed: int) -> list[Picture]:
    """Pictures of a person that neither the LoRA nor the choice has seen."""
    return [
        photo(person(seed), seed=700_000 + n, age=age_of(seed), hat="none").picture
        for n in range(REFERENCES)
    ]


def pictures(subject: str, file: Path) -> list[Picture]:
    """What the LoRA in `file` draws: the audit's prompts, at seeds that no audit takes."""
    loras = [("person", lora.read(file), 1.0)]
    drawn = []
    for number in range(PICTURES):
        prompt = PROMPTS[number % len(PROMPTS)]
        seed = seed_of(prompt, 90_000, number)
        words = prompt.text.replace("{trigger}", subject)
        drawn.append(draw(base(), GenerateConfig(prompt=words, seed=seed), loras)[0].rgb)
    return drawn


def like(drawn: Sequence[Picture], judge: Embedder, real: Known) -> float:
    """Likeness of pictures; one without a face is like nobody."""
    return float(np.mean([real.cosine(judge(picture)) or 0.0 for picture in drawn]) / real.unit)


def rows(courses: Sequence[Course]) -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""

    found = []
    for judge in (one.name for one in JUDGES):
        by = f"by {judge}, {len(courses)} people, {PICTURES} pictures a checkpoint"
        chosen = [one.share(judge, one.chosen) for one in courses]
        last = [one.share(judge, one.last) for one in courses]
        gain = [
            one.less_copying(judge, one.chosen) / max(1e-6, one.less_copying(judge, one.last)) - 1
            for one in courses
        ]
        found += [
            (
                f"likeness of the choice beside hindsight's best, {by}",
                _over(chosen),
                "at least 97%",
            ),
            (f"likeness of the last step beside hindsight's, {by}", _over(last), ""),
            (f"likeness less copying: more than the last step's, {by}", _over(gain), "10% more"),
        ]
    for what, of in (("choice", "chosen"), ("last step", "last")):
        share = _over([one.copied[getattr(one, of)] for one in courses])
        found.append((f"training captions whose picture came back, {what}", share, ""))
    steps = ", ".join(str(one.chosen) for one in courses)
    found.append((f"steps that were chosen, of {courses[0].last}", steps, ""))
    return found


def _over(values: Sequence[float]) -> str:
    """The mean over people."""
    interval = mean_interval(values)
    assert interval is not None, "there is at least one person"
    return percent(interval) if interval.low is not None else f"{interval.value:.0%}"


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    ledger, seeds = Ledger(LEDGER, Course), SEEDS[:PEOPLE]
    made = {row.person: row for row in ledger.rows() if row.taught_as == setup()}
    for one in side_by_side(course, [seed for seed in seeds if seed not in made]):
        ledger.add(one)
        made[one.person] = one
    return rows([made[seed] for seed in seeds])
