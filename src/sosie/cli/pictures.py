"""Verbs of pictures: generate, words, give."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sosie.cli import app, studio

Watermark = Annotated[
    bool,
    typer.Option("--watermark/--no-watermark", help="The invisible one: about 0.5 s a picture."),
]


@app.command()
def generate(
    context: typer.Context,
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help='E.g. "photo of <lora:anna:0.8> anna, beach".')
    ],
    base: Annotated[str, typer.Option(help="Base model: short name, hub id or folder.")] = "pocket",
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many pictures.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first; the next count on.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("pictures"),
    negative: Annotated[str, typer.Option(help="What to keep out.")] = "",
    init: Annotated[Path | None, typer.Option(help="Start from this picture.")] = None,
    strength: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="How far to go from it.")
    ] = 0.6,
    width: Annotated[int | None, typer.Option(min=8, help="Pixels. [default: the base's]")] = None,
    height: Annotated[int | None, typer.Option(min=8, help="Pixels. [default: the base's]")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="[default: the base's]")] = None,
    guidance: Annotated[float | None, typer.Option(help="[default: the base's]")] = None,
    true_guidance: Annotated[
        float | None,
        typer.Option(help="Weight against the negative prompt, FLUX only. [default: the base's]"),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    watermark: Watermark = True,
) -> None:
    """Draw pictures with one or several LoRAs."""
    drawn = studio(context).generate(
        prompt,
        base=base,
        n=n,
        seed=seed,
        out=out,
        negative=negative,
        init=init,
        strength=strength if init else 1.0,
        width=width,
        height=height,
        steps=steps,
        guidance=guidance,
        true_guidance=true_guidance,
        device=device,
        watermark=watermark,
        say=lambda line: typer.echo(line, err=True),
    )
    for path in drawn.files:
        typer.echo(str(path))
    typer.echo(f"sheet: {drawn.sheet}")


@app.command()
def words(
    context: typer.Context,
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help='E.g. "photo of a woman, red coat, beach".')
    ],
    base: Annotated[str, typer.Option(help="Base model: short name, hub id or folder.")] = "pocket",
    n: Annotated[int, typer.Option("--n", "-n", min=2, help="Seeds to compare at.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="The first seed; the next count on.")] = 1,
    each: Annotated[
        Literal["phrase", "word"] | None,
        typer.Option(help="What is taken away. [default: phrase, where there are commas]"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the sheet.")] = Path("pictures"),
    steps: Annotated[int | None, typer.Option(min=1, help="[default: the base's]")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
) -> None:
    """Show which words of a prompt work on a base, and which do nothing.

    Each is taken away in turn, and the same seeds are drawn again.
    """
    from sosie.cli import tables
    from sosie.cli.progress import counting

    house = studio(context)
    with counting("drawing") as on_picture:
        trial, sheet = house.words(
            prompt,
            base=base,
            unit=each,
            n=n,
            seed=seed,
            out=out,
            steps=steps,
            device=device,
            say=lambda line: typer.echo(line, err=True),
            on_picture=on_picture,
        )
    tables.words(trial)
    typer.echo(f"sheet: {sheet}")


@app.command()
def give(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the subject.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    no_training: Annotated[
        bool, typer.Option("--no-training", help="Say in them that no AI may be trained with them.")
    ] = False,
    watermark: Watermark = True,
) -> None:
    """Copy pictures of a subject out, with marks that say whose they are.

    Marks are words: they keep nobody from anything, and who wants to can remove them.
    """
    from sosie.cli.tables import counted

    copies = studio(context).export_pictures(
        name,
        out,
        no_training=no_training,
        watermark=watermark,
        say=lambda line: typer.echo(line, err=True),
    )
    for path in copies.files:
        typer.echo(str(path))
    typer.echo(f"{counted(len(copies.files), 'picture')}, {copies.watermarked} with a watermark.")
