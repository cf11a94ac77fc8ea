"""What is asked of the pictures' tokens, and what is right."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pocket import questions
from sosie.world.hands import writer
from sosie.world.people import person
from sosie.world.photo import as_dict, choose
from sosie.world.writing import line


def by_question(row: np.ndarray) -> list[np.ndarray]:
    return np.split(row, np.cumsum(questions.PEOPLE)[:-1])


@pytest.mark.parametrize("seed", range(5))
def test_each_question_about_a_person_has_one_answer(seed: int) -> None:
    truth = as_dict(choose(person(seed), seed))
    for answers in by_question(questions.of_person(truth)[0]):
        assert answers.sum() == answers.max() >= 1


def test_a_mirror_exchanges_the_views_alone() -> None:
    truth = as_dict(choose(person(3), 1, view="profile to the left"))
    seen = questions.mirrored(questions.of_person(truth)[None])
    there = questions.of_person({**truth, "view": "profile to the right"})[None]
    assert np.array_equal(seen, there)


def test_a_written_line_is_asked_which_letter_covers_each_cell() -> None:
    boxes = [(4, 0, 20, 9), (20, 0, 20, 9), (20, 0, 24, 9)]
    cells = questions.of_line("a b", boxes, 32).reshape(4, -1)
    a, b = (questions.LETTERS.index(letter) for letter in "ab")
    assert cells[:, a].tolist() == [0.5, 1, 0.5, 0]
    assert cells[:, b].tolist() == [0, 0, 0.5, 0]
    assert cells[:, 0].tolist() == [0.5, 0, 0, 1], "the rest is nothing"


def test_letters_of_a_real_line_are_all_asked_for() -> None:
    made = line(writer(5), "Jour 7!", seed=2, width=256, height=64)
    asked = questions.of_line(made.truth.text, made.truth.boxes, 256).reshape(32, -1)
    assert np.allclose(asked.sum(axis=1), 1, atol=2e-3)
    assert {questions.LETTERS[n] for n in np.flatnonzero(asked.max(axis=0) > 0)} >= set("Jour7!")


def test_a_reader_is_right_when_it_gives_each_answer_its_share() -> None:
    reader = questions.Reader(4, (2, 3))
    answers = torch.tensor([0.25, 0.75, 0.2, 0.2, 0.6])
    torch.nn.init.zeros_(reader.answers.weight)
    reader.answers.bias.data = answers.log()
    states = torch.randn(1, 6, 4)
    shares = answers.split([2, 3])
    least = -sum((share * share.log()).sum() for share in shares)
    assert reader(states, answers[None, None], (2, 3)).item() == pytest.approx(float(least))
    reader.answers.bias.data += torch.tensor([1.0, 0, 0, 0, 0])
    assert reader(states, answers[None, None], (2, 3)).item() > float(least) + 0.05


def test_letters_are_looked_for_where_they_are() -> None:
    made = line(writer(5), "Jour 7!", seed=2, width=256, height=64)
    found = questions.spans(made.truth.text, made.truth.boxes)
    assert found.shape == (32, 2)
    seen = found[:, 1] > found[:, 0]
    assert seen.tolist() == [True] * 4 + [False] + [True] * 2 + [False] * 25, "a space is not there"
    assert found[0, 0] == pytest.approx(made.truth.boxes[0][0] / 8, abs=0.01)
    of_line = questions.of_line(made.truth.text, made.truth.boxes, 256)
    assert questions.inked(of_line[None])[0].sum() * 2 == pytest.approx(
        (found[:, 1] - found[:, 0]).sum(), abs=0.5
    )


def test_a_finder_pays_for_the_wrong_cell_and_only_for_letters() -> None:
    finder = questions.Finder(4)
    torch.nn.init.zeros_(finder.cells.weight)
    finder.cells.bias.data = torch.full((questions.CELLS,), -30.0)
    finder.cells.bias.data[2] = 0
    spans = torch.zeros(1, 32, 2)
    spans[0, 0], spans[0, 1] = torch.tensor([2.0, 3.0]), torch.tensor([7.0, 9.0])
    states = torch.randn(1, 3, 4)

    def wrong(*placed: int) -> float:
        return finder(states, torch.tensor([placed]), spans).item()

    assert wrong(0, 1, 0) == pytest.approx(0, abs=1e-4)
    assert wrong(0, 2, 0) == pytest.approx(30, abs=1e-3)
    assert wrong(1, 2, 0) == pytest.approx(15, abs=1e-3)
    assert wrong(0, 0, 3) == 0, "where nothing is, nothing is asked"


def test_what_a_caption_says_of_a_person_is_asked_of_both_encoders() -> None:
    hearers = questions.Hearers(4, 6)
    answers = torch.from_numpy(questions.of_person(as_dict(choose(person(1), 1)))[None]).float()
    states, pooled = torch.randn(1, 5, 4), torch.randn(1, 6)
    for part in (hearers.states, hearers.pooled):
        before = hearers.about_people(states, pooled, answers).item()
        part.answers.bias.data += 3 * answers[0, 0]
        assert hearers.about_people(states, pooled, answers).item() < before - 5
