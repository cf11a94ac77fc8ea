"""From a set to its checkup: read each picture once, judge the set, propose."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from threadpoolctl import threadpool_limits

from sosie.core.errors import WeightsRefused
from sosie.core.records import Dataset, Item
from sosie.doctor import table
from sosie.doctor.choose import propose
from sosie.doctor.records import SEVERITIES, Checkup, Config, Finding, NotExamined
from sosie.doctor.rule import Case, Family, Rule, Unread
from sosie.doctor.shelf import Memory, Shelf, Taken, text_of
from sosie.doctor.view import View

AHEAD = 2
"""Pictures decoded at once for each worker: memory stays flat however long the set is."""


EMPTY = "there are no pictures"
"""Why no rule but that of their number judges an empty set."""


def examine(
    dataset: Dataset,
    config: Config | None = None,
    *,
    originals: Mapping[str, Path] | None = None,
    shelf: Shelf | None = None,
    only: Collection[str] | None = None,
    dismissed: Collection[str] = (),
    on_picture: Callable[[int, int], None] = lambda done, of: None,
) -> Checkup:
    """Examine a set, by all rules or `only` by those named.

    `dismissed` holds ids of findings that were set aside: they are listed, and count for nothing.
    `originals` gives for a sample's hash the file as it was given, for what it says of itself; its
    name must tell its content, as that of a blob does.
    `on_picture` is called with how many pictures are read, of how many.
    """
    config = config or Config()
    rules = [
        rule
        for rule in table.RULES
        if dataset.kind in rule.kinds and (only is None or rule.name in only)
    ]
    families = list(dict.fromkeys(family for rule in rules for family in rule.needs))
    case = read(dataset, config, families, originals=originals, shelf=shelf, on_picture=on_picture)
    findings: list[Finding] = []
    not_examined: list[NotExamined] = []
    for rule in rules:
        declined: list[NotExamined] = []
        for said in rule.judge(case):
            if isinstance(said, NotExamined):
                declined.append(said)
                continue
            aside = said.id in dismissed and not rule.binding
            findings.append(said.model_copy(update={"dismissed": aside, "mend": rule.fix}))
        not_examined += _not_examined(case, rule, declined)
    spoken = {finding.rule for finding in findings}
    if not dataset.items:
        silent = (rule.name for rule in rules if rule.name not in spoken)
        not_examined = [NotExamined(rule=name, reason=EMPTY) for name in silent]
    spoken |= {entry.rule for entry in not_examined}
    return Checkup(
        subject=dataset.subject,
        dataset_sha256=dataset.content_sha256(),
        config=config,
        names={item.sample: item.file_name for item in dataset.items},
        findings=tuple(sorted(findings, key=lambda f: SEVERITIES.index(f.severity))),
        passed=tuple(rule.name for rule in rules if rule.name not in spoken),
        not_examined=tuple(not_examined),
        proposal=propose(case, findings),
    )


def read(
    dataset: Dataset,
    config: Config,
    families: Sequence[Family],
    *,
    originals: Mapping[str, Path] | None = None,
    shelf: Shelf | None = None,
    on_picture: Callable[[int, int], None] = lambda done, of: None,
) -> Case:
    """A set with the readings of some families, which is what rules judge."""
    kept = Memory() if shelf is None else shelf  # an empty shelf may well be false
    taken = {family.name: Taken(family, kept) for family in families}
    readings = _readings(dataset.items, families, originals or {}, kept)
    for done, (item, unkept) in enumerate(zip(dataset.items, readings, strict=True), start=1):
        original = (originals or {}).get(item.sample)
        for family in families:
            taken[family.name].add(_key(item, family, original), unkept.get(family.name))
        on_picture(done, len(dataset.items))
    return Case(dataset, config, dict(taken))


def _readings(
    items: Sequence[Item],
    families: Sequence[Family],
    originals: Mapping[str, Path],
    shelf: Shelf,
) -> Iterator[dict[str, Unread]]:
    """Puts the readings of each item on the shelf, and gives those that are not kept by their
    family's name, in the items' order."""
    workers = os.cpu_count() or 1
    limited = False
    with ExitStack() as limits, ThreadPoolExecutor(workers) as pool:
        waiting: list[Future[dict[str, Unread]]] = []
        for item in items:
            original = originals.get(item.sample)
            unread = _unread(item, families, original, shelf)
            if unread and not limited:
                limits.enter_context(_one_core_each())
                limited = True
            waiting.append(pool.submit(_read, item, unread, original, shelf))
            if len(waiting) >= AHEAD * workers:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


@contextmanager
def _one_core_each() -> Iterator[None]:
    """Each worker is a core's: what asks for all cores only waits for the others."""
    import cv2
    import torch

    cores = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        cv2.setNumThreads(cores[0])
        torch.set_num_threads(cores[1])


def _unread(
    item: Item, families: Sequence[Family], original: Path | None, shelf: Shelf
) -> list[Family]:
    """Those of the families whose reading of a picture is not kept."""
    keys = [_key(item, family, original) for family in families]
    known = shelf.get(keys)
    return [family for family, key in zip(families, keys, strict=True) if key not in known]


def _read(
    item: Item, families: Sequence[Family], original: Path | None, shelf: Shelf
) -> dict[str, Unread]:
    view, fresh, unkept = View(item, original), {}, {}
    for family in families:
        try:
            fresh[_key(item, family, original)] = text_of(family.measure(view))
        except WeightsRefused as error:
            # The next examination may find the weights installed.
            unkept[family.name] = Unread(reason=str(error), lacking=True)
        except OSError:
            unkept[family.name] = Unread(reason="the stored picture cannot be read")
    if fresh:
        shelf.put(fresh)
    return unkept


def _key(item: Item, family: Family, original: Path | None) -> str:
    """Under what a reading is kept: one taken without the original is not the one taken with it."""
    key = f"{item.sample}:{family.name}:{family.version}"
    return f"{key}:{original.name}" if family.original and original is not None else key


def _not_examined(case: Case, rule: Rule, declined: Sequence[NotExamined]) -> Iterator[NotExamined]:
    """Where a rule could not look, one entry for each reason: first at pictures without a reading,
    then by what its judge `declined`."""
    by_reason: dict[Unread, list[str]] = {}
    for family in rule.needs:
        for number, reading in enumerate(case.taken[family.name]):
            if isinstance(reading, Unread):
                samples = by_reason.setdefault(reading, [])
                if (sample := case.sample(number)) not in samples:
                    samples.append(sample)
    for unread, samples in by_reason.items():
        everything = len(samples) == len(case.dataset.items)
        yield NotExamined(
            rule=rule.name,
            samples=() if everything else tuple(samples),
            reason=unread.reason,
            lacking=unread.lacking,
        )
    if any(len(samples) == len(case.dataset.items) for samples in by_reason.values()):
        return
    read = [sum(1 for _ in case.read(family, family.reading)) for family in rule.needs]
    if min(read, default=rule.least) < rule.least:
        declined = [case.too_few(rule.name, rule.least), *declined]
    yield from dict.fromkeys(declined)
