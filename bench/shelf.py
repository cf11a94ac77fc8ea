"""A large shelf that is made up: few bases for most releases, many rare tags, uses over two years,
a few releases drawing most of them."""

from __future__ import annotations

import json
import os
import random
import time
import zlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from sosie.core.files import sha256_bytes
from sosie.core.records import Subject, now
from sosie.core.release import Release
from sosie.core.terms import METRICS, PERIODS
from sosie.registry import Registry
from sosie.registry.database import insert
from sosie.registry.labels import list_release
from sosie.registry.usage import DAY
from sosie.rights import sign
from sosie.studio import Studio

RELEASES = int(os.environ.get("SOSIE_BENCH_RELEASES", "100000"))
EVENTS = int(os.environ.get("SOSIE_BENCH_EVENTS", "10000000"))
RELEASES_OF_A_SUBJECT = 50
DAYS = 730
AT_ONCE = 200_000
"""Uses that are made up at once."""

BASES = (("flux-dev", "flux", 45), ("flux-schnell", "flux", 10), ("sdxl", "sdxl", 30),
         ("sd15", "sd15", 14), ("pocket", "flux", 1))  # fmt: skip
TAGS = ("portrait", "family", "woman", "man", "child", "vintage", "studio", "outdoor", "letters",
        "composite", "1990s", "1960s", "wedding", "sea", "garden", "actor", "model")  # fmt: skip
WORDS = ("grandfather", "grandmother", "garden", "sea", "letters", "smile", "coat", "summer", "war",
         "wedding", "village", "violin", "baker", "sailor", "teacher", "aunt")  # fmt: skip


def build(home: Path) -> float:
    """Fill a workspace and return the seconds that it took.

    The tables are written directly, as `Releases.add` and `Usage.add` would fill them one by one;
    that every sum is that of its events is asked at the end.
    """
    started = time.perf_counter()
    with Registry.open(home) as registry:
        # Nothing here needs to outlive a power cut.
        registry._db.rows("PRAGMA synchronous = OFF")
        consents = _people(home, registry)
        _releases(registry, consents)
        _uses(registry)
        registry._db.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return time.perf_counter() - started


def _people(home: Path, registry: Registry) -> dict[str, str]:
    """Synthetic people, and the hash of the permission of each."""
    studio, given = Studio(home), {}
    for i in range(max(1, RELEASES // RELEASES_OF_A_SUBJECT)):
        name = f"person{i}"
        registry.add_subject(Subject(name=name, kind="person", trigger=name, created=now()))
        consent = studio.consent(
            name, relation="synthetic", acts=("publish",), evidence="made up for a benchmark"
        )
        given[name] = consent.sha256()
    studio.registry.close()
    return given


def _releases(registry: Registry, consents: dict[str, str]) -> None:
    at_random, key, born, people = random.Random(3), registry.key(), now(), list(consents)
    blob = b"no weights"
    file = {
        "name": "a.safetensors",
        "role": "lora",
        "file_sha256": registry.blobs.put(blob),
        "size": len(blob),
        "crc32": f"{zlib.crc32(blob):08x}",
    }
    with registry._db.writing() as db:
        for number in range(1, RELEASES + 1):
            name = people[number % len(people)]
            made = {
                **_made_up(at_random, name, born),
                "version": f"v{number // len(people) + 1}",
                "permissions": [{"consent_sha256": consents[name], "relation": "synthetic"}],
                "tensors_sha256": sha256_bytes(f"{number}".encode()),
                "files": [file],
            }
            release = Release.model_validate(made)
            # The canonical form where all is ASCII and no number has a fraction, made much faster.
            record = json.dumps(
                release.model_dump(mode="json"), sort_keys=True, separators=(",", ":")
            ).encode()
            signature = sign(key, sha256_bytes(record), role="trainer", at=release.published)
            columns = {
                "id": number,
                "sha256": signature.about,
                "name": release.name,
                "version": release.version,
                "folded": release.name,
                "folded_version": release.version,
                "subject": release.name,
                "tensors_sha256": release.tensors_sha256,
                "record": record.decode(),
            }
            insert(db, "releases", columns)
            list_release(db, number, release)
            registry.signatures.add(db, signature)


def _made_up(at_random: random.Random, name: str, born: datetime) -> dict[str, Any]:
    """What an author may say of a release."""
    ((base, family, _),) = at_random.choices(BASES, [row[2] for row in BASES])
    age = at_random.randrange(80)
    return {
        "name": name,
        "kind": "handwriting" if at_random.random() < 0.1 else "person",
        "about": " ".join(at_random.choices(WORDS, k=12)),
        "author": f"Author {min(int(at_random.paretovariate(0.7)), 3000)}",
        "tags": [*{*at_random.choices(TAGS, k=4), f"place {at_random.randrange(900)}"}],
        "base": base,
        "family": family,
        "terms": {
            "commercial": at_random.choice([(), ("picture",), ("picture", "rent", "sell")]),
            "derivatives": at_random.random() < 0.5,
            "price": at_random.choice([None, None, {"amount": "5", "currency": "EUR"}]),
        },
        "trigger_words": [name],
        "ages": {"first": age, "last": age + at_random.randrange(10)},
        "published": born - timedelta(seconds=at_random.randrange(DAYS * DAY)),
    }


def _uses(registry: Registry) -> None:
    """Uses from the first day to today, few releases drawing most of them, and their sums."""
    rng = np.random.default_rng(3)
    end = int(now().timestamp())
    today = end // DAY
    times = np.sort(rng.integers(end - DAYS * DAY, end, EVENTS))
    # Shares as 1/rank^0.8: a uniform number to the fifth power is a rank.
    ranks = (rng.random(EVENTS) ** 5 * RELEASES).astype(np.int64)
    releases = 1 + rng.permutation(RELEASES)[ranks]
    drawn = rng.random(EVENTS) < 0.3
    with registry._db.writing() as db:
        for start in range(0, EVENTS, AT_ONCE):
            some = slice(start, start + AT_ONCE)
            at, noise = times[some].tolist(), rng.bytes(10 * AT_ONCE)
            ids = (
                (1000 * second).to_bytes(6, "big") + noise[10 * i : 10 * i + 10]
                for i, second in enumerate(at)
            )
            kinds = (METRICS[picture] for picture in drawn[some].tolist())
            rows = sorted(zip(ids, releases[some].tolist(), kinds, at, strict=True))
            db.executemany("INSERT INTO usage_events VALUES (?, ?, ?, ?)", rows)
        keys = ((times // DAY) * 2 + drawn) * (RELEASES + 1) + releases
        found, counts = np.unique(keys, return_counts=True)
        days, kinds_of = np.divmod(found // (RELEASES + 1), 2)
        of = found % (RELEASES + 1)
        rows = zip(days.tolist(), (METRICS[k] for k in kinds_of), of.tolist(), counts.tolist(),
                   strict=True)  # fmt: skip
        db.executemany("INSERT INTO usage_days VALUES (?, ?, ?, ?)", rows)
        for period, length in PERIODS.items():
            inside = (days > today - length) if length else np.ones(len(days), bool)
            for kind, metric in enumerate(METRICS):
                chosen = inside & (kinds_of == kind)
                sums = np.bincount(of[chosen], counts[chosen]).astype(int)
                rows = ((metric, period, i, int(sums[i])) for i in np.flatnonzero(sums).tolist())
                db.executemany("INSERT INTO usage_windows VALUES (?, ?, ?, ?)", rows)
        db.execute("UPDATE usage_calendar SET today = ?", (today,))
