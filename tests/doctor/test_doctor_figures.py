"""What was measured of the rules, and that none claims more."""

from dataclasses import replace

import pytest

from bench import figures
from docs import make
from sosie.doctor import Config, examine, page, table, wording

ROWS = figures.read()


@pytest.mark.parametrize("rule", table.RULES, ids=lambda rule: rule.name)
def test_every_rule_was_tried_and_says_where_it_falls_short(rule):
    mine = [row for row in ROWS if row.rule == rule.name]
    assert {row.kind for row in mine} == set(rule.kinds)
    assert all(min(row.middle[1], row.clean[1]) >= figures.ENOUGH for row in mine)
    assert rule.advisory == (figures.short(rule.name, ROWS) and not rule.binding)


def test_the_pages_give_every_rule_its_figures():
    rules, whole = make.rules(), make.doctor_figures()
    for rule in table.RULES:
        mark = " (advisory)" if rule.advisory else ""
        assert f"| `{rule.name}`{mark} |" in rules and f"| `{rule.name}`{mark} |" in whole


def test_an_advisory_finding_says_so_in_every_language(make_set, portraits, monkeypatch):
    dataset = make_set(portraits[:3])
    found = examine(dataset, Config(), only=("count.few",))
    quiet = [page.render(found, dataset, language) for language in wording.LANGUAGES]
    rule = table.rule("count.few")
    monkeypatch.setattr(
        table,
        "RULES",
        tuple(replace(one, advisory=one is rule) for one in table.RULES),
    )
    for language, before in zip(wording.LANGUAGES, quiet, strict=True):
        said = wording.page(language)["advisory"]
        assert said in page.render(found, dataset, language) and said not in before
