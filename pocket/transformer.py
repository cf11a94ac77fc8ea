"""The FLUX.1-layout transformer and its two text encoders, trained together by rectified flow.

Time 0 is the picture and time 1 the noise, x_t = (1 - t) x + t e; the network says e - x. Latents
are scaled by the autoencoder's two numbers and packed 2x2, as FluxPipeline does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from diffusers import FluxTransformer2DModel
from torch import Tensor, nn

from pocket import encoders, questions
from pocket.lessons import Domain, Lessons
from pocket.recipe import TextRecipe, TransformerRecipe

ENDS = (
    "text.shared.",
    "text.encoder.block.0.layer.0.SelfAttention.relative_attention_bias",
    "pooled.embeddings.",
    "denoiser.x_embedder",
    "denoiser.context_embedder",
    "denoiser.time_text_embed",
    "denoiser.proj_out",
    "denoiser.norm_out",
    "readers.",
    "hearers.",
)


class Network(nn.Module):
    """What is trained: `denoiser`, `text` (T5) and `pooled` (CLIP), which ship.

    And what does not ship: `readers`, which answer what is asked of the picture's tokens behind the
    double blocks and in the middle of the single ones, and `hearers`, which answer what is asked of
    the encoders.
    """

    def __init__(
        self,
        recipe: TransformerRecipe,
        text: TextRecipe,
        *,
        t5_words: encoders.Words,
        clip_words: encoders.Words,
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
        self.text = encoders.t5(text, t5_words)
        self.pooled = encoders.clip(text, clip_words)
        sizes = {"people": questions.PEOPLE, "lines": questions.LINES + questions.HANDS}
        asked = (
            self.denoiser.transformer_blocks[-1],
            self.denoiser.single_transformer_blocks[(recipe.single_blocks - 1) // 2],
        )
        self.readers = nn.ModuleDict(
            {
                of: nn.ModuleList(questions.Reader(recipe.width, answers) for _ in asked)
                for of, answers in sizes.items()
            }
        )
        self.hearers = questions.Hearers(text.width, text.pooled_width)
        self.between: list[Tensor] = []
        """The picture tokens' states behind these blocks, of a pass not yet asked about."""
        for block in asked:
            block.register_forward_hook(self._keep)
        for module in self.denoiser.modules():
            # Modulations start at zero: every block starts as the identity (DiT's adaLN-zero).
            if hasattr(module, "silu") and hasattr(module, "linear"):
                nn.init.zeros_(module.linear.weight)
                nn.init.zeros_(module.linear.bias)
        nn.init.zeros_(self.denoiser.proj_out.weight)
        nn.init.zeros_(self.denoiser.proj_out.bias)

    def _keep(self, _block: nn.Module, _given: object, states: tuple[Tensor, Tensor]) -> None:
        if torch.is_grad_enabled():
            self.between.append(states[1])

    def heard(
        self, domain: Domain, index: Tensor, ids: Tensor, states: Tensor, pooled: Tensor
    ) -> Tensor:
        """What wrong answers of the encoders to what is asked about these pictures of `domain`
        cost, (B,); `states` and `pooled` are of the T5 tokens `ids` and their CLIP ones."""
        if domain.spans is not None:
            assert domain.hands is not None, "every line is in a hand"
            placed = self.text.get_input_embeddings().placed[ids]
            where, whose = domain.spans[index].float(), domain.hands[index].float()
            return self.hearers.about_lines(states, placed, pooled, where, whose)
        return self.hearers.about_people(states, pooled, domain.asked_of(index))

    def seen(self) -> list[Tensor]:
        """What was kept of the last pass."""
        kept, self.between = self.between, []
        return kept

    def encode(self, t5_ids: Tensor, clip_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Token numbers (B, length) to T5's states (B, length, width), CLIP's pooled (B, width)."""
        return self.text(t5_ids)[0], self.pooled(clip_ids).pooler_output


def pack(latents: Tensor) -> Tensor:
    """(N, C, h, w) to FLUX's (N, h/2 * w/2, 4C)."""
    count, channels, height, width = latents.shape
    tiles = latents.reshape(count, channels, height // 2, 2, width // 2, 2)
    return tiles.permute(0, 2, 4, 1, 3, 5).reshape(count, -1, channels * 4)


def unpack(packed: Tensor, grid: tuple[int, int]) -> Tensor:
    """The inverse of `pack`, of tokens in so many rows and columns."""
    (count, _, width), (rows, columns) = packed.shape, grid
    tiles = packed.reshape(count, rows, columns, width // 4, 2, 2)
    return tiles.permute(0, 3, 1, 4, 2, 5).reshape(count, width // 4, 2 * rows, 2 * columns)


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


def where_inked(inked: Tensor, rows: int, most: float) -> Tensor:
    """The same for lines, (N, rows * columns), from how much of each column letters cover,
    (N, columns): `most` in columns that they fill, 1 on paper."""
    counts = 1 + (most - 1) * inked
    return (counts / counts.mean()).repeat(1, rows)


def times(count: int, mean: float) -> Tensor:
    """Logit-normal times (Esser et al. 2024), one from each of `count` equal parts."""
    uniform = (torch.randperm(count) + torch.rand(count)) / count
    return torch.sigmoid(torch.special.ndtri(uniform.clamp(1e-4, 1 - 1e-4)) + mean)


Denoise = Callable[..., Any]


def loss(
    network: Network,
    denoise: Denoise,
    lessons: Lessons,
    domain: Domain,
    index: Tensor,
    recipe: TransformerRecipe,
    *,
    asks: bool = True,
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """Weighted squared error of the velocity, and, where it `asks`, what wrong answers cost.

    Also each picture's plain error and time, and the cross entropy of the last reader's answers.
    """
    clean = domain.packed[index].float()
    noise = torch.randn_like(clean)
    at = times(len(index), domain.time_mean)
    rows = domain.rows[index, torch.randint(domain.rows.shape[1], (len(index),))]
    rows = torch.where(
        torch.rand(len(index)) < recipe.caption_dropout, torch.zeros_like(rows), rows
    )
    ids, clip_ids = lessons.told(rows)
    states, pooled = network.encode(ids, clip_ids)
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
    counts = domain.counts if domain.counts.ndim == 1 else domain.counts[index]
    total, wrong, seen = (errors * counts).mean(), torch.zeros(len(index)), network.seen()
    if asks and domain.answers is not None:
        # Who is told nothing can answer nothing.
        told = rows != 0
        answers = domain.asked_of(index)
        for reader, between in zip(network.readers[domain.asked], seen, strict=True):
            wrong = reader(between, answers, domain.grid)
            total = total + domain.asked_weight * (wrong * told).mean()
        heard = network.heard(domain, index, ids, states, pooled)
        total = total + recipe.asked_of_text * (heard * told).mean()
    return total, (errors.detach().mean(dim=1), at, wrong.detach())
