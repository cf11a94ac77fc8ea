"""The command line: parse, call `Studio`, print. One function per verb.

Nothing heavy is imported here or by the command modules at import time, so that `sosie --help`
answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from typer.core import TyperGroup

from sosie.core.errors import BadInput, SosieError, WorkspaceError

if TYPE_CHECKING:
    from sosie.studio import Studio

Word = TypeVar("Word", bound=str)

VERBS = (
    *("new", "add", "remove", "doctor", "mend", "caption", "show", "list", "consent", "bases"),
    *("train", "runs", "follow", "reproduce", "generate", "words", "audit", "resembles"),
    *("export", "give", "import", "publish", "card", "alias", "top", "search", "push", "pull"),
    *("serve", "token", "verify", "status", "tidy", "forget"),
)
"""In the order in which a user meets them."""


class InOrder(TyperGroup):
    """Lists the verbs as a user meets them, not as the modules are imported."""

    def list_commands(self, ctx: object) -> list[str]:
        return sorted(self.commands, key=VERBS.index)


app = typer.Typer(
    name="sosie",
    cls=InOrder,
    help="A studio for personal image models, with permission.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def version_asked(value: bool) -> None:
    """Print the version and leave, when `--version` is given."""
    if value:
        from importlib.metadata import version

        typer.echo(f"sosie {version('sosie')}")
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(help="Folder of the workspace. [default: SOSIE_HOME or the data folder]"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=version_asked, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Pictures in, LoRA out, pictures back."""
    context.obj = home


def studio(context: typer.Context) -> Studio:
    """The workspace that the command line names."""
    from sosie.studio import Studio

    return Studio(context.obj)


def comma_list(text: str, known: Sequence[Word], what: str) -> tuple[Word, ...]:
    """The words of a comma list, in the order of `known`; "none" alone is no word.

    Raises BadInput for an unknown one.
    """
    named = {word.strip() for word in text.split(",") if word.strip()}
    if named == {"none"}:
        return ()
    unknown = sorted(named.difference(known))
    if unknown or not named:
        raise BadInput(
            f"Unknown {what}: {', '.join(unknown) or 'none given'}.",
            advice=f"Known: {', '.join(known)}; or none.",
        )
    return tuple(word for word in known if word in named)


def main() -> None:
    """Run the command line; a `SosieError` becomes one line on stderr and its exit code."""
    try:
        app()
    except SosieError as error:
        leave(str(error), error.exit_code)
    except OSError as error:
        # What the system refused outside the workspace: a folder that is a file, a lost disk.
        where = f"{error.filename}: " if error.filename else ""
        leave(f"{where}{error.strerror or error}.", WorkspaceError.exit_code)


def leave(message: str, exit_code: int) -> NoReturn:
    """Print one line on stderr, whatever line breaks a name in it may hold, and end."""
    typer.echo(f"sosie: {' '.join(message.splitlines())}", err=True)
    sys.exit(exit_code)


from sosie.cli import (  # noqa: E402 (they need `app`)
    adapters,
    audit,
    captions,
    catalogue,
    consent,
    doctor,
    mend,
    moving,
    pictures,
    resembles,
    rights,
    training,
    workspace,
)

__all__ = [
    "adapters",
    "app",
    "audit",
    "captions",
    "catalogue",
    "comma_list",
    "consent",
    "doctor",
    "main",
    "mend",
    "moving",
    "pictures",
    "resembles",
    "rights",
    "studio",
    "training",
    "workspace",
]
