"""Build `pocket` from nothing: drawn people and lines, autoencoder, latents, transformer, folder.

    python -m pocket.build                      everything, resuming what was begun
    python -m pocket.build --minutes 60         let the transformer's schedule end by the clock
    python -m pocket.build --smoke              every step on cartoons, in under a minute

Each step leaves its result under the run's folder and is skipped when that is there. So does the
last: what ships is replaced by `python -m pocket.ship` alone, once what was built has been judged.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import random
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from transformers import CLIPTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from pocket import (
    autoencoder,
    begin,
    data,
    draw,
    export,
    hearing,
    precision,
    questions,
    reading,
    shards,
    standin,
    tokens,
    transformer,
)
from pocket.lessons import Domain, Lessons
from pocket.recipe import Recipe, TextRecipe, on_gpu, smoke
from pocket.schedule import save_whole
from pocket.trainer import Trainer

HERE = Path(__file__).resolve().parent
SHARDS = {"people": "v3", "short": "v2", "plain": "v2", "lines": "v3", "long": "v3"}
"""The kinds of `pocket.draw`, and which drawing of each is in the cache."""
RUN = HERE / "runs" / "v12"

SO_FAR, FINISHED = "so-far", "pocket"
"""Diffusers folders in the run's: what has been learned until now, for those who look in on a
training; and what it came to, which is never half done."""

VOCABULARY = "vocabulary.json"
"""The words that both tokenizers know, in the run's folder."""

BEGUN = "begun.txt"
"""Which weights the run began with, in its folder."""

STATISTICS_FROM = 4096
"""Pictures whose codes set the scaling: not all, so that adding pictures later changes nothing."""


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m pocket.build", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="all steps, tiny, on cartoons")
    for what, drawing in SHARDS.items():
        folder = HERE / "cache" / f"{what}-{drawing}"
        parser.add_argument(f"--{what}", type=Path, default=folder, help="its shards")
    parser.add_argument("--run", type=Path, help="the folder of its state and of its result")
    parser.add_argument("--start", type=Path, help="a built folder to begin with")
    parser.add_argument("--minutes", type=float, help="length of the transformer's training")
    parser.add_argument("--only", choices=["autoencoder"], help="stop after this step")
    parser.add_argument(
        "--no-compile",
        action="store_true",
        help="train without torch.compile, which gains nothing where float32 is trained",
    )
    given = parser.parse_args(arguments)
    precision.flush()
    if given.smoke:
        with tempfile.TemporaryDirectory() as scratch:
            build(
                data.Material(standin.people(64), *[standin.lines(64)] * 4),
                smoke(Recipe()),
                run=given.run or Path(scratch),
                compiled=False,
            )
        return
    recipe = Recipe() if precision.on_cpu() else on_gpu(Recipe())
    counts = {
        "people": recipe.pictures,
        "short": recipe.short_lines,
        "plain": recipe.plain_lines,
        "lines": recipe.lines,
        "long": recipe.long_lines,
    }
    crew = os.cpu_count() or 1
    drawn = {
        what: shards.draw(
            vars(given)[what], count, draw.DOMAINS[what], workers=crew, seed=recipe.seed
        )
        for what, count in counts.items()
    }
    build(
        data.Material(
            data.load_people(drawn["people"]),
            data.load_lines(drawn["short"], signed=False),
            data.load_lines(drawn["plain"], signed=False),
            data.load_lines(drawn["lines"], signed=True),
            data.load_lines(drawn["long"], signed=True),
        ),
        recipe,
        run=given.run or RUN,
        start=given.start,
        minutes=given.minutes,
        compiled=precision.half() and not given.no_compile,
        only=given.only,
    )


def build(
    material: data.Material,
    recipe: Recipe,
    *,
    run: Path,
    start: Path | None = None,
    minutes: float | None = None,
    compiled: bool = True,
    only: str | None = None,
) -> None:
    """The whole build, step by step, to the folder `FINISHED` in `run`.

    Raises ValueError where `start` is in the run's own folder, since what is written lies towards
    it; and where `run` began with a folder and none is named: its latents would be of one
    autoencoder and those of pictures added now of another.
    """
    if start is None and (run / BEGUN).exists():
        raise ValueError(f"{run} began with a built folder: name one with its autoencoder.")
    if start is not None and start.resolve().is_relative_to(run.resolve()):
        raise ValueError(f"{start} is written by this run: begin with it in another one (--run).")
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    if not precision.on_cpu():
        torch.set_default_device(precision.device())
    began = time.monotonic()
    withheld, taught = material.split(recipe.held_out_pictures)
    albums = (taught.people.pictures, taught.lines.pictures)
    coder = (
        autoencoder.train(albums, recipe.autoencoder, run)
        if start is None
        else begin.autoencoder(start)
    )
    lessons, parts = prepare(taught, coder, recipe, run, start=start)
    coder = autoencoder.refine(coder, albums, recipe.autoencoder, run)
    ratios = {
        "people": autoencoder.psnr(coder, withheld.people.pictures),
        "lines": autoencoder.psnr(coder, withheld.lines.pictures),
    }
    told = ", ".join(f"{ratio:.2f} dB on {what}" for what, ratio in ratios.items())
    print(f"autoencoder: {told} held out", flush=True)
    if only == "autoencoder":
        return
    goes_on = begin.knows(start, run / VOCABULARY, recipe.text)
    if not goes_on:
        hearing.train(parts.network, lessons, recipe.text, run)
    before = copy.deepcopy(parts.network).requires_grad_(False) if goes_on else None
    walks = reading.Walks(parts.network, lessons, coder, recipe, began=before)
    trainer = Trainer(parts.network, lessons, recipe.transformer, run, walks=walks)
    known = _figures(material, recipe, ratios, run, start)

    def publish(name: str) -> None:
        figures = {
            "Transformer's training": f"{trainer.seconds / 60:.0f} minutes, {trainer.step:,} steps,"
            f" {trainer.seen:,} pictures seen",
            **known,
        }
        learned = trainer.averaged()
        if start is not None and goes_on:
            words, share = parts.t5_tokenizer.get_vocab(), recipe.transformer.begun_share
            learned = begin.between(parts.network, learned, start, words=words, share=share)
            figures["Begun with"] += f"; what is written lies {share:g} of the way back to them"
        export.write(run / name, parts, learned, recipe, figures)

    trainer.run(lambda: publish(SO_FAR), minutes=minutes, compiled=compiled)
    publish(FINISHED)
    shutil.rmtree(run / SO_FAR, ignore_errors=True)
    print(f"wrote {run / FINISHED} in {(time.monotonic() - began) / 60:.1f} minutes", flush=True)


def _figures(
    material: data.Material,
    recipe: Recipe,
    ratios: Mapping[str, float],
    run: Path,
    start: Path | None,
) -> dict[str, str]:
    """What the card says that is known before the transformer is trained."""
    coding = recipe.autoencoder
    people, written = material.people, material.written()
    short, plain, lines, long = (len(one.pictures) for one in written)
    hashes = ", ".join(one.sha256() for one in (people, *written))
    known = {
        "Pictures drawn": f"{len(people.pictures):,}, of {len(set(people.persons)):,} persons",
        "Lines written": f"{short:,} of a few letters and {plain:,} of words in plain hands,"
        f" {lines:,} in named hands, {long:,} longer ones",
        "Data": f"sha256 {hashes} (people, and lines in this order)",
        "Autoencoder": f"{ratios['people']:.1f} dB on people, {ratios['lines']:.1f} dB on lines"
        f" ({recipe.held_out_pictures} pictures of each held out), after"
        f" {f'{coding.steps:,} and' if start is None else 'what it began with and'} (decoder"
        f" alone) {coding.refining_steps:,} steps of {coding.batch} crops",
        "Seeds": f"pictures {recipe.seed}, autoencoder {coding.seed},"
        f" transformer {recipe.transformer.seed}",
        "Machine": f"{platform.machine()}, {precision.machine()}",
        "torch": torch.__version__,
    }
    begun = run / BEGUN
    if start is not None and not begun.exists():
        begun.write_text(f"weights of {export.weights_sha256(start)}")
    if begun.exists():
        known["Begun with"] = begun.read_text()
    if (note := run / "note.txt").exists():
        known["Note"] = " ".join(note.read_text().split())
    return known


def prepare(
    taught: data.Material,
    coder: AutoencoderKL,
    recipe: Recipe,
    run: Path,
    *,
    start: Path | None = None,
) -> tuple[Lessons, export.Parts]:
    """Tokenizers, numbered captions and scaled, packed latents; and a network that is untrained, or
    has the weights of the folder `start`."""
    torch.manual_seed(recipe.transformer.seed)
    text = recipe.text
    people = data.with_mirrored(taught.people)
    captions = _captions(people, recipe)
    written = [row for one in taught.written() for row in one.captions]
    # Who signs is to be spelled, and makes no word.
    unsigned = [row[: data.UNSIGNED] for row in written]
    vocabulary = _vocabulary([*people.captions, *unsigned], recipe, run, start)
    known_start = begin.knows(start, run / VOCABULARY, text)
    t5, clip = tokenizers(vocabulary, text)
    sayings = ["", *dict.fromkeys(said for row in (*captions, *written) for said in row)]
    number = {said: index for index, said in enumerate(sayings)}
    of_people = _latents(coder, people.pictures, run / "latents.pt")
    coder.register_to_config(**autoencoder.statistics(of_people[:STATISTICS_FROM]))
    scaling, shift = coder.config["scaling_factor"], coder.config["shift_factor"]

    def here(values: torch.Tensor) -> torch.Tensor:
        return values.to(precision.device())

    size = recipe.transformer

    def domain(
        name: str,
        latents: torch.Tensor,
        said: list[list[str]],
        answers: np.ndarray,
        **others: Any,
    ) -> Domain:
        height, width = (length // 2 for length in latents.shape[-2:])
        return Domain(
            name=name,
            packed=here(transformer.pack((latents.float() - shift) * scaling).to(torch.bfloat16)),
            grid=(height, width),
            rows=here(torch.tensor([[number[caption] for caption in row] for row in said])),
            answers=here(torch.from_numpy(answers)),
            **others,
        )

    def writing(name: str) -> Domain:
        lines: data.Lines = getattr(taught, name)
        latents = _latents(coder, lines.pictures, run / f"latents-of-{name}.pt")
        ink = torch.from_numpy(questions.inked(lines.answers))
        return domain(
            name,
            latents,
            lines.captions,
            lines.answers,
            counts=here(transformer.where_inked(ink, latents.shape[-2] // 2, size.ink_weight)),
            spans=here(torch.from_numpy(lines.spans)),
            hands=here(torch.from_numpy(lines.hands)),
            texts=lines.texts,
            asked_weight=size.asked_of_lines,
            time_mean=size.lines_time_mean,
        )

    lessons = Lessons(
        domains=(
            domain(
                "people",
                of_people,
                captions,
                people.answers,
                counts=here(
                    transformer.weights(*(n // 2 for n in of_people.shape[-2:]), size.face_weight)
                ),
                asked="people",
                asked_weight=size.asked_of_people,
                order=people.shown(),
                time_mean=size.time_mean,
            ),
            *map(writing, ("short", "plain", "lines", "long")),
        ),
        t5_ids=here(_numbered(t5, sayings, text.length)),
        clip_ids=here(_numbered(clip, sayings, text.pooled_length)),
        stages=[size.again] if known_start else size.stages,
    )
    network = transformer.Network(size, text, t5_words=t5.get_vocab(), clip_words=clip.get_vocab())
    if start is not None:
        begin.taught(network, start, words=t5.get_vocab() if known_start else None)
    return lessons, export.Parts(network, coder, t5, clip)


def tokenizers(
    known: Mapping[str, Any], text: TextRecipe
) -> tuple[PreTrainedTokenizerFast, CLIPTokenizer]:
    """T5's and CLIP's, from what `_vocabulary` keeps."""
    merges = [(first, second) for first, second in known["merges"]]
    return (
        tokens.t5_tokenizer(known["words"], length=text.length),
        tokens.clip_tokenizer(merges, length=text.pooled_length),
    )


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


def _numbered(tokenizer: PreTrainedTokenizerBase, lines: list[str], length: int) -> torch.Tensor:
    ids: torch.Tensor = tokenizer(
        lines, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    ).input_ids
    return ids


def _vocabulary(
    captions: Iterable[Iterable[str]], recipe: Recipe, run: Path, start: Path | None
) -> dict[str, Any]:
    """T5's words and CLIP's merges, fixed when first asked for: pictures may be added later.

    Those of the folder `start` come first, if its encoders are to be of use.
    """
    file = run / VOCABULARY
    if not file.exists():
        known = None if start is None else begin.vocabulary(start, recipe.text)
        found = tokens.words(chain.from_iterable(captions), least_count=recipe.text.least_count)
        if known is None:
            known = {"words": found, "merges": tokens.clip_merges(found)}
        known["words"] += [word for word in found if word not in known["words"]]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(known))
    vocabulary: dict[str, Any] = json.loads(file.read_text())
    return vocabulary


def _latents(coder: AutoencoderKL, pictures: np.ndarray, file: Path) -> torch.Tensor:
    """Codes of all pictures, kept on disk; only those of added pictures are computed."""
    known = [torch.load(file)] if file.exists() else []
    first = sum(len(codes) for codes in known)
    if first < len(pictures):
        codes = torch.cat([*known, autoencoder.encode(coder, pictures[first:])])
        save_whole(codes, file)
        return codes
    return known[0][: len(pictures)]


if __name__ == "__main__":
    main()
