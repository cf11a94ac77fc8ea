"""Which pictures to train on and which to hold out.

Pictures are ranked by what was found against them, and taken from the best down as long as they
bring something: one of each group of near-duplicates, no more of one background or outfit than the
cap allows as long as there are others, and of equally good ones the views in turn, so that no view
is forgotten. What was set aside speaks against nothing.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from sosie.doctor import table
from sosie.doctor.records import Finding, LeftOut, Proposal
from sosie.doctor.rule import Case, Clustering

PENALTY = {"blocker": 100.0, "warning": 3.0, "advice": 1.0}
"""What one finding costs a picture; from `UNFIT` on it is not proposed at all."""
UNFIT = 100.0


def propose(case: Case, findings: Sequence[Finding]) -> Proposal:
    """The proposal for a set, by all that was found; empty for an empty set."""
    against: dict[int, list[Finding]] = defaultdict(list)
    number_of = {item.sample: number for number, item in enumerate(case.dataset.items)}
    for finding in findings:
        if not finding.dismissed and table.rule(finding.rule).against:
            for sample in finding.samples:
                against[number_of[sample]].append(finding)
    order = _ranked(case, against)
    room = _Room(case, [finding for finding in findings if finding.dismissed])
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
            # Both sides fill evenly: so both hold good pictures of every view.
            side = out if len(train) * held >= (len(out) + 1) * wanted else train
            free = len(side) < (held if side is out else wanted)
            if free and not room.full(number, repeating=repeating):
                room.take(number)
                side.append(number)
    chosen = {*train, *out}
    left = [
        LeftOut(
            sample=case.sample(number),
            rules=tuple(dict.fromkeys([f.rule for f in against[number]] + room.full(number))),
        )
        for number in range(len(case.dataset.items))
        if number not in chosen
    ]
    return Proposal(
        train=tuple(case.sample(number) for number in train),
        hold_out=tuple(case.sample(number) for number in out),
        left_out=tuple(left),
    )


def _ranked(case: Case, against: dict[int, list[Finding]]) -> list[int]:
    """The pictures that are fit, best first.

    Those without a warning come first; of either kind the views take turns as long as each has
    pictures left, and pictures without a view follow. Then the cheaper, and the sharper, is first.
    """
    cost, views, blur = {}, table.views(case), table.blur(case)
    for number in range(len(case.dataset.items)):
        cost[number] = sum(map(_cost, against[number]))
    fit = [number for number in cost if cost[number] < UNFIT]
    fit.sort(key=lambda number: (cost[number], blur.get(number, math.inf), number))
    warned = {n: any(finding.severity == "warning" for finding in against[n]) for n in fit}
    met: Counter[tuple[bool, str]] = Counter()
    turn = {}
    for place, number in enumerate(fit):
        row = warned[number], views.get(number, "")
        turn[number] = (warned[number], number not in views, met[row], place)
        met[row] += 1
    return sorted(fit, key=lambda number: turn[number])


def _cost(finding: Finding) -> float:
    return UNFIT if table.rule(finding.rule).unfit else PENALTY[finding.severity]


class _Room:
    """How many more of each cluster may be taken."""

    def __init__(self, case: Case, dismissed: Sequence[Finding]) -> None:
        self._clusters: dict[int, list[tuple[Clustering, int]]] = defaultdict(list)
        self._config = case.config
        self._taken: Counter[tuple[Clustering, int]] = Counter()
        for clustering in table.CLUSTERINGS:
            aside = [set(f.samples) for f in dismissed if f.rule in clustering.rules]
            for index, group in enumerate(clustering.groups(case)):
                if {case.sample(number) for number in group} in aside:
                    continue
                for number in group:
                    self._clusters[number].append((clustering, index))

    def full(self, number: int, *, repeating: bool = False) -> list[str]:
        """The rules of a picture's clusters of which no more may be taken; `repeating` lets pass
        those that are not firm."""
        return [
            clustering.rules[0]
            for clustering, index in self._clusters[number]
            if (clustering.firm or not repeating)
            and self._taken[clustering, index] >= clustering.cap(self._config)
        ]

    def take(self, number: int) -> None:
        """Count a picture in."""
        self._taken.update(self._clusters[number])
