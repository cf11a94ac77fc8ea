"""Verbs of the catalogue: publish, card, alias, top, search."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sosie.cli import app, studio
from sosie.core.errors import BadInput
from sosie.core.terms import COMMERCIAL, Kind, Period, Sort

if TYPE_CHECKING:
    from sosie.core.release import Price, Span

Title = Annotated[
    str, typer.Argument(metavar="RELEASE", help="NAME@VERSION, NAME@ALIAS, or NAME: its newest.")
]
_SPAN = re.compile(r"(\d{1,4})(?:\s*[-–]\s*(\d{1,4}))?")
FLAGS = {"derivatives": "derivatives", "no-credit": "no_credit", "free": "free"}
"""What an author can allow beside commercial use -> the field of `Wanted`."""
Ranked = Literal["downloads", "pictures", "newest", "oldest"]
_PRICE = re.compile(r"(\d+(?:\.\d{1,2})?)\s*([A-Za-z]{3})")


@app.command()
def publish(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A subject or a LoRA: what it will be called.")
    ],
    version: Annotated[str, typer.Argument(metavar="VERSION", help='Such as "v1" or "1990s".')],
    lora: Annotated[
        str | None, typer.Option(help="The LoRA, or LORA@STEP. [default: the latest of NAME]")
    ] = None,
    about: Annotated[str | None, typer.Option(help="What it is, in a few sentences.")] = None,
    author: Annotated[str | None, typer.Option(help="Who made it.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None,
    word: Annotated[
        list[str] | None, typer.Option(help="Another trigger word; may be given several times.")
    ] = None,
    strength: Annotated[float | None, typer.Option(help="The weight you recommend.")] = None,
    ages: Annotated[str | None, typer.Option(help="Age in the pictures, such as 60-72.")] = None,
    years: Annotated[
        str | None, typer.Option(help="When they were taken, such as 1990-1999.")
    ] = None,
    picture: Annotated[
        list[Path] | None,
        typer.Option(help="Drawn with it by sosie generate. [default: the run's previews]"),
    ] = None,
    cover: Annotated[Path | None, typer.Option(help="The one shown first.")] = None,
    commercial: Annotated[
        str | None,
        typer.Option(help=f"What may be sold, of: {', '.join(COMMERCIAL)}; or none."),
    ] = None,
    derivatives: Annotated[
        bool | None, typer.Option(help="Whether it may be merged or trained further.")
    ] = None,
    credit: Annotated[bool | None, typer.Option(help="Whether you must be named.")] = None,
    ethics: Annotated[str | None, typer.Option(help="What you ask of those who use it.")] = None,
    price: Annotated[str | None, typer.Option(help='Such as "12.50 EUR"; 0 is free.')] = None,
    alias: Annotated[
        list[str] | None, typer.Option(help="A word that stands for this version, as 1990s.")
    ] = None,
) -> None:
    """Publish a LoRA as NAME@VERSION, for good, with a card.

    What is not said is as in the version before it. Use it in prompts as <lora:NAME@VERSION:1>.
    """
    from sosie.cli import shelf
    from sosie.studio.releasing import Said

    given: dict[str, Any] = {
        "about": about,
        "author": author,
        "tags": tag,
        "trigger_words": word,
        "strength": strength,
        "ages": None if ages is None else parse_span(ages),
        "years": None if years is None else parse_span(years),
        "commercial": None if commercial is None else parse_commercial(commercial),
        "derivatives": derivatives,
        "credit": credit,
        "ethics": ethics,
    }
    said = Said(**{field: value for field, value in given.items() if value is not None})
    if price is not None:
        said = said.model_copy(update={"price": parse_price(price)})
    shelved = studio(context).publish(
        name,
        version,
        said,
        lora=lora,
        pictures=picture or (),
        cover=cover,
        aliases=alias or (),
        say=lambda line: typer.echo(line, err=True),
    )
    shelf.card(shelved)
    title = shelved.release.title
    typer.echo(f"\nPublished. Use it as <lora:{title}:1>; its card: sosie card {title} --out DIR")


@app.command()
def card(
    context: typer.Context,
    title: Title,
    out: Annotated[Path | None, typer.Option(help="Write it into this folder.")] = None,
) -> None:
    """Show the card of a release, or write it with its pictures into a folder."""
    from sosie.cli import shelf

    shelved, written = studio(context).card(title, out)
    if not written:
        shelf.card(shelved)
    for path in written:
        typer.echo(str(path))


@app.command()
def alias(
    context: typer.Context,
    title: Title,
    word: Annotated[str, typer.Argument(metavar="ALIAS", help="A word, as for a version.")],
    move: Annotated[
        bool, typer.Option("--move", help="Also if it stands for another version now.")
    ] = False,
) -> None:
    """Let a word stand for a version: NAME@ALIAS."""
    studio(context).alias(title, word, move=move)
    typer.echo(f"{title.partition('@')[0]}@{word} is {title} now.")


Base = Annotated[str | None, typer.Option(help="A base, or a family of bases.")]
Tags = Annotated[list[str] | None, typer.Option(help="May be given several times: all of them.")]
Named = Annotated[str | None, typer.Option("--name", help="Every version of this name.")]
Author = Annotated[str | None, typer.Option(help="Who made it.")]
KindOf = Annotated[Kind | None, typer.Option(help="What it shows.")]
Age = Annotated[int | None, typer.Option(min=0, help="Of the person, in years.")]
Year = Annotated[int | None, typer.Option(min=0, help="In which the pictures were taken.")]
Allows = Annotated[
    str | None,
    typer.Option(help=f"Only what allows these, of: {', '.join((*COMMERCIAL, *FLAGS))}."),
]
Number = Annotated[int, typer.Option("--n", "-n", min=1, max=1000, help="How many.")]
During = Annotated[
    Period,
    typer.Option(help="When it was counted; for other orders, when it was published."),
]


@app.command()
def top(
    context: typer.Context,
    base: Base = None,
    tag: Tags = None,
    period: During = "all",
    sort: Annotated[Ranked, typer.Option(help="What comes first.")] = "downloads",
    name: Named = None,
    author: Author = None,
    kind: KindOf = None,
    age: Age = None,
    year: Year = None,
    allows: Allows = None,
    n: Number = 10,
) -> None:
    """List the most downloaded releases of a time, or the newest.

    A week is the last seven days, a month thirty, a year 365, today among them.
    """
    _list(
        context,
        n,
        base=base,
        tags=tag or (),
        period=period,
        sort=sort,
        name=name,
        author=author,
        kind=kind,
        age=age,
        year=year,
        **parse_allows(allows),
    )


@app.command()
def search(
    context: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS...", help="All of them, or how they begin.")
    ],
    base: Base = None,
    tag: Tags = None,
    period: During = "all",
    sort: Annotated[Sort, typer.Option(help="What comes first.")] = "relevance",
    name: Named = None,
    author: Author = None,
    kind: KindOf = None,
    age: Age = None,
    year: Year = None,
    allows: Allows = None,
    n: Number = 10,
) -> None:
    """Search the releases: names, tags, texts, trigger words, authors, bases."""
    _list(
        context,
        n,
        words=" ".join(words),
        base=base,
        tags=tag or (),
        period=period,
        sort=sort,
        name=name,
        author=author,
        kind=kind,
        age=age,
        year=year,
        **parse_allows(allows),
    )


def _list(context: typer.Context, n: int, **asked: Any) -> None:
    from sosie.cli import shelf
    from sosie.registry.labels import Wanted

    wanted = Wanted(**asked)
    shelf.hits(studio(context).releases(wanted, n=n), wanted)


def parse_allows(text: str | None) -> dict[str, Any]:
    """The filters named in a comma list. Raises BadInput for an unknown one."""
    named = {word.strip() for word in (text or "").split(",")} - {""}
    uses = parse_commercial(",".join(named - set(FLAGS)))
    return {"allows": uses, **{FLAGS[flag]: True for flag in named & set(FLAGS)}}


def parse_span(text: str) -> Span:
    """`60-72` or `60`. Raises BadInput."""
    from sosie.core.release import Span

    found = _SPAN.fullmatch(text.strip())
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if last < first:
        raise BadInput(f'"{text}" is no span.', advice="Write it as 60-72, or as 60.")
    return Span(first=first, last=last)


def parse_price(text: str) -> Price | None:
    """`12.50 EUR`, or None for `0`. Raises BadInput."""
    from sosie.core.release import Price

    if text.strip() in ("0", "none"):
        return None
    found = _PRICE.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise BadInput(f'"{text}" is no price.', advice='Write it as "12.50 EUR"; 0 is free.')
    return Price.model_validate({"amount": found[1], "currency": found[2].upper()})


def parse_commercial(text: str) -> tuple[str, ...]:
    """The uses named in a comma list, in their usual order. Raises BadInput for an unknown one."""
    named = {word.strip() for word in text.split(",")} - {"none", ""}
    if unknown := sorted(named - set(COMMERCIAL)):
        raise BadInput(
            f"Unknown use: {', '.join(unknown)}.",
            advice=f"Known: {', '.join(COMMERCIAL)}; or none.",
        )
    return tuple(use for use in COMMERCIAL if use in named)
