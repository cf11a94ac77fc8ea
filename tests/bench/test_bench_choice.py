"""Hindsight's two figures of a checkpoint: near to the person, and giving back what was taught."""

import numpy as np
import pytest

from bench.choice import Course, like
from sosie.audit import Known


def test_who_draws_the_person_is_like_them_and_no_face_is_like_nobody() -> None:
    draw = np.random.default_rng(3)
    person, other = np.eye(32, dtype=np.float32)[:2]

    def face(of: np.ndarray) -> np.ndarray:
        made = of + 0.12 * draw.normal(size=32).astype(np.float32)
        return made / np.linalg.norm(made)

    known = Known(held_out={n: face(person) for n in range(6)}, training={})
    of_person, of_other = (
        like([face(of) for _ in range(6)], lambda seen: seen, known) for of in (person, other)
    )
    assert of_person == pytest.approx(1, abs=0.2) and of_other < 0.4
    assert like([None], lambda seen: None, known) == 0


def test_copies_count_against_likeness() -> None:
    course = Course(
        taught_as="",
        person=109,
        chosen=160,
        likeness={"one": {160: 0.65, 320: 0.7}},
        copied={160: 0.1, 320: 0.4},
    )
    assert course.last == 320
    assert course.less_copying("one", 160) == pytest.approx(0.55)
    assert course.less_copying("one", 160) / course.less_copying("one", 320) > 1.1
