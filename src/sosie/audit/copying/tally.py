"""Counts what was found, picture by picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sosie.audit.copying.calibration import USUAL, Scores, p_value
from sosie.audit.copying.evidence import PARTS, STAGES, Evidence, Part
from sosie.audit.copying.judging import Counted, Counts, by_chance, judged, share
from sosie.audit.copying.records import (
    KINDS,
    REPRODUCED,
    Config,
    Copying,
    Kind,
    Match,
    Null,
    Point,
    Probed,
    Shot,
    Threshold,
)
from sosie.audit.copying.references import References, Seen
from sosie.audit.intervals import (
    Interval,
    share_interval,
    simultaneous,
    upper_bound,
)

CURVE = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""Thresholds of the curve."""
SHOWN = 200
"""Matches that are listed, the gravest first."""
LISTED = 20
"""Unreadable files that are named."""


class Tally:
    """Counts what was found, picture by picture."""

    def __init__(
        self,
        known: References,
        limits: dict[Part, Threshold],
        null: Sequence[Scores],
        base: Sequence[tuple[Shot, Seen]],
    ) -> None:
        self.known, self.limits, self.base = known, limits, base
        self.null = [scores["rest"] for scores in null]
        flagged = sum(any(scores[s] >= limits[s].value for s in STAGES) for scores in null)
        self._null = Counted(flagged, len(null))
        self.asked: list[tuple[Shot, int | None]] = []
        """Every picture, and the reference that it reproduces."""
        self.unseen: list[Shot] = []
        """Those that could not be looked at: each may be a copy."""
        self.rest: list[float] = []
        self.matches: list[Match] = []
        self.kinds: Counter[Kind] = Counter()
        self.hits: Counter[tuple[int, ...]] = Counter()
        """By shot: which of its near-duplicates a copy is nearest to is an accident."""
        self._shot = {number: group for group in known.clusters for number in group}

    @property
    def count(self) -> int:
        """Pictures that were looked at."""
        return len(self.asked)

    def add(self, shot: Shot, seen: Seen) -> None:
        """Count one generated picture."""
        self.rest.append(seen.score("rest"))
        gravest = worst(seen, self.limits)
        if gravest is None:
            self.asked.append((shot, None))
            return
        kind, number, evidence = gravest
        self.asked.append((shot, number if kind in REPRODUCED else None))
        self.kinds[kind] += 1
        if kind in REPRODUCED:
            self.hits[self._shot[number]] += 1
        rest = -1.0 if evidence.rest is None else evidence.rest
        self.matches.append(
            Match(
                made=shot.name,
                reference=self.known.shots[number].name,
                kind=kind,
                evidence=evidence,
                p=p_value(rest, self.null),
            )
        )

    def result(
        self,
        *,
        null: Null,
        controls: Interval | None,
        leaked: Sequence[str],
        unreadable: Sequence[str],
        config: Config,
    ) -> Copying:
        """All of it as one record."""
        clusters = self.known.clusters
        sure = config.sure
        unseen = len(self.unseen)
        reproduced, high = _reproduced(self.asked, sure, unseen=unseen)
        each = simultaneous(
            [self.hits[group] + unseen for group in clusters],
            self.count + unseen,
            confidence=sure,
        )
        reproduced_ones = sorted(number for group in self.hits for number in group)
        counts = Counts(
            made=Counted(sum(number is not None for _, number in self.asked), self.count),
            unseen=unseen,
            unreadable=len(self.known.unreadable),
            null=self._null,
            null_name=null,
            base=Counted(sum(self._copies(seen) for _, seen in self.base), len(self.base)),
            controls=controls,
        )
        verdict, reasons = judged(counts, config)
        return Copying(
            verdict=verdict,
            reasons=reasons,
            generated=self.count,
            unseen=unseen,
            references=len(self.known),
            clusters=len(clusters),
            null=null,
            null_size=len(self.null),
            null_flagged=counts.null.flagged,
            base_size=len(self.base),
            base_flagged=counts.base.flagged,
            by_chance=by_chance(counts.null, counts.base, sure),
            thresholds=tuple(self.limits[part] for part in PARTS),
            controls=controls,
            reproduced=reproduced,
            upper_bound=high,
            by_probe=self._by_probe(sure),
            by_kind={kind: share(self.kinds[kind], self.count, sure) for kind in KINDS},
            pictures=share(len(reproduced_ones), len(self.known), sure),
            picture_bound=max(interval.high or 0.0 for interval in each),
            by_cluster=share(len(self.hits), len(clusters), sure),
            near_duplicates=tuple(
                tuple(self._named(group)) for group in clusters if len(group) > 1
            ),
            curve=self._curve(sure),
            matches=tuple(
                sorted(self.matches, key=lambda m: (KINDS.index(m.kind), -m.evidence.agreeing))
            )[:SHOWN],
            leaked=tuple(leaked),
            reproduced_references=tuple(self._named(reproduced_ones)),
            unreadable_references=tuple(self.known.unreadable),
            unreadable=tuple(unreadable[:LISTED]),
            remarks=self._remarks(unreadable),
            config=config,
        )

    def _named(self, numbers: Sequence[int]) -> list[str]:
        return [self.known.shots[number].name for number in numbers]

    def _by_probe(self, confidence: float) -> tuple[Probed, ...]:
        names = dict.fromkeys(shot.probe for shot, _ in self.asked if shot.probe is not None)
        found = []
        for name in names:
            asked = [(shot, number) for shot, number in self.asked if shot.probe == name]
            unseen = sum(shot.probe == name for shot in self.unseen)
            reproduced, high = _reproduced(asked, confidence, unseen=unseen)
            alone = [self._copies(seen) for shot, seen in self.base if shot.probe == name]
            found.append(
                Probed(
                    probe=name,
                    reproduced=reproduced,
                    upper_bound=high,
                    pictures=len({self._shot[n] for _, n in asked if n is not None}),
                    base=share_interval(sum(alone), len(alone), confidence=confidence),
                )
            )
        return tuple(found)

    def _copies(self, seen: Seen) -> bool:
        gravest = worst(seen, self.limits)
        return gravest is not None and gravest[0] in REPRODUCED

    def _curve(self, confidence: float) -> tuple[Point, ...]:
        base = [seen.score("rest") for _, seen in self.base]

        def at(scores: Sequence[float], bar: float) -> Interval | None:
            return share_interval(
                sum(score >= bar for score in scores), len(scores), confidence=confidence
            )

        return tuple(
            Point(threshold=bar, generated=mine, null=others, base=at(base, bar))
            for bar in CURVE
            if (mine := at(self.rest, bar)) and (others := at(self.null, bar))
        )

    def _remarks(self, unreadable: Sequence[str]) -> tuple[str, ...]:
        said = []
        if len(unreadable) > LISTED:
            said.append(f"{len(unreadable)} files could not be read; {LISTED} are named.")
        if len(self.matches) > SHOWN:
            said.append(f"{len(self.matches)} matches; the gravest {SHOWN} are listed.")
        if self.known.figure is None:
            said.append(
                "Nothing here tells people from backgrounds (pip install 'sosie[doctor]'), so that "
                "a copied background alone is not told apart."
            )
        return tuple(said)


def kind_of(evidence: Evidence, limits: Mapping[Part, Threshold]) -> Kind | None:
    """What of a reference was copied; None for nothing."""
    over = {
        part: (score := getattr(evidence, part)) is not None and score >= limits[part].value
        for part in PARTS
    }
    if any(over[stage] for stage in STAGES):
        # The copy is settled; whether the face was taken too needs no proof of its own.
        whole = evidence.face is None or evidence.face >= USUAL["face"]
        return "whole" if whole else "template"
    if over["figure"]:
        return "figure"
    if over["background"]:
        return "background"
    return "face" if over["face"] else None


def worst(seen: Seen, limits: dict[Part, Threshold]) -> tuple[Kind, int, Evidence] | None:
    """The gravest copy in a picture: of what kind, of which reference, and why."""
    judged = (
        (kind, number, evidence)
        for number, evidence in seen.closest.items()
        if (kind := kind_of(evidence, limits))
    )
    return min(judged, key=lambda row: (KINDS.index(row[0]), -row[2].agreeing), default=None)


def _reproduced(
    asked: Sequence[tuple[Shot, int | None]], confidence: float, *, unseen: int = 0
) -> tuple[Interval, float]:
    """The share of pictures that reproduce a reference, and its one-sided upper bound.

    Exact, for these very prompts: where some give more copies away than others, the number of
    copies varies less than a binomial's (Hoeffding, Ann. Math. Statist. 27, 1956), never more.
    """
    hits = sum(number is not None for _, number in asked)
    high = upper_bound(hits + unseen, len(asked) + unseen, confidence=confidence)
    return share(hits, len(asked), confidence, unseen=unseen), high
