"""The command line as a user meets it, run in this process: what it prints and how it ends."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from sosie.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def refused(self, code: int, *words: str) -> None:
        """Assert that it ended with `code` and one line on stderr that holds all `words`."""
        lines = [line for line in self.err.splitlines() if line.startswith("sosie: ")]
        assert self.code == code and len(lines) == 1, self
        assert self.err.splitlines()[-1] == lines[0], self
        assert "Traceback" not in self.err, self
        for word in words:
            assert word in lines[0], (word, lines[0])


def sosie(home: Path, *words: object, columns: int = 80) -> Answer:
    """Run `sosie --home HOME WORDS…`; an exception that is no exit fails the test."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["sosie", "--home", str(home), *map(str, words)]
    code = 0
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.dict("os.environ", {"COLUMNS": str(columns)}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
    return Answer(code, out.getvalue(), err.getvalue())
