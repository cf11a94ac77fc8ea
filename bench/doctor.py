"""The doctor against planted faults: does each rule find its own, and leave good sets alone?

A rule's sensitivity is the share of spoilt sets in which it speaks, of a picture with the fault if
it names pictures; its false alarms, the share of good sets of which it says something as grave as
what it mostly says of the fault. Sets are those of `bench.sets`. `SOSIE_BENCH_SETS` takes more or
fewer; a run that was interrupted goes on (`bench.trials`). Once every rule has been tried on enough
sets, the figures are put on file (`bench.figures`), from which the pages in docs/ are printed and
against which a rule's `advisory` is checked.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from bench.figures import ALARMS, ENOUGH, FOUND, Figures, share, write
from bench.trials import CLEAN, KINDS, MIDDLE, STRONG, WEAK, Trial, go_on, kept, rules
from sosie.doctor.records import SEVERITIES, Severity

SETS = int(os.environ.get("SOSIE_BENCH_SETS", "50"))


def figures(trials: Sequence[Trial]) -> tuple[Figures, ...]:
    """The trials counted, in the order of the table of rules."""
    rows = []
    for kind in KINDS:
        for rule in rules(kind):
            mine = [trial for trial in trials if (trial.rule, trial.kind) == (rule.name, kind)]
            said = {
                strength: [trial.said for trial in mine if trial.strength == strength]
                for strength in (CLEAN, WEAK, MIDDLE, STRONG)
            }
            heard = {s: (sum(x is not None for x in said[s]), len(said[s])) for s in said}
            alarms = sum(_as_grave(x, said[MIDDLE]) for x in said[CLEAN])
            row = Figures(
                rule=rule.name,
                kind=kind,
                weak=heard[WEAK],
                middle=heard[MIDDLE],
                strong=heard[STRONG],
                clean=(alarms, len(said[CLEAN])),
                hints=heard[CLEAN][0] - alarms,
            )
            rows.append(row)
    return tuple(rows)


def _as_grave(said: Severity | None, of_faults: Sequence[Severity | None]) -> bool:
    """Whether something is at least as grave as what is mostly said of faults."""
    if said is None:
        return False
    usual = Counter(x for x in of_faults if x is not None).most_common(1)
    return not usual or SEVERITIES.index(said) <= SEVERITIES.index(usual[0][0])


def run() -> list[tuple[str, str, str]]:
    """Rows (what, figure, bound)."""
    go_on(SETS)
    rows = figures(kept())
    if all(min(row.middle[1], row.clean[1]) >= ENOUGH for row in rows):
        write(rows)
    return [
        (
            f"`{row.rule}`, {row.kind}, {row.middle[1]} sets",
            f"found {share(row.weak)}, {share(row.middle)}, {share(row.strong)}; "
            f"false alarms {share(row.clean)}",
            f"middle {FOUND:.2f}; at most {ALARMS:.2f}",
        )
        for row in rows
    ]
