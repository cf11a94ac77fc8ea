"""A checkup as data for other programs: what it holds, and all that it tells a reader."""

from __future__ import annotations

import shlex
from typing import Any

from sosie.core.terms import Language
from sosie.doctor import table, wording
from sosie.doctor.records import Checkup, Finding


def told(checkup: Checkup, language: Language = "en") -> dict[str, Any]:
    """The fields of a checkup in JSON's types, with its verdict, the language, and its findings as
    `finding` tells them.
    """
    return checkup.model_dump(mode="json") | {
        "verdict": checkup.verdict,
        "language": language,
        "findings": [finding(one, checkup.subject, language) for one in checkup.findings],
    }


def finding(found: Finding, subject: str, language: Language = "en") -> dict[str, Any]:
    """The fields of a finding in JSON's types, with its id, its words, the unit of its `value` and
    `threshold`, whether its rule only advises, and the command that mends it.
    """
    rule = table.rule(found.rule)
    return found.model_dump(mode="json") | {
        "id": found.id,
        "title": wording.title(found, language),
        "advice": wording.advice(found, language),
        "unit": unit(found, language),
        "advisory": rule.advisory,
        "command": f"sosie mend {shlex.quote(subject)} {found.mend}" if found.mend else None,
    }


def unit(found: Finding, language: Language = "en") -> str:
    """The unit of a finding's `value` and `threshold`: that of the scale that spoke."""
    rule = table.rule(found.rule)
    return wording.unit(rule.units.get(str(found.said.get("which")), rule.unit), language)
