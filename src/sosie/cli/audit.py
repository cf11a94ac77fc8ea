"""The verb that judges what a LoRA draws: audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sosie.cli import app, studio
from sosie.core.errors import BadInput

if TYPE_CHECKING:
    from sosie.studio.auditing import Audited
    from sosie.studio.probing import Probed
    from sosie.studio.strangers import Repeated

    Verb = Callable[..., Audited | Probed | Repeated]

EXIT = {"passed": 0, "failed": 1, "not measured": 2}


@app.command()
def audit(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A LoRA, or NAME@STEP for one checkpoint."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Where the base lies, if it was a folder then.")
    ] = None,
    strength: Annotated[
        list[float] | None,
        typer.Option(min=0.05, max=3.0, help="To look at. [default: 0.7, 0.85, 1]"),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=2, help="Of each prompt, for the figures. [default: 2]")
    ] = None,
    copies: Annotated[
        bool, typer.Option("--copies", help="Does it give back the pictures that taught it?")
    ] = False,
    each: Annotated[
        int | None,
        typer.Option(min=1, help="With --copies: pictures of each way of asking. [default: 74]"),
    ] = None,
    mend: Annotated[
        bool,
        typer.Option(
            "--mend",
            help="With --copies: try less strength, a spectral filter, earlier checkpoints.",
        ),
    ] = False,
    retrain: Annotated[
        bool,
        typer.Option("--retrain", help="With --mend: first train again, with the cause removed."),
    ] = False,
    counterfactual: Annotated[
        bool,
        typer.Option(
            "--counterfactual",
            help="With --copies: train again without a part of the pictures, and compare.",
        ),
    ] = False,
    folds: Annotated[
        int | None,
        typer.Option(min=2, max=20, help="With --counterfactual: how many parts. [default: 3]"),
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Instead of a LoRA: a folder of generated pictures.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="The folder of pictures that they may copy.")
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(help="Of copies: a folder of pictures like those, never taught."),
    ] = None,
    rights: Annotated[
        Path | None,
        typer.Option(help="Of copies: a CSV table of the pictures' rights: file, status."),
    ] = None,
    at_most: Annotated[
        float | None,
        typer.Option(
            min=1e-6, max=0.5, help="Of copies: the share of pictures that may be. [default: 0.01]"
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="Write the report there as one HTML file, too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the signed JSON.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
) -> None:
    """Judge what a LoRA draws: is it like? Which checkpoint is best?

    With --copies: does it give back the pictures that taught it? It is asked as users ask, and as
    attackers do; thresholds come from held-out pictures and from the base alone.

    With --pictures and --against: whether one folder copies another, without a model.

    Exit code 0: passed; 1: failed; 2: could not be measured.
    """
    from sosie.cli import report
    from sosie.cli.progress import stages, stop_on_interrupt
    from sosie.studio.folding import FOLDS

    house = studio(context)
    folders = pictures is not None or against is not None
    lora: dict[str, object] = {
        "--copies": copies,
        "--base": base,
        "--strength": strength,
        "--seeds": seeds,
    }
    lora["--device"] = device != "auto"
    _belong(lora, "an audit of a LoRA", not folders)
    _belong({"--seeds": seeds}, "an audit without --copies", not copies)
    parts = {"--each": each, "--mend": mend, "--counterfactual": counterfactual}
    _belong(parts, "--copies", copies)
    of_copies = {"--held-out": held_out, "--rights": rights, "--at-most": at_most}
    _belong(of_copies, "--copies, or to --pictures and --against", copies or folders)
    _belong({"--retrain": retrain}, "--mend", mend)
    _belong({"--folds": folds}, "--counterfactual", counterfactual)
    share = {} if at_most is None else {"at_most": at_most}
    if folders:
        if pictures is None or against is None or name is not None:
            raise BadInput("Name a LoRA, or both --pictures and --against.")
        with stages() as on_stage:
            compared = house.compare(
                pictures,
                against,
                held_out=held_out,
                rights=rights,
                page=page,
                on_picture=on_stage,
                **share,
            )
        if as_json:
            typer.echo(compared.signed)
        else:
            report.copying(compared.copying, compared.rights)
            if page is not None:
                typer.echo(f"report: {page}")
        raise typer.Exit(EXIT[compared.copying.verdict])
    if counterfactual and mend:
        raise BadInput(
            "--mend tries many adapters, and --counterfactual trains each again several times.",
            advice="Mend first, then look at the one that is left.",
        )
    if name is None:
        raise BadInput("Name a LoRA, or both --pictures and --against.")
    given: dict[str, Any]
    if copies:
        if strength and len(strength) > 1:
            raise BadInput("Copies are looked for at one strength.", advice="Name one --strength.")
        weight = strength[0] if strength else None
        given = {"strength": weight, "each": each, **share}
        given |= {"held_out": held_out, "rights": rights}
        given["folds"] = (folds or FOLDS) if counterfactual else None
        given["retrain"] = retrain or None
        verb: Verb = house.mend_copies if mend else house.audit_copies
    else:
        given = {"strengths": tuple(strength) if strength else None, "measuring": seeds}
        verb = house.audit
    with stages() as on_stage, stop_on_interrupt() as should_stop:

        def hear(kind: str, data: dict[str, Any]) -> None:
            if kind == "picture":
                on_stage("drawing" if copies else "auditing", data["done"], data["of"])
            elif kind == "looked":
                on_stage(data["what"], data["done"], data["of"])
            elif kind == "step":
                on_stage("training", data["step"], data["steps"])
            elif kind in ("note", "counterfactual", "retraining"):
                typer.echo(data["message"], err=True)

        done = verb(
            name,
            base=base,
            device=device,
            on_event=hear,
            should_stop=should_stop,
            say=lambda line: typer.echo(line, err=True),
            **{key: value for key, value in given.items() if value is not None},
        )
    if page is not None:
        page.write_bytes(done.page.read_bytes())
    if as_json:
        typer.echo(done.record.read_text(encoding="utf-8"))
    else:
        report.audited(done.audit)
        typer.echo(f"report: {page or done.page}")
    raise typer.Exit(EXIT[done.audit.verdict])


def _belong(options: Mapping[str, object], to: str, there: bool) -> None:
    """Raise BadInput for options that are given where what they belong to is not."""
    given = [name for name, value in options.items() if value]
    if given and not there:
        verb = "belongs" if len(given) == 1 else "belong"
        raise BadInput(f"{' and '.join(given)} {verb} to {to}.")
