"""Counts what was found, picture by picture, and judges it by the intervals' bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sosie.audit.copying.calibration import USUAL, needed, p_value
from sosie.audit.copying.evidence import PARTS, STAGES, Evidence, Part
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
    Verdict,
)
from sosie.audit.copying.references import References, Seen
from sosie.audit.intervals import (
    Interval,
    share_interval,
    simultaneous,
    upper_bound,
)

FOUND = 0.9
"""Share of the planted copies that must be found before an audit may pass."""
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
        null: Sequence[float],
        base: Sequence[tuple[Shot, Seen]],
    ) -> None:
        self.known, self.limits, self.null, self.base = known, limits, null, base
        self.asked: list[tuple[Shot, int | None]] = []
        """Every picture, and the reference that it reproduces."""
        self.rest: list[float] = []
        self.matches: list[Match] = []
        self.kinds: Counter[Kind] = Counter()
        self.hits: Counter[int] = Counter()

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
            self.hits[number] += 1
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
        sure = config.confidence
        reproduced, high = _reproduced(self.asked, sure)
        each = simultaneous(
            [self.hits[number] for number in range(len(self.known))], self.count, confidence=sure
        )
        verdict, reasons = _judged(
            reproduced, high, self.limits["rest"], len(self.null), controls, config
        )
        return Copying(
            verdict=verdict,
            reasons=reasons,
            generated=self.count,
            references=len(self.known),
            clusters=len(clusters),
            null=null,
            null_size=len(self.null),
            base_size=len(self.base),
            thresholds=tuple(self.limits[part] for part in PARTS),
            controls=controls,
            reproduced=reproduced,
            upper_bound=high,
            by_probe=self._by_probe(sure),
            by_kind={kind: _share(self.kinds[kind], self.count, sure) for kind in KINDS},
            pictures=_share(len(self.hits), len(self.known), sure),
            picture_bound=max(interval.high or 0.0 for interval in each),
            by_cluster=_share(
                sum(any(self.hits[number] for number in group) for group in clusters),
                len(clusters),
                sure,
            ),
            curve=self._curve(sure),
            matches=tuple(
                sorted(self.matches, key=lambda m: (KINDS.index(m.kind), -m.evidence.agreeing))
            )[:SHOWN],
            leaked=tuple(leaked),
            reproduced_references=tuple(self.known.shots[n].name for n in sorted(self.hits)),
            unreadable_references=tuple(self.known.unreadable),
            unreadable=tuple(unreadable[:LISTED]),
            remarks=self._remarks(unreadable),
            config=config,
        )

    def _by_probe(self, confidence: float) -> tuple[Probed, ...]:
        names = dict.fromkeys(shot.probe for shot, _ in self.asked if shot.probe is not None)
        found = []
        for name in names:
            asked = [(shot, number) for shot, number in self.asked if shot.probe == name]
            reproduced, high = _reproduced(asked, confidence)
            alone = [self._copies(seen) for shot, seen in self.base if shot.probe == name]
            found.append(
                Probed(
                    probe=name,
                    reproduced=reproduced,
                    upper_bound=high,
                    pictures=len({number for _, number in asked if number is not None}),
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
    asked: Sequence[tuple[Shot, int | None]], confidence: float
) -> tuple[Interval, float]:
    """The share of pictures that reproduce a reference, and its one-sided upper bound.

    Exact, for these very prompts: where some give more copies away than others, the number of
    copies varies less than a binomial's (Hoeffding, Ann. Math. Statist. 27, 1956), never more.
    """
    hits = sum(number is not None for _, number in asked)
    return _share(hits, len(asked), confidence), upper_bound(
        hits, len(asked), confidence=confidence
    )


def _judged(
    reproduced: Interval,
    high: float,
    limit: Threshold,
    null: int,
    controls: Interval | None,
    config: Config,
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, and why: it is the intervals' bounds that decide, never the share itself."""
    count, low = reproduced.n, reproduced.low or 0.0
    copied, allowed = round(reproduced.value * count), config.at_most
    if low > max(allowed, limit.by_chance):
        return "failed", (
            f"{copied} of {count} generated pictures reproduce a reference: at least "
            f"{low:.2%}, and {allowed:.2%} is allowed.",
        )
    reasons = []
    if low > allowed:
        reasons.append(
            f"{copied} of {count} were flagged, but {null} pictures to compare with cannot show "
            f"that fewer than {limit.by_chance:.1%} are flagged by chance: look at them, and "
            f"give at least {needed(config.false_positives)} held-out pictures."
        )
    elif high > allowed:
        more = needed_generations(copied, allowed, config.confidence)
        reasons.append(
            f"{copied} of {count} generated pictures reproduce a reference; so many can only show "
            f"that it is at most {high:.2%}, not {allowed:.2%}: generate at least {more:,}."
        )
    if controls is None:
        reasons.append("No copy could be planted to see whether it would be found.")
    elif controls.value < FOUND:
        reasons.append(
            f"Of {controls.n} planted copies only {controls.value:.0%} were found: in pictures "
            "like these too little can be recognised."
        )
    if reasons:
        return "not measured", tuple(reasons)
    return "passed", (
        f"{copied} of {count} generated pictures reproduce a reference: at most {high:.2%}, and "
        f"{allowed:.2%} is allowed.",
    )


def needed_generations(copied: int, at_most: float, confidence: float) -> int:
    """The least number of pictures whose bound reaches `at_most`, if no more are found copied."""
    least, enough = max(1, copied), max(2, copied + 1)
    while upper_bound(copied, enough, confidence=confidence) > at_most:
        least, enough = enough, 2 * enough
    while enough - least > 1:
        middle = (least + enough) // 2
        if upper_bound(copied, middle, confidence=confidence) > at_most:
            least = middle
        else:
            enough = middle
    return enough


def _share(hits: int, n: int, confidence: float) -> Interval:
    interval = share_interval(hits, n, confidence=confidence)
    assert interval is not None, "something was counted"
    return interval
