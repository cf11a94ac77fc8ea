"""`python -m demo`: a person who is not in the base's training set, from pictures to one page.

Without `--pictures` a synthetic person is drawn into a folder, as a user would have one. With it,
the same steps run on a folder of pictures; the permission for them is recorded by the same options
as `sosie consent` has, and without one nothing is trained.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.page import Figure, Page, Shown, curves, data_uri, strip
from demo.people import write_pictures
from sosie import audit
from sosie.audit.kinds import KINDS
from sosie.audit.page import Told, told
from sosie.core.errors import BadInput, SosieError
from sosie.studio import Studio, briefs
from sosie.studio.drawing import pixels
from sosie.train import Manifest

PERSON = 19
"""Seed of the demo's person: held out from the embedded base's training, like every seed …9."""
NAME = "nobody"
SEED = 100
"""Where the seeds of the audit's prompts start; one seed each."""
HEADLINE = ("learned", "likeness", "faces")
"""Figures at the top of the page; all of them stand further down."""


class Story:
    """Prints a line for each thing that happens, with the seconds since the start."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.losses: list[tuple[int, float]] = []
        self.withheld: list[tuple[int, float]] = []

    def say(self, text: str) -> None:
        """Print a line."""
        print(f"{time.perf_counter() - self.begun:6.1f} s  {text}", flush=True)

    def event(self, kind: str, data: dict[str, Any]) -> None:
        """Follow a run."""
        if kind == "split":
            self.say("held out: " + ", ".join(row["file"] for row in data["withheld"]))
        elif kind == "step":
            self.losses.append((data["step"], data["smoothed"]))
            if data["step"] in (1, 10) or data["step"] % 50 == 0:
                rate, eta = data["rate"], data["eta"]
                self.say(
                    f"step {data['step']}/{data['steps']}  loss {data['loss']:.4f}  "
                    f"{rate:.1f} steps/s  {eta:.0f} s left"
                )
        elif kind == "validation" and data.get("withheld") is not None:
            self.withheld.append((data["step"], data["withheld"]))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/demo"))
    parser.add_argument("--base", default="pocket")
    parser.add_argument("--pictures", type=Path, help="folder to use instead of a synthetic person")
    parser.add_argument("--relation", choices=("self", "guardian", "estate"), help="who permits it")
    parser.add_argument("--who", help="whom the pictures show")
    parser.add_argument("--signed-by", help="who signed the permission")
    parser.add_argument("--evidence", help="where the permission can be read")
    parser.add_argument("--authority", help="what shows that a guardian or an estate may sign")
    parser.add_argument("--born", help="birth date of a child: YYYY-MM-DD")
    options = parser.parse_args()
    if options.pictures and not (options.relation and options.who and options.signed_by):
        parser.error("--pictures needs --relation, --who and --signed-by")
    return options


def main() -> None:
    """Run the story and write the page."""
    options, story = parse(), Story()
    out: Path = options.out
    if out.exists():
        if not (out / "workspace").is_dir():
            raise BadInput(f"{out} exists and holds no demo.", advice="Name another with --out.")
        shutil.rmtree(out)
    studio = Studio(out / "workspace")
    subject = studio.new(NAME)
    if options.pictures:
        pictures, who = options.pictures, options.who
        relation, evidence = options.relation, options.evidence
    else:
        story.say(f"drawing 15 pictures of synthetic person {PERSON}")
        pictures = out / "pictures"
        write_pictures(pictures, seed=PERSON, trigger=subject.trigger)
        who, relation = "nobody", "synthetic"
        evidence = f"sosie.world.people.person({PERSON})"
    report = studio.add(NAME, [pictures])
    story.say(f"{len(report.added)} pictures added, {len(report.refused)} refused")
    studio.caption(NAME, template="photo of {trigger}", edits={})
    stated = {"authority": options.authority, "born": options.born}
    studio.consent(
        NAME,
        relation=relation,
        who=who,
        signed_by=options.signed_by or who,
        evidence=evidence,
        terms={term: value for term, value in stated.items() if value},
    )
    story.say(f"loading {options.base} and training")
    adapter = studio.train(NAME, base=options.base, overrides={}, on_event=story.event)
    trained = time.perf_counter() - story.begun
    story.say(f"drawing {len(audit.PROMPTS)} pictures with {adapter.name}, and without it")
    drawn, control = [], []
    for prompt in audit.PROMPTS:
        asked = {"base": options.base, "n": 1, "seed": audit.seed_of(prompt, SEED, 0)}
        text = prompt.text.replace("{trigger}", subject.trigger)
        called = f"<lora:{adapter.name}:1> {text}"
        drawn += studio.generate(called, out=out / "drawn", **asked).files
        control += studio.generate(text, out=out / "control", **asked).files
    story.say("judging them by the pictures that training never saw")
    judged = judge(studio, drawn, control)
    page = describe(studio, story, drawn, control, judged, trained, synthetic=not options.pictures)
    page.write(out / "index.html")
    dataset = studio.show(NAME).dataset.items
    held_out = [item.path for item in dataset if item.sample in withheld_of(studio)]
    strip([held_out[:8], drawn[:8], drawn[8:]], out / "strip.png")
    figures = [figure.model_dump(mode="json") for figure in judged.figures]
    (out / "figures.json").write_text(json.dumps(figures, indent=1))
    story.say(f"done: {out / 'index.html'}")


@dataclass(frozen=True)
class Judged:
    """What an audit's judges say of the pictures."""

    figures: list[audit.Figure]
    notes: list[str]
    """Of each picture with the LoRA."""
    why: str = ""
    """Why nothing could be measured."""


def judge(studio: Studio, drawn: list[Path], control: list[Path]) -> Judged:
    """The figures of an audit on pictures of its prompts, beside the base's own."""
    try:
        brief = briefs.brief(studio.registry, manifest_of(studio))
    except BadInput as error:
        return Judged([], [""] * len(drawn), why=error.message)
    made, alone = (
        audit.Shown(brief.prompts, [brief.panel.look(pixels(path)) for path in side])
        for side in (drawn, control)
    )
    first, known = next(iter(brief.known.items()))
    cosines = [known.cosine(look.face(first)) for look in made.looks]
    return Judged(
        figures=brief.measure(made, alone),
        notes=["no face found" if c is None else f"likeness {c / known.unit:.0%}" for c in cosines],
    )


def describe(
    studio: Studio,
    story: Story,
    drawn: list[Path],
    control: list[Path],
    judged: Judged,
    trained: float,
    *,
    synthetic: bool,
) -> Page:
    """All that the page shows."""
    shown = studio.show(NAME)
    adapter, manifest = shown.adapters[-1], manifest_of(studio)
    withheld = withheld_of(studio)
    named = [prompt.text.replace("{trigger}", shown.subject.trigger) for prompt in audit.PROMPTS]
    who = "a synthetic person whom the base model has never seen" if synthetic else "a real person"
    rows = [told(figure) for figure in judged.figures]
    return Page(
        title="Pictures in, LoRA out, pictures back",
        lead=f"Fifteen pictures or so of {who}, a recorded permission, and a few minutes on a "
        "processor: this page shows what was learned, and measures it on pictures that training "
        "never saw.",
        headline=headline(rows, manifest.config.steps or 0, trained),
        samples=[
            Shown(data_uri(item.path), caption=item.caption, held_out=item.sample in withheld)
            for item in shown.dataset.items
        ],
        lesson=f"{manifest.config.steps} steps of {manifest.config.pictures_per_step()} pictures, "
        f"rank {manifest.config.rank}. The held-out loss is taken at fixed noise and times.",
        curves=curves({"training loss": story.losses, "held-out loss": story.withheld}),
        drawn=[
            Shown(data_uri(p), prompt=t, note=s)
            for p, t, s in zip(drawn, named, judged.notes, strict=True)
        ],
        control=[Shown(data_uri(p), prompt=t) for p, t in zip(control, named, strict=True)],
        figures=rows,
        unmeasured=judged.why,
        again=f"sosie --home {studio.registry.home} audit {adapter.name}",
        facts=[
            ("LoRA", f"{adapter.name}, for {adapter.family}, trained on {adapter.base}"),
            ("file", adapter.file_sha256),
            ("permission", adapter.consent_sha256 or ""),
            ("manifest", manifest.identity()),
        ],
        honest="Everything drawn here is synthetic and says so inside each file. "
        + (
            "The embedded base was trained on drawn people alone; what it shows is how the parts "
            "work together, not how good a picture of a real person can be."
            if synthetic
            else "The embedded base was trained on drawn people alone. It turns a real face into "
            "one of its own kind: colours, hair and pose may carry over, the likeness of a "
            "photograph cannot. For pictures of real people use FLUX.1, SDXL or SD 1.5."
        ),
    )


def manifest_of(studio: Studio) -> Manifest:
    """What the demo's run was made of."""
    return Manifest.read(studio.runs(NAME)[-1].folder / "manifest.json")


def withheld_of(studio: Studio) -> set[str]:
    """Hashes of the pictures that its training never saw."""
    return {picture.sample for picture in manifest_of(studio).pictures if picture.withheld}


def headline(rows: list[Told], steps: int, trained: float) -> list[Figure]:
    """The numbers at the top, each with its interval where it has one."""
    said = f"from the first picture to the LoRA, {steps} steps"
    found = [Figure(f"{trained / 60:.1f} min", said)]
    titles = [KINDS[name].title for name in HEADLINE]
    for row in rows:
        if row.title in titles and row.interval:
            judge = f", by {row.judge}" if row.judge else ""
            found.append(Figure(row.value, f"{row.title}{judge} (95%: {row.interval})"))
    return found


if __name__ == "__main__":
    try:
        main()
    except SosieError as error:
        raise SystemExit(f"demo: {error}") from error
