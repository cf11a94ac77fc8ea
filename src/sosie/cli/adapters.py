"""Verbs of models and LoRA files: bases, import, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sosie.cli import app, comma_list, studio
from sosie.core.terms import PROGRAMS


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
    programs: Annotated[
        str,
        typer.Option(
            "--for",
            help=f"What to write beside it, for any of: {', '.join(PROGRAMS)}; 'none' for nothing.",
        ),
    ] = ",".join(PROGRAMS),
) -> None:
    """Copy a LoRA out, for ComfyUI, Forge, A1111, InvokeAI or diffusers.

    Beside it are written the cover and the files from which other programs show its trigger word
    and weight without asking the network.
    """
    chosen = comma_list(programs, PROGRAMS, "program")
    for path in studio(context).export_adapter(name, out, programs=chosen):
        typer.echo(str(path))
