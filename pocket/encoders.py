"""The two text encoders, T5 and CLIP: transformers' own classes, made small, from nothing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

import torch
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel
from transformers.models.clip.modeling_clip import CLIPAttention
from transformers.models.t5.modeling_t5 import T5Attention

from pocket.recipe import TextRecipe
from pocket.tokens import PLACES, place_of

Words = Mapping[str, int]
"""A tokenizer's tokens and their numbers."""
_SPREAD = 2.0
"""Standard deviation of a query's products with keys; a bias of 8 is then well heard."""


class Spelling(nn.Module):
    """T5's table of words, in which a quoted letter is the sum of the letter and its place.

    So what is learned of a letter in one place holds in all. Once trained, `table` is the plain
    table that it stands for.
    """

    def __init__(self, words: Words, width: int) -> None:
        super().__init__()
        letters: dict[str, int] = {}
        word_of, placed = torch.arange(len(words)), torch.zeros(len(words), dtype=torch.long)
        # By number: a tokenizer tells its words in another order each time.
        for token, number in sorted(words.items(), key=lambda each: each[1]):
            if (known := place_of(token)) is not None:
                letter, place = known
                word_of[number] = letters.setdefault(letter, len(words) + len(letters))
                placed[number] = place + 1
        self.word_of: Tensor
        self.placed: Tensor
        self.register_buffer("word_of", word_of, persistent=False)
        self.register_buffer("placed", placed, persistent=False)
        self.words = nn.Embedding(len(words) + len(letters), width)
        self.places = nn.Embedding(PLACES + 1, width, padding_idx=0)
        with torch.no_grad():
            self.places.weight[1:] = _waves(PLACES, width)

    def forward(self, ids: Tensor) -> Tensor:
        """(B, length) to (B, length, width)."""
        return self.words(self.word_of[ids]) + self.places(self.placed[ids])

    @torch.no_grad()
    def taken_apart(self, table: Tensor) -> dict[str, Tensor]:
        """The state that stands for a plain table which once came of `table`.

        Letters and places are told apart up to a vector that all letters gain and all places lose.
        """
        table = table.to(self.words.weight.device)
        words, places = self.words.weight.clone(), torch.zeros_like(self.places.weight)
        plain = self.placed == 0
        words[self.word_of[plain]] = table[plain]
        # Every letter stands at every place, so that means over one part tell the other.
        letters = self.word_of[~plain].unique()
        square = table.new_empty(len(letters), PLACES, table.shape[1])
        square[self.word_of[~plain] - letters[0], self.placed[~plain] - 1] = table[~plain]
        words[letters] = square.mean(dim=1)
        places[1:] = square.mean(dim=0) - square.mean(dim=(0, 1))
        return {"words.weight": words, "places.weight": places}

    @torch.no_grad()
    def table(self) -> nn.Embedding:
        """The same as a plain table."""
        return nn.Embedding.from_pretrained(self(torch.arange(len(self.word_of))), freeze=False)


def _waves(count: int, width: int) -> Tensor:
    """(count, width), of variance 1: waves of many lengths, so that places near each other are
    alike, turned at random to fall in all of the width."""
    quarter = width // 4
    lengths = 1.5 * torch.exp(-3 * torch.arange(quarter) / (quarter - 1))
    angles = torch.arange(1, count + 1)[:, None] * lengths
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)
    return waves @ torch.randn(2 * quarter, width) / quarter**0.5


def t5(text: TextRecipe, words: Words) -> T5EncoderModel:
    """An untrained T5, with `Spelling` for a table."""
    config = T5Config(
        vocab_size=len(words),
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
    made = T5EncoderModel(config)
    made.set_input_embeddings(Spelling(words, text.width))
    _look_around(made, spelling=text.spelling_heads)
    return made


@torch.no_grad()
def _look_around(text: T5EncoderModel, *, spelling: int) -> None:
    """Let T5's first head look at the two tokens before, its second at the two after; and each of
    the last `spelling` heads at one place before, from the nearest on.

    A colour belongs to the noun beside it, and where a letter stands depends on the width of those
    before it. From a flat start the biases, which are shared by all layers, took longer to say so
    than the whole training lasts.
    """
    attention = text.encoder.block[0].layer[0].SelfAttention
    bias = attention.relative_attention_bias.weight
    after = attention.relative_attention_num_buckets // 2
    for distance, amount in ((1, 4.0), (2, 3.0)):
        bias[distance, 0] += amount
        bias[after + distance, 1] += amount
    for distance in range(1, spelling + 1):
        bias[distance, distance - 1 - spelling] += 8.0


@torch.no_grad()
def hold(*encoders: nn.Module) -> None:
    """Keep queries and keys so small that, of what two tokens say, products spread by no more than
    `_SPREAD`.

    Muon's steps make them grow without end. After 12,000 the products of T5, which divides them by
    nothing, were in the hundreds: each head looked at one token for good, whatever the biases of
    positions say, with no slope left to unlearn it, and which colour is whose was told by chance.
    QK-Clip (Kimi K2, arXiv:2507.20534) bounds the products that are seen; here the weights, by what
    products they give where the states are of unit size.
    """
    for module in chain.from_iterable(encoder.modules() for encoder in encoders):
        if isinstance(module, T5Attention):
            pair, width = (module.q.weight, module.k.weight), module.key_value_proj_dim
        elif isinstance(module, CLIPAttention):
            # Divided by the root of the width, and so is what they may be.
            pair, width = (module.q_proj.weight, module.k_proj.weight), 1
        else:
            continue
        most = (_SPREAD / (pair[0].shape[1] * width**0.5)) ** 0.5
        for weight in pair:
            weight.mul_((most / weight.square().mean().sqrt()).clamp(max=1))


def clip(text: TextRecipe, words: Words) -> CLIPTextModel:
    """An untrained CLIP."""
    config = CLIPTextConfig(
        vocab_size=len(words),
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
    return CLIPTextModel(config)
