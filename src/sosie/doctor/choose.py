"""Which pictures to train on and which to hold out.

Pictures are ranked by what was found against them, and taken from the best down as long as they
bring something: one of each group of near-duplicates, no more of one background or outfit than the
cap allows as long as there are others, and the views in turn, so that no view is forgotten.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from sosie.doctor import table
from sosie.doctor.records import Finding, LeftOut, Proposal
from sosie.doctor.rule import Case, Clustering

PENALTY = {"blocker": 100.0, "warning": 3.0, "advice": 1.0}
"""What one finding costs a picture; from `UNFIT` on it is not proposed at all."""
UNFIT = 100.0


def propose(case: Case, findings: Sequence[Finding]) -> Proposal:
    """The proposal for a set; empty for an empty set."""
    against: dict[int, list[Finding]] = defaultdict(list)
    number_of = {item.sample: number for number, item in enumerate(case.dataset.items)}
    for finding in findings:
        for sample in finding.samples:
            against[number_of[sample]].append(finding)
    cost = {
        number: sum(PENALTY[finding.severity] for finding in against[number])
        for number in range(len(case.dataset.items))
    }
    fit = [number for number in cost if cost[number] < UNFIT]
    room = _Room(case)
    order = _in_turns(fit, cost, table.views(case))
    wanted, held = case.config.wanted, case.config.hold_out
    if len(order) < wanted + held:
        # Too few for both: judging keeps a quarter, so that a figure can be given at all.
        held = min(held, len(order) // 4)
        wanted = len(order) - held
    train: list[int] = []
    out: list[int] = []
    # What repeats a setting comes last, and only if seats are left.
    for repeating in (False, True):
        for number in order:
            if number in train or number in out:
                continue
            # Every fourth goes to judging: both sides then hold good pictures of every view.
            side = out if len(out) < held and len(train) >= 3 * (len(out) + 1) else train
            free = len(side) < (held if side is out else wanted)
            if free and room.take(number, repeating=repeating):
                side.append(number)
    chosen = {*train, *out}
    left = [
        LeftOut(
            sample=case.sample(number),
            rules=tuple(
                dict.fromkeys([f.rule for f in against[number]] + room.full.get(number, []))
            ),
        )
        for number in range(len(case.dataset.items))
        if number not in chosen
    ]
    return Proposal(
        train=tuple(case.sample(number) for number in train),
        hold_out=tuple(case.sample(number) for number in out),
        left_out=tuple(left),
    )


def _in_turns(fit: Sequence[int], cost: dict[int, float], views: dict[int, str]) -> list[int]:
    """Cheapest first, the views taking turns as long as each has pictures left."""
    by_view: dict[str, list[int]] = defaultdict(list)
    for number in sorted(fit, key=lambda number: (cost[number], number)):
        by_view[views.get(number, "")].append(number)
    turn = {
        number: (place, cost[number], number)
        for row in by_view.values()
        for place, number in enumerate(row)
    }
    return sorted(fit, key=lambda number: turn[number])


class _Room:
    """How many more of each cluster may be taken."""

    def __init__(self, case: Case) -> None:
        self.full: dict[int, list[str]] = {}
        self._clusters: dict[int, list[tuple[Clustering, int]]] = defaultdict(list)
        self._config = case.config
        self._taken: Counter[tuple[Clustering, int]] = Counter()
        for clustering in table.CLUSTERINGS:
            for index, group in enumerate(clustering.groups(case)):
                for number in group:
                    self._clusters[number].append((clustering, index))

    def take(self, number: int, *, repeating: bool) -> bool:
        """Count a picture in, unless a cluster of its own is full; `repeating` lets pass those that
        are not firm."""
        mine = self._clusters[number]
        full = [
            clustering.rule
            for clustering, index in mine
            if (clustering.firm or not repeating)
            and self._taken[clustering, index] >= clustering.cap(self._config)
        ]
        if full:
            self.full[number] = full
            return False
        self._taken.update(mine)
        return True
