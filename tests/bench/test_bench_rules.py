"""The study whether the rules matter: sets differ in the fault alone, and are compared in pairs."""

import numpy as np
import pytest

from bench import rules
from bench.sets import name_of


@pytest.fixture(scope="module")
def shots():
    return rules.good(29)


@pytest.mark.parametrize("name", rules.QUESTIONS)
def test_only_so_many_pictures_get_the_fault(name, shots):
    spoilt = rules.spoilt(name, shots, 3)
    changed = [a.rgb is not b.rgb for a, b in zip(shots, spoilt, strict=True)]
    assert changed == [True] * 3 + [False] * (len(shots) - 3)
    assert len({name_of(shot) for shot in spoilt}) == len(shots)


def test_a_caption_says_what_the_changed_picture_shows(shots):
    first = rules.spoilt("background", shots, 1)[0]
    assert "beach" in first.caption and first.caption != shots[0].caption


def outcome(fault, person, seed, likeness, leak):
    return rules.Outcome(
        taught_as="here",
        fault=fault,
        amount=5 if fault else 0,
        person=person,
        seed=seed,
        likeness=likeness,
        leaks={"noise": leak},
    )


def test_people_are_compared_with_themselves_and_seeds_averaged():
    made = [
        *(outcome("", who, seed, 0.5, 1.0) for who in (1, 2) for seed in (0, 1)),
        outcome("noise", 1, 0, 0.4, 2.0),
        outcome("noise", 1, 1, 0.2, 4.0),
        outcome("noise", 2, 0, 0.5, 3.0),
        outcome("noise", 2, 1, None, 3.0),
    ]
    leak = rules.differences(made, "noise", 5, lambda one: one.leaks["noise"])
    assert leak is not None and leak.n == 2 and leak.value == pytest.approx(2.0)
    like = rules.differences(made, "noise", 5, lambda one: one.likeness)
    assert like is not None and like.value == pytest.approx((-0.2 + 0.0) / 2)


def test_the_plot_begins_with_the_sets_without_the_fault():
    made = [
        *(outcome("", who, 0, 0.5, 1.0 + who) for who in (1, 2)),
        *(outcome("noise", who, 0, 0.4, 3.0 + who) for who in (1, 2)),
        outcome("pose", 1, 0, 0.4, 9.0),
    ]
    line = rules.course(made, "noise", lambda one: one.leaks["noise"])
    assert [(point.x, point.y) for point in line] == [(0, 2.5), (5, 4.5)]
    assert all(point.low < point.y < point.high for point in line)


def test_a_lora_is_taught_once(monkeypatch, tmp_path):
    taught = []

    def teach(shots, seed):
        taught.append(seed)
        return [np.zeros((16, 16, 3), np.uint8)]

    monkeypatch.setattr(rules, "PEOPLE", 1)
    monkeypatch.setattr(rules, "SEEDS", 2)
    monkeypatch.setattr(rules, "taught", teach)
    monkeypatch.setattr(rules, "LEDGER", tmp_path / "rules.jsonl")
    monkeypatch.setattr(rules, "setup", lambda: "here")
    monkeypatch.setattr(rules, "side_by_side", map)
    monkeypatch.setattr(
        rules,
        "_judged",
        lambda name, amount, who, seed, seen: outcome(name, who, seed, 0.5, 1.0).model_copy(
            update={"amount": amount}
        ),
    )
    made = rules.go_on(["noise"])
    assert len(taught) == len(made) == 2 * 3
    assert rules.go_on(["noise"]) == made and len(taught) == 6
    # What was taught on another base, or by another recipe, says nothing of this one.
    monkeypatch.setattr(rules, "setup", lambda: "elsewhere")
    rules.go_on(["noise"])
    assert len(taught) == 12
