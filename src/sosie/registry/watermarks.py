"""Which picture bears which watermark.

A watermark is a number of 32 bits, of which some may be read wrong. So numbers are given out that
differ from each other in many bits, and one that is read counts as the nearest on file if it is
near enough. How near, depends on how many are on file: a picture that bears none says 32 bits too,
and is taken for one of them less than once in `RARE`, since the numbers on file are random.
"""

from __future__ import annotations

from datetime import datetime
from math import comb
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sosie.core.canonical import canonical_json
from sosie.core.files import sha256_bytes
from sosie.core.records import Record
from sosie.registry.database import Database, insert

BITS = 32
APART = 7
"""Bits in which numbers differ at least, as long as some thousand are on file: three that are read
wrong then leave no doubt. Where no such number is found, one less is asked for."""
TRIES = 64
"""Numbers that are tried before that."""
RARE = 1000
READINGS = 2
"""A picture is read upright, then mirrored: each is a chance to be wrong."""


Numbers = NDArray[np.uint32]


class Watermark(Record):
    """The picture that bears a watermark. Its prompt is not kept."""

    what: Literal["drawn", "given"]
    """Drawn here, or a sample that was given out."""
    subject: str | None
    pixels_sha256: str
    """Of the picture without the watermark."""
    made_from: tuple[str, ...] = ()
    """Base and LoRAs, each as NAME (HASH…)."""
    consents: tuple[str, ...] = ()
    """Hashes of the permissions it was made or given out under."""
    at: datetime


class Hit(NamedTuple):
    """A watermark on file that a picture seems to bear."""

    number: int
    mark: Watermark
    wrong: int
    """Bits that were read otherwise."""
    chance: float
    """How likely a picture without a watermark is to hit one on file at this distance or less."""


class Watermarks:
    """The watermarks of a workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def number(self, mark: Watermark) -> int:
        """The number of the picture that `mark` is about: a new one, or that which it has, so that
        a picture that is drawn again is equal to the first.
        """
        about = sha256_bytes(canonical_json(mark.model_dump(mode="json", exclude={"at"})))
        with self._db.writing() as db:
            row = db.execute("SELECT number FROM watermarks WHERE about = ?", (about,)).fetchone()
            if row:
                return int(row["number"])
            known = [row["number"] for row in db.execute("SELECT number FROM watermarks")]
            number = _new(about, known)
            record = mark.canonical().decode()
            insert(db, "watermarks", {"number": number, "about": about, "record": record})
        return number

    def count(self) -> int:
        """How many are on file."""
        row = self._db.row("SELECT count(*) AS many FROM watermarks")
        return int(row["many"]) if row else 0

    def hit(self, read: int) -> Hit | None:
        """The watermark on file that is nearest to a number that was read of a picture; None if
        none is near enough, or two are equally near.
        """
        known = np.array(
            [row["number"] for row in self._db.rows("SELECT number FROM watermarks")], np.uint32
        )
        found = nearest(known, read)
        if found is None:
            return None
        number, wrong = found
        row = self._db.row("SELECT record FROM watermarks WHERE number = ?", (number,))
        # Rows are never deleted.
        assert row is not None
        mark = Watermark.model_validate_json(row["record"])
        return Hit(number, mark, wrong, chance(len(known), wrong))


def nearest(known: Numbers, read: int) -> tuple[int, int] | None:
    """The number of `known` nearest to one that was read, and how many bits they differ in; None if
    that is more than `tolerance`, or two are equally near.
    """
    if not len(known):
        return None
    apart = np.bitwise_count(known ^ np.uint32(read))
    wrong = int(apart.min())
    if wrong > tolerance(len(known)) or np.count_nonzero(apart == wrong) > 1:
        return None
    return int(known[apart.argmin()]), wrong


def tolerance(count: int) -> int:
    """Most bits that may be read wrong where `count` numbers are on file."""
    allowed = [wrong for wrong in range(APART // 2 + 1) if chance(count, wrong) < 1 / RARE]
    return max(allowed, default=0)


def chance(count: int, wrong: int) -> float:
    """How likely one of the `READINGS` of any picture is to lie within `wrong` bits of one of
    `count` random numbers: at most, by the union bound, and whatever is read.
    """
    within = sum(comb(BITS, bits) for bits in range(wrong + 1))
    return min(1.0, READINGS * count * within / float(2**BITS))


def _new(about: str, known: list[int]) -> int:
    """A number for what has the hash `about`, far from all that are known."""
    taken, numbers = np.array(known, np.uint32), set(known)
    attempt = 0
    while True:
        digest = sha256_bytes(f"{about}:{attempt}".encode())
        number, least = int(digest[:8], 16), max(1, APART - attempt // TRIES)
        far = not known or int(np.bitwise_count(taken ^ np.uint32(number)).min()) >= least
        if far and number not in numbers:
            return number
        attempt += 1
