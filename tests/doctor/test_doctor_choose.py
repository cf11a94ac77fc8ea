"""Which pictures are proposed, by readings and findings made up for it."""

from __future__ import annotations

import pytest

from sosie.doctor import Config, table
from sosie.doctor.choose import propose
from sosie.doctor.rule import Unread
from sosie.doctor.rules import focus, pose
from tests.doctor.cases import BOX, case_of, numbers, twin


def turned(turn):
    return pose.Reading(turn=turn, tilt=0)


def blurred(width):
    return focus.Reading(width=width, least=width, most=width, side=512, box=BOX)


def test_a_wall_and_a_blurred_profile_come_after_clean_pictures():
    readings = [turned(0.3 * (number % 2)) for number in range(22)]
    readings += [Unread(reason="no face")] * 2 + [turned(0.8)]
    case = case_of(25, pose=readings)
    found = [
        case.finding("who.no_face", "warning", [22, 23]),
        case.finding("focus.soft", "warning", [24]),
    ]
    chosen = propose(case, found)
    assert set(numbers([*chosen.train, *chosen.hold_out])) <= set(range(22))
    assert {left.rules for left in chosen.left_out if int(left.sample, 16) > 21} == {
        ("who.no_face",),
        ("focus.soft",),
    }


@pytest.mark.parametrize("rule", ["who.no_face", "subject.page", "subject.blank"])
def test_what_shows_nobody_is_not_proposed_though_seats_are_free(rule):
    case = case_of(8)
    found = case.finding(rule, "warning", [2])
    chosen = propose(case, [found])
    assert [(numbers([left.sample]), left.rules) for left in chosen.left_out] == [([2], (rule,))]
    aside = propose(case, [found.model_copy(update={"dismissed": True})])
    assert aside.left_out == (), "unless its finding was set aside"


def test_a_hint_costs_no_view_its_turn():
    case = case_of(22, Config(wanted=4, hold_out=0), pose=[turned(0.0)] * 21 + [turned(0.8)])
    chosen = propose(case, [case.finding("pixels.tight", "advice", [21])])
    assert numbers(chosen.train) == [0, 21, 1, 2]


def test_pictures_without_a_view_wait_behind_those_with_one():
    case = case_of(10, Config(wanted=5, hold_out=0), pose=[Unread(reason="")] * 3 + [turned(0)] * 7)
    assert numbers(propose(case, []).train) == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "rule", ["grain.fine", "marks.kept", "setting.hair", "skin.lines", "who.ages", "pose.same"]
)
def test_praise_and_questions_cost_no_picture_its_seat(rule):
    case = case_of(24)
    found = [case.finding(rule, "advice", range(6))]
    assert propose(case, found) == propose(case, [])


@pytest.mark.parametrize(("wanted", "hold_out"), [(6, 5), (2, 6), (15, 5), (20, 0), (1, 1)])
def test_as_many_are_held_out_as_asked(wanted, hold_out):
    chosen = propose(case_of(30, Config(wanted=wanted, hold_out=hold_out)), [])
    assert (len(chosen.train), len(chosen.hold_out)) == (wanted, hold_out)


def test_of_one_shot_the_sharper_is_taken():
    case = case_of(
        12,
        twins=[twin(0), twin(0), *(twin(seed) for seed in range(1, 11))],
        focus=[blurred(0.8), *[blurred(0.4)] * 11],
    )
    (left,) = propose(case, []).left_out
    assert int(left.sample, 16) == 0 and left.rules == ("twins.near",)


def test_a_group_that_was_set_aside_is_not_kept_apart():
    case = case_of(12, twins=[twin(0), *(twin(seed) for seed in range(11))])
    (finding,) = table.rule("twins.near").judge(case)
    assert len(propose(case, [finding]).left_out) == 1
    aside = finding.model_copy(update={"dismissed": True})
    assert propose(case, [aside]).left_out == ()


def test_what_the_set_has_too_much_of_does_not_count_against_the_one_that_is_kept():
    twins = [twin(0), twin(0), *(twin(seed) for seed in range(1, 11))]
    case = case_of(12, Config(wanted=8, hold_out=0), twins=twins)
    found = [
        *table.rule("twins.near").judge(case),
        case.finding("light.dark", "warning", range(2, 12)),
    ]
    train = numbers(propose(case, found).train)
    assert train[0] == 0 and 1 not in train
