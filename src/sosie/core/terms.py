"""The closed vocabularies. Apart from the records, so that the command line can name them without
loading pydantic.
"""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["person", "handwriting"]
Relation = Literal["self", "guardian", "estate", "synthetic"]
"""Whose word a permission is: the person's own, or who may speak for them."""
Act = Literal["train", "generate", "export", "merge", "publish", "serve"]
RunState = Literal["running", "stopped", "failed", "done"]

ACTS: tuple[Act, ...] = ("train", "generate", "export", "merge", "publish", "serve")

Language = Literal["en", "fr", "ja"]
"""Languages that reports are written in."""

Undo = Literal["last", "all"]
"""Which mends of a picture are taken back."""

Commercial = Literal["picture", "rent", "sell"]
"""What of a LoRA may be used commercially: pictures made with it, its use for hire, its file."""
FileRole = Literal["lora", "picture"]

COMMERCIAL: tuple[Commercial, ...] = ("picture", "rent", "sell")

Program = Literal["lora-manager", "a1111", "civitai-helper", "stability-matrix", "invokeai"]
"""Programs that read files beside a LoRA; A1111 stands for Forge too."""

PROGRAMS: tuple[Program, ...] = get_args(Program)

Scope = Literal["list", "download", "pull", "push"]
"""What a token opens: the catalogue with its pictures; the LoRA files; whole releases with the
permissions behind them, for another workspace; handing releases in."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
