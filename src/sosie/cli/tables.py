"""What the verbs print: tables for people, one function for each thing shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sosie.cli.progress import duration

if TYPE_CHECKING:
    from sosie.core.records import Run
    from sosie.generate import WordTrial
    from sosie.models.diffusion.resolve import BaseRow
    from sosie.registry import AddReport, Swept
    from sosie.registry.tokens import Token
    from sosie.studio import Overview, Proposed
    from sosie.train import Check, Plan, TrainConfig

SEVERITY_STYLE = {"blocker": "bold red", "warning": "yellow", "note": "dim"}


def console(*, wrap: bool = False) -> Console:
    """Where everything is printed; file names and captions are never read as markup. Only prose is
    worth wrapping: what is to be copied stays on its line."""
    return Console(highlight=False, markup=False, soft_wrap=not wrap)


def grid(*headings: str) -> Table:
    """A plain table."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def counted(number: int, word: str) -> str:
    """ "1 picture", "3 pictures"."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def added(report: AddReport) -> None:
    """What became of every file."""
    out = console()
    out.print(
        f"{counted(len(report.added), 'picture')} added, {len(report.known)} known already, "
        f"{len(report.refused)} refused."
    )
    for refusal in report.refused:
        out.print(Text(f"  refused: {refusal.file}: {refusal.reason}", "red"))
    for known in report.known:
        out.print(f"  known: {known.file} is {known.sample.file_name}")
    for name, changes in report.changes.items():
        out.print(f"  {name}: {', '.join(changes)}")
    for note in report.notes:
        out.print(f"  note: {note}")
    listed(out, "caption beside it differs, the one on file stays", report.captions_kept)
    listed(out, "caption without a picture", report.captions_orphaned)
    if report.captions_missing:
        out.print(f"  without a caption: {counted(len(report.captions_missing), 'picture')}")
        out.print(f'  next: sosie caption {report.subject} --template "photo of {{trigger}}"')
    faceless = [sample.file_name for sample in report.added if sample.face is None]
    if faceless and len(faceless) < len(report.added):
        listed(out, "no face found", faceless)


def listed(out: Console, what: str, items: Iterable[object]) -> None:
    """A line for each item, with what it is."""
    for item in items:
        out.print(f"  {what}: {item}")


def overview(shown: Overview) -> None:
    """All that is on file about one subject."""
    out = console()
    subject = shown.subject
    out.print(Text(f'{subject.name}: a {subject.kind}, trigger word "{subject.trigger}"', "bold"))
    out.print(f"permitted: {', '.join(d.act for d in shown.decisions if d.allowed) or 'nothing'}")
    for consent in shown.consents:
        end = f", until {consent.until}" if consent.until else ""
        acts = ", ".join(consent.acts) or "withdrawn"
        out.print(f"  {consent.relation}, signed by {consent.signed_by}: {acts}{end}")
    out.print()
    captions(shown)
    if shown.adapters:
        out.print()
        table = grid("LoRA", "base", "family", "step", "made")
        for a in shown.adapters:
            step = "" if a.step is None else str(a.step)
            table.add_row(a.name, a.base, a.family, step, f"{a.created:%Y-%m-%d %H:%M}")
        out.print(table)
    if shown.runs:
        out.print()
        runs(shown.runs)


def captions(shown: Overview) -> None:
    """The pictures and captions that training would use, in its order, and what is wrong."""
    out = console()
    table = grid("picture", "size", "face", "caption")
    sizes = {sample.picture_sha256: sample for sample in shown.samples}
    for item in shown.dataset.items:
        sample = sizes[item.sample]
        face = f"{item.face.width}×{item.face.height}" if item.face else "–"
        table.add_row(item.file_name, f"{sample.width}×{sample.height}", face, item.caption or "–")
    if shown.dataset.items:
        out.print(table)
    for problem in shown.problems:
        out.print(Text(problem.message, "red" if problem.blocks else "yellow"))
    for notice in shown.notices:
        out.print(Text(notice.message, "yellow"))
    out.print(f"{counted(len(shown.dataset.items), 'picture')}")


WHY = {
    "constant": "constant",
    "chosen": "your choice",
    "identity": "says who it is",
    "form": "no part of the caption",
}


def proposed(made: Proposed) -> None:
    """Suggested captions beside those on file, and all that was left out, with the reasons."""
    out = console()
    suggestion, items = made.suggestion, made.dataset.items
    table = grid("picture", "on file", "suggested", "left out")
    for item in items:
        gone = [e for e in suggestion.removed if e.sample == item.sample]
        left_out = "; ".join(f"{entry.phrase} ({WHY[entry.why]})" for entry in gone)
        new = suggestion.captions.get(item.sample, "–")
        table.add_row(item.file_name, item.caption or "–", new, left_out or "–")
    out.print(f"captions by {made.by}, in the style of {STYLES[suggestion.style]}")
    out.print()
    out.print(table)
    out.print()
    for word, what in made.wear.items():
        out.print(f"{word}: {what}")
    for notice in suggestion.notices:
        out.print(Text(notice.message, "yellow"))
    names = {item.sample: item.file_name for item in items}
    by_reason: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for entry in made.untold:
        by_reason.setdefault((entry.why, entry.samples), []).append(entry.part)
    for (why, samples), parts in by_reason.items():
        where = counted(len(samples), "picture")
        if len(samples) == len(items):
            where = "all pictures"
        elif len(samples) <= NAMED_AT_MOST:
            where = ", ".join(names[sample] for sample in samples)
        out.print(Text(f"not said ({where}): {', '.join(parts)}: {why}", "dim"))


NAMED_AT_MOST = 3
"""Pictures that are told by name; more are counted."""
STYLES = {"sentence": "sentences", "tags": "tags"}


def what_next(made: Proposed, *, written: bool, overwritten: bool) -> str:
    """What to type to file suggested captions, or that all are filed."""
    on_file = {item.sample: item.caption for item in made.dataset.items}
    new = made.suggestion.captions
    bare = sum(not on_file[sample] for sample in new)
    other = sum(bool(on_file[sample]) and on_file[sample] != new[sample] for sample in new)
    if (overwritten and written) or not (bare or other):
        return "They are on file."
    told = []
    if bare and not written:
        told.append(f"--write fills {counted(bare, 'picture')} without a caption")
    if other:
        told.append(f"--write --all replaces {counted(other, 'caption')} on file")
    if not told:
        return "They are on file."
    return f"{'' if written else 'Nothing is filed yet: '}{'; '.join(told)}."


VERDICT_STYLE = {"works": "green", "hardly seen": "yellow", "does nothing": "red"}


def words(trial: WordTrial) -> None:
    """What each part of a prompt does, the strongest first, between floor and another seed."""
    out = console()
    rows: list[tuple[str, float, str]] = [(e.words, e.moves, e.verdict) for e in trial.effects]
    rows += [("(another seed)", trial.seeds_apart, ""), ("(made-up words)", trial.floor, "")]
    table = grid("without", "picture moves", "")
    for what, apart, verdict in sorted(rows, key=lambda row: -row[1]):
        style = VERDICT_STYLE.get(verdict, "dim")
        table.add_row(Text(what, "" if verdict else "dim"), f"{apart:.3f}", Text(verdict, style))
    out.print(table)
    seeds = ", ".join(map(str, trial.seeds))
    out.print(f"mean over seeds {seeds} on {trial.base}; 0 is the same picture")


def subjects(rows: Sequence[Overview]) -> None:
    """One line a subject."""
    out = console()
    if not rows:
        out.print("Nobody is on file yet. Start with: sosie new NAME")
        return
    table = grid("subject", "kind", "pictures", "permitted", "LoRAs", "last run")
    for row in rows:
        acts = ", ".join(d.act for d in row.decisions if d.allowed) or "nothing"
        last = f"{row.runs[-1].id}: {row.runs[-1].state}" if row.runs else "–"
        names = ", ".join(a.name for a in row.adapters) or "–"
        table.add_row(row.subject.name, row.subject.kind, str(len(row.samples)), acts, names, last)
    out.print(table)


def tokens(rows: Sequence[Token]) -> None:
    """Who may ask `sosie serve`, and for what."""
    table = grid("token", "opens", "made", "until", "")
    for token in rows:
        until = str(token.until or "–")
        ended = Text(f"revoked {token.revoked.date()}", "red") if token.revoked else ""
        scopes = ", ".join(token.scopes)
        table.add_row(token.name, scopes, str(token.made.date()), until, ended)
    console().print(table if rows else "No tokens yet. Make one with: sosie token NAME")


def swept(done: Swept) -> None:
    """What was removed, file by file."""
    out = console()
    listed(out, "nothing on file named it", done.blobs)
    listed(out, "half-written", done.temporaries)
    count = counted(len(done.blobs) + len(done.temporaries), "leftover")
    out.print(f"{count} removed, {done.bytes_freed / 1e6:.1f} MB.")


def bases(rows: Sequence[BaseRow]) -> None:
    """The base models that have a name."""
    table = grid("base", "family", "size", "here", "licence")
    for row in rows:
        size = f"{row.size_gb:.2f} GB" if row.size_gb < 1 else f"{row.size_gb:.1f} GB"
        table.add_row(row.name, row.family, size, "yes" if row.folder else "no", row.licence)
    out = console()
    out.print(table)
    out.print()
    for row in rows:
        out.print(f"{row.name}: {row.note}")
    out.print("Any other: a hub id, or a folder in diffusers' layout of FLUX.1, SDXL or SD 1.5.")


def runs(rows: Sequence[Run]) -> None:
    """Training runs and their state."""
    out = console()
    table = grid("run", "base", "state", "step", "started")
    for run in rows:
        step = f"{run.step}/{run.steps}" if run.steps else "–"
        when = f"{run.started:%Y-%m-%d %H:%M}"
        base = Path(run.base).name if Path(run.base).is_absolute() else run.base
        table.add_row(run.id, base, run.state, step, when)
    out.print(table if rows else "No runs yet.")
    for run in rows:
        if run.message:
            out.print(f"  {run.id}: {run.message}")


def plan(made: Plan, config: TrainConfig) -> None:
    """What a run would do, and whether it can work."""
    out = console()
    table = grid("", "check", "evidence", "where to mend it")
    for check in made.checks:
        state = Text("waived" if check.waived else check.severity, SEVERITY_STYLE[check.severity])
        table.add_row(state, check.what, check.evidence, f"{check.mend}{_waiver(check)}")
    if made.checks:
        out.print(table)
        out.print()
    out.print(f"steps: {made.steps} ({made.why_steps})")
    how = "timed here" if made.measured else "rough"
    minutes = "unknown" if made.minutes is None else duration(made.minutes)
    memory = "unknown" if made.memory_gb is None else f"{made.memory_gb:.1f} GB"
    out.print(f"time: {minutes} ({how}); memory: {memory}; disk: {made.disk_gb:.2f} GB")
    out.print()
    settings(config)
    blockers = counted(len(made.blockers), "blocker")
    verdict = f"not ready: {blockers}" if made.blockers else "ready"
    out.print(Text(verdict, "bold red" if made.blockers else "bold green"))


def _waiver(check: Check) -> str:
    """What to add to the way of mending: only blockers stop a run, so only they need a waiver."""
    if check.severity != "blocker" or check.waived:
        return ""
    return f"; or --despite {check.name}" if check.waivable else "; cannot be waived"


def settings(config: TrainConfig) -> None:
    """Every setting as `--set` takes it, in two columns."""
    shown = [
        (key, "–" if value is None or value == [] else json.dumps(value, ensure_ascii=False))
        for key, value in config.model_dump(mode="json").items()
    ]
    half = (len(shown) + 1) // 2
    table = grid("setting", "value", "setting", "value")
    for left, right in zip_longest(shown[:half], shown[half:], fillvalue=("", "")):
        table.add_row(*left, *right)
    out = console()
    out.print(table)
    out.print()
