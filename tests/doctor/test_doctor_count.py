"""How many pictures there are to learn from."""

from __future__ import annotations

import pytest

from sosie.doctor import table, wording
from sosie.doctor.rules import who
from tests.doctor.cases import BOX, case_of, twin

FACE, NO_FACE = who.Faces(boxes=(BOX,), scores=(0.9,)), who.Faces(boxes=(), scores=())


def judged(case):
    return [
        (finding.severity, finding.said["have"], wording.title(finding))
        for finding in table.rule("count.few").judge(case)
    ]


def test_without_readings_all_pictures_count():
    assert judged(case_of(10)) == []
    assert judged(case_of(9)) == [("warning", 9, "Only 9 pictures")]


def test_many_of_one_shot_count_as_one():
    ((severity, have, title),) = judged(case_of(12, twins=[twin(0)] * 12))
    assert (severity, have) == ("blocker", 1) and "different" in title


@pytest.mark.parametrize(("walls", "counted"), [(5, None), (6, 9), (9, None)])
def test_walls_do_not_count_unless_most_pictures_are(walls, counted):
    """Then `who.no_face` stops the set."""
    said = judged(case_of(15, faces=[NO_FACE] * walls + [FACE] * (15 - walls)))
    assert [have for _, have, _ in said] == ([] if counted is None else [counted])


def test_a_shot_counts_where_one_of_its_pictures_shows_a_face():
    read = [twin(0), twin(0), *(twin(seed) for seed in range(1, 10))]
    case = case_of(11, twins=read, faces=[NO_FACE, *[FACE] * 10])
    assert judged(case) == []
