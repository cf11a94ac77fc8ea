"""The verb of permission: consent."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sosie.cli import app, comma_list, studio
from sosie.cli.training import pair
from sosie.core.errors import BadInput
from sosie.core.terms import ACTS, ALWAYS, PROHIBITIONS, Relation

if TYPE_CHECKING:
    from sosie.core.consent import Consent

LIFTABLE = tuple(prohibition for prohibition in PROHIBITIONS if prohibition not in ALWAYS)


@app.command()
def consent(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the subject.")],
    self_: Annotated[
        bool, typer.Option("--self", help="The person, who is of age, signs in person.")
    ] = False,
    guardian: Annotated[bool, typer.Option("--guardian", help="A guardian signs.")] = False,
    estate: Annotated[bool, typer.Option("--estate", help="The estate signs.")] = False,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Nobody: the person was drawn by a program.")
    ] = False,
    who: Annotated[str | None, typer.Option(help="Whom it is about. [default: NAME]")] = None,
    signed_by: Annotated[str | None, typer.Option(help="Who signed it.")] = None,
    authority: Annotated[
        str | None, typer.Option(help="What shows that a guardian or an estate may sign.")
    ] = None,
    born: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Birth date of the person.")
    ] = None,
    acts: Annotated[
        str, typer.Option(help=f"What is allowed, of: {', '.join(ACTS)}; 'none' withdraws.")
    ] = "train,generate,export",
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT", help=f"Lift what is prohibited by default: {', '.join(LIFTABLE)}."
        ),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day it holds.")
    ] = None,
    copyright_: Annotated[
        list[str] | None,
        typer.Option(
            "--copyright", metavar="[FILE=]HOLDER", help="Whose work the pictures, or one, are."
        ),
    ] = None,
    evidence: Annotated[
        str | None,
        typer.Option(help="Where the signed paper lies; for --synthetic, the recipe."),
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other term; rights.md lists them."),
    ] = None,
    sign_with: Annotated[
        Path | None, typer.Option(metavar="KEYFILE", help="The signer's own Ed25519 key.")
    ] = None,
    make_key: Annotated[
        Path | None, typer.Option(metavar="KEYFILE", help="Make such a key, and sign with it.")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw every permission; tells what it reaches.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Only show what is allowed, and what is not.")
    ] = False,
) -> None:
    """Record a permission; without one nothing is trained or drawn.

    Without options it asks, question by question. A later record replaces an earlier one of the
    same signer for the acts it names; `--withdraw` ends them all.
    """
    from sosie.cli import permissions

    house = studio(context)
    if show:
        permissions.standing(house.show(name))
        return
    if make_key is not None:
        sign_with = house.make_key(make_key)
        typer.echo(f"The key is in {make_key}: for the signer alone, where the trainer has it not.")
    if withdraw:
        permissions.withdrawn(house.withdraw(name, signed_by=signed_by, sign_with=sign_with))
        return
    signers: dict[Relation, bool] = {
        **{"self": self_, "guardian": guardian, "estate": estate, "synthetic": synthetic}
    }
    chosen = [relation for relation, given in signers.items() if given]
    if len(chosen) != 1:
        raise BadInput(
            "Say who gives the permission.",
            advice="Choose exactly one of --self, --guardian, --estate, --synthetic.",
        )
    terms: dict[str, Any] = dict(pair(item) for item in assign or [])
    given: dict[str, Any] = {"authority": authority, "born": born.date() if born else None}
    if allow:
        given["prohibitions"] = lifted(allow)
    holders = dict(holder.split("=", 1) for holder in copyright_ or [] if "=" in holder)
    given["copyright_holder"] = next((one for one in copyright_ or [] if "=" not in one), None)
    terms |= {key: value for key, value in given.items() if value is not None}
    record = house.consent(
        name,
        relation=chosen[0],
        who=who,
        signed_by=signed_by,
        acts=comma_list(acts, ACTS, "act"),
        until=until.date() if until else None,
        evidence=evidence,
        terms=terms,
        holders=holders,
        sign_with=sign_with,
    )
    recorded(record, with_key=sign_with is not None)


def recorded(record: Consent, *, with_key: bool) -> None:
    """Tell what was recorded, and who signed it."""
    from sosie.cli import permissions

    permissions.screen(record)
    allowed = ", ".join(record.acts) or "nothing: the permission is withdrawn"
    end = f" until {record.until}" if record.until else ""
    typer.echo(f"Recorded for {record.who}, signed by {record.signed_by}: {allowed}{end}.")
    hands = f"{record.signed_by} and this workspace" if with_key else "this workspace"
    typer.echo(f"Signed with the key of {hands}.")
    typer.echo(f"Hash {record.sha256()[:16]}… goes into every LoRA made under it.")


def lifted(words: list[str]) -> tuple[str, ...]:
    """What is still prohibited. Raises BadInput for what cannot be lifted."""
    unknown = sorted(set(words) - set(LIFTABLE))
    if unknown:
        raise BadInput(
            f"Cannot be allowed: {', '.join(unknown)}.", advice=f"Known: {', '.join(LIFTABLE)}."
        )
    return tuple(prohibition for prohibition in PROHIBITIONS if prohibition not in words)
