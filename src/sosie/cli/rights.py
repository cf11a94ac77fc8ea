"""Verbs of rights: verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sosie.cli import app, studio

BAD = ("changed", "forged", "withdrawn", "ended")


@app.command()
def verify(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES...", help="LoRAs and pictures."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell who made a file, from what, with whose permission, and whether it was changed.

    Ends with 0 if all are as signed, 1 if one was changed or forged or its permission was withdrawn
    or has ended, 2 if there is nothing to verify.
    """
    import json

    found = [studio(context).verify(file) for file in files]
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
