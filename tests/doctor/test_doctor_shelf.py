"""Readings that lie on a shelf: what is read back is what was put there, a run at a time."""

from __future__ import annotations

import gc

import pytest

from sosie.core.records import Record
from sosie.doctor.rule import Family, Unread
from sosie.doctor.shelf import GONE, RUN, Memory, Taken, text_of

LONG = 2 * RUN + 3


class Height(Record):
    """A reading."""

    pixels: int


FAMILY = Family("height", 1, Height, lambda view: Height(pixels=0))
TOO_DARK = Unread(reason="too dark")


@pytest.fixture
def taken():
    """A long set: every seventh has nothing to read, and two could not be read at all."""
    shelf = Memory()
    made = Taken(FAMILY, shelf)
    for n in range(LONG):
        unkept = Unread(reason="no detector", lacking=True) if n in (0, RUN + 1) else None
        if unkept is None:
            shelf.put({f"{n}": text_of(TOO_DARK if n % 7 == 3 else Height(pixels=n))})
        made.add(f"{n}", unkept)
    return made


def expected(n):
    if n in (0, RUN + 1):
        return Unread(reason="no detector", lacking=True)
    return TOO_DARK if n % 7 == 3 else Height(pixels=n)


def test_all_come_back_in_order(taken):
    assert len(taken) == LONG
    assert list(taken) == [expected(n) for n in range(LONG)]
    assert [taken[n] for n in range(LONG)] == list(taken)
    assert taken[-1] == expected(LONG - 1) and taken[5:-2:9] == list(taken)[5:-2:9]
    with pytest.raises(IndexError):
        taken[LONG]


def test_no_more_than_a_run_is_in_memory(taken):
    def alive():
        gc.collect()
        return sum(type(one) is Height for one in gc.get_objects())

    before, most = alive(), 0
    for n, _ in enumerate(taken):
        if n % (RUN // 2) == 0:
            most = max(most, alive() - before)
    assert 0 < most <= RUN


def test_what_others_removed_meanwhile_is_said():
    taken = Taken(FAMILY, Memory())
    taken.add("gone", None)
    assert list(taken) == [Unread(reason=GONE)]


def test_one_that_comes_later_is_seen(taken):
    assert taken[-1] == expected(LONG - 1)
    taken.add("new", TOO_DARK)
    assert taken[-1] == TOO_DARK and len(taken) == LONG + 1
