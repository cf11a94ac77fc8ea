"""Verbs of rights: status, verify, forget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sosie.cli import app, studio
from sosie.core.errors import BadInput

BAD = ("changed", "forged", "doubtful", "recognised", "withdrawn", "ended")


@app.command()
def status(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(metavar="LIST.json", help="Write the list, for others to fetch.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="For how many days it is good.")] = 30,
) -> None:
    """Tell which permissions still hold, as a signed list by their hashes.

    A reader of the list may rely on what is withdrawn or ended for ever, and on what stands for as
    long as it is good.
    """
    from sosie.cli import permissions

    issued = studio(context).status(out, days=days)
    permissions.status(issued)
    if out is not None:
        typer.echo(f"{out}: signed, good until {issued.list.good_until:%Y-%m-%d}.")


@app.command()
def verify(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES...",
            help="LoRAs, pictures, permissions, papers, status lists, receipts, of anyone.",
        ),
    ],
    status: Annotated[
        Path | None,
        typer.Option(metavar="LIST.json", help="A status list, for permissions of others."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell who made a file, by whose permission, and if it was changed.

    Ends with 0 if all are as signed; 1 if one was changed or forged, is known by its watermark
    only, or its permission was withdrawn or has ended; 2 if there is nothing to verify.
    """
    import json

    found = [studio(context).verify(file, status=status) for file in files]
    if as_json:
        rows = [account.model_dump(mode="json") for account in found]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for account in found:
            typer.echo(f"{account.file}: {account.verdict}")
            for sentence in account.told:
                typer.echo(f"  {sentence}")
            typer.echo("  What cannot be known:")
            for sentence in account.unknown:
                typer.echo(f"    {sentence}")
    verdicts = {account.verdict for account in found}
    if verdicts & set(BAD):
        raise typer.Exit(1)
    if "not signed" in verdicts:
        raise typer.Exit(2)


@app.command()
def forget(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the subject.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name again.")] = False,
) -> None:
    """Destroy all pictures, runs and LoRAs of a subject, for good.

    Permissions and their signatures stay on record.
    """
    from sosie.cli.tables import counted

    house = studio(context)
    if not yes:
        shown = house.show(name)
        parts = ((shown.samples, "picture"), (shown.runs, "run"), (shown.adapters, "LoRA"))
        what = ", ".join(counted(len(rows), word) for rows, word in parts)
        typer.echo(f"This destroys {what} of {shown.subject.name}. It cannot be undone.")
        if typer.prompt("Type the name again") != shown.subject.name:
            raise BadInput("That is another name: nothing was destroyed.")
    path, receipt = house.forget(name)
    typer.echo(f"{counted(len(receipt.destroyed), 'file')} destroyed, by hash in {path}")
    for file in receipt.kept:
        typer.echo(f"kept: {file.what} {file.file_sha256[:12]}…, which another subject shares")
    typer.echo("Out of reach: exported files, drawn pictures, backups. Delete them yourself.")
