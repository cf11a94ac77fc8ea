"""Bad input: what is no photograph of the person is told as what it is, each by a finding of its
own, and a good set hears nothing of it."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from bench.notes import shots as notes_of
from bench.plants import Shot
from bench.plants import subject as plants
from bench.plants.who import PLANTS as OF_WHO
from sosie.doctor import Config, examine, table, wording
from tests.doctor.cases import case_of, twin

BLANK = np.random.default_rng(0).normal(246, 1.5, (300, 220, 3)).astype(np.uint8)
NOTE = notes_of(7, 1, 3)[0]


def comic():
    return plants._comic(data.astronaut(), 1)


def crowd():
    return np.tile(data.astronaut()[20:220, 120:320], (5, 8, 1))


@pytest.mark.parametrize(
    ("rule", "added", "title"),
    [
        ("who.no_face", lambda: data.coffee(), "No face in 1 of the pictures"),
        ("who.no_face", lambda: data.chelsea(), "No face in 1 of the pictures"),
        ("who.others", lambda: crowd(), "Other people in 1 of the pictures"),
        (
            "subject.art",
            comic,
            "A picture may be a painting or a drawing",
        ),
        ("subject.blank", lambda: BLANK, "A picture shows nothing but a blank surface"),
        ("subject.page", lambda: NOTE.rgb, "A picture looks like a written page"),
    ],
    ids=["no face", "a cat", "forty faces", "a drawing", "a blank scan", "a note"],
)
def test_a_stray_picture_among_good_ones_is_named_for_what_it_is(
    make_set, memory, shots, rule, added, title
):
    dataset = make_set([*(shot.rgb for shot in shots[:5]), added()])
    known = ("who.no_face", "who.others", "subject.page", "subject.blank", "subject.art")
    found = {f.rule: f for f in examine(dataset, shelf=memory, only=known).findings}
    assert found[rule].samples == (dataset.items[5].sample,)
    assert wording.title(found[rule]) == title and found[rule].severity == "warning"
    told = {name for name in found if name.startswith("subject.")}
    assert told == ({rule} if rule.startswith("subject.") else set())


def test_a_cat_is_told_that_its_face_is_not_sought(judge):
    ((finding, _),) = judge("who.no_face", [data.chelsea()])
    said = [wording.advice(finding, language) for language in wording.LANGUAGES]
    assert all(
        word in text for word, text in zip(("Animals", "animaux", "動物"), said, strict=True)
    )


def test_a_handwriting_filed_under_a_person_stops_and_says_where_it_belongs(make_set):
    dataset = make_set([note.rgb for note in notes_of(3, 4, 3)])
    found = {f.rule: f for f in examine(dataset, only=("who.no_face", "subject.page")).findings}
    assert found["who.no_face"].severity == "blocker"
    assert len(found["subject.page"].samples) == 4
    assert "handwriting" in wording.advice(found["subject.page"])


def test_a_person_filed_under_a_handwriting_stops_and_says_where_it_belongs(judged, shots):
    (finding,), named = judged([NOTE, shots[0], shots[1]], "page.strange")
    assert finding.severity == "blocker" and named == [1, 2]
    assert "under one" in wording.advice(finding)


def test_a_blank_scan_of_a_handwriting_stops(judged):
    (finding,), named = judged([NOTE, Shot(BLANK, "", 0, 7)], "page.blank")
    assert named == [1] and wording.title(finding) == "A sheet is blank"


def test_of_pictures_of_mostly_somebody_else_the_few_are_asked_about(judge, shots):
    """A set knows nobody: the many count as the person, so the words ask and do not say."""
    made = OF_WHO["who.unlike"](shots, 2, np.random.default_rng(7))
    few = [n for n, shot in enumerate(made) if shot.rgb is not shots[n].rgb]
    ((finding, named),) = judge("who.unlike", [shot.rgb for shot in made])
    assert named == few and "Is it?" in wording.advice(finding)


def test_two_hundred_pictures_of_one_burst_are_one_picture():
    case = case_of(200, twins=[twin(0)] * 200)
    (burst,) = table.rule("twins.burst").judge(case)
    (few,) = table.rule("count.few").judge(case)
    assert wording.title(burst) == "A burst of 200 pictures"
    assert few.severity == "blocker"
    assert wording.title(few) == "Only 1 different picture that shows something to learn"


def test_a_set_of_one_stops_and_proposes_its_only_picture(make_set, shots):
    dataset = make_set([shots[0].rgb])
    found = examine(dataset, Config(), only=("count.few",))
    assert found.verdict == "blocked" and found.proposal.train == (dataset.items[0].sample,)
    said = [wording.title(found.findings[0], language) for language in wording.LANGUAGES]
    assert said == ["Only 1 picture", "1 photo seulement", "写真が1枚しかありません"]


def test_a_detector_that_lacks_turns_only_its_own_rule_to_not_examined(make_set, monkeypatch):
    from sosie.core.errors import WeightsRefused
    from sosie.models import scene

    def refuse(rgb):
        raise WeightsRefused("not installed")

    monkeypatch.setattr(scene, "look", refuse)
    rules = ("subject.page", "subject.blank", "subject.art")
    found = examine(make_set([BLANK]), only=rules)
    assert [entry.rule for entry in found.not_examined] == ["subject.art"]
    assert "subject.art" not in found.passed and [f.rule for f in found.findings] == [
        "subject.blank"
    ]
