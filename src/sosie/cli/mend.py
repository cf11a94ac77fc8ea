"""The verb that mends: mend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sosie.cli import app, studio
from sosie.cli.training import pair
from sosie.cli.workspace import Name
from sosie.core.errors import BadInput
from sosie.core.terms import Undo


@app.command()
def mend(
    context: typer.Context,
    name: Name,
    mends: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MENDS]...", help='Names of mends; "safe" for all safe ones.'),
    ] = None,
    picture: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Only this picture, by file name or hash; repeatable."),
    ] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Option of the mend.")
    ] = None,
    preview: Annotated[
        Path | None, typer.Option(help="Change nothing; write before and after into this folder.")
    ] = None,
    undo: Annotated[
        Undo | None, typer.Option(help="Take back the last mend of each picture, or all.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="The base model the pictures are to teach.")
    ] = None,
) -> None:
    """Mend pictures, or without MENDS list what can be mended and what was.

    Without --picture, those are mended for which a finding of the doctor asks it. Originals are
    kept, and what was done to whom is told line by line.
    """
    from sosie.cli import report
    from sosie.cli.progress import counting

    house = studio(context)
    if undo is not None:
        if mends or assign or preview:
            raise BadInput("--undo takes back what was done; it goes with --picture and --base.")
        report.undone(house.unmend(name, undo, pictures=picture or (), base=base))
        return
    if not mends:
        with counting("examining") as on_picture:
            found = house.doctor(name, base=base, on_picture=on_picture)
        report.offers(house.offers(name, found), house.mends(name))
        return
    with counting("mending") as on_picture:
        done = house.mend(
            name,
            mends,
            pictures=picture or (),
            options=dict(pair(text) for text in assign or ()),
            preview=preview,
            base=base,
            on_picture=on_picture,
        )
    report.mending(done)
