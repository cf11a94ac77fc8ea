"""Verbs of the workspace: new, add, remove, show, list, tidy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sosie.cli import app, studio
from sosie.core.errors import BadInput
from sosie.core.terms import Kind

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the subject.")]


@app.command()
def new(
    context: typer.Context,
    name: Name,
    kind: Annotated[Kind, typer.Option(help="What the pictures show.")] = "person",
    trigger: Annotated[
        str | None, typer.Option(help="Word that will stand for the subject. [default: NAME]")
    ] = None,
) -> None:
    """Start a subject: a person or a handwriting."""
    subject = studio(context).new(name, kind, trigger=trigger)
    typer.echo(f'{subject.name}: a {subject.kind}, trigger word "{subject.trigger}".')
    typer.echo(f"Next: sosie add {subject.name} FILES…   and   sosie consent {subject.name} …")


@app.command()
def add(
    context: typer.Context,
    name: Name,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="Pictures, caption files or folders.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with an error if any file was refused.")
    ] = False,
) -> None:
    """Add pictures, with the .txt or .caption files beside them."""
    from sosie.cli import tables

    report = studio(context).add(name, files)
    tables.added(report)
    if report.refused and (strict or not (report.added or report.known)):
        refused = tables.counted(len(report.refused), "file")
        raise BadInput(f"{refused} refused, for the reasons told.", advice="The rest is on file.")


@app.command()
def remove(
    context: typer.Context,
    name: Name,
    pictures: Annotated[
        list[str], typer.Argument(metavar="PICTURES...", help="File names, or hashes.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
) -> None:
    """Take pictures off file and delete them."""
    from sosie.cli import tables

    many = tables.counted(len(set(pictures)), "picture")
    if not yes:
        typer.confirm(f"Delete {many} of {name}, original files on record included?", abort=True)
    for sample in studio(context).remove(name, pictures):
        typer.echo(f"Removed {sample.file_name}")
    typer.echo("LoRAs that learned from them are unchanged: train again without them.")


@app.command()
def show(context: typer.Context, name: Name) -> None:
    """Show what is on file: exactly what training would use."""
    from sosie.cli import tables

    tables.overview(studio(context).show(name))


@app.command("list")
def list_subjects(context: typer.Context) -> None:
    """List the subjects, their permissions and their LoRAs."""
    from sosie.cli import tables

    tables.subjects(studio(context).overviews())


@app.command()
def tidy(context: typer.Context) -> None:
    """Remove what killed processes left behind more than a day ago."""
    from sosie.cli import tables

    tables.swept(studio(context).tidy())
