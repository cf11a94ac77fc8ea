"""Explicit and revealing pictures on file; nothing unsafe is kept here."""

from __future__ import annotations

import pytest

from bench.plants import safe
from sosie.core.errors import WeightsRefused
from sosie.doctor import Config, examine
from sosie.models import unsafe

RULE = "safe.unsafe"


def test_drawn_portraits_pass_for_everybody(portraits, make_set):
    for config in (Config(), Config(guarded=True), Config(age=9)):
        assert examine(make_set(portraits[:6]), config, only=(RULE,)).passed == (RULE,)


@pytest.mark.parametrize("child", [{"guarded": True}, {"age": 17}])
def test_a_doubtful_picture_of_a_child_blocks(child, planted, make_set):
    pictures, spoiled = planted(safe.unsafe)
    dataset = make_set(pictures)
    (found,) = examine(dataset, Config(**child), only=(RULE,)).findings
    assert found.severity == "blocker" and found.threshold == unsafe.DOUBTFUL
    assert set(found.samples) == {dataset.items[number].sample for number in spoiled}
    assert examine(dataset, Config(age=18), only=(RULE,)).passed == (RULE,)


def test_an_explicit_picture_blocks_for_everybody(portraits, make_set, monkeypatch):
    monkeypatch.setattr(unsafe, "score", lambda rgb: 0.9)
    (found,) = examine(make_set(portraits[:2]), only=(RULE,)).findings
    assert found.severity == "blocker" and len(found.samples) == 2


def test_without_the_detector_nothing_passes(portraits, make_set, monkeypatch):
    def refuse(rgb):
        raise WeightsRefused("The unsafe-content detector is not installed.")

    monkeypatch.setattr(unsafe, "score", refuse)
    checkup = examine(make_set(portraits[:2]), only=(RULE,))
    assert not checkup.passed and checkup.not_examined[0].lacking
