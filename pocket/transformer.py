"""The FLUX.1-layout transformer and its two text encoders, trained together by rectified flow.

Time 0 is the picture and time 1 the noise, x_t = (1 - t) x + t e; the network says e - x. Latents
are scaled by the autoencoder's two numbers and packed 2x2, as FluxPipeline does it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import FluxTransformer2DModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

from pocket import identity
from pocket.attention import PlainAttention
from pocket.muon import optimizers, set_rates
from pocket.recipe import TextRecipe, TransformerRecipe
from pocket.schedule import Log, rate, save_whole

_ENDS = (
    "known.",
    "text.",
    "pooled.",
    "denoiser.x_embedder",
    "denoiser.context_embedder",
    "denoiser.time_text_embed",
    "denoiser.proj_out",
    "denoiser.norm_out",
)


_GOLDEN = (5**0.5 - 1) / 2
STATE = "transformer.pt"
"""The trainer's state, in the run's folder."""


class Network(nn.Module):
    """What is trained: `denoiser`, `text` (T5) and `pooled` (CLIP).

    `known` turns a person's numbers into what is added to CLIP's word for the whole caption where
    it names them; it serves in training only (see `pocket.identity`).
    """

    def __init__(
        self, recipe: TransformerRecipe, text: TextRecipe, *, t5_words: int, clip_words: int
    ) -> None:
        super().__init__()
        self.denoiser = FluxTransformer2DModel(
            in_channels=64,
            num_layers=recipe.double_blocks,
            num_single_layers=recipe.single_blocks,
            attention_head_dim=recipe.head_width,
            num_attention_heads=recipe.width // recipe.head_width,
            joint_attention_dim=text.width,
            pooled_projection_dim=text.pooled_width,
            guidance_embeds=False,
            axes_dims_rope=recipe.axes,
        )
        self.text = T5EncoderModel(_t5_config(text, t5_words))
        self.pooled = CLIPTextModel(_clip_config(text, clip_words))
        self.known = nn.Sequential(
            nn.Linear(identity.SIZE, text.width),
            nn.SiLU(),
            nn.Linear(text.width, text.pooled_width),
        )
        for module in self.denoiser.modules():
            # Modulations start at zero: every block starts as the identity (DiT's adaLN-zero).
            if hasattr(module, "silu") and hasattr(module, "linear"):
                nn.init.zeros_(module.linear.weight)
                nn.init.zeros_(module.linear.bias)
        nn.init.zeros_(self.denoiser.proj_out.weight)
        nn.init.zeros_(self.denoiser.proj_out.bias)
        nn.init.zeros_(self.known[-1].weight)
        look_around(self.text, spelling=text.spelling_heads)

    def encode(self, t5_ids: Tensor, clip_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Token numbers (B, length) to T5's states (B, length, width), CLIP's pooled (B, width)."""
        return self.text(t5_ids)[0], self.pooled(clip_ids).pooler_output


@torch.no_grad()
def look_around(text: T5EncoderModel, *, spelling: int) -> None:
    """Let T5's first head look at the two tokens before, its second at the two after; and each of
    the last `spelling` heads at one place before, from the nearest on.

    A colour belongs to the noun beside it, and a letter is the fifth because the quotation mark
    stands five places before it. From a flat start the biases, which are shared by all layers, took
    longer to say so than the whole training lasts.
    """
    attention = text.encoder.block[0].layer[0].SelfAttention
    bias = attention.relative_attention_bias.weight
    after = attention.relative_attention_num_buckets // 2
    for distance, amount in ((1, 4.0), (2, 3.0)):
        bias[distance, 0] += amount
        bias[after + distance, 1] += amount
    for distance in range(1, spelling + 1):
        bias[distance, distance - 1 - spelling] += 8.0


Words = Mapping[str, int]
"""A tokenizer's tokens and their numbers."""
_BY_WORD = ("shared.weight", "embed_tokens.weight", "token_embedding.weight")


@torch.no_grad()
def grown(
    network: Network,
    weights: Mapping[str, Tensor],
    words: Mapping[str, tuple[Words, Words]],
) -> dict[str, Tensor]:
    """`weights` of a network with fewer words or fewer heads in T5, fit for `network`, and saying
    what they said: new heads say nothing yet, new words are as `network` has them.

    `words` gives the old and the new tokens of each text encoder, "text" and "pooled". Raises
    ValueError where weights are of another network.
    """
    fit = {}
    for name, fresh in network.state_dict().items():
        if name.startswith("known.") and name not in weights:
            fit[name] = fresh  # earlier runs had none
            continue
        if name not in weights or weights[name].dim() != fresh.dim():
            raise ValueError(f"These weights are of another network: {name}.")
        old, new = weights[name], fresh.clone()
        encoder, _, weight = name.partition(".")
        if weight.endswith(_BY_WORD):
            before, after = words[encoder]
            for word in before.keys() & after.keys():
                new[after[word]] = old[before[word]]
        else:
            if name.endswith("SelfAttention.o.weight"):
                new.zero_()
            new[tuple(slice(size) for size in old.shape)] = old
        fit[name] = new
    return fit


def _t5_config(text: TextRecipe, vocabulary: int) -> T5Config:
    return T5Config(
        vocab_size=vocabulary,
        d_model=text.width,
        d_kv=text.head_width,
        d_ff=text.feed_forward,
        num_layers=text.layers,
        num_heads=text.width // text.head_width + text.spelling_heads,
        # Two directions of exact buckets over the whole caption: FLUX gives text no position of its
        # own, so only T5 knows the order of the words.
        relative_attention_num_buckets=4 * text.length,
        relative_attention_max_distance=4 * text.length,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
        is_encoder_decoder=False,
        use_cache=False,
        pad_token_id=0,
        eos_token_id=1,
    )


def _clip_config(text: TextRecipe, vocabulary: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=text.pooled_width,
        intermediate_size=2 * text.pooled_width,
        projection_dim=text.pooled_width,
        num_hidden_layers=text.pooled_layers,
        num_attention_heads=max(text.pooled_width // 64, 1),
        max_position_embeddings=text.pooled_length,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


@dataclass(frozen=True)
class Domain:
    """Pictures of one shape to learn from."""

    packed: Tensor
    """(N, tokens, 64), bfloat16, scaled."""
    grid: tuple[int, int]
    """Rows and columns of tokens."""
    rows: Tensor
    """(N, K): for each picture, the rows of its K captions in the ids."""
    counts: Tensor
    """(tokens,): how much an error counts at each, 1 on average."""
    share: float
    """Of the steps."""
    codes: Tensor | None = None
    """(N, identity.SIZE): who is on each picture."""


@dataclass(frozen=True)
class Lessons:
    """What the transformer learns from; row 0 of the ids is the empty caption."""

    domains: Sequence[Domain]
    t5_ids: Tensor
    clip_ids: Tensor
    spelled: Tensor
    """(words of T5,): which tokens are letters. Of captions of people only names are spelled."""

    def turn(self, step: int) -> int:
        """Which domain step `step` is of: each as often as its share says, evenly spread."""
        place = step * _GOLDEN % 1
        bounds = np.cumsum([domain.share for domain in self.domains])
        return min(int(np.searchsorted(bounds, place, side="right")), len(bounds) - 1)


def pack(latents: Tensor) -> Tensor:
    """(N, C, h, w) to FLUX's (N, h/2 * w/2, 4C)."""
    count, channels, height, width = latents.shape
    tiles = latents.reshape(count, channels, height // 2, 2, width // 2, 2)
    return tiles.permute(0, 2, 4, 1, 3, 5).reshape(count, -1, channels * 4)


def positions(rows: int, columns: int) -> Tensor:
    """FLUX's picture position ids, (rows * columns, 3): nothing, row, column."""
    index = torch.arange(rows * columns)
    return torch.stack([torch.zeros_like(index), index // columns, index % columns], dim=1).float()


def weights(rows: int, columns: int, most: float) -> Tensor:
    """How much each picture token's error counts, (rows * columns,), with a mean of 1.

    `most` in the middle of where portraits have their face, falling to 1 at the edge.
    """
    down, across = ((torch.arange(length) + 0.5) / length for length in (rows, columns))
    away = (down[:, None] - 0.45).square() + (across[None, :] - 0.5).square()
    counts = 1 + (most - 1) * torch.exp(-away / (2 * 0.17**2))
    return (counts / counts.mean()).flatten()


def times(count: int, mean: float) -> Tensor:
    """Logit-normal times (Esser et al. 2024), one from each of `count` equal parts."""
    uniform = (torch.randperm(count) + torch.rand(count)) / count
    return torch.sigmoid(torch.special.ndtri(uniform.clamp(1e-4, 1 - 1e-4)) + mean)


Denoise = Callable[..., Any]
Errors = list[list[tuple[Tensor, Tensor]]]
"""For each domain, of each batch since the last report: the pictures' errors and times."""
REPORT = 20
"""Steps."""


def loss(
    network: Network,
    denoise: Denoise,
    lessons: Lessons,
    domain: Domain,
    index: Tensor,
    recipe: TransformerRecipe,
) -> tuple[Tensor, Tensor, Tensor]:
    """Weighted squared error of the velocity; also each picture's plain error and time."""
    clean = domain.packed[index].float()
    noise = torch.randn_like(clean)
    at = times(len(index), recipe.time_mean)
    rows = domain.rows[index, torch.randint(domain.rows.shape[1], (len(index),))]
    rows = torch.where(
        torch.rand(len(index)) < recipe.caption_dropout, torch.zeros_like(rows), rows
    )
    states, pooled = network.encode(lessons.t5_ids[rows], lessons.clip_ids[rows])
    if domain.codes is not None:
        told = lessons.spelled[lessons.t5_ids[rows]].any(dim=1)
        told &= torch.rand(len(index)) < recipe.known_share
        pooled = pooled + told[:, None] * network.known(domain.codes[index])
    mixed = torch.lerp(clean, noise, at[:, None, None])
    said = denoise(
        hidden_states=mixed,
        encoder_hidden_states=states,
        pooled_projections=pooled,
        timestep=at,
        img_ids=positions(*domain.grid),
        txt_ids=torch.zeros(states.shape[1], 3),
        return_dict=False,
    )[0]
    errors = (said.float() - (noise - clean)).square().mean(dim=2)
    return (errors * domain.counts).mean(), errors.detach().mean(dim=1), at


class Trainer:
    """The loop and its state, which a killed run finds again in `folder`/transformer.pt."""

    def __init__(
        self,
        network: Network,
        lessons: Lessons,
        recipe: TransformerRecipe,
        folder: Path,
    ) -> None:
        """Goes on from the state in `folder`, if there is one."""
        self.network, self.lessons, self.recipe = network, lessons, recipe
        self.average = [weight.detach().clone() for weight in network.parameters()]
        self.optimizers = optimizers(
            network.named_parameters(),
            matrix_rate=recipe.matrix_rate,
            vector_rate=recipe.vector_rate,
            ends=_ENDS,
        )
        self.file = folder / STATE
        self.log = Log(self.file.with_suffix(".jsonl"))
        self.step, self.seconds = 0, 0.0
        if self.file.exists():
            self._resume(torch.load(self.file))

    def _resume(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        self.step, self.seconds = state["step"], state["seconds"]
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)

    def save(self) -> None:
        """Write the whole state."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "seconds": self.seconds,
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
        """Train to the end, calling `export` every `export_minutes` and once at the end."""
        recipe = self.recipe
        self.network.denoiser.set_attn_processor(PlainAttention())
        denoise: Denoise = self.network.denoiser
        if compiled:
            denoise = torch.compile(self.network.denoiser, dynamic=False)
        exported, began = time.monotonic(), time.monotonic()
        errors: Errors = [[] for _ in self.lessons.domains]
        while (done := self.progress(minutes)) < 1:
            self._one(denoise, done, errors)
            now = time.monotonic()
            self.seconds, began = self.seconds + min(now - began, 60.0), now
            if self.step % REPORT == 0 and all(errors):
                self._report(errors, done)
                errors = [[] for _ in errors]
            if now - exported > 60 * recipe.export_minutes:
                self.save()
                export()
                exported = time.monotonic()
        self.save()
        export()

    def _one(self, denoise: Denoise, done: float, errors: Errors) -> None:
        recipe = self.recipe
        which = self.lessons.turn(self.step)
        domain = self.lessons.domains[which]
        count = len(domain.packed)
        torch.manual_seed(recipe.seed * 1_000_003 + self.step)
        epoch, at = divmod(self.step * recipe.batch, count - recipe.batch + 1)
        order = np.random.default_rng((recipe.seed, epoch)).permutation(count)
        index = torch.from_numpy(order[at : at + recipe.batch])
        steps = self.step / done if done > 0 else recipe.steps
        factor = rate(self.step, steps=steps, warmup=recipe.warmup, decay_share=recipe.decay_share)
        set_rates(self.optimizers, factor)
        with torch.autocast("cpu", torch.bfloat16):
            total, each, when = loss(self.network, denoise, self.lessons, domain, index, recipe)
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        horizon = max(10.0, recipe.average_horizon * self.step)
        with torch.no_grad():
            torch._foreach_lerp_(self.average, list(self.network.parameters()), 1 / horizon)
        errors[which].append((each, when))

    def _report(self, errors: Errors, done: float) -> None:
        by_time = []
        for of_domain in errors:
            each, when = (torch.cat(column) for column in zip(*of_domain, strict=True))
            third = (when * 3).long()
            by_time.append([round(each[third == part].mean().item(), 4) for part in range(3)])
        self.log(
            step=self.step,
            seen=self.step * self.recipe.batch,
            progress=done,
            by_time=by_time,
            pictures_per_second=self.step * self.recipe.batch / max(self.seconds, 1e-9),
        )
