"""Verbs of the workspace: new, add, remove, show, list, tidy, consent."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sosie.cli import app, comma_list, studio
from sosie.core.errors import BadInput
from sosie.core.terms import ACTS, Kind, Relation

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


@app.command()
def consent(
    context: typer.Context,
    name: Name,
    self_: Annotated[bool, typer.Option("--self", help="The person signs for themself.")] = False,
    guardian: Annotated[bool, typer.Option("--guardian", help="A guardian signs.")] = False,
    estate: Annotated[bool, typer.Option("--estate", help="The estate signs.")] = False,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Nobody: the person was drawn by a program.")
    ] = False,
    who: Annotated[str | None, typer.Option(help="Whom it is about. [default: NAME]")] = None,
    signed_by: Annotated[str | None, typer.Option(help="Who signed it.")] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw every permission; tells what it reaches.")
    ] = False,
    acts: Annotated[
        str, typer.Option(help=f"What is allowed, of: {', '.join(ACTS)}; 'none' withdraws.")
    ] = "train,generate,export",
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day it holds.")
    ] = None,
    evidence: Annotated[
        str | None,
        typer.Option(help="Where the signed paper lies; for --synthetic, the recipe."),
    ] = None,
    sign_with: Annotated[
        Path | None, typer.Option(metavar="KEYFILE", help="The signer's own Ed25519 key.")
    ] = None,
) -> None:
    """Record a permission; without one nothing is trained or drawn.

    A later record replaces an earlier one for the acts it names; `--withdraw` ends them all.
    """
    if withdraw:
        from sosie.cli import tables

        tables.withdrawn(studio(context).withdraw(name, signed_by=signed_by, sign_with=sign_with))
        return
    chosen: list[Relation] = []
    if self_:
        chosen.append("self")
    if guardian:
        chosen.append("guardian")
    if estate:
        chosen.append("estate")
    if synthetic:
        chosen.append("synthetic")
    if len(chosen) != 1:
        raise BadInput(
            "Say who gives the permission.",
            advice="Choose exactly one of --self, --guardian, --estate, --synthetic.",
        )
    record = studio(context).consent(
        name,
        relation=chosen[0],
        who=who,
        signed_by=signed_by,
        acts=comma_list(acts, ACTS, "act"),
        until=until.date() if until else None,
        evidence=evidence,
        sign_with=sign_with,
    )
    allowed = ", ".join(record.acts) or "nothing: the permission is withdrawn"
    end = f" until {record.until}" if record.until else ""
    typer.echo(f"Recorded for {record.who}, signed by {record.signed_by}: {allowed}{end}.")
    hands = "this workspace" if sign_with is None else f"{record.signed_by} and this workspace"
    typer.echo(f"Signed with the key of {hands}.")
    typer.echo(f"Hash {record.sha256()[:16]}… goes into every LoRA made under it.")
