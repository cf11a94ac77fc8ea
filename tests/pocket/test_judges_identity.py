"""Who somebody is, in numbers: the person, and nothing of the picture."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from pocket.judges import identity
from sosie.world.people import person
from sosie.world.photo import choose


def code(who: int, setting: int) -> np.ndarray:
    return identity.code(asdict(choose(person(who), setting, age=40)))


def test_a_code_says_who_and_not_where() -> None:
    one, other = choose(person(3), 1, age=40), choose(person(3), 2, age=40)
    assert (one.place, one.garment) != (other.place, other.garment)
    assert np.array_equal(code(3, 1), code(3, 2))
    assert np.abs(code(3, 1) - code(4, 1)).max() > 0.5
    assert code(3, 1).shape == (identity.SIZE,)


def test_only_sides_change_in_the_mirror() -> None:
    codes = np.stack([code(who, 1) for who in range(8)])
    seen = identity.mirrored(codes)
    assert np.array_equal(seen[:, identity.SIDED :], codes[:, identity.SIDED :])
    assert np.array_equal(identity.mirrored(seen), codes)
    assert (seen != codes).any(axis=1).all()
