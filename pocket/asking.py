"""What asks the questions, taught by itself before a training goes on.

A folder that a training begins with has learned, and what asked it the questions of
`pocket.questions` does not ship. Asking anew, it knows no answer yet, and what it would have the
network change for the first minutes is wrong: so it learns to ask first, of a network that is held
still, at the cost of passes without a way back.
"""

from __future__ import annotations

from pathlib import Path

import torch

from pocket import precision
from pocket.lessons import Lessons
from pocket.muon import set_rates
from pocket.recipe import TransformerRecipe
from pocket.schedule import REPORT, Log, rate, save_whole
from pocket.transformer import Network, loss

_PARTS = ("readers.", "hearers.")


def train(network: Network, lessons: Lessons, recipe: TransformerRecipe, run: Path) -> None:
    """Teach them, or read what was taught in `run` before; the rest of `network` stays as it is."""
    file = run / "asking.pt"
    if file.exists():
        network.load_state_dict(torch.load(file, map_location=precision.device()), strict=False)
        return
    still = [weight for name, weight in network.named_parameters() if not name.startswith(_PARTS)]
    learned = [weight for name, weight in network.named_parameters() if name.startswith(_PARTS)]
    # As Muon's companion takes them in the training itself, where all of them are ends.
    optimizer = torch.optim.AdamW(learned, recipe.vector_rate, betas=(0.9, 0.95), weight_decay=0.0)
    log, wrong, stage = Log(file.with_suffix(".jsonl")), dict[str, float](), lessons.stage(0.0)
    for weight in still:
        weight.requires_grad_(False)
    for step in range(recipe.asking_steps):
        torch.manual_seed(step)
        domain = lessons.domains[lessons.turn(step, stage)]
        index = torch.randint(len(domain.packed), (stage.batch,))
        set_rates([optimizer], rate(step, steps=recipe.asking_steps, warmup=20, decay_share=0.5))
        with precision.autocast():
            total, seen = loss(network, network.denoiser, lessons, domain, index, recipe)
        total.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        now = seen[-1].mean().item()
        wrong[domain.name] = now + 0.9 * (wrong.get(domain.name, now) - now)
        if (step + 1) % REPORT == 0:
            log(step=step + 1, asked={name: round(value, 3) for name, value in wrong.items()})
    for weight in still:
        weight.requires_grad_(True)
    state = network.state_dict()
    save_whole({name: state[name] for name in state if name.startswith(_PARTS)}, file)
