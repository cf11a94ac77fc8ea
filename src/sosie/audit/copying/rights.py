"""Whose pictures were reproduced: by what is known of their rights.

The table that newspapers quote for other people's models, for one's own. A status is what the owner
of the pictures says; what nobody says is unknown, and unknown is never free.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, get_args

from sosie.audit.intervals import Interval, share_interval, wilson_interval
from sosie.core.errors import BadInput
from sosie.core.records import Record

Status = Literal[
    "own",
    "consent on file",
    "licence named",
    "all rights reserved",
    "mining reserved",
    "unknown",
]
STATUSES: tuple[Status, ...] = get_args(Status)
STRICTEST: tuple[Status, ...] = (
    "mining reserved",
    "all rights reserved",
    "unknown",
    "licence named",
    "consent on file",
    "own",
)
"""Which status a shot has whose near-duplicates have several: a reservation holds for the picture,
in whichever file it stands."""


class Row(Record):
    """The references of one status; near-duplicates are one, with the strictest status of any."""

    status: Status
    references: int
    reproduced: int
    share: Interval | None
    """Share of all reproduced references that have this status (Wilson's interval); None if none
    was reproduced."""
    rate: Interval | None
    """Share of the references of this status that were reproduced (exact interval); None if there
    is none."""


def table(
    references: Collection[str],
    reproduced: Collection[str],
    statuses: Mapping[str, Status],
    near_duplicates: Collection[Sequence[str]] = (),
) -> tuple[Row, ...]:
    """One row a status, in the order of `STATUSES`; a reference without one is unknown."""
    grouped = {name for group in near_duplicates for name in group}
    shots = [*near_duplicates, *([name] for name in references if name not in grouped)]
    every: list[Status] = []
    hit: list[Status] = []
    for shot in shots:
        status = min((statuses.get(name, "unknown") for name in shot), key=STRICTEST.index)
        every.append(status)
        if any(name in reproduced for name in shot):
            hit.append(status)
    return tuple(
        Row(
            status=status,
            references=every.count(status),
            reproduced=hit.count(status),
            share=wilson_interval(hit.count(status), len(hit)),
            rate=share_interval(hit.count(status), every.count(status)),
        )
        for status in STATUSES
    )


def read_statuses(text: str, names: Collection[str]) -> dict[str, Status]:
    """Statuses by file name from a CSV table with the columns `file` and `status`.

    Raises BadInput for other columns, a status that there is not, or a file that is not among
    `names`.
    """
    table = csv.DictReader(io.StringIO(text))
    try:
        columns, rows = table.fieldnames or (), list(table)
    except csv.Error as error:
        raise BadInput(f"The table of rights is no table: {error}.") from None
    if not {"file", "status"} <= set(columns):
        raise BadInput('The table of rights needs the columns "file" and "status".')
    found: dict[str, Status] = {}
    known = {str(status): status for status in STATUSES}
    for row in rows:
        name, said = (row["file"] or "").strip(), (row["status"] or "").strip().casefold()
        if name not in names:
            raise BadInput(f'The table of rights names "{name}", which is not among the pictures.')
        if said not in known:
            raise BadInput(
                f'The table of rights gives "{name}" the status "{said}".',
                advice=f"Known: {', '.join(STATUSES)}.",
            )
        found[name] = known[said]
    return found
