"""Prints command help, tables and the doctor's rules into docs/; `--check` only compares."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from typer.testing import CliRunner

from bench import figures
from sosie.cli import VERBS, app
from sosie.core import errors
from sosie.core.consent import Terms
from sosie.doctor import table as doctor_table
from sosie.doctor.mends import table as mends_table
from sosie.doctor.mends.mend import Mend
from sosie.doctor.wording import words
from sosie.models.diffusion import BASES
from sosie.rights import Document
from sosie.train import config

FOLDER = Path(__file__).parent
SCHEMA = "https://json-schema.org/draft/2020-12/schema"
WIDTH = 88

HEAD = """# Commands

*Printed from the code by `make docs`; a test fails when it is stale. How the commands belong
together is told in the [guide](guide.md).*
"""

RULES_HEAD = """# The doctor's rules

*Printed from the code by `make docs`.*

Whether seven of them matter, LoRAs were asked: [studies/rules.md](studies/rules.md).

A rule that could not look at a picture lists it as not examined. What a finding names in braces is
filled with what was measured. `found` is the share of sets in which a rule found a planted fault of
middle strength, `false alarms` the share of good sets of which it said as grave a thing: each with
its exact 95% interval, and all of it on drawn people and writers. Rules that miss what is asked are
advisory, as reports say. The other strengths, and what is asked, are in
[doctor-figures.md](doctor-figures.md).
"""

FIGURES_HEAD = """# How well the doctor's rules do

*Printed by `make docs` from `bench/doctor.json`, which `python -m bench doctor` writes.*

Each rule is tried on good sets and on the same sets with its fault planted in them, weakly, of
middle strength and strongly (`bench/plants/`). A person's set holds fifteen pictures of 256 pixels
of one drawn person, a writer's ten pages by one drawn hand (`bench/sets.py`); rules that judge both
are tried on both. A fault counts as found if the rule names a picture that has it, or speaks of the
whole set. A false alarm is anything that it says of a good set and that is as grave as what it
mostly says of the fault; less grave are mere hints, such as advice where the fault gets a warning.
Behind each share stands its exact 95% interval (Clopper and Pearson) over sets, each of another
person.

Asked are {found:.0%} found at middle strength, and at most {alarms:.0%} of false alarms. A rule
that misses either is **advisory**: its own record says so (a test holds both to each other), and so
does every report beside its findings. Only a rule that binds is not: its findings are no advice.
With so few sets an interval reaches far below a perfect score: a rule that is not advisory was not
caught failing, which is less than never failing. Weak and strong faults are tried on as many sets;
nothing is asked of them, and a few rules find the strong ones less often than the middle ones.

Three things these figures cannot say. Drawn people and hands are cleaner, and more alike among
themselves, than real ones. `safe.unsafe` is tried with blurs of skin tones that its detector
doubts, in sets for which a guardian signed: **no explicit picture was ever shown to it**, so how
much it misses is unknown. `grain.fine` is no fault: it speaks up for good pictures at a high ISO.
"""

MENDS_HEAD = """# Mends

*Printed from the code by `make docs`. How to use them is told in the [guide](guide.md#mending).*

Several mends of one picture are done in the order of this table. A safe one leaves every part of a
face as it was, or changes the whole picture alike; `--mend safe` does those that findings ask for.
"""


def main(words: list[str]) -> int:
    """Write the pages, or with `--check` compare; returns the exit code."""
    stale = 0
    for name, make in PAGES.items():
        path, text = FOLDER / name, make()
        if "--check" in words:
            fresh = path.is_file() and path.read_text(encoding="utf-8") == text
            print(f"{name} is up to date." if fresh else f"{name} is stale: run `make docs`.")
            stale += not fresh
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{name} written.")
    return 1 if stale else 0


def commands() -> str:
    """The page of commands."""
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
        "## Terms of a permission\n\nEach is given as `--set KEY=VALUE`, as JSON. Without "
        "one its default holds;\nan empty list bounds nothing.\n\n"
        + table(("term", "default", "meaning"), terms()),
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
    told = told_of(body.body)
    defaults = config.standard().model_dump(mode="json")
    for name, value in defaults.items():
        yield f"`{name}`", "–" if value is None or value == [] else f"`{value}`", told[name]


def terms() -> Iterator[tuple[str, ...]]:
    """One row a term of a permission."""
    (body,) = ast.parse(inspect.getsource(Terms)).body
    assert isinstance(body, ast.ClassDef)
    told = told_of(body.body)
    for name, value in Terms().model_dump(mode="json").items():
        default = "–" if value in (None, [], "") else f"`{json.dumps(value)}`"
        yield f"`{name}`", default, told.get(name, "–")


def rules() -> str:
    """The page of the doctor's rules, family by family."""
    parts = [RULES_HEAD]
    for family in doctor_table.FAMILIES:
        name = family.__name__.rpartition(".")[2]
        rows = (
            (
                f"`{rule.name}`{' (advisory)' if rule.advisory else ''}",
                *(words()[rule.name][part]["en"] for part in ("title", "advice")),
                *measured(rule.name),
            )
            for rule in family.RULES
        )
        told = told_of(ast.parse(inspect.getsource(family)).body)
        numbers = (
            (
                ", ".join(f"`{name}`" for name in named.split()),
                ", ".join(f"{getattr(family, name):g}" for name in named.split()),
                text,
            )
            for named, text in told.items()
            if named.isupper()
            and all(isinstance(getattr(family, name), int | float) for name in named.split())
        )
        parts.append(f"## {name}\n\n{inspect.getdoc(family)}\n")
        parts.append(table(("rule", "finding", "advice", "found", "false alarms"), rows))
        if rows := list(numbers):
            parts.append(table(("number", "value", "why"), rows))
    return "\n".join(parts)


def measured(rule: str) -> tuple[str, str]:
    """How often a rule found its fault, and spoke in good sets; for each kind of set it judges."""
    rows = tuple(row for row in figures.read() if row.rule == rule)
    return (
        figures.told(rows, lambda row: figures.share(row.middle)),
        figures.told(rows, lambda row: figures.share(row.clean)),
    )


def doctor_figures() -> str:
    """The page of what was measured of every rule."""
    tried = figures.read()
    advisory = {rule.name for rule in doctor_table.RULES if rule.advisory}
    parts = [FIGURES_HEAD.format(found=figures.FOUND, alarms=figures.ALARMS)]
    for kind, title in (("person", "Sets of a person"), ("handwriting", "Sets of a handwriting")):
        rows = (
            (
                f"`{row.rule}`{' (advisory)' if row.rule in advisory else ''}",
                *(figures.share(pair) for pair in (row.weak, row.middle, row.strong, row.clean)),
                str(row.hints),
                f"{row.middle[1]}, {row.clean[1]}",
            )
            for row in tried
            if row.kind == kind
        )
        headings = ("weak", "middle", "strong", "false alarms", "mere hints", "sets (middle, good)")
        parts.append(f"## {title}\n\n{table(('rule', *headings), rows)}")
    return "\n".join(parts)


def mends() -> str:
    """The page of mends, and the options of those that have some."""
    answers: dict[str, list[str]] = {}
    for rule in doctor_table.RULES:
        answers.setdefault(rule.fix or "", []).append(f"`{rule.name}`")
    rows = (
        (
            f"`{mend.name}`",
            mend.what,
            "yes" if mend.safe else "",
            ", ".join(mend.kinds),
            ", ".join(answers.get(mend.name, ["–"])),
        )
        for mend in mends_table.MENDS
    )
    parts = [MENDS_HEAD, table(("mend", "what it does", "safe", "pictures of", "answers"), rows)]
    for mend in mends_table.MENDS:
        if mend.options.model_fields:
            parts.append(f"## {mend.name}\n\n{inspect.getdoc(mend.options)}\n")
            parts.append(table(("option", "default", "range", "meaning"), options(mend)))
    return "\n".join(parts)


def options(mend: Mend) -> Iterator[tuple[str, ...]]:
    """One row an option of a mend."""
    told: dict[str, str] = {}
    for owner in reversed(mend.options.__mro__):
        if owner.__module__.startswith("sosie.doctor.mends"):
            (body,) = ast.parse(inspect.getsource(owner)).body
            assert isinstance(body, ast.ClassDef)
            told |= told_of(body.body)
    for name, field in mend.options.model_fields.items():
        bounds = [getattr(m, end, None) for end in ("ge", "le") for m in field.metadata]
        least, *most = [f"{bound:g}" for bound in bounds if bound is not None] or ["–"]
        limits = " to ".join([least, *most]) if most or least == "–" else f"from {least}"
        default = "–" if field.default is None else f"`{field.default:g}`"
        yield f"`{name}`", default, limits, told.get(name, "–")


def consent_schema() -> str:
    """The JSON Schema of the file that a permission travels in."""
    schema = {"$schema": SCHEMA, "title": "Permission", **Document.model_json_schema()}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def told_of(body: list[ast.stmt]) -> dict[str, str]:
    """Name, or names that are assigned at once -> the docstring that stands below."""
    told: dict[str, str] = {}
    for field, text in pairwise(body):
        target = field.targets[0] if isinstance(field, ast.Assign) else getattr(field, "target", 0)
        said = text.value if isinstance(text, ast.Expr) else None
        targets = target.elts if isinstance(target, ast.Tuple) else [target]
        names = [name.id for name in targets if isinstance(name, ast.Name)]
        if names and isinstance(said, ast.Constant):
            told[" ".join(names)] = " ".join(str(said.value).split())
    return told


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [list(headings)]
    lines.append(["---"] * len(lines[0]))
    lines += [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


PAGES = {
    "commands.md": commands,
    "rules.md": rules,
    "doctor-figures.md": doctor_figures,
    "mends.md": mends,
    "consent.schema.json": consent_schema,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
