"""The catalogue in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from sosie.cli.tables import console, grid

if TYPE_CHECKING:
    from sosie.registry import Shelved
    from sosie.registry.finding import Hit
    from sosie.registry.labels import Wanted


def card(shelved: Shelved) -> None:
    """What a release is, what may be done with it, and what was examined."""
    from sosie.studio import card as cards

    out, release = console(), shelved.release
    out.print(Text(release.title, "bold"))
    if release.about:
        out.print(release.about)
    for rows in (cards.facts(release), cards.terms(release), cards.examined(release)):
        out.print()
        table = grid("", "")
        table.show_header = False
        for what, told in rows:
            unknown = told in (cards.NOT_STATED, cards.ABSENT)
            table.add_row(Text(what, "bold"), Text(told, "dim" if unknown else ""))
        out.print(table)
    if release.terms.ethics:
        out.print()
        out.print(f"The author asks: {release.terms.ethics}")
    for example in release.examples:
        seed = f"seed {example.seed}, strength {example.weight:g}"
        out.print(Text(f"picture: {example.prompt} ({seed})", "dim"))
    out.print()
    out.print(f"{release.lora.name}: {release.lora.file_sha256}")
    out.print(f"release: {release.sha256()}")
    out.print(f"signed with the key {shelved.signature.key}")


def hits(rows: Sequence[Hit], wanted: Wanted) -> None:
    """A list of releases."""
    out = console()
    if not rows:
        used = {"downloads": "downloaded", "pictures": "drawn with"}.get(wanted.sort)
        if used and wanted.period != "all" and not wanted.words:
            out.print(f"Nothing like that was {used} in the last {wanted.period}.")
            out.print("What is on the shelf, used or not: sosie top --period all")
        else:
            out.print("Nothing on the shelf is like that.")
        return
    counted = rows[0].number is not None
    table = grid("", "release", *([wanted.sort] if counted else []), "base", "tags", "author")
    table.add_column("published")
    for place, hit in enumerate(rows, start=1):
        release = hit.shelved.release
        number = [str(hit.number)] if counted else []
        table.add_row(
            f"{place}",
            Text(release.title, "bold"),
            *number,
            release.base,
            ", ".join(release.tags) or "–",
            release.author or "–",
            f"{release.published:%Y-%m-%d}",
        )
    out.print(table)
