"""Uses are counted once, whoever writes, whatever is killed, and the windows are their sums."""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sosie.core.records import Subject, now
from sosie.core.terms import PERIODS
from sosie.registry import Registry, usage
from sosie.registry.usage import DAY, Use
from tests.registry.shelf import release, signed

WRITER = """
import sys, uuid
from pathlib import Path
from sosie.core.records import now
from sosie.registry import Registry
from sosie.registry.usage import Use

home, writer, first, number, hashes = sys.argv[1:]
with Registry.open(Path(home)) as registry:
    for start in range(int(first), int(number), 10):
        uses = [
            Use(
                id=uuid.uuid5(uuid.NAMESPACE_URL, f"{writer}/{i}").hex,
                release=hashes.split(",")[i % 3], metric="downloads", at=now(),
            )
            for i in range(start, min(start + 10, int(number)))
        ]
        registry.usage.add(uses)
        print(start + 10, flush=True)
"""
"""Files events with ids of its own, ten at a time, and tells from where to go on."""


def use(sha256: str, when: datetime | None = None, metric="downloads") -> Use:
    made = Use.just_now(sha256, metric)
    return made.model_copy(update={"at": when}) if when else made


@pytest.fixture
def shelf(registry):
    """Three releases, by their hashes."""
    return [
        registry.releases.add(signed(registry, release(registry, version=v))).release.sha256()
        for v in ("v1", "v2", "v3")
    ]


def sums(registry: Registry) -> dict[str, Counter]:
    """What each window must hold, by a count of the events alone."""
    today = registry._db.row("SELECT today FROM usage_calendar")["today"]
    found: dict[str, Counter] = {period: Counter() for period in PERIODS}
    for row in registry._db.rows("SELECT release, kind, at / ? AS day FROM usage_events", (DAY,)):
        for period, days in PERIODS.items():
            if days is None or today - days < row["day"] <= today:
                found[period][row["kind"], row["release"]] += 1
    return found


def windows(registry: Registry) -> dict[str, Counter]:
    """What each window holds."""
    found: dict[str, Counter] = {period: Counter() for period in PERIODS}
    for row in registry._db.rows("SELECT * FROM usage_windows"):
        assert row["number"] > 0, "a release that was not used stands in a window"
        found[row["period"]][row["kind"], row["release"]] = row["number"]
    return found


def test_an_event_counts_once_however_often_it_is_told(registry, shelf):
    uses = [use(shelf[0]), use(shelf[0]), use(shelf[1], metric="pictures")]
    done = registry.usage.add([*uses, uses[0]])
    assert (done.new, done.known, done.strange) == (3, 1, 0)
    done = registry.usage.add([*uses, use("f" * 64)])
    assert (done.new, done.known, done.strange) == (0, 3, 1)
    number = registry.usage.number
    assert [number(one, "downloads") for one in shelf] == [2, 0, 0]
    assert number(shelf[1], "pictures", "day") == 1
    assert windows(registry) == sums(registry)


def test_ids_come_in_the_order_of_time(shelf):
    ids = [use(shelf[0]).id for _ in range(50)]
    assert len(set(ids)) == 50 and all(one[12] == "7" and one[16] in "89ab" for one in ids)
    assert [one[:12] for one in ids] == sorted(one[:12] for one in ids)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("turn"), st.integers(0, 400)),
            st.tuples(st.integers(0, 2), st.integers(-400, 3)),
        ),
        max_size=12,
    )
)
@settings(max_examples=25)
def test_windows_are_the_sums_of_their_days(tmp_path_factory, steps):
    """Events of any day, in the past and ahead of the clock, while the calendar turns."""
    with Registry.open(tmp_path_factory.mktemp("calendar")) as registry:
        registry.add_subject(Subject(name="anna", kind="person", trigger="anna", created=now()))
        shelf = [
            registry.releases.add(signed(registry, release(registry, version=v))).release.sha256()
            for v in ("v1", "v2", "v3")
        ]
        today = int(now().timestamp()) // DAY
        for what, number in steps:
            if what == "turn":
                registry.usage.turn(today + number)
                registry.usage.turn(today)
            else:
                registry.usage.add([use(shelf[what], now() + timedelta(days=number))] * 2)
            assert windows(registry) == sums(registry)


def test_a_day_ends_at_midnight_of_utc(registry, shelf, monkeypatch):
    late = datetime(2031, 5, 3, 23, 59, 59, tzinfo=UTC)
    monkeypatch.setattr(usage.time, "time", late.timestamp)
    registry.usage.add([use(shelf[0], late)])
    assert registry.usage.number(shelf[0], "downloads", "day") == 1
    monkeypatch.setattr(usage.time, "time", (late + timedelta(seconds=1)).timestamp)
    numbers = [registry.usage.number(shelf[0], "downloads", period) for period in PERIODS]
    assert numbers == [0, 1, 1, 1, 1]


def test_events_are_never_changed(registry, shelf):
    registry.usage.add([use(shelf[0])])
    for sql in ("UPDATE usage_events SET at = 0", "DELETE FROM usage_events"):
        with pytest.raises(Exception, match="append-only"), registry._db.writing() as db:
            db.execute(sql)


def test_writers_that_are_killed_lose_and_double_nothing(registry, shelf):
    """Three processes, killed in the middle of their work and started again where they were last
    answered: every event is there once."""
    each, killed = 120, 0
    at = dict.fromkeys(("a", "b", "c"), 0)
    for attempt in range(20):
        going = {w: _writer(registry.home, w, at[w], each, shelf) for w in at if at[w] < each}
        if not going:
            break
        for number, (writer, process) in enumerate(going.items()):
            for line in process.stdout:
                at[writer] = int(line)
                if attempt < 2 and at[writer] >= 20 + 10 * number + 40 * attempt:
                    # Mostly in the middle of the next batch.
                    os.kill(process.pid, signal.SIGKILL)
                    break
        for process in going.values():
            process.stdout.read()
            killed += process.wait() == -signal.SIGKILL
    assert killed >= 3
    row = registry._db.row("SELECT count(*) AS number FROM usage_events")
    assert row["number"] == 3 * each
    assert windows(registry) == sums(registry)
    assert sum(registry.usage.number(one, "downloads") for one in shelf) == 3 * each


def _writer(home: Path, name: str, first: int, number: int, shelf: list[str]) -> subprocess.Popen:
    words = [sys.executable, "-c", WRITER, str(home), name, str(first), str(number)]
    return subprocess.Popen([*words, ",".join(shelf)], stdout=subprocess.PIPE, text=True)
