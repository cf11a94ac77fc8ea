"""Hindsight's two figures of a checkpoint: near to the person, and nearer to what was taught."""

import numpy as np
import pytest

from bench.choice import looked
from sosie.audit import Known


def test_who_draws_training_faces_copies_and_who_draws_the_person_does_not() -> None:
    draw = np.random.default_rng(3)
    person = np.eye(32, dtype=np.float32)[0]

    def face() -> np.ndarray:
        made = person + 0.12 * draw.normal(size=32).astype(np.float32)
        return made / np.linalg.norm(made)

    known = Known(held_out={n: face() for n in range(6)}, training={n: face() for n in range(6)})
    copies, new = list(known.training.values()), [face() for _ in range(6)]
    (like, lean), (as_like, less) = (
        looked(faces, lambda seen: seen, known) for faces in (copies, new)
    )
    assert like == pytest.approx(as_like, abs=0.15) and like > 0.8
    assert lean > 0.2 > abs(less)
    assert looked([None], lambda seen: None, known) == (0.0, 0.0), "no face is like nobody"
