"""The training of the network: steps, reports, and the state that a killed run finds again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pocket import encoders, precision
from pocket.attention import PlainAttention
from pocket.lessons import Lessons
from pocket.muon import optimizers, set_rates
from pocket.reading import Walks
from pocket.recipe import TransformerRecipe
from pocket.schedule import REPORT, Log, rate, save_whole
from pocket.transformer import ENDS, Denoise, Network, loss

STATE = "transformer.pt"
"""The trainer's state, in the run's folder."""
Errors = list[list[tuple[Tensor, Tensor, Tensor]]]
"""For each domain, of each batch since the last report: the pictures' errors and times, and the
cross entropy of what was asked of them."""


class Trainer:
    """The loop and its state, which a killed run finds again in `folder`/transformer.pt."""

    def __init__(
        self,
        network: Network,
        lessons: Lessons,
        recipe: TransformerRecipe,
        folder: Path,
        *,
        walks: Walks | None = None,
    ) -> None:
        """Goes on from the state in `folder`, if there is one. `walks` are read in the steps of
        lines in named hands, if the stage says so."""
        self.network, self.lessons, self.recipe = network, lessons, recipe
        self.walks = walks
        self.average = [weight.detach().clone() for weight in network.parameters()]
        self.optimizers = optimizers(
            network.named_parameters(),
            matrix_rate=recipe.matrix_rate,
            vector_rate=recipe.vector_rate,
            ends=ENDS,
        )
        self.file = folder / STATE
        self.log = Log(self.file.with_suffix(".jsonl"))
        self.step, self.seen, self.seconds = 0, 0, 0.0
        self.read: list[tuple[float, float]] = []
        """What reading cost in each step since the last report, see `reading.Read`."""
        if self.file.exists():
            self._resume(torch.load(self.file, map_location=precision.device()))

    def _resume(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        self.step, self.seen, self.seconds = (state[of] for of in ("step", "seen", "seconds"))
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.walks is not None:
            self.walks.restore(state["walks"])

    def save(self) -> None:
        """Write the whole state."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "seen": self.seen,
            "seconds": self.seconds,
            "walks": {} if self.walks is None else self.walks.state(),
        }
        save_whole(state, self.file)

    def averaged(self) -> dict[str, Tensor]:
        """The averaged weights, by the network's names."""
        names = [name for name, _ in self.network.named_parameters()]
        return dict(zip(names, self.average, strict=True))

    def progress(self, minutes: float | None) -> float:
        """Share of the training that is done: by the clock if `minutes` is given, else by steps."""
        if minutes is None:
            return self.step / self.recipe.steps
        return self.seconds / (60 * minutes)

    def run(self, export: Callable[[], None], *, minutes: float | None, compiled: bool) -> None:
        """Train to the end; every `export_minutes` the state is saved and `export` called."""
        recipe = self.recipe
        if precision.on_cpu():
            self.network.denoiser.set_attn_processor(PlainAttention())
        denoise: Denoise = self.network.denoiser
        if compiled:
            denoise = torch.compile(self.network.denoiser, dynamic=True)
        exported, began = time.monotonic(), time.monotonic()
        errors: Errors = [[] for _ in self.lessons.domains]
        while (done := self.progress(minutes)) < 1:
            self._one(denoise, done, errors)
            now = time.monotonic()
            self.seconds, began = self.seconds + min(now - began, 60.0), now
            if self.step % REPORT == 0:
                self._report(errors, done)
                errors = [[] for _ in errors]
            if now - exported > 60 * recipe.export_minutes:
                self.save()
                export()
                exported = time.monotonic()
        self.save()

    def _one(self, denoise: Denoise, done: float, errors: Errors) -> None:
        recipe = self.recipe
        stage = self.lessons.stage(done)
        which, batch = self.lessons.turn(self.step, stage), stage.batch
        domain = self.lessons.domains[which]
        numbers = np.arange(len(domain.packed)) if domain.order is None else domain.order
        torch.manual_seed(recipe.seed * 1_000_003 + self.step)
        epoch, at = divmod(self.seen, len(numbers) - batch + 1)
        order = np.random.default_rng((recipe.seed, epoch)).permutation(numbers)
        index = torch.from_numpy(order[at : at + batch]).to(domain.packed.device)
        steps = self.step / done if done > 0 else recipe.steps
        factor = rate(self.step, steps=steps, warmup=recipe.warmup, decay_share=recipe.decay_share)
        set_rates(self.optimizers, factor)
        with precision.autocast():
            total, seen = loss(
                self.network, denoise, self.lessons, domain, index, recipe, asks=stage.asks
            )
        total.backward()
        if self.walks is not None and stage.read and domain.name == "lines":
            read = self.walks.cost(denoise, self.step)
            (recipe.reading_weight * read.nats + recipe.paper_weight * read.astray).backward()
            self.read.append((float(read.nats.detach()), float(read.astray.detach())))
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(), 1.0))
        if not math.isfinite(norm):
            raise FloatingPointError(
                f"step {self.step + 1}, {domain.name}: the gradient is not finite; what was saved"
                " before is whole. On some processors --no-compile helps."
            )
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        encoders.hold(self.network.text, self.network.pooled)
        self.step, self.seen = self.step + 1, self.seen + batch
        horizon = max(10.0, recipe.average_horizon * self.step)
        with torch.no_grad():
            torch._foreach_lerp_(self.average, list(self.network.parameters()), 1 / horizon)
        errors[which].append(seen)

    def _report(self, errors: Errors, done: float) -> None:
        by_time, asked = {}, {}
        for domain, of_domain in zip(self.lessons.domains, errors, strict=True):
            if of_domain:
                each, when, wrong = (torch.cat(column) for column in zip(*of_domain, strict=True))
                third = (when * 3).long()
                thirds = [each[third == part].mean().item() for part in range(3)]
                by_time[domain.name] = [round(error, 4) for error in thirds]
                if self.lessons.stage(done).asks:
                    asked[domain.name] = round(wrong.mean().item(), 3)
        self.log(
            step=self.step,
            seen=self.seen,
            progress=done,
            by_time=by_time,
            asked=asked,
            read=[round(sum(of) / len(of), 4) for of in zip(*self.read, strict=True)],
            pictures_per_second=self.seen / max(self.seconds, 1e-9),
        )
        self.read = []
