"""The encoders taught by captions alone, before there are pictures.

What a caption says can be asked of the encoders' states: what of the person, and how far to the
right each letter will stand. A pass through them takes an eighth of one through the denoiser, which
would otherwise have to teach them all words by what they change in pictures.
"""

from __future__ import annotations

from pathlib import Path

import torch

from pocket import encoders, precision
from pocket.lessons import Lessons
from pocket.muon import optimizers, set_rates
from pocket.recipe import TextRecipe
from pocket.schedule import REPORT, Log, rate, save_whole
from pocket.transformer import ENDS, Network

_PARTS = ("text.", "pooled.", "hearers.")


def train(network: Network, lessons: Lessons, recipe: TextRecipe, run: Path) -> None:
    """Teach them, or read what was taught in `run` before. Domains take turns."""
    file = run / "encoders.pt"
    if file.exists():
        network.load_state_dict(torch.load(file, map_location=precision.device()), strict=False)
        return
    learned = [pair for pair in network.named_parameters() if pair[0].startswith(_PARTS)]
    made = optimizers(
        learned, matrix_rate=recipe.matrix_rate, vector_rate=recipe.vector_rate, ends=ENDS
    )
    log, wrong = Log(file.with_suffix(".jsonl")), dict[str, float]()
    for step in range(recipe.hearing_steps):
        torch.manual_seed(step)
        people, *written = lessons.domains
        domain = people if step % 2 else written[step // 2 % len(written)]
        index = torch.randint(len(domain.rows), (recipe.hearing_batch,))
        rows = domain.rows[index, torch.randint(domain.rows.shape[1], (len(index),))]
        set_rates(made, rate(step, steps=recipe.hearing_steps, warmup=20, decay_share=0.5))
        with precision.autocast():
            ids, clip_ids = lessons.told(rows)
            heard = network.heard(domain, index, ids, *network.encode(ids, clip_ids)).mean()
        heard.backward()
        torch.nn.utils.clip_grad_norm_([weight for _, weight in learned], 1.0)
        for optimizer in made:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        encoders.hold(network.text, network.pooled)
        kept = wrong.get(domain.name, heard.item())
        wrong[domain.name] = kept + (heard.item() - kept) / 10
        if (step + 1) % REPORT == 0:
            log(step=step + 1, asked={name: round(value, 3) for name, value in wrong.items()})
    state = network.state_dict()
    save_whole({name: state[name] for name in state if name.startswith(_PARTS)}, file)
