"""The errors a user can meet.

    SosieError                    exit code
    ├── BadInput                  2   an argument or a file the user gave cannot be used
    │   └── UnreadablePicture     2   a file that does not decode to a picture
    ├── NotFound                  3   no such subject, base, adapter or run
    ├── NotPermitted              4   no recorded permission covers the act
    ├── NotReady                  5   a check before the act failed
    ├── WeightsRefused            6   a weights file or folder is damaged, foreign or unsafe
    ├── TrainingStopped           7   the run ended itself: loss not finite or exploding
    ├── Interrupted             130   the user stopped the run; it can be resumed
    ├── WorkspaceError            8   the workspace cannot be read or written
    └── NotMarked                 9   a picture could not be given its marks

Every message says what is wrong, where, and what to do; the front doors print it as one line.
Assertions are for what no input can cause.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class SosieError(Exception):
    """Something the user can mend. `advice` is appended to the message as its own sentence."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        self.message = message
        self.advice = advice
        super().__init__(message if advice is None else f"{message} {advice}")


class BadInput(SosieError):
    """An argument or a file that the user gave cannot be used."""

    exit_code = 2


class UnreadablePicture(BadInput):
    """A file that does not decode to a picture."""


class NotFound(SosieError):
    """A name that nothing on file bears."""

    exit_code = 3

    @classmethod
    def among(cls, what: str, name: str, known: Iterable[str]) -> NotFound:
        """The error for `name`, with the nearest of the `known` names as advice."""
        names = sorted(set(known))
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        if close:
            advice = f'Did you mean "{close[0]}"?'
        elif names:
            advice = "Known: " + ", ".join(names[:12]) + ("…" if len(names) > 12 else ".")
        else:
            advice = "There is none yet."
        return cls(f'There is no {what} named "{name}".', advice=advice)


class NotPermitted(SosieError):
    """No recorded permission covers the act."""

    exit_code = 4


class NotReady(SosieError):
    """A check before the act failed."""

    exit_code = 5


class WeightsRefused(SosieError):
    """A weights file or folder that is damaged, of another architecture, or unsafe to open."""

    exit_code = 6


class TrainingStopped(SosieError):
    """The run ended itself because going on would only waste time."""

    exit_code = 7


class Interrupted(SosieError):
    """The user stopped the run at a checkpoint; it can be resumed."""

    exit_code = 130


class WorkspaceError(SosieError):
    """The workspace cannot be read or written: full disk, newer schema, another process."""

    exit_code = 8


class NotMarked(SosieError):
    """A picture that could not be given its marks, or whose marks cannot be read here."""

    exit_code = 9
