"""What the verbs of permission print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from sosie.cli.tables import console, grid, listed

if TYPE_CHECKING:
    from sosie.core.consent import Consent
    from sosie.studio import Overview
    from sosie.studio.permission import Withdrawal
    from sosie.studio.releases import Row

OUTCOMES = {"recorded": "green", "known": "dim", "refused": "bold red"}
MARKS = {"Allowed": ("✓", "green"), "Not allowed": ("✗", "red")}


def screen(consent: Consent) -> None:
    """One record on one screen: what is allowed beside what is not, and the rest below."""
    from sosie.rights import sections, title

    if not consent.acts:
        return
    out = console(wrap=True)
    parts = {part.title: part.lines for part in sections(consent)}
    out.print(Text(title(consent), "bold"))
    out.print(*parts.pop("Who"), sep="\n")
    out.print()
    beside = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), expand=True)
    cells = []
    for heading, (mark, style) in MARKS.items():
        beside.add_column(heading, header_style=f"bold {style}", ratio=1)
        column = Table.grid(padding=(0, 1, 0, 0))
        for line in parts.pop(heading, ()):
            column.add_row(Text(mark, style), line)
        cells.append(column)
    beside.add_row(*cells)
    out.print(beside)
    out.print()
    rest = Table.grid(padding=(0, 2, 0, 0))
    for heading, lines in parts.items():
        rest.add_row(Text(heading, "bold"), " ".join(lines))
    out.print(rest)
    out.print()


def standing(shown: Overview) -> None:
    """What is allowed today, act by act, with the record that says so, and the latest record."""
    given = [consent for consent in shown.consents if consent.acts]
    if given:
        screen(given[-1])
    table = grid("act", "today", "why")
    for decision in shown.decisions:
        mark = Text("yes", "green") if decision.allowed else Text("no", "red")
        table.add_row(decision.act, mark, decision.reason.partition(": ")[2])
    console(wrap=True).print(table)


def releases(rows: Sequence[Row]) -> None:
    """A line for each row of a list, and what became of it."""
    table = grid("line", "subject", "", "")
    for row in rows:
        state = Text(row.outcome, OUTCOMES[row.outcome])
        made = " (new)" if row.new else ""
        table.add_row(str(row.number), f"{row.name}{made}", state, row.told)
    console(wrap=True).print(table)


def withdrawn(done: Withdrawal) -> None:
    """What a withdrawal reaches, and what it cannot reach."""
    out = console()
    out.print(f"Withdrawn for {done.consent.who}, signed by {done.consent.signed_by}.")
    listed(out, "refused from now on", (f"the LoRA {a.name}" for a in done.adapters))
    listed(out, "refused from now on", (f"the checkpoints of run {r.id}" for r in done.runs))
    listed(out, "refused from now on", (f"the release {r.title}" for r in done.releases))
    out.print("Files that were exported or drawn before are out of reach: delete them yourself.")
