"""Do generated pictures copy references, how often, and how sure is that?"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from PIL import Image

from sosie.audit.copying.calibration import USUAL, needed, p_value, threshold
from sosie.audit.copying.evidence import PARTS, Evidence, Part
from sosie.audit.copying.look import Figure
from sosie.audit.copying.records import (
    KINDS,
    REPRODUCED,
    Config,
    Copying,
    Kind,
    Match,
    Null,
    Point,
    Shot,
    Threshold,
    Verdict,
)
from sosie.audit.copying.references import References, Seen
from sosie.audit.intervals import Interval, share_interval, simultaneous, upper_bound
from sosie.core.errors import BadInput, SosieError
from sosie.models.faces import Picture

FOUND = 0.9
"""Share of the planted copies that must be found before an audit may pass."""
CURVE = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""Thresholds of the curve."""
SHOWN = 200
"""Matches that are listed, the gravest first."""
LISTED = 20
"""Unreadable files that are named."""


def search(
    generated: Iterable[Shot],
    references: Sequence[Shot],
    held_out: Sequence[Shot] = (),
    *,
    base: Iterable[Shot] = (),
    config: Config | None = None,
    figure: Figure | None = None,
    on_picture: Callable[[str, int, int | None], None] = lambda what, done, of: None,
) -> Copying:
    """Look for copies of `references` among `generated`; both may show anything.

    Thresholds come from `held_out`, pictures like the references that nothing was taught with, or
    without them from the references among themselves; `base` are pictures of the model without the
    LoRA. `figure` tells people from backgrounds. `generated` is read once, one at a time.
    `on_picture` hears what is looked at, how many are done, and of how many if that is known.

    Raises BadInput if no reference or no generated picture can be read.
    """
    config = config or Config()
    known = References(
        references,
        figure=figure,
        on_picture=lambda done, of: on_picture("references", done, of),
    )
    if not len(known):
        why = _first(known.unreadable.values())
        raise BadInput("None of the references can be read.", advice=why)
    leaked, null, name = _null(known, held_out, on_picture)
    # Thresholds first: what is generated is then judged as it comes, and not kept.
    scores: dict[Part, list[float]] = {part: [one[part] for one in null] for part in PARTS}
    limits = {part: threshold(part, scores[part], config.false_positives) for part in PARTS}
    controls = _controls(known, limits, config.controls)
    on_base = _seen(known, base, "base", on_picture)[0]
    tally = _Tally(known, limits, scores["rest"])
    unreadable = list(known.unreadable.values())
    for number, shot in enumerate(generated, 1):
        try:
            tally.add(shot.name, known.see(shot.read()))
        except SosieError as error:
            unreadable.append(str(error))
        on_picture("generated", number, None)
    if not tally.count:
        raise BadInput("None of the generated pictures can be read.", advice=_first(unreadable))
    return tally.result(
        null=name,
        base=[seen.score("rest") for _, seen in on_base],
        controls=controls,
        leaked=leaked,
        unreadable=unreadable,
        config=config,
    )


def kind_of(evidence: Evidence, limits: dict[Part, Threshold]) -> Kind | None:
    """What of a reference was copied; None for nothing."""
    over = {
        part: (score := getattr(evidence, part)) is not None and score >= limits[part].value
        for part in PARTS
    }
    if over["rest"]:
        # The copy is settled; whether the face was taken too needs no proof of its own.
        whole = evidence.face is None or evidence.face >= USUAL["face"]
        return "whole" if whole else "template"
    if over["figure"]:
        return "figure"
    if over["background"]:
        return "background"
    return "face" if over["face"] else None


def planted(rgb: Picture, number: int) -> Picture:
    """A copy as one would come back: cut by up to 6%, toned, blurred and saved at JPEG quality 50.

    Every third is mirrored. Equal arguments give equal bytes.
    """
    import cv2

    draw = np.random.default_rng(number)
    height, width = rgb.shape[:2]
    left, top, right, bottom = (draw.uniform(0, 0.03, 4) * (width, height, width, height)).astype(
        int
    )
    cut = rgb[top : height - bottom, left : width - right]
    light = np.linspace(0, 1, 256) ** draw.uniform(0.8, 1.25) * 255
    toned = cv2.LUT(np.ascontiguousarray(cut), np.round(light).astype(np.uint8))
    soft = cv2.GaussianBlur(toned, (0, 0), max(width, height) / 400)
    file = io.BytesIO()
    Image.fromarray(soft[:, ::-1] if number % 3 == 2 else soft).save(file, "JPEG", quality=50)
    with Image.open(file) as saved:
        return np.asarray(saved.convert("RGB").resize((width, height), Image.Resampling.BICUBIC))


class _Tally:
    """Counts what was found, picture by picture."""

    def __init__(
        self, known: References, limits: dict[Part, Threshold], null: Sequence[float]
    ) -> None:
        self.known, self.limits, self.null = known, limits, null
        self.count = 0
        self.rest: list[float] = []
        self.matches: list[Match] = []
        self.kinds: Counter[Kind] = Counter()
        self.hits: Counter[int] = Counter()

    def add(self, name: str, seen: Seen) -> None:
        self.count += 1
        self.rest.append(seen.score("rest"))
        judged = (
            (kind, number, evidence)
            for number, evidence in seen.closest.items()
            if (kind := kind_of(evidence, self.limits))
        )
        worst = min(judged, key=lambda row: (KINDS.index(row[0]), -row[2].agreeing), default=None)
        if worst is None:
            return
        kind, number, evidence = worst
        self.kinds[kind] += 1
        if kind in REPRODUCED:
            self.hits[number] += 1
        rest = -1.0 if evidence.rest is None else evidence.rest
        self.matches.append(
            Match(
                made=name,
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
        base: Sequence[float],
        controls: Interval | None,
        leaked: Sequence[str],
        unreadable: Sequence[str],
        config: Config,
    ) -> Copying:
        copied = sum(self.kinds[kind] for kind in REPRODUCED)
        clusters = self.known.clusters
        sure = config.confidence
        each = simultaneous(
            [self.hits[number] for number in range(len(self.known))], self.count, confidence=sure
        )
        verdict, reasons = _judged(
            copied, self.count, self.limits["rest"], len(self.null), controls, config
        )
        return Copying(
            verdict=verdict,
            reasons=reasons,
            generated=self.count,
            references=len(self.known),
            clusters=len(clusters),
            null=null,
            null_size=len(self.null),
            base_size=len(base),
            thresholds=tuple(self.limits[part] for part in PARTS),
            controls=controls,
            reproduced=_share(copied, self.count, sure),
            upper_bound=upper_bound(copied, self.count, confidence=sure),
            by_kind={kind: _share(self.kinds[kind], self.count, sure) for kind in KINDS},
            pictures=_share(len(self.hits), len(self.known), sure),
            picture_bound=max(interval.high or 0.0 for interval in each),
            by_cluster=_share(
                sum(any(self.hits[number] for number in group) for group in clusters),
                len(clusters),
                sure,
            ),
            curve=self._curve(base, sure),
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

    def _curve(self, base: Sequence[float], confidence: float) -> tuple[Point, ...]:
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
        if len(self.known.clusters) == len(self.known) > 2000:
            said.append("So many references were not searched for near-duplicates.")
        return tuple(said)


def _judged(
    copied: int,
    count: int,
    limit: Threshold,
    null: int,
    controls: Interval | None,
    config: Config,
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, and why: it is the intervals' bounds that decide, never the share itself."""
    low = _share(copied, count, config.confidence).low or 0.0
    high = upper_bound(copied, count, confidence=config.confidence)
    allowed = config.at_most
    if low > max(allowed, limit.false_positives):
        return "failed", (
            f"{copied} of {count} generated pictures reproduce a reference: at least "
            f"{low:.2%}, and {allowed:.2%} is allowed.",
        )
    reasons = []
    if low > allowed:
        reasons.append(
            f"{copied} of {count} were flagged, but {null} pictures to compare with cannot show "
            f"that fewer than {limit.false_positives:.1%} are flagged by chance: look at them, and "
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


def _null(
    known: References,
    held_out: Sequence[Shot],
    on_picture: Callable[[str, int, int | None], None],
) -> tuple[list[str], list[dict[Part, float]], Null]:
    """Held-out pictures that leaked, and the scores of pictures that cannot be copies."""
    if held_out:
        leaked: list[str] = []
        null = []
        for number, shot in enumerate(held_out, 1):
            try:
                rgb = shot.read()
            except SosieError:
                continue
            if known.holds(rgb):
                leaked.append(shot.name)
            else:
                null.append(known.see(rgb).scores)
            on_picture("held-out", number, len(held_out))
        return leaked, null, "held-out pictures"
    null = []
    if len(known.clusters) > 1:
        for number, group in enumerate(known.clusters, 1):
            null.append(known.see(known.shots[group[0]].read(), without=group).scores)
            on_picture("comparing references", number, len(known.clusters))
    return [], null, "the references among themselves"


def _seen(
    known: References,
    shots: Iterable[Shot],
    what: str,
    on_picture: Callable[[str, int, int | None], None],
) -> tuple[list[tuple[str, Seen]], list[str]]:
    seen, unreadable = [], []
    for number, shot in enumerate(shots, 1):
        try:
            seen.append((shot.name, known.see(shot.read())))
        except SosieError as error:
            unreadable.append(str(error))
        on_picture(what, number, None)
    return seen, unreadable


def _controls(known: References, limits: dict[Part, Threshold], at_most: int) -> Interval | None:
    """The share of planted copies that are found."""
    step = max(1, len(known) // at_most)
    chosen = range(0, len(known), step)[:at_most]
    found = 0
    for number in chosen:
        seen = known.see(planted(known.shots[number].read(), number))
        found += any(kind_of(e, limits) in REPRODUCED for e in seen.closest.values())
    return share_interval(found, len(chosen))


def _share(hits: int, n: int, confidence: float) -> Interval:
    interval = share_interval(hits, n, confidence=confidence)
    assert interval is not None, "something was counted"
    return interval


def _first(unreadable: Iterable[str]) -> str | None:
    return next(iter(unreadable), None)
