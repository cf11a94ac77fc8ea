"""Trials of the doctor's rules: made once, kept, and made again when a rule changes."""

import numpy as np
import pytest

from bench import doctor, trials
from bench.figures import Figures, share
from bench.plants import Shot
from bench.sets import planted
from sosie.doctor import table

RULES = ("count.few", "twins.equal")
"""They need no detector."""


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Sets of eleven grey squares, two rules, one kind; the file of trials."""

    def squares(kind, number):
        return [
            Shot(np.full((8, 8, 3), 20 * n + number, np.uint8), f"a square {n}", n, 0)
            for n in range(11)
        ]

    monkeypatch.setattr(trials, "good", squares)
    for module in (trials, doctor):
        monkeypatch.setattr(module, "KINDS", ("person",))
        monkeypatch.setattr(module, "rules", lambda kind: [table.rule(name) for name in RULES])
    return tmp_path / "trials.jsonl"


def test_each_rule_is_tried_on_each_set_at_every_strength_and_on_the_good_one(small):
    trials.go_on(2, small)
    made = trials.kept(small)
    assert len(made) == len({(t.rule, t.set, t.strength) for t in made}) == 2 * 2 * 4
    assert all((t.said is None) == (t.strength == trials.CLEAN) for t in made)


def test_a_run_that_was_cut_off_goes_on(small, monkeypatch):
    trials.go_on(1, small)
    lines = small.read_text().splitlines()
    small.write_text("\n".join(lines[:3]) + "\n" + lines[3][:20])
    tried = []
    real = trials._tried
    monkeypatch.setattr(
        trials, "_tried", lambda kind, n, wanted: (tried.extend(wanted), real(kind, n, wanted))[1]
    )
    trials.go_on(1, small)
    assert len(tried) == 8 - 3
    assert len(trials.kept(small)) == 8


def test_trials_of_a_rule_that_changed_are_made_again(small, monkeypatch):
    trials.go_on(1, small)
    monkeypatch.setattr(trials, "fingerprint", lambda rule: f"new {rule == 'count.few'}")
    assert trials.kept(small) == []
    trials.go_on(1, small)
    assert len(trials.kept(small)) == 8


def test_a_finding_about_pictures_without_the_fault_is_no_hit(small):
    before = trials.good("person", 0)
    after = [*before, before[2]]
    assert trials._changed(before, after) == {trials.name_of(before[2])}


def test_every_rule_has_a_plant():
    assert set(planted()) == {rule.name for rule in table.RULES}


def test_figures_are_counted_by_strength(small):
    trials.go_on(2, small)
    few, equal = doctor.figures(trials.kept(small))
    assert few.rule == "count.few"
    assert few.middle == few.weak == few.strong == (2, 2) and few.clean == (0, 2)
    assert equal.clean == (0, 2) and equal.hints == 0


def trial(strength, said, number=0):
    return trials.Trial(
        rule="count.few", kind="person", set=number, strength=strength, said=said, of=""
    )


def test_what_is_less_grave_than_the_fault_is_a_hint_and_no_alarm(small):
    made = [trial(trials.MIDDLE, "warning"), trial(trials.CLEAN, "advice")]
    counted, _ = doctor.figures([*made, trial(trials.CLEAN, "blocker", 1)])
    assert counted.clean == (1, 2) and counted.hints == 1
    counted, _ = doctor.figures([trial(trials.MIDDLE, "advice"), trial(trials.CLEAN, "advice")])
    assert counted.clean == (1, 1) and counted.hints == 0


def row(middle, clean):
    return Figures(
        rule="x", kind="person", weak=(0, 0), middle=middle, strong=(0, 0), clean=clean, hints=0
    )


def test_what_is_asked_is_a_share_of_the_sets():
    assert not row((18, 20), (1, 20)).misses and not row((18, 20), (1, 20)).cries
    assert row((17, 20), (1, 20)).misses and row((18, 20), (2, 20)).cries


def test_a_share_comes_with_its_exact_interval():
    assert share((18, 20)) == ".90 (.68 to .99)"
    assert share((20, 20)) == "1.00 (.83 to 1.00)"
    assert share((0, 0)) == "–"
