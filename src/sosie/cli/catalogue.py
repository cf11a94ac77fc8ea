"""Verbs of the catalogue: publish, card, alias, top, search."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sosie.cli import app, comma_list, studio
from sosie.core.errors import BadInput
from sosie.core.terms import COMMERCIAL, Kind, Period, Relation, Sort

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
        "commercial": None if commercial is None else comma_list(commercial, COMMERCIAL, "use"),
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


def narrowed(
    base: Annotated[str | None, typer.Option(help="A base, or a family of bases.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="May be given several times: all of them.")
    ] = None,
    period: Annotated[
        Period,
        typer.Option(help="When it was counted; for other orders, when it was published."),
    ] = "all",
    name: Annotated[str | None, typer.Option("--name", help="Every version of this name.")] = None,
    author: Annotated[str | None, typer.Option(help="Who made it.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="What it shows.")] = None,
    age: Annotated[int | None, typer.Option(min=0, help="Of the person, in years.")] = None,
    year: Annotated[
        int | None, typer.Option(min=0, help="In which the pictures were taken.")
    ] = None,
    allows: Annotated[
        str | None,
        typer.Option(help=f"Only what allows these, of: {', '.join((*COMMERCIAL, *FLAGS))}."),
    ] = None,
    by: Annotated[
        Relation | None,
        typer.Option(help="Who permits it, for all it shows; synthetic: nobody is real."),
    ] = None,
    audited: Annotated[
        bool, typer.Option("--audited", help="Only what was audited for likeness.")
    ] = False,
    no_copies: Annotated[
        bool, typer.Option("--no-copies", help="Only where an audit found no copies of pictures.")
    ] = False,
    n: Annotated[int, typer.Option("--n", "-n", min=1, max=1000, help="How many.")] = 10,
) -> tuple[dict[str, Any], int]:
    """What every list of releases can be narrowed to, as fields of `Wanted`, and how many."""
    wanted: dict[str, Any] = {
        **{"base": base, "tags": tag or (), "period": period, "name": name, "author": author},
        **{"kind": kind, "age": age, "year": year, "by": by},
        **{"audited": audited, "no_copies": no_copies},
        **parse_allows(allows),
    }
    return wanted, n


def listing(command: Callable[..., dict[str, Any]]) -> Callable[..., None]:
    """A verb that prints the releases for which `command` gives further fields of `Wanted`: it
    takes the options of `narrowed` beside its own.
    """
    own, shared = (inspect.signature(one, eval_str=True).parameters for one in (command, narrowed))

    @wraps(command)
    def verb(context: typer.Context, **given: Any) -> None:
        from sosie.cli import shelf
        from sosie.registry.labels import Wanted

        fields, n = narrowed(**{name: given.pop(name) for name in shared})
        wanted = Wanted(**fields, **command(**given))
        shelf.hits(studio(context).releases(wanted, n=n), wanted)

    place = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    told = [place.replace(annotation=typer.Context), *own.values(), *shared.values()]
    verb.__signature__ = inspect.Signature(told)  # type: ignore[attr-defined]
    verb.__annotations__ = {one.name: one.annotation for one in told}
    return verb


@app.command()
@listing
def top(
    sort: Annotated[Ranked, typer.Option(help="What comes first.")] = "downloads",
) -> dict[str, Any]:
    """List the most downloaded releases of a time, or the newest.

    A week is the last seven days, a month thirty, a year 365, today among them.
    """
    return {"sort": sort}


@app.command()
@listing
def search(
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS...", help="All of them, or how they begin.")
    ],
    sort: Annotated[Sort, typer.Option(help="What comes first.")] = "relevance",
) -> dict[str, Any]:
    """Search the releases: names, tags, texts, trigger words, authors, bases."""
    return {"words": " ".join(words), "sort": sort}


def parse_allows(text: str | None) -> dict[str, Any]:
    """The filters named in a comma list. Raises BadInput for an unknown one."""
    named = comma_list(text or "none", (*COMMERCIAL, *FLAGS), "filter")
    uses = tuple(word for word in named if word not in FLAGS)
    return {"allows": uses, **{FLAGS[word]: True for word in named if word in FLAGS}}


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
