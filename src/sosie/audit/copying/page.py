"""A search of copies as one self-contained HTML page: panels of reference, picture and mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from sosie.audit.copying import probes
from sosie.audit.copying.cliques import LIMITS, StrangerAudit
from sosie.audit.copying.counterfactual import Counterfactual
from sosie.audit.copying.doses import chance
from sosie.audit.copying.evidence import AGREES, STAGES, Part, overlays
from sosie.audit.copying.inside import Inside
from sosie.audit.copying.look import SIDE, look
from sosie.audit.copying.plot import Size, plotted
from sosie.audit.copying.records import REPRODUCED, Copying, Kind, Match
from sosie.audit.copying.report import CopyAudit, Tried, frontier
from sosie.audit.copying.rights import Row
from sosie.audit.intervals import Interval, mean_interval
from sosie.audit.page import small, template
from sosie.models.faces import Picture

PANELS = 24
"""Matches that are shown; the others are counted."""
SHOWN = 8
"""Pictures, or shots, of which a table tells."""
PLOT = Size(wide=640, high=300, left=60, below=44)
STRIP = 6
"""Pictures of a clique that are shown."""
PAINT = (224, 72, 47)
"""What agrees is painted."""
SAID: dict[Kind, str] = {
    "whole": "the whole picture, or much of it",
    "template": "all but the face",
    "figure": "clothes and hair, before another background",
    "background": "the background, behind another figure",
    "face": "the face's own pixels, nothing else",
}

JUDGED: dict[Part, str] = {
    "rest": "all but the face, tile by tile",
    "patch": "the largest patch of it that equals",
    "pixels": "its pixels",
    "coarse": "its coarse structure",
    "figure": "clothes and hair",
    "background": "background",
    "face": "face",
}
ASKED: dict[str, str] = {
    probes.HELD_OUT.name: "new words, as a user asks",
    probes.TRIGGER.name: "the one word that every caption held",
    probes.CAPTIONS.name: "word for word",
    probes.STRONGER.name: f"captions, at {probes.RAISED:g} times the strength",
    probes.VARIANTS.name: "the trigger in other forms",
    probes.TAGS.name: "what its trainer left in the file",
    probes.PUSHED.name: f"captions, pushed beyond the LoRA by {probes.PUSH:g}: an attacker",
}

Pair = Callable[[Match], tuple[Picture, Picture]]
"""The reference and the generated picture of a match."""


@dataclass(frozen=True)
class Panel:
    """One match on the page."""

    reference: str
    made: str
    mask: str
    title: str
    names: str
    scores: str


def render(
    found: Copying,
    rights: Sequence[Row],
    pair: Pair,
    *,
    about: str,
    whole: CopyAudit | None = None,
) -> str:
    """The page. `about` says which pictures were compared with which; `whole` has what is known
    besides where they were asked of a LoRA."""
    return template("copying.html.j2").render(
        found=found,
        verdict=whole.verdict if whole else found.verdict,
        reasons=whole.reasons if whole else found.reasons,
        about=about,
        rights=rights if any(row.status != "unknown" and row.references for row in rights) else (),
        kinds=[(SAID[kind], kind in REPRODUCED, of(found.by_kind[kind])) for kind in SAID],
        reproduced=of(found.reproduced),
        pictures=of(found.pictures),
        clusters=of(found.by_cluster),
        of=of,
        tally=tally,
        said=ASKED,
        judged=JUDGED,
        probed=[
            (probe, rate)
            for probe in (whole.probes if whole else ())
            for rate in found.by_probe
            if rate.probe == probe.name
        ],
        causes=_causes(whole) if whole else (),
        stages=[(one.step, of(one.reproduced), tally(one.shots)) for one in whole.stages]
        if whole and len(whole.stages) > 1
        else (),
        mends=whole.mends if whole else (),
        tried=_beside(whole.tried) if whole and len(whole.tried) > 1 else (),
        plot=plotted(whole.tried, PLOT) if whole and len(whole.tried) > 1 else None,
        size=PLOT,
        inside=_told(whole.inside if whole else ()),
        left_out=_left_out(whole.counterfactual if whole else None),
        panels=[_panel(match, *pair(match)) for match in found.matches[:PANELS]],
        more=max(0, sum(round(i.value * i.n) for i in found.by_kind.values()) - PANELS),
    )


def render_stranger(audit: StrangerAudit, read: Callable[[str], Picture]) -> str:
    """The page of a LoRA whose training pictures are unknown; `read` gives a picture by name."""
    found = audit.repeating
    return template("repeating.html.j2").render(
        audit=audit,
        found=found,
        of=of,
        tally=tally,
        said=ASKED,
        plain=_plain,
        limits=[(JUDGED[part], LIMITS[part].value) for part in STAGES],
        rows=list(zip(audit.probes, found.by_probe, strict=True)),
        cliques=[
            (clique, [small(Image.fromarray(read(name))) for name in clique.pictures[:STRIP]])
            for clique in found.cliques[:PANELS]
        ],
    )


def of(interval: Interval | None) -> str:
    """ "2.0% (0.5% to 5.0%)"."""
    if interval is None:
        return "–"
    if interval.low is None or interval.high is None:
        return f"{interval.value:.1%}"
    return f"{interval.value:.1%} ({interval.low:.1%} to {interval.high:.1%})"


def tally(share: Interval | None) -> str:
    """ "0 of 60"."""
    return "–" if share is None else f"{round(share.value * share.n)} of {share.n}"


def painted(reference: Picture, made: Picture) -> Picture:
    """The reference in grey, (SIDE, SIDE, 3), with what agrees in the generated picture painted."""
    other = look(made)
    one = look(reference, other.shape)
    best = max(overlays(one, other), key=lambda way: way.agreeing)
    agreeing = np.nan_to_num(best.tiles, nan=-1) >= AGREES
    tile = SIDE // (len(agreeing) + 1)
    share = np.zeros((SIDE, SIDE), np.float32)
    for row, column in zip(*np.nonzero(agreeing), strict=True):
        # Tiles overlap by half; the middle of each is its own.
        top, left = row * tile + tile // 2, column * tile + tile // 2
        share[top : top + tile, left : left + tile] = 0.6
    grey = np.repeat((one.grey * 0.7 + 60)[..., None], 3, axis=2)
    mixed = grey * (1 - share[..., None]) + np.array(PAINT) * share[..., None]
    return np.asarray(np.clip(np.round(mixed), 0, 255), np.uint8)


def called(one: Tried) -> str:
    """ "anna-2@300 at 0.85 (repeats, rank)"."""
    step = "" if one.step is None else f"@{one.step}"
    changed = f" ({', '.join(one.remedies)})" if one.remedies else ""
    return f"{one.adapter}{step} at {one.strength:g}{changed}"


@dataclass(frozen=True)
class Cause:
    """Shots by what may explain that they came back."""

    title: str
    rows: list[tuple[str, str, str]]
    """The dose, how many came back, and their share."""
    chance: str
    """Empty where nothing, or all, came back."""


def _causes(whole: CopyAudit) -> list[Cause]:
    """What there is more than one dose of."""
    sides: dict[str, list[tuple[str, Interval]]] = {
        "near-duplicates of one shot": [(str(one.repeats), one.reproduced) for one in whole.doses],
        "its caption has": [(one.bears, one.reproduced) for one in whole.named],
    }
    found = []
    for title, rows in sides.items():
        p = chance([share for _, share in rows])
        if len(rows) > 1:
            told = [(dose, tally(share), of(share)) for dose, share in rows]
            found.append(Cause(title, told, "" if p is None else f"{p:.1%}"))
    return found


def _beside(tried: Sequence[Tried]) -> list[tuple[str, str, str, str, bool]]:
    """Name, likeness, share reproduced, verdict, and whether it is on the frontier."""
    return [
        (
            called(one),
            "–" if one.likeness is None else f"{one.likeness:.0%}",
            of(one.reproduced),
            one.verdict,
            best,
        )
        for one, best in zip(tried, frontier(tried), strict=True)
    ]


@dataclass(frozen=True)
class Told:
    """What the weights tell."""

    drop: tuple[str, str]
    """Mean fall of the loss: of pictures that were taught, and of those that were withheld."""
    moved: tuple[str, str]
    """The same of how far a caption's answer was moved."""
    rows: list[tuple[str, str, str, bool]]
    """Taught pictures whose captions moved farthest: name, fall, how far, and whether farther than
    any withheld."""
    taught: int
    withheld: int


def _told(inside: Sequence[Inside]) -> Told | None:
    if not inside:
        return None
    sides = [[one for one in inside if one.withheld == side] for side in (False, True)]
    drops = [mean_interval([one.drop for one in side]) for side in sides]
    moves = [[(one.moved, one) for one in side if one.moved is not None] for side in sides]
    means = [mean_interval([by for by, _ in side]) for side in moves]
    farthest_withheld = max((by for by, _ in moves[1]), default=float("inf"))
    farthest = sorted(moves[0], key=lambda pair: -pair[0])[:SHOWN]
    return Told(
        drop=(of(drops[0]), of(drops[1])),
        moved=(_plain(means[0]), _plain(means[1])),
        rows=[
            (one.name, f"{one.drop:.0%}", f"{by:.2f}", by > farthest_withheld)
            for by, one in farthest
        ],
        taught=len(sides[0]),
        withheld=len(sides[1]),
    )


@dataclass(frozen=True)
class Gone:
    """What leaving pictures out changed."""

    found: Counterfactual
    loss: str
    taught: str
    left_out: str
    rows: list[tuple[str, str, str, str, str]]
    """The shots that lose most: name, loss, p-value, and how often they came back."""


def _left_out(found: Counterfactual | None) -> Gone | None:
    if found is None:
        return None
    return Gone(
        found=found,
        loss=points(found.loss),
        taught=of(found.taught),
        left_out=of(found.left_out),
        rows=[
            (
                shot.name,
                points(shot.loss),
                "–" if shot.p is None else f"{shot.p:.2f}",
                tally(shot.taught),
                tally(shot.left_out),
            )
            for shot in found.shots[:SHOWN]
        ],
    )


def points(interval: Interval) -> str:
    """ "+2.0 (−0.5 to +5.0)": hundredths, which may be negative."""
    ends = (interval.value, interval.low, interval.high)
    # There is no "−0.0".
    told = [
        "–" if end is None else f"{round(100 * end, 1) + 0.0:+.1f}".replace("-", "−")
        for end in ends
    ]
    return told[0] if interval.low is None else f"{told[0]} ({told[1]} to {told[2]})"


def _plain(interval: Interval | None) -> str:
    """ "1.34 (1.20 to 1.50)"."""
    if interval is None or interval.low is None:
        return "–" if interval is None else f"{interval.value:.2f}"
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def _panel(match: Match, reference: Picture, made: Picture) -> Panel:
    evidence = match.evidence
    parts = {
        "all but the face": evidence.rest,
        "its largest patch": evidence.patch,
        "clothes and hair": evidence.figure,
        "background": evidence.background,
        "face": evidence.face,
    }
    told = [f"{name} {score:.2f}" for name, score in parts.items() if score is not None]
    ways = [word for word in ("mirrored", "placed") if getattr(evidence, word)]
    told += [{"mirrored": "mirrored", "placed": "cropped or turned"}[word] for word in ways]
    return Panel(
        reference=small(Image.fromarray(reference)),
        made=small(Image.fromarray(made)),
        mask=small(Image.fromarray(painted(reference, made))),
        title=SAID[match.kind],
        names=f"{match.made} ← {match.reference}",
        scores=", ".join(told),
    )
