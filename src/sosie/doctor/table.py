"""The table of rules: what the report, the docs, the page and `--despite` read."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sosie.core.errors import NotFound
from sosie.core.files import sha256_bytes
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
    subject,
    transcript,
    twins,
    who,
)

FAMILIES = (
    safe,
    *(count, subject, twins, leak, who, pose, eyes, skin, marks),
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

SPEAKING = ("page.py", "told.py", "wording.py")
"""Files of the doctor that only say what was found."""

views, blur = pose.views, focus.blur


def rule(name: str) -> Rule:
    """The rule of a name. Raises NotFound with the nearest."""
    for known in RULES:
        if known.name == name:
            return known
    raise NotFound.among("rule", name, [known.name for known in RULES])


def version() -> str:
    """Changes whenever a measure, a threshold, a judge, the proposal or the table of rules does, so
    that a kept checkup is known to be current."""
    return ",".join([code_sha256(), *(one.name for one in RULES)])


@cache
def code_sha256() -> str:
    """A hash of the code that examines; words and pages are no part of it."""
    folder = files("sosie.doctor")
    code = {
        f"{part.name}/{file.name}": file.read_bytes()
        for part in (folder, folder / "rules")
        for file in part.iterdir()
        if file.name.endswith(".py") and file.name not in SPEAKING
    }
    return sha256_bytes(b"".join(name.encode() + code[name] for name in sorted(code)))
