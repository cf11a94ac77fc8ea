"""Build `pocket` from nothing: drawn people, autoencoder, latents, transformer, folder.

    python -m pocket.build                      everything, resuming what was begun
    python -m pocket.build --minutes 60         let the transformer's schedule end by the clock
    python -m pocket.build --smoke              every step on cartoons, in under a minute

Each step leaves its result under the run's folder and is skipped when that is there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from transformers import PreTrainedTokenizerBase

from pocket import autoencoder, data, draw, export, standin, tokens, transformer
from pocket.recipe import Recipe, smoke
from pocket.schedule import save_whole

HERE = Path(__file__).resolve().parent
PEOPLE = HERE / "cache" / "people-v2"
RUN = HERE / "runs" / "v3"
SHIPPED = HERE.parent / "src" / "sosie" / "models" / "diffusion" / "pocket"

STATISTICS_FROM = 4096
"""Pictures whose codes set the scaling: not all, so that adding pictures later changes nothing."""


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m pocket.build", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="all steps, tiny, on cartoons")
    parser.add_argument("--out", type=Path, help="the folder to write (default: the shipped one)")
    parser.add_argument("--people", type=Path, default=PEOPLE, help="the drawn shards")
    parser.add_argument("--run", type=Path, default=RUN, help="where the build keeps its state")
    parser.add_argument("--start", type=Path, help="a run whose weights to begin with")
    parser.add_argument("--minutes", type=float, help="length of the transformer's training")
    parser.add_argument("--only", choices=["autoencoder"], help="stop after this step")
    parser.add_argument("--no-compile", action="store_true", help="train without torch.compile")
    given = parser.parse_args(arguments)
    if given.smoke:
        with tempfile.TemporaryDirectory() as scratch:
            build(
                standin.people(64),
                smoke(Recipe()),
                run=Path(scratch) / "run",
                out=given.out or Path(scratch) / "pocket",
                compiled=False,
            )
        return
    recipe = Recipe()
    shards = draw.draw(given.people, recipe.pictures, workers=2, seed=recipe.seed)
    build(
        data.load(shards),
        recipe,
        run=given.run,
        out=given.out or SHIPPED,
        start=given.start,
        minutes=given.minutes,
        compiled=not given.no_compile,
        only=given.only,
    )


def build(
    people: data.People,
    recipe: Recipe,
    *,
    run: Path,
    out: Path,
    start: Path | None = None,
    minutes: float | None = None,
    compiled: bool = True,
    only: str | None = None,
) -> None:
    """The whole build, step by step."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    began = time.monotonic()
    held_out, taught = people.split(recipe.held_out_pictures)
    coder = autoencoder.train(taught.pictures, recipe.autoencoder, run, start=start)
    lessons, parts = prepare(data.with_mirrored(taught), coder, recipe, run, start=start)
    coder = autoencoder.refine(coder, taught.pictures, recipe.autoencoder, run)
    ratio = autoencoder.psnr(coder, held_out.pictures)
    print(f"autoencoder: {ratio:.2f} dB on {len(held_out.pictures)} held-out pictures", flush=True)
    if only == "autoencoder":
        return
    trainer = transformer.Trainer(parts.network, lessons, recipe.transformer, run, start=start)

    known = _figures(people, recipe, ratio, run)

    def publish() -> None:
        figures = {
            "Transformer's training": f"{trainer.seconds / 60:.0f} minutes, {trainer.step:,} steps,"
            f" {trainer.step * recipe.transformer.batch:,} pictures seen",
            **known,
        }
        export.write(out, parts, trainer.averaged(), recipe, figures)

    trainer.run(publish, minutes=minutes, compiled=compiled)
    print(f"wrote {out} in {(time.monotonic() - began) / 60:.1f} minutes", flush=True)


def _figures(people: data.People, recipe: Recipe, ratio: float, run: Path) -> dict[str, str]:
    """What the card says that is known before the transformer is trained."""
    coding = recipe.autoencoder
    known = {
        "Pictures drawn": f"{len(people.pictures):,}, of {len(set(people.persons)):,} persons",
        "Data": f"sha256 {people.sha256()}",
        "Autoencoder": f"{ratio:.1f} dB on {recipe.held_out_pictures} pictures held out, after"
        f" {coding.steps:,} and (decoder alone) {coding.refining_steps:,} steps of"
        f" {coding.batch} crops",
        "Seeds": f"pictures {recipe.seed}, autoencoder {coding.seed},"
        f" transformer {recipe.transformer.seed}",
        "Machine": f"{torch.get_num_threads()} cores, {platform.machine()}, no GPU",
        "torch": torch.__version__,
    }
    if (note := run / "note.txt").exists():
        known["Note"] = " ".join(note.read_text().split())
    return known


def prepare(
    taught: data.People,
    coder: AutoencoderKL,
    recipe: Recipe,
    run: Path,
    *,
    start: Path | None = None,
) -> tuple[transformer.Lessons, export.Parts]:
    """Tokenizers, numbered captions and scaled, packed latents; and an untrained network."""
    torch.manual_seed(recipe.transformer.seed)
    text = recipe.text
    captions = _captions(taught, recipe)
    words, merges = _vocabulary(taught, recipe, run, start)
    t5 = tokens.t5_tokenizer(words, length=text.length)
    clip = tokens.clip_tokenizer(merges, length=text.pooled_length)
    lines = ["", *dict.fromkeys(caption for row in captions for caption in row)]
    number = {line: index for index, line in enumerate(lines)}
    latents = _latents(coder, taught.pictures, run)
    coder.register_to_config(**autoencoder.statistics(latents[:STATISTICS_FROM]))
    scaling, shift = coder.config["scaling_factor"], coder.config["shift_factor"]
    lessons = transformer.Lessons(
        packed=transformer.pack((latents.float() - shift) * scaling).to(torch.bfloat16),
        t5_ids=_numbered(t5, lines, text.length),
        clip_ids=_numbered(clip, lines, text.pooled_length),
        rows=torch.tensor([[number[caption] for caption in row] for row in captions]),
        codes=torch.from_numpy(taught.codes),
        spelled=spelled(t5),
        grid=latents.shape[-1] // 2,
    )
    network = transformer.Network(
        recipe.transformer, recipe.text, t5_words=len(t5), clip_words=len(clip)
    )
    return lessons, export.Parts(network, coder, t5, clip)


def _captions(people: data.People, recipe: Recipe) -> list[list[str]]:
    """A row of captions for each picture to learn from, some of them with a name."""
    named, rows = recipe.transformer.named, []
    for given, person in zip(people.captions, people.persons, strict=True):
        chance = random.Random(person)
        turns = [given[turn % len(given)] for turn in range(data.CAPTIONS)]
        rows.append(
            [data.named(turn, person, draw=chance) for turn in turns[:named]] + turns[named:]
        )
    return rows


def spelled(t5: PreTrainedTokenizerBase) -> torch.Tensor:
    """Which of the tokenizer's tokens are letters: what spells a word that it does not know."""
    pieces = t5.convert_ids_to_tokens(list(range(len(t5))))
    return torch.tensor([piece in tokens.ALPHABET and piece.isalnum() for piece in pieces])


def _numbered(tokenizer: PreTrainedTokenizerBase, lines: list[str], length: int) -> torch.Tensor:
    ids: torch.Tensor = tokenizer(
        lines, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    ).input_ids
    return ids


def _vocabulary(
    people: data.People, recipe: Recipe, run: Path, start: Path | None
) -> tuple[list[str], list[tuple[str, str]]]:
    """T5's words and CLIP's merges, fixed when first asked for: pictures may be added later.

    Weights that come from the run `start` know the words of that run.
    """
    file = run / "vocabulary.json"
    if start is not None and not file.exists():
        shutil.copyfile(start / file.name, file)
    if not file.exists():
        captions = (caption for row in people.captions for caption in row)
        words = tokens.words(captions, least_count=recipe.text.least_count)
        file.write_text(json.dumps({"words": words, "merges": tokens.clip_merges(words)}))
    known = json.loads(file.read_text())
    return known["words"], [(first, second) for first, second in known["merges"]]


def _latents(coder: AutoencoderKL, pictures: np.ndarray, run: Path) -> torch.Tensor:
    """Codes of all pictures, kept on disk; only those of added pictures are computed."""
    file = run / "latents.pt"
    known = [torch.load(file)] if file.exists() else []
    first = sum(len(codes) for codes in known)
    if first < len(pictures):
        codes = torch.cat([*known, autoencoder.encode(coder, pictures[first:])])
        save_whole(codes, file)
        return codes
    return known[0][: len(pictures)]


if __name__ == "__main__":
    main()
