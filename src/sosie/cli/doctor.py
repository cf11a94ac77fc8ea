"""The verb that examines: doctor."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from sosie.cli import app, studio
from sosie.core.errors import NotReady
from sosie.core.terms import Language


@app.command()
def doctor(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the subject.")],
    base: Annotated[
        str | None, typer.Option(help="The base model the pictures are to teach.")
    ] = None,
    age: Annotated[int | None, typer.Option(min=0, help="Age in years, if you say it.")] = None,
    cap: Annotated[
        int | None, typer.Option(min=2, help="Pictures that may share a setting. [default: 3]")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Write the report as one HTML file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    language: Annotated[Language, typer.Option(help="Of the report.")] = "en",
    dismiss: Annotated[
        list[str] | None, typer.Option(metavar="FINDING", help="Set it aside: its id or rule.")
    ] = None,
    restore: Annotated[
        list[str] | None, typer.Option(metavar="FINDING", help="Let it count again.")
    ] = None,
    mends: Annotated[
        list[str] | None,
        typer.Option("--mend", metavar="MEND", help='Mend first: "safe", or one by its name.'),
    ] = None,
) -> None:
    """Examine the pictures: what teaches well, what does not, what is missing."""
    from sosie.cli import report
    from sosie.cli.progress import counting

    house = studio(context)
    if mends:
        with counting("mending") as on_picture:
            done = house.mend(name, mends, base=base, age=age, cap=cap, on_picture=on_picture)
        # Of what is read by a program, nothing else may stand on stdout.
        with redirect_stdout(sys.stderr) if as_json else nullcontext():
            report.mending(done)
    with counting("examining") as on_picture:
        found = house.doctor(name, base=base, age=age, cap=cap, on_picture=on_picture)
    for given, change in ((dismiss, house.dismiss), (restore, house.restore)):
        if given:
            change(name, found, given)
            found = house.doctor(name, base=base, age=age, cap=cap)
    if page is not None:
        house.report(name, found, page, language=language)
        typer.echo(f"report: {page}", err=True)
    if as_json:
        from sosie.doctor.told import told

        typer.echo(json.dumps(told(found, language), indent=2, ensure_ascii=False))
    else:
        report.checkup(found, language)
    if found.verdict == "blocked":
        raise typer.Exit(NotReady.exit_code)
