"""The verb that says whom a picture looks like: resembles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sosie.cli import app, studio


@app.command()
def resembles(
    context: typer.Context,
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="A picture with a face.")],
    among: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help='People on file. [default: "all"]')
    ] = None,
    rate: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="Strangers that may be taken for anybody.")
    ] = 0.01,
    not_like: Annotated[
        bool, typer.Option("--not-like", help="It is to resemble nobody: gate by exit code.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Say whom on file the faces of a picture look like.

    Beside each cosine stands how often two other people on file score as high.
    With --not-like, exit code 0: nobody; 1: somebody; 2: too few on file to tell, or somebody
    there who may not be compared.
    """
    from sosie.cli import report
    from sosie.cli.progress import counting

    house = studio(context)
    names = None if not among or "all" in among else among
    with counting("comparing") as on_picture:
        looked = house.resembles(picture, among=names, rate=rate, on_picture=on_picture)
    if as_json:
        typer.echo(looked.resemblances.model_dump_json(indent=2))
    else:
        report.resemblances(looked)
    if not_like:
        raise typer.Exit(
            _gate(
                any(one.alike for one in looked.resemblances.found),
                told=looked.resemblances.supported and not looked.left_out,
            )
        )


def _gate(alike: bool, *, told: bool) -> int:
    """What was not measured does not pass."""
    return 1 if alike else 0 if told else 2
