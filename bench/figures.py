"""The doctor's figures on file: how each rule did on planted faults and on good sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sosie.audit.intervals import share_interval
from sosie.core.records import Record
from sosie.core.terms import Kind

ENOUGH = 15
"""Sets of middle strength below which a rule's figures are not kept."""
FOUND, ALARMS = 0.9, 0.05
"""What is asked: at least, and at most."""
FILE = Path(__file__).with_name("doctor.json")


class Figures(Record):
    """How a rule did. Pairs are (sets in which it spoke, sets)."""

    rule: str
    kind: Kind
    weak: tuple[int, int]
    middle: tuple[int, int]
    strong: tuple[int, int]
    clean: tuple[int, int]
    """Good sets of which it said something as grave as it mostly says of middle faults."""
    hints: int
    """Good sets of which it said something less grave."""

    @property
    def misses(self) -> bool:
        """Whether it finds too few of the faults of middle strength."""
        return self.middle[0] < FOUND * self.middle[1]

    @property
    def cries(self) -> bool:
        """Whether it speaks in too many good sets."""
        return self.clean[0] > ALARMS * self.clean[1]


class Table(Record):
    """The figures of all rules that were tried."""

    rows: tuple[Figures, ...]


def read(path: Path = FILE) -> tuple[Figures, ...]:
    """The figures on file."""
    return Table.model_validate_json(path.read_text(encoding="utf-8")).rows


def write(rows: tuple[Figures, ...], path: Path = FILE) -> None:
    """Put figures on file, one line a rule."""
    lines = ",\n".join(row.model_dump_json() for row in rows)
    path.write_text(f'{{"rows": [\n{lines}\n]}}\n', encoding="utf-8")


def short(rule: str, rows: tuple[Figures, ...]) -> bool:
    """Whether a rule misses what is asked, in sets of any kind."""
    return any(row.misses or row.cries for row in rows if row.rule == rule)


def share(pair: tuple[int, int]) -> str:
    """ ".94 (.83 to .99)": a share with its exact interval; "–" where nothing was tried."""
    interval = share_interval(*pair)
    if interval is None:
        return "–"
    low, high = interval.low or 0.0, interval.high or 0.0
    value, low_end, high_end = (f"{x:.2f}".removeprefix("0") for x in (interval.value, low, high))
    return f"{value} ({low_end} to {high_end})"


def told(rows: tuple[Figures, ...], of: Callable[[Figures], str]) -> str:
    """One rule's figure for each kind of set."""
    if len(rows) == 1:
        return of(rows[0])
    return "; ".join(f"{row.kind} {of(row)}" for row in rows)
