"""Which pictures are withheld: decided by their content and the seed, never by where they lie."""

from __future__ import annotations

from collections.abc import Sequence

from sosie.core.errors import NotFound
from sosie.core.records import Dataset, Item, Record
from sosie.train.seeds import derive


class Split(Record):
    """Indices into the dataset's items, both ascending."""

    training: tuple[int, ...]
    withheld: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    """Near-duplicates: no group has members on both sides."""
    wanted: int
    """How many pictures were to be withheld."""
    remarks: tuple[str, ...] = ()
    """Where the split differs from what was asked, in words."""


def wanted(pictures: int, share: float) -> int:
    """How many of `pictures` to withhold: `share`, at least 3 of 12 or more, none of under 4."""
    if pictures < 4:
        return 0
    return max(round(pictures * share), 3 if pictures >= 12 else 1)


def split(
    dataset: Dataset,
    groups: Sequence[tuple[int, ...]],
    *,
    share: float,
    seed: int,
    named: Sequence[str] | None = None,
) -> Split:
    """Withhold whole groups of near-duplicates, by a seeded hash of their content.

    `named` withholds those samples instead, with their near-duplicates. At least half of the
    pictures stay for training. Raises NotFound for a name that no picture bears.
    """
    if named is not None:
        return _by_name(dataset, groups, named)
    count = len(dataset.items)
    goal = wanted(count, share)
    out: list[int] = []
    for group in sorted(groups, key=lambda group: _rank(dataset, group, seed)):
        if len(out) + len(group) <= goal:
            out.extend(group)
    if len(out) < goal:
        # Only groups that overshoot remain: the smallest does the least harm to training.
        rest = [group for group in groups if not set(group) & set(out)]
        best = min(rest, key=lambda group: (len(group), _rank(dataset, group, seed)), default=())
        if len(out) + len(best) <= count // 2:
            out.extend(best)
    return _split(count, groups, out, goal, _shortfall(len(out), goal, groups))


def _by_name(dataset: Dataset, groups: Sequence[tuple[int, ...]], named: Sequence[str]) -> Split:
    asked = {i for name in named for i in _find(dataset.items, name)}
    out = {i for group in groups if asked & set(group) for i in group}
    dragged = sorted(out - asked)
    remarks = tuple(
        f"{dataset.items[i].file_name} is withheld as well: it nearly equals a withheld picture."
        for i in dragged
    )
    return _split(len(dataset.items), groups, sorted(out), len(asked), remarks)


def _split(
    count: int,
    groups: Sequence[tuple[int, ...]],
    out: Sequence[int],
    goal: int,
    remarks: tuple[str, ...],
) -> Split:
    withheld = tuple(sorted(out))
    training = tuple(i for i in range(count) if i not in set(withheld))
    return Split(
        training=training,
        withheld=withheld,
        groups=tuple(group for group in groups if len(group) > 1),
        wanted=goal,
        remarks=remarks,
    )


def _shortfall(out: int, goal: int, groups: Sequence[tuple[int, ...]]) -> tuple[str, ...]:
    if out == goal:
        return ()
    return (
        f"{out} pictures are withheld where {goal} were wanted: the pictures fall into only "
        f"{len(groups)} groups that are not near-duplicates of each other.",
    )


def _rank(dataset: Dataset, group: Sequence[int], seed: int) -> int:
    return derive("split", seed, *sorted(dataset.items[i].pixels_sha256 for i in group))


def _find(items: Sequence[Item], name: str) -> list[int]:
    by_hash = len(name) >= 8
    found = [
        i
        for i, item in enumerate(items)
        if item.file_name == name or (by_hash and item.sample.startswith(name))
    ]
    if not found:
        raise NotFound.among("picture", name, [item.file_name for item in items])
    return found
