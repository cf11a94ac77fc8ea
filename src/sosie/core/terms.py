"""The closed vocabularies. Apart from the records, so that the command line can name them without
loading pydantic.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["person", "handwriting"]
Relation = Literal["self", "guardian", "estate", "synthetic"]
"""Whose word a permission is: the person's own, or who may speak for them."""
Act = Literal["train", "generate", "export", "merge", "publish"]
RunState = Literal["running", "stopped", "failed", "done"]

ACTS: tuple[Act, ...] = ("train", "generate", "export", "merge", "publish")

Language = Literal["en", "fr", "ja"]
"""Languages that reports are written in."""

Undo = Literal["last", "all"]
"""Which mends of a picture are taken back."""

Commercial = Literal["picture", "rent", "sell"]
"""What of a LoRA may be used commercially: pictures made with it, its use for hire, its file."""
FileRole = Literal["lora", "picture"]
Metric = Literal["downloads", "pictures"]
"""What is counted of a release: its file fetched, a picture drawn with it."""
Period = Literal["day", "week", "month", "year", "all"]
Sort = Literal["relevance", "downloads", "pictures", "newest", "oldest"]

METRICS: tuple[Metric, ...] = ("downloads", "pictures")
PERIODS: dict[Period, int | None] = {"day": 1, "week": 7, "month": 30, "year": 365, "all": None}
"""Days, today among them, by the calendar of UTC; None is without end."""
COMMERCIAL: tuple[Commercial, ...] = ("picture", "rent", "sell")
