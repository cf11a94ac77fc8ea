"""Verbs of training: train, runs, follow, reproduce."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sosie.cli import app, studio
from sosie.core.errors import BadInput, NotReady

Device = Annotated[str, typer.Option(help="cpu, cuda or auto.")]


@app.command()
def train(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the subject.")],
    base: Annotated[str, typer.Option(help="Base model: short name, hub id or folder.")] = "pocket",
    steps: Annotated[
        int | None, typer.Option(min=1, help="[default: by the number of pictures]")
    ] = None,
    rank: Annotated[int | None, typer.Option(min=1, help="[default: the base's recipe]")] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--lr", help="[default: the base's recipe]")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="[default: the base's recipe]")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Equal seeds and inputs give equal files. [default: 0]")
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Any other setting; `--dry-run` lists them."
        ),
    ] = None,
    despite: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE", help="Go on in spite of it; goes on record."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check, and say what it will take.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the last unfinished run.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Train a LoRA, or with --dry-run say what it would take."""
    from sosie.cli import tables
    from sosie.cli.progress import Progress, stop_on_interrupt

    overrides: dict[str, Any] = dict(pair(item) for item in assign or [])
    given: dict[str, Any] = {
        "steps": steps,
        "rank": rank,
        "learning_rate": learning_rate,
        "batch": batch,
    }
    given |= {"seed": seed, "waive": tuple(despite) if despite else None}
    overrides |= {key: value for key, value in given.items() if value is not None}
    house = studio(context)
    if dry_run:
        plan, config = house.plan(name, base=base, overrides=overrides, device=device)
        tables.plan(plan, config)
        if plan.blockers:
            raise typer.Exit(NotReady.exit_code)
        return
    with Progress() as progress, stop_on_interrupt() as should_stop:
        adapter = house.train(
            name,
            base=base,
            overrides=overrides,
            device=device,
            resume=resume,
            on_event=progress.event,
            should_stop=should_stop,
        )
    typer.echo(f'Done: "{adapter.name}". Use it as "<lora:{adapter.name}:1> {adapter.trigger}".')
    typer.echo(f"Take it elsewhere with: sosie export {adapter.name} --out FOLDER")
    typer.echo(f"Checkpoints, previews and manifest: {house.run_folder(adapter.name)}")


@app.command()
def runs(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only those of this subject.")
    ] = None,
) -> None:
    """List training runs and their state."""
    from sosie.cli import tables

    tables.runs(studio(context).runs(name))


@app.command()
def follow(
    context: typer.Context,
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id, or a subject for its latest run.")
    ],
) -> None:
    """Follow a run from another terminal, until it ends."""
    from sosie.cli.progress import Progress

    with Progress() as progress:
        for event in studio(context).follow(run):
            progress.event(event.kind, event.data)


@app.command()
def reproduce(
    context: typer.Context,
    manifest: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="A run's id, its manifest.json, or an exported .sosie.json."
        ),
    ],
    base: Annotated[
        str | None, typer.Option(help="Where the base lies, if it was a folder then.")
    ] = None,
    device: Device = "cpu",
) -> None:
    """Train again from a manifest and compare the file's hash."""
    from sosie.cli.progress import Progress, stop_on_interrupt

    with Progress() as progress, stop_on_interrupt() as should_stop:
        outcome = studio(context).reproduce(
            manifest, base=base, device=device, on_event=progress.event, should_stop=should_stop
        )
    if outcome.same and outcome.file_sha256 == outcome.recorded_sha256:
        typer.echo(f"Reproduced: the file's hash is {outcome.file_sha256} again.")
        return
    if outcome.same:
        typer.echo(
            "Reproduced: the same file but for the signature, which is of another workspace. "
            f"Without it, its hash is {outcome.unsigned_sha256} again."
        )
        return
    typer.echo(
        f"Not the same file: {outcome.file_sha256} now, {outcome.recorded_sha256} then. "
        + " ".join(outcome.differences)
    )
    raise typer.Exit(1)


def pair(text: str) -> tuple[str, Any]:
    """KEY=VALUE with the value read as JSON where it is JSON, else as text."""
    import json

    key, sign, value = text.partition("=")
    if not sign:
        raise BadInput(f'--set {text!r} has no "=".', advice="Write --set KEY=VALUE.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
