"""The verb of permission: consent."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sosie.cli import app, comma_list, studio
from sosie.cli.training import pair
from sosie.core.errors import BadInput
from sosie.core.terms import ACTS, ALWAYS, PROHIBITIONS, Act, Relation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sosie.core.consent import Consent
    from sosie.studio import Studio

LIFTABLE = tuple(prohibition for prohibition in PROHIBITIONS if prohibition not in ALWAYS)


@app.command()
def consent(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name of the subject.", show_default=False)
    ] = None,
    self_: Annotated[
        bool, typer.Option("--self", help="The person, who is of age, signs in person.")
    ] = False,
    guardian: Annotated[bool, typer.Option("--guardian", help="A guardian signs.")] = False,
    estate: Annotated[bool, typer.Option("--estate", help="The estate signs.")] = False,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Nobody: the person was drawn by a program.")
    ] = False,
    who: Annotated[
        str | None,
        typer.Option(help="Whom it is about. [default: who signs with --self, else NAME]"),
    ] = None,
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
        typer.Option("--set", metavar="KEY=VALUE", help="Any other term; commands.md lists them."),
    ] = None,
    sign_with: Annotated[
        Path | None, typer.Option(metavar="KEYFILE", help="The signer's own Ed25519 key.")
    ] = None,
    make_key: Annotated[
        Path | None, typer.Option(metavar="KEYFILE", help="Make such a key, and sign with it.")
    ] = None,
    paper: Annotated[
        Path | None,
        typer.Option(metavar="FILE.pdf", help="Write the paper to sign, and record nothing."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Write the record on file, to carry elsewhere."),
    ] = None,
    take: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Record one from elsewhere.")
    ] = None,
    releases: Annotated[
        Path | None,
        typer.Option(metavar="LIST.csv", help="Record a list of releases, without NAME."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --releases: only tell what would be recorded.")
    ] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw every permission; tells what it reaches.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Only show what is allowed, and what is not.")
    ] = False,
) -> None:
    """Record a permission; without one nothing is trained or drawn.

    Without options it asks, question by question. A later record replaces what the same signer
    gave before, whole: name again what is still allowed. `--withdraw` ends them all.
    """
    from sosie.cli import permissions

    house = studio(context)
    if releases is not None:
        if name is not None:
            raise BadInput("A list names its subjects itself.", advice=f"Leave out {name}.")
        take_list(house, releases, dry_run=dry_run)
        return
    if name is None:
        raise BadInput(
            "Say whom it is about.", advice="sosie consent NAME, or --releases LIST.csv."
        )
    if not said(context) and sys.stdin.isatty():
        ask(house, name)
        return
    if show:
        permissions.standing(house.show(name))
        return
    if out is not None:
        record = house.give_consent(name, out)
        typer.echo(f"{out}: the record of {record.recorded.date()}, with all who signed it.")
        return
    before = allowed(house, name)
    if take is not None:
        recorded(house, house.take_consent(name, take), before, with_key=False)
        return
    if make_key is not None:
        sign_with = made_key(house, make_key)
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
    answers: dict[str, Any] = {
        "relation": chosen[0],
        "who": who,
        "signed_by": signed_by,
        "acts": comma_list(acts, ACTS, "act"),
        "until": until.date() if until else None,
        "evidence": evidence,
        "terms": terms,
        "holders": holders,
    }
    if paper is not None:
        write_paper(house, name, answers, paper)
        return
    made = house.consent(name, **answers, sign_with=sign_with)
    permissions.screen(made)
    recorded(house, made, before, with_key=sign_with is not None)


def take_list(house: Studio, path: Path, *, dry_run: bool) -> None:
    """Record a list of releases, and tell of every row. Raises BadInput if any was refused."""
    from sosie.cli import permissions
    from sosie.cli.tables import counted

    rows = house.take_releases(path, dry_run=dry_run)
    permissions.releases(rows)
    refused = sum(row.outcome == "refused" for row in rows)
    many = {word: sum(row.outcome == word for row in rows) for word in ("recorded", "known")}
    how = "would be recorded" if dry_run else "recorded"
    typer.echo(f"{counted(many['recorded'], 'release')} {how}, {many['known']} known already.")
    if refused:
        raise BadInput(
            f"{counted(refused, 'row')} refused, for the reasons told.",
            advice="Mend them and give the list again: nothing is recorded twice.",
        )


def said(context: typer.Context) -> bool:
    """Whether anything but the name was given."""
    sources = (context.get_parameter_source(key) for key in context.params if key != "name")
    return any(source is not None and source.name == "COMMANDLINE" for source in sources)


def ask(house: Studio, name: str) -> None:
    """Ask for a permission, show it, and record it or write the paper to sign."""
    from sosie.cli import asking, permissions

    before = allowed(house, name)
    answers = asking.asked(name, before)
    if not answers["acts"]:
        raise BadInput("Nothing is allowed: there is nothing to record.")
    draft = house.consent(name, **answers, draft=True)
    typer.echo()
    permissions.screen(draft)
    left_out(draft, before, "would no longer be")
    if typer.confirm("Write this as a paper to sign?", default=False):
        path = Path(typer.prompt("Which file", default=f"{name}-permission.pdf")).expanduser()
        write_paper(house, name, answers, path)
    if not typer.confirm("Record it now?", default=False):
        typer.echo("Nothing was recorded.")
        return
    key = None if draft.relation == "synthetic" else asking.key_file(draft.signed_by)
    sign_with = made_key(house, key[0]) if key and key[1] else key and key[0]
    made = house.consent(name, **answers, sign_with=sign_with)
    recorded(house, made, before, with_key=sign_with is not None)


def allowed(house: Studio, name: str) -> tuple[Act, ...]:
    """What is permitted today. Raises NotFound."""
    return tuple(decision.act for decision in house.show(name).decisions if decision.allowed)


def made_key(house: Studio, path: Path) -> Path:
    """Make a key for a signer, and tell whom it is for."""
    house.make_key(path)
    typer.echo(f"The key is in {path}: for the signer alone, where the trainer has it not.")
    return path


def write_paper(house: Studio, name: str, answers: dict[str, Any], path: Path) -> None:
    """Write the paper to sign, and tell what comes next."""
    house.paper(house.consent(name, **answers, draft=True), path)
    typer.echo(f"{path}: to be read, signed and kept. Then record it, with --evidence {path}.")


def recorded(house: Studio, record: Consent, before: Sequence[Act], *, with_key: bool) -> None:
    """Tell what was recorded, who signed it, and what it changes less or more than it says."""
    acts = ", ".join(record.acts) or "nothing: the permission is withdrawn"
    end = f" until {record.until}" if record.until else ""
    typer.echo(f"Recorded for {record.who}, signed by {record.signed_by}: {acts}{end}.")
    left_out(record, before, "is no longer")
    for decision in house.show(record.subject).decisions:
        if decision.act in record.acts and not decision.allowed:
            typer.echo(decision.reason)
    hands = f"{record.signed_by} and this workspace" if with_key else "this workspace"
    typer.echo(f"Signed with the key of {hands}.")
    typer.echo(f"Hash {record.sha256()[:16]}… goes into every LoRA made under it.")


def left_out(record: Consent, before: Sequence[Act], how: str) -> None:
    """Tell what was allowed, and is not by a record that leaves it out."""
    if record.acts and (gone := [act for act in before if act not in record.acts]):
        typer.echo(f"It leaves out what {how} allowed: {', '.join(gone)}.")


def lifted(words: list[str]) -> tuple[str, ...]:
    """What is still prohibited. Raises BadInput for what cannot be lifted."""
    unknown = sorted(set(words) - set(LIFTABLE))
    if unknown:
        raise BadInput(
            f"Cannot be allowed: {', '.join(unknown)}.", advice=f"Known: {', '.join(LIFTABLE)}."
        )
    return tuple(prohibition for prohibition in PROHIBITIONS if prohibition not in words)
