"""Prints command help and tables into docs/commands.md; `--check` only says whether it is stale."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from typer.testing import CliRunner

from sosie.cli import VERBS, app
from sosie.core import errors
from sosie.models.diffusion import BASES
from sosie.train import config

PAGE = Path(__file__).with_name("commands.md")
WIDTH = 88

HEAD = """# Commands

*Printed from the code by `make docs`; a test fails when it is stale. How the commands belong
together is told in the [guide](guide.md).*
"""


def main(words: list[str]) -> int:
    """Write the page, or with `--check` compare; returns the exit code."""
    text = page()
    if "--check" in words:
        fresh = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        print(f"{PAGE.name} is up to date." if fresh else f"{PAGE.name} is stale: run `make docs`.")
        return 0 if fresh else 1
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.name} written.")
    return 0


def page() -> str:
    """The whole page."""
    parts = [HEAD, "```text\n" + help_of() + "```\n"]
    parts += [f"## sosie {verb}\n\n```text\n{help_of(verb)}```\n" for verb in VERBS]
    parts += [
        "## Exit codes\n\n" + table(("code", "error", "meaning"), exit_codes()),
        "## Base models\n\n"
        + table(("name", "family", "hub id", "licence", "size"), bases())
        + "\nAny other hub id, or a folder in diffusers' layout of one of these families, can be "
        "named too.\n",
        "## Settings of a run\n\nEach is given as `--set KEY=VALUE`, the value as JSON. The "
        "defaults are those of the recipe for full-size bases; a base may bring its own, and\n"
        "`--dry-run` prints what would be used.\n\n"
        + table(("setting", "default", "meaning"), settings()),
    ]
    return "\n".join(parts)


def help_of(*words: str) -> str:
    """What `sosie WORDS --help` prints at a fixed width."""
    done = CliRunner().invoke(
        app, [*words, "--help"], prog_name="sosie", terminal_width=WIDTH, max_content_width=WIDTH
    )
    assert done.exit_code == 0, done.output
    return "\n".join(line.rstrip() for line in done.output.strip("\n").splitlines()) + "\n"


def exit_codes() -> Iterator[tuple[str, ...]]:
    """One row an exit code, as the errors themselves say."""
    yield "0", "–", "Done."
    kinds = [errors.SosieError, *errors.SosieError.__subclasses__()]
    for kind in sorted(kinds, key=lambda kind: kind.exit_code):
        meaning = "Another error." if kind is errors.SosieError else inspect.getdoc(kind) or ""
        yield str(kind.exit_code), kind.__name__, " ".join(meaning.split())


def bases() -> Iterator[tuple[str, ...]]:
    """One row a base with a short name."""
    for base in BASES:
        source = "ships with Sosie" if base.source == "package" else base.source
        yield base.name, base.family, source, base.licence, f"{base.download_gb:g} GB"


def settings() -> Iterator[tuple[str, ...]]:
    """One row a setting: the docstring below each field is what the page says of it."""
    (body,) = ast.parse(inspect.getsource(config.TrainConfig)).body
    assert isinstance(body, ast.ClassDef)
    told: dict[str, str] = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            assert isinstance(field.target, ast.Name) and isinstance(text.value, ast.Constant)
            told[field.target.id] = " ".join(str(text.value.value).split())
    defaults = config.standard().model_dump(mode="json")
    for name, value in defaults.items():
        yield f"`{name}`", "–" if value is None or value == [] else f"`{value}`", told[name]


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [list(headings)]
    lines.append(["---"] * len(lines[0]))
    lines += [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
