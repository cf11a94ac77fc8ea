"""A checkup as data for other programs: what it holds, and all that it tells a reader."""

from __future__ import annotations

import shlex
from typing import Any

from sosie.core.terms import Language
from sosie.doctor import table, wording
from sosie.doctor.records import Checkup, Finding


def told(checkup: Checkup, language: Language = "en") -> dict[str, Any]:
    """The fields of a checkup in JSON's types, with its verdict, the language, its findings as
    `finding` tells them, and under `missing` the ids of those that tell what the set lacks.
    """
    return checkup.model_dump(mode="json") | {
        "verdict": checkup.verdict,
        "language": language,
        "findings": [finding(one, checkup.subject, language) for one in checkup.findings],
        "missing": [one.id for one in dict(parts(checkup)).get("missing", ())],
    }


def parts(checkup: Checkup) -> list[tuple[str, list[Finding]]]:
    """The findings as reports tell them, under the names of their headings in `page.toml`: what was
    found in the pictures, then what the set lacks. A part without findings is left out."""
    found: dict[str, list[Finding]] = {"findings": [], "missing": []}
    for one in checkup.findings:
        found["missing" if table.rule(one.rule).missing else "findings"].append(one)
    return [(heading, several) for heading, several in found.items() if several]


def finding(found: Finding, subject: str, language: Language = "en") -> dict[str, Any]:
    """The fields of a finding in JSON's types, with its id, its words, the unit of its `value` and
    `threshold`, whether it tells what the set lacks, whether its rule only advises, and the command
    that mends it.
    """
    rule = table.rule(found.rule)
    return found.model_dump(mode="json") | {
        "id": found.id,
        "title": wording.title(found, language),
        "advice": wording.advice(found, language),
        "unit": unit(found, language),
        "missing": rule.missing,
        "advisory": rule.advisory,
        "command": f"sosie mend {shlex.quote(subject)} {found.mend}" if found.mend else None,
    }


def unit(found: Finding, language: Language = "en") -> str:
    """The unit of a finding's `value` and `threshold`: that of the scale that spoke."""
    rule = table.rule(found.rule)
    return wording.unit(rule.units.get(str(found.said.get("which")), rule.unit), language)
