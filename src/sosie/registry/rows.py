"""Samples as rows of their table, and rows as samples."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from sosie.core.records import Sample

_STRUCTURED = ("face", "changes")
"""Columns that hold JSON."""


def columns_of(sample: Sample) -> dict[str, Any]:
    """The columns of a sample's row."""
    columns = sample.model_dump(mode="json")
    for name in _STRUCTURED:
        columns[name] = json.dumps(columns[name], ensure_ascii=False)
    return columns


def sample_of(row: sqlite3.Row) -> Sample:
    """The sample in a row."""
    columns = dict(row)
    del columns["id"]
    for name in _STRUCTURED:
        columns[name] = json.loads(columns[name])
    return Sample.model_validate(columns)
