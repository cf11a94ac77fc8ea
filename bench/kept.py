"""What is made already is kept, so that an interrupted benchmark goes on where it stopped.

`SOSIE_BENCH_KEPT` names another folder than build/bench. What was made by other code stays there:
a benchmark says by what it knows its own rows.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Generic, TypeVar
from unittest.mock import patch

import torch
from pydantic import ValidationError

from sosie.core.files import sha256_bytes
from sosie.core.records import Record

Row = TypeVar("Row", bound=Record)
Job = TypeVar("Job")
Made = TypeVar("Made")
FOLDER = Path(os.environ.get("SOSIE_BENCH_KEPT", "build/bench"))


class Ledger(Generic[Row]):
    """A file of records, one a line, written as they are made."""

    def __init__(self, path: Path, row: type[Row]) -> None:
        self.path, self.row = path, row

    def rows(self) -> list[Row]:
        """What is on file; lines that were cut off, or are of an older form, are left out."""
        rows = []
        for line in (
            self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else ()
        ):
            try:
                rows.append(self.row.model_validate_json(line))
            except ValidationError:
                continue
        return rows

    def add(self, *rows: Row) -> None:
        """Write rows behind the others, at once."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        cut_off = self.path.exists() and not self.path.read_bytes().endswith(b"\n")
        with self.path.open("a", encoding="utf-8") as file:
            # What follows must not join a line that was cut off.
            file.write("\n" * cut_off + "".join(f"{row.model_dump_json()}\n" for row in rows))


def side_by_side(make: Callable[[Job], Made], jobs: Iterable[Job]) -> Iterator[Made]:
    """What `make` gives for each job, as each is done: a process a core, each with one thread.

    Small models gain little from a second thread, and all of it from a second process.
    """
    context = get_context("spawn")
    with (
        # What multiplies matrices for numpy reads it as it is loaded.
        patch.dict(os.environ, OMP_NUM_THREADS="1"),
        ProcessPoolExecutor(
            max_workers=os.cpu_count(),
            mp_context=context,
            initializer=torch.set_num_threads,
            initargs=(1,),
        ) as crew,
    ):
        waiting = [crew.submit(make, job) for job in jobs]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            crew.shutdown(cancel_futures=True)


def code_sha256(*names: str) -> str:
    """Changes with what these modules do, and all modules of those that are packages; not with
    their words, nor with what is said of a rule's own figures."""
    files = [file for name in sorted(names) for file in _files(name)]
    return sha256_bytes("".join(bare(file.read_text("utf-8")) for file in files).encode())


def _files(name: str) -> list[Path]:
    found = find_spec(name)
    assert found is not None and found.origin is not None, f"{name} is a module here"
    origin = Path(found.origin)
    return (
        [origin]
        if found.submodule_search_locations is None
        else sorted(origin.parent.rglob("*.py"))
    )


def bare(source: str) -> str:
    """What a module does, without its docstrings and without `advisory`."""
    return ast.dump(_Bare().visit(ast.parse(source)))


class _Bare(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        pairs = zip(node.kwonlyargs, node.kw_defaults, strict=True)
        told = [pair for pair in pairs if pair[0].arg != "advisory"]
        node.kwonlyargs, node.kw_defaults = [one for one, _ in told], [one for _, one in told]
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.keyword | None:
        return None if node.arg == "advisory" else node
