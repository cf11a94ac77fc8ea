"""What a score is worth: thresholds from pictures that cannot be copies.

Conformal (Vovk, Gammerman, Shafer, "Algorithmic learning in a random world", 2005): if a new
picture that copies nothing is exchangeable with the n of the null, the chance that it scores above
all but m of them is at most (m + 1) / (n + 1). So n pictures support no rate below 1 / (n + 1),
and none is claimed. Exchangeable is the word: of the same person, taken in the same ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sosie.audit.copying.evidence import PARTS, STAGES, Part
from sosie.audit.copying.records import Threshold

Scores = Mapping[Part, float]
"""What one picture scores by each part at best."""

USUAL: dict[Part, float] = {
    "rest": 0.90,
    "patch": 0.30,
    "pixels": 0.25,
    "coarse": 0.88,
    "figure": 0.90,
    "background": 0.85,
    "face": 0.94,
}
"""Thresholds below which no audit goes, whatever its null supports. On drawn people at 256 pixels
(600 pairs of other shots, 60 in the same pose) other shots reach .89, .86, .95 and .95 at most, and
their 99th hundredth .85, .85, .93 and .94 in the same pose; copies toned, blurred, saved at JPEG
quality 40, cropped to 80% or turned by 6 degrees stay above .93, .91, .94 and .95.

Of 36 other shots of three drawn people, 12 references each, patch, pixels and coarse reach .22,
-.07 and .64 at most; 24 new pictures in the same pose .19, .02 and .72; 8 copied backgrounds alone
.12, -.05 and .80. Of copies a quarter of which is new the first stays above .5, of 18 left halves
13 are above .30; copies blurred by 1/64 of their width stay above .38 and .91 by the others."""

MORE = 1e-9
"""By how much a threshold lies above what must stay below it: more than rounding takes."""
UNKNOWN = -1.0
"""The score of a part in which nothing can be recognised: it is never taken for a copy."""


def p_value(score: float, null: Sequence[float]) -> float:
    """The conformal p-value, in [1 / (n + 1), 1]."""
    return (1 + sum(other >= score for other in null)) / (len(null) + 1)


def smallest_rate(null_size: int) -> float:
    """The smallest false-positive rate that so many pictures support."""
    return 1 / (null_size + 1)


def needed(rate: float) -> int:
    """Pictures that are needed to support a false-positive rate: 99 for 1%."""
    return int(np.ceil(1 / rate - 1e-9)) - 1


def thresholds(
    null: Sequence[Scores], rate: float, *, base: Sequence[Scores] = ()
) -> dict[Part, Threshold]:
    """For each part the least threshold whose false-positive rate is at most `rate`, or at most
    what the null supports; never below `USUAL`. With scores of the `base` alone, the same holds for
    these.

    The stages share one rate, since a picture is a copy by any of them: what is ranked among the
    null is the greatest `excess` of a picture, and all their thresholds are raised by one excess.
    So the rate is that of the union, and n pictures support 1 / (n + 1) of it; a rate split over
    the stages would support only as many times that.
    """
    found = {}
    for group in (STAGES, *((part,) for part in PARTS if part not in STAGES)):
        supported, least = _supported([excess(scores, group) for scores in null], rate)
        of_base, more = _supported([excess(scores, group) for scores in base], rate)
        least = max(least, more)
        for part in group:
            found[part] = Threshold(
                part=part,
                value=USUAL[part] + max(least, 0.0) * (1 - USUAL[part]),
                false_positives=supported,
                raised=least > 0,
                of_base=of_base if base else None,
            )
    return found


def excess(scores: Scores, group: Sequence[Part] = STAGES) -> float:
    """By how much the usual thresholds are passed: 0 at one of them, 1 for what is equal."""
    return max((scores[part] - USUAL[part]) / (1 - USUAL[part]) for part in group)


def _supported(null: Sequence[float], rate: float) -> tuple[float, float]:
    """The rate that is supported, and the least excess that keeps it."""
    supported = max(rate, smallest_rate(len(null)))
    above = int(np.floor(supported * (len(null) + 1) + 1e-9)) - 1
    ordered = sorted(null, reverse=True)
    least = ordered[above] + MORE if above < len(ordered) else -np.inf
    return supported, least
