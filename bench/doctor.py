"""The doctor against planted faults: does each rule find its own, and leave good sets alone?

A rule's sensitivity is the share of spoilt sets in which it speaks, of a picture with the fault if
it names pictures; its false alarms, the share of good sets in which it says anything at all, advice
included. Sets are those of `bench.sets`. `SOSIE_BENCH_SETS` takes more or fewer; a run that was
interrupted goes on (`bench.trials`). What is found from `ENOUGH` sets on is written to FIGURES,
from which docs/doctor-figures.md is printed and against which a rule's `advisory` is checked.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bench.trials import CLEAN, KINDS, MIDDLE, STRONG, WEAK, Trial, go_on, kept, rules
from sosie.audit.intervals import Interval, share_interval
from sosie.core.records import Record
from sosie.core.terms import Kind

SETS = int(os.environ.get("SOSIE_BENCH_SETS", "50"))
ENOUGH = 20
"""Sets of middle strength below which a rule's figures are not kept."""
FOUND, ALARMS = 0.9, 0.05
"""What is asked: at least, and at most."""
FIGURES = Path(__file__).with_name("doctor.json")


class Figures(Record):
    """How a rule did. Pairs are (sets in which it spoke, sets)."""

    rule: str
    kind: Kind
    weak: tuple[int, int]
    middle: tuple[int, int]
    strong: tuple[int, int]
    clean: tuple[int, int]
    """Any finding in good sets."""
    warned: int
    """Good sets in which it warned or blocked."""

    @property
    def short(self) -> bool:
        """Whether it misses what is asked."""
        (hits, tried), (alarms, clean) = self.middle, self.clean
        return hits < FOUND * tried or alarms > ALARMS * clean


class Table(Record):
    """The figures of all rules that were tried."""

    rows: tuple[Figures, ...]


def figures(trials: Sequence[Trial]) -> tuple[Figures, ...]:
    """The trials counted, in the order of the table of rules."""
    rows = []
    for kind in KINDS:
        for rule in rules(kind):
            mine = [trial for trial in trials if (trial.rule, trial.kind) == (rule.name, kind)]
            pairs = {
                name: _pair([trial for trial in mine if trial.strength == strength])
                for name, strength in (("weak", WEAK), ("middle", MIDDLE), ("strong", STRONG))
            }
            clean = [trial for trial in mine if trial.strength == CLEAN]
            warned = sum(trial.said in ("warning", "blocker") for trial in clean)
            row = Figures(rule=rule.name, kind=kind, **pairs, clean=_pair(clean), warned=warned)
            rows.append(row)
    return tuple(rows)


def _pair(trials: Sequence[Trial]) -> tuple[int, int]:
    return sum(trial.said is not None for trial in trials), len(trials)


def read() -> tuple[Figures, ...]:
    """The figures on file."""
    return Table.model_validate_json(FIGURES.read_text(encoding="utf-8")).rows


def share(pair: tuple[int, int]) -> str:
    """ "0.94 (0.83 to 0.99)": a share with its exact interval."""
    interval: Interval | None = share_interval(*pair)
    if interval is None:
        return "–"
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    go_on(SETS)
    rows = figures(kept())
    if all(row.middle[1] >= ENOUGH for row in rows):
        FIGURES.write_text(f"{Table(rows=rows).model_dump_json(indent=1)}\n", encoding="utf-8")
    return [
        (
            f"`{row.rule}`, {row.kind}, {row.middle[1]} sets",
            f"found {share(row.weak)}, {share(row.middle)}, {share(row.strong)}; "
            f"false alarms {share(row.clean)}",
            f"middle {FOUND:.2f}; at most {ALARMS:.2f}",
        )
        for row in rows
    ]
