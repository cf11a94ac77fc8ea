"""Verbs of models and LoRA files: bases, import, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sosie.cli import app, studio


@app.command()
def bases(context: typer.Context) -> None:
    """List the base models, their licences and where they lie."""
    from sosie.cli import tables

    tables.bases(studio(context).bases())


@app.command("import")
def import_lora(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .safetensors LoRA of any usual trainer.")
    ],
    subject: Annotated[
        str, typer.Option(help="Whom it shows: that subject's permission governs its use.")
    ],
    name: Annotated[str | None, typer.Option(help="Its name here. [default: file name]")] = None,
) -> None:
    """File a LoRA made elsewhere, or refuse it and say why."""
    _, told = studio(context).import_adapter(file, subject=subject, name=name)
    for line in told:
        typer.echo(line)


@app.command("export")
def export_lora(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="LORA", help="A LoRA, as `sosie show` names it; LORA@STEP for a checkpoint."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder or file to write.")],
) -> None:
    """Copy a LoRA out, for ComfyUI, Forge, A1111 or diffusers."""
    for path in studio(context).export_adapter(name, out):
        typer.echo(str(path))
