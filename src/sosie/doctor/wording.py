"""What findings say, in the reader's language, from one table."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, get_args

from sosie.core.terms import Language
from sosie.doctor.records import Finding

NUMBER = re.compile(r"\d+")
LANGUAGES: tuple[Language, ...] = get_args(Language)


@cache
def words() -> dict[str, dict[str, Any]]:
    """`words.toml`: rule -> "title", "one", "advice" and words for what a finding names."""
    text = files("sosie.doctor").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _terms() -> dict[str, dict[str, dict[str, str]]]:
    """`terms.toml`: "units" and "reasons" -> English -> language -> words."""
    text = files("sosie.doctor").joinpath("terms.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def unit(english: str, language: Language = "en") -> str:
    """A rule's unit; in English where it has no other words."""
    return _terms()["units"].get(english, {}).get(language, english)


def reason(english: str, language: Language = "en") -> str:
    """Why something was not examined; in English where a detector gave words of its own."""
    form = NUMBER.sub("{}", english)
    known = _terms()["reasons"].get(form, {}).get(language)
    return english if known is None else known.format(*NUMBER.findall(english))


@cache
def page(language: Language) -> dict[str, Any]:
    """The words of the HTML page that belong to no rule, in one language."""
    text = files("sosie.doctor").joinpath("page.toml").read_text(encoding="utf-8")
    said: dict[str, Any] = _spoken(tomllib.loads(text), language)
    return said


def _spoken(entry: dict[str, Any], language: Language) -> Any:
    """The table with every set of translations replaced by one of them."""
    if set(entry) == set(LANGUAGES):
        return entry[language]
    return {name: _spoken(inner, language) for name, inner in entry.items()}


def title(finding: Finding, language: Language = "en") -> str:
    """The fault, in a few words."""
    single = finding.said.get("pictures") == 1 and "one" in words()[finding.rule]
    return _fill(finding, "one" if single else "title", language)


def advice(finding: Finding, language: Language = "en") -> str:
    """What to do about it."""
    return _fill(finding, "advice", language)


def _fill(finding: Finding, part: str, language: Language) -> str:
    entry = words()[finding.rule]
    said: dict[str, object] = {
        name: _translated(entry, name, value, language) for name, value in finding.said.items()
    }
    for name in ("value", "threshold"):
        number = getattr(finding, name)
        said[name] = "–" if number is None else f"{number:.4g}"
    text: str = entry[part][language]
    return text.format(**said)


def _translated(entry: dict[str, Any], name: str, value: str | int, language: Language) -> str:
    known = entry.get(name, {}).get(str(value), {})
    return str(known.get(language, value))
