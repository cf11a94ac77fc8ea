"""The questions of a permission, one by one, in plain words, for who sits at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import typer

from sosie.core.terms import PROHIBITIONS, Act, Prohibition, Relation

SIGNERS: tuple[tuple[Relation, str], ...] = (
    ("self", "the person, who is 18 or older"),
    ("guardian", "a guardian, for a child"),
    ("estate", "the family, for someone who has died"),
    ("synthetic", "nobody: it is a person drawn by a program"),
)

LIFTED: tuple[tuple[Prohibition, str], ...] = (
    ("minors", "May pictures show {who} as a child?"),
    ("political", "May pictures of {who} serve politics?"),
)
"""What is asked; the rest of what is prohibited is lifted only by who says `--allow`."""


def asked(name: str, allowed: Sequence[Act]) -> dict[str, Any]:
    """What the answers come to, as `Studio.consent` takes it; `allowed` is what is today, so that
    Enter leaves out nothing that was given before."""
    from sosie.rights.wording import DOES

    typer.echo("Enter takes what stands in brackets; Ctrl-C ends, and nothing is recorded.\n")
    who = typer.prompt("Whom do the pictures show? Full name", default=name)
    typer.echo("\nWho gives the permission?")
    for number, (_, what) in enumerate(SIGNERS, start=1):
        typer.echo(f"  {number}  {what}")
    number = 0
    while not 1 <= number <= len(SIGNERS):
        number = typer.prompt("Number", type=int, default=1)
    relation = SIGNERS[number - 1][0]
    given: dict[str, Any] = {"relation": relation, "who": who, "terms": {}}
    terms = given["terms"]
    if relation == "synthetic":
        given["evidence"] = typer.prompt('What drew it? For example "sosie.world person seed 19"')
    else:
        _signer(relation, who, given)
    typer.echo("\nWhat may be done?")
    usual = allowed or ("train", "generate", "export")
    given["acts"] = tuple(
        act
        for act, what in DOES.items()
        # Who may train may keep pictures to do so: nothing to ask.
        if act != "add" and typer.confirm(f"  {what}?", default=act in usual)
    )
    if not given["acts"]:
        return given
    if relation != "synthetic":
        _bounds(relation, who, given)
    terms["commercial"] = typer.confirm("May it serve to earn money?", default=False)
    given["until"] = _day("Until which day? YYYY-MM-DD, or nothing for no end")
    return given


def key_file(signer: str) -> tuple[Path, bool] | None:
    """The signer's key file, and whether it is to be made; None to sign without."""
    typer.echo(
        f"\n{signer} can sign with a key of their own, so that nobody else can. It is a small "
        "file, to be kept where only they reach it."
    )
    if not typer.confirm(f"Does {signer} sign with a key?", default=False):
        return None
    path = Path(typer.prompt("Which file? One that is not there yet is made")).expanduser()
    return path, not path.exists()


def _signer(relation: Relation, who: str, given: dict[str, Any]) -> None:
    """Who signs, and by what right."""
    terms = given["terms"]
    if relation == "self":
        terms["born"] = _day(f"When was {who} born? YYYY-MM-DD, or nothing: 18 or older, they say")
        return
    given["signed_by"] = typer.prompt("Who signs? Full name")
    if relation == "guardian":
        terms["born"] = _day(f"When was {who} born? YYYY-MM-DD", needed=True)
        terms["assent"] = typer.confirm(f"Was {who} asked, and agreed?", default=False)
        shows = "birth certificate"
    else:
        terms["born"] = _day(f"When was {who} born? YYYY-MM-DD, or nothing")
        shows = "will, certificate of inheritance"
    terms["authority"] = typer.prompt(f"What shows that they may sign? E.g. {shows}")


def _bounds(relation: Relation, who: str, given: dict[str, Any]) -> None:
    """What is prohibited, whose work the pictures are, whom to write to."""
    terms = given["terms"]
    lifted = {
        prohibition
        for prohibition, question in LIFTED
        if (relation, prohibition) != ("guardian", "minors")
        and typer.confirm(question.format(who=who), default=False)
    }
    terms["prohibitions"] = tuple(one for one in PROHIBITIONS if one not in lifted)
    answers = {
        "copyright_holder": "Who took the pictures? Their work is theirs",
        "trainer": "Who is given this permission? Your name",
        "withdraw_to": "Whom does one write to, to take it back? E.g. an e-mail address",
    }
    for field, question in answers.items():
        terms[field] = _words(question)
    given["evidence"] = _words("Where does the signed paper lie? Nothing, if there is none yet")


def _words(question: str) -> str | None:
    return typer.prompt(question, default="", show_default=False).strip() or None


def _day(question: str, *, needed: bool = False) -> date | None:
    """A day, asked for again until it is one."""
    while True:
        answer = _words(question)
        if answer is None and not needed:
            return None
        try:
            return date.fromisoformat(answer or "")
        except ValueError:
            typer.echo("  A day is written as in 2031-12-24.")
