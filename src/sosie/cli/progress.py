"""A run's events, shown as they happen."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class Progress:
    """Prints events of a run: lines for what happened, one bar for the steps."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.bar = Bar(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}  {task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self.console,
        )
        self.task = self.bar.add_task("steps", total=None, loss="–", rate="", visible=False)

    def __enter__(self) -> Progress:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def event(self, kind: str, data: dict[str, Any]) -> None:
        """Show one event. An event without a line of its own is shown by its kind and `message`."""
        if kind == "step":
            self.bar.update(
                self.task,
                visible=True,
                completed=data["step"],
                total=data["steps"],
                loss=f"{data['loss']:.4f}",
                rate=f"{data['rate']:.2f} steps/s" if data.get("rate") else "",
            )
            return
        show = LINES.get(kind)
        text = show(data) if show else str(data.get("message", ""))
        if text:
            self.console.print(text, markup=False)


def _split(data: dict[str, Any]) -> str:
    names = ", ".join(row["file"] for row in data["withheld"]) or "none"
    told = f"held out, never trained on ({len(data['withheld'])}): {names}"
    return "\n".join([told, *data["remarks"]])


def _check(data: dict[str, Any]) -> str:
    if data["severity"] == "note":
        return ""
    state = "waived" if data["waived"] else data["severity"]
    return f"{state}: {data['what']} {data['evidence']}"


def _plan(data: dict[str, Any]) -> str:
    time = "" if data["minutes"] is None else f", {duration(data['minutes'])}"
    return f"{data['steps']} steps ({data['why_steps']}){time}"


def duration(minutes: float) -> str:
    """Minutes as one says them."""
    if minutes < 1:
        return "under a minute"
    return f"about {minutes:.0f} min" if minutes < 120 else f"about {minutes / 60:.1f} hours"


def _validation(data: dict[str, Any]) -> str:
    losses = [
        f"{word} loss {data[key]:.4f}"
        for key, word in (("withheld", "held-out"), ("training", "training"))
        if data.get(key) is not None
    ]
    return f"step {data['step']}: {', '.join(losses)}"


def _score(data: dict[str, Any]) -> str:
    copied = data["copied"]
    back = f", {copied:.0%} of training captions give a picture back" if copied else ""
    worse = f"; step {data['best']} is the better" if data["worse"] else ""
    return f"step {data['step']}: likeness to held-out pictures {data['score']:.0%}{back}{worse}"


def _done(data: dict[str, Any]) -> str:
    worst = [p for p in data["pictures"] if p["final"] is not None][:3]
    hard = ", ".join(f"{p['file_name']} {p['final']:.4f}" for p in worst)
    return f"{data['seconds']:.0f} s; hardest pictures by loss: {hard}"


LINES: dict[str, Callable[[dict[str, Any]], str]] = {
    "split": _split,
    "check": _check,
    "plan": _plan,
    "validation": _validation,
    "checkpoint": lambda data: f"checkpoint at step {data['step']}",
    "preview": lambda data: f"previews at step {data['step']}: {data['folder']}",
    "score": _score,
    "resumed": lambda data: f"resumed at step {data['step']}",
    "stopped": lambda data: f"stopped: {data['reason']}",
    "done": _done,
}


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Give a function that turns true at the first Ctrl-C; a second one interrupts at once."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        # Not print: a signal may come in the middle of one.
        os.write(2, b"\nstopping after this step; Ctrl-C again stops at once\n")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows how many of how many are done."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


@contextmanager
def stages() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a function that shows what is at work, how many are done, and of how many."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, of: int | None) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done, total=of)

        yield show
