"""The closed vocabularies. Apart from the records, so that the command line can name them without
loading pydantic.
"""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["person", "handwriting"]
Relation = Literal["self", "guardian", "estate", "synthetic"]
"""Whose word a permission is: the person's own, or who may speak for them."""
Act = Literal["add", "train", "generate", "export", "merge", "publish", "serve", "talk"]
Modality = Literal["face", "body", "voice", "handwriting", "signature"]
"""What of a person a model may learn; a signature stands apart from a handwriting."""
Prohibition = Literal["sexual", "minors", "political", "biometric", "impersonation", "forgery"]
AuditKind = Literal["likeness", "copying", "repeating"]
"""What an audit of a LoRA looks for; the last where its training pictures are unknown."""
Verdict = Literal["passed", "failed", "not measured"]
"""Of an audit."""
RunState = Literal["running", "stopped", "failed", "done"]

ACTS: tuple[Act, ...] = (
    *("add", "train", "generate", "export", "merge", "publish", "serve", "talk"),
)
MAKING: tuple[Act, ...] = ACTS[1:]
"""The acts that make or give away something. Pictures may be gathered before anyone has signed,
since a permission is about them; nothing comes of them until then."""
MODALITIES: dict[Kind, tuple[Modality, ...]] = {
    "person": ("face", "body"),
    "handwriting": ("handwriting",),
}
"""What a permission is about unless it says otherwise, by what the pictures show."""
PROHIBITIONS: tuple[Prohibition, ...] = (
    *("sexual", "minors", "political", "biometric", "impersonation", "forgery"),
)
"""All of them hold unless a record lifts one."""
ALWAYS: tuple[Prohibition, ...] = ("impersonation", "forgery")
"""Nobody can permit these: they deceive others."""

LEVEL = 0.02
"""Points of likeness within which two checkpoints are level: below what a handful of pictures tells
apart."""

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

Program = Literal["lora-manager", "a1111", "civitai-helper", "stability-matrix", "invokeai"]
"""Programs that read files beside a LoRA; A1111 stands for Forge too."""

PROGRAMS: tuple[Program, ...] = get_args(Program)

Scope = Literal["list", "download", "pull", "push"]
"""What a token opens: the catalogue with its pictures; the LoRA files; whole releases with the
permissions behind them, for another workspace; handing releases in."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
