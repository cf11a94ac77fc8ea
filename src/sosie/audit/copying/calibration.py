"""What a score is worth: thresholds from pictures that cannot be copies.

Conformal (Vovk, Gammerman, Shafer, "Algorithmic learning in a random world", 2005): if a new
picture that copies nothing is exchangeable with the n of the null, the chance that it scores above
all but m of them is at most (m + 1) / (n + 1). So n pictures support no rate below 1 / (n + 1),
and none is claimed. Exchangeable is the word: of the same person, taken in the same ways.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sosie.audit.copying.evidence import Part
from sosie.audit.copying.records import Threshold

USUAL: dict[Part, float] = {"rest": 0.90, "figure": 0.90, "background": 0.85, "face": 0.94}
"""Thresholds below which no audit goes, whatever its null supports. On drawn people at 256 pixels
(600 pairs of other shots, 60 in the same pose) other shots reach .89, .86, .95 and .95 at most, and
their 99th hundredth .85, .85, .93 and .94 in the same pose; copies toned, blurred, saved at JPEG
quality 40, cropped to 80% or turned by 6 degrees stay above .93, .91, .94 and .95."""

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


def threshold(
    part: Part, null: Sequence[float], rate: float, *, base: Sequence[float] = ()
) -> Threshold:
    """The least threshold whose false-positive rate is at most `rate`, or at most what the null
    supports; never below `USUAL`. With scores of the `base` alone, the same holds for these."""
    supported, least = _supported(null, rate)
    of_base, more = _supported(base, rate)
    least = max(least, more)
    return Threshold(
        part=part,
        value=max(least, USUAL[part]),
        false_positives=supported,
        raised=least > USUAL[part],
        of_base=of_base if base else None,
    )


def _supported(null: Sequence[float], rate: float) -> tuple[float, float]:
    """The rate that is supported, and the least threshold that keeps it."""
    supported = max(rate, smallest_rate(len(null)))
    above = int(np.floor(supported * (len(null) + 1) + 1e-9)) - 1
    ordered = sorted(null, reverse=True)
    least = float(np.nextafter(ordered[above], 2)) if above < len(ordered) else UNKNOWN
    return supported, least
