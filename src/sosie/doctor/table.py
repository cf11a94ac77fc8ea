"""The table of rules: what the report, the docs, the page and `--despite` read."""

from __future__ import annotations

from sosie.core.errors import NotFound
from sosie.doctor.rule import Clustering, Rule
from sosie.doctor.rules import (
    count,
    eyes,
    focus,
    frames,
    framing,
    grain,
    ink,
    leak,
    letters,
    light,
    marks,
    page,
    pixels,
    pose,
    safe,
    setting,
    skin,
    transcript,
    twins,
    who,
)

FAMILIES = (
    safe,
    *(count, twins, leak, who, pose, eyes, skin, marks),
    setting,
    *(letters, frames),
    *(focus, light, grain, pixels, framing),
    *(page, ink, transcript),
)
"""One module a family, in the order in which a report speaks of them."""

RULES: tuple[Rule, ...] = tuple(rule for family in FAMILIES for rule in family.RULES)

CLUSTERINGS: tuple[Clustering, ...] = (
    *(twins.SAME_SHOT, leak.ONE_PHOTOGRAPH),
    *(setting.SAME_BACKGROUND, setting.SAME_CLOTHES),
)
"""What the proposal keeps from piling up."""

views, blur = pose.views, focus.blur


def rule(name: str) -> Rule:
    """The rule of a name. Raises NotFound with the nearest."""
    for known in RULES:
        if known.name == name:
            return known
    raise NotFound.among("rule", name, [known.name for known in RULES])


def version() -> str:
    """Changes whenever a rule or a family does, so that a kept checkup is known to be current."""
    families = {family.name: family.version for one in RULES for family in one.needs}
    rules = (f"{one.name}:{one.fix}" for one in RULES)
    return ",".join([*rules, *(f"{name}={version}" for name, version in families.items())])
