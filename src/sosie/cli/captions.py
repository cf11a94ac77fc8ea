"""The verb of captions: caption."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sosie.cli import app, studio
from sosie.cli.workspace import Name
from sosie.core.errors import BadInput

if TYPE_CHECKING:
    from sosie.studio import Studio


@app.command()
def caption(
    context: typer.Context,
    name: Name,
    template: Annotated[
        str | None,
        typer.Option(help='Caption for pictures without one, e.g. "photo of {trigger}".'),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--all", help="Replace existing captions too.")
    ] = False,
    assign: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FILE=CAPTION", help="Caption of one picture; may be repeated."
        ),
    ] = None,
    insert_trigger: Annotated[
        bool, typer.Option("--insert-trigger", help="Put the trigger word where it is missing.")
    ] = False,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Show captions from what can be measured.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="File what was suggested; with --all, over the old.")
    ] = False,
    base: Annotated[str, typer.Option(help="Suggest in the style of this base.")] = "pocket",
    omit: Annotated[
        list[str] | None,
        typer.Option(metavar="TRAIT", help="Leave hair, make-up, beard or glasses unsaid."),
    ] = None,
    describe: Annotated[
        list[str] | None, typer.Option(metavar="TRAIT", help="Say it even if it never changes.")
    ] = None,
    captioner: Annotated[
        str | None,
        typer.Option(
            "--with", metavar="CAPTIONER", help="An address, a transformers folder, a tagger.onnx."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="The captioner's name at its address.")] = None,
    may_leave: Annotated[
        bool, typer.Option("--may-leave", help="Let the pictures go to an address elsewhere.")
    ] = False,
) -> None:
    """Edit captions, write them from a template, or have them suggested.

    Nothing that is suggested is filed without --write, nor put over a caption without --all.
    """
    from sosie.cli import tables

    if suggest:
        if template or assign or insert_trigger:
            raise BadInput("--suggest goes alone.", advice="Edit what it wrote afterwards.")
        _suggest(
            studio(context),
            name,
            base=base,
            omit=tuple(omit or ()),
            describe=tuple(describe or ()),
            captioner=captioner,
            model=model,
            may_leave=may_leave,
            write=write,
            overwrite=overwrite,
        )
        return
    if write or omit or describe or captioner or model or may_leave:
        raise BadInput("That belongs to suggested captions.", advice="Add --suggest.")
    edits: dict[str, str] = {}
    for pair in assign or []:
        file_name, sign, text = pair.partition("=")
        if not sign:
            raise BadInput(f'--set {pair!r} has no "=".', advice='Write --set FILE="caption".')
        edits[file_name] = text
    house = studio(context)
    changed = house.caption(
        name, template=template, overwrite=overwrite, edits=edits, insert_trigger=insert_trigger
    )
    typer.echo(f"{changed} caption{'' if changed == 1 else 's'} changed.")
    tables.captions(house.show(name))


def _suggest(
    house: Studio,
    name: str,
    *,
    captioner: str | None,
    model: str | None,
    may_leave: bool,
    write: bool,
    overwrite: bool,
    **settings: Any,
) -> None:
    """Show suggested captions, and file them if asked to."""
    from sosie import captions
    from sosie.cli import tables
    from sosie.cli.progress import counting

    if captioner is not None:
        key = os.environ.get("SOSIE_CAPTIONER_KEY")
        settings["captioner"] = captions.captioner(
            captioner, model=model, key=key, may_leave=may_leave
        )
    with counting("looking") as on_picture:
        proposed = house.suggest_captions(name, on_picture=on_picture, **settings)
    tables.proposed(proposed)
    if write:
        changed = house.file_captions(name, proposed, overwrite=overwrite)
        typer.echo(f"{tables.counted(changed, 'caption')} filed.")
    typer.echo(tables.what_next(proposed, written=write, overwritten=overwrite))
