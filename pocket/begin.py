"""Begin a training with what a built folder has learned, so that hours add up over the years.

Its weights are an average, rounded: a training that goes on with them has lost its momentum and
nothing else. What answers the questions of `pocket.questions` does not ship and begins anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from pocket import precision, tokens
from pocket.recipe import TextRecipe
from pocket.transformer import Network

_PARTS = {"denoiser": "transformer", "text": "text_encoder_2", "pooled": "text_encoder"}
"""The network's parts, and where the folder keeps them."""
_READERS = {
    "text.": "denoiser.context_embedder.",
    "pooled.": "denoiser.time_text_embed.text_embedder.",
}
"""Each encoder, and the layer that reads it."""
_TABLES = ("text.shared.", "text.encoder.embed_tokens.")
"""One table by two names."""


def autoencoder(folder: Path) -> AutoencoderKL:
    """The folder's autoencoder, in float32."""
    made: AutoencoderKL = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32)
    return made.to(precision.device(), memory_format=torch.channels_last)


def vocabulary(folder: Path, text: TextRecipe) -> dict[str, Any] | None:
    """The words and merges of the folder's tokenizers; None if this recipe would make others of
    them, so that its encoders are of no use here."""
    old = PreTrainedTokenizerFast.from_pretrained(folder / "tokenizer_2")
    words = tokens.words_of(old.get_vocab())
    clip = json.loads((folder / "tokenizer" / "tokenizer.json").read_text())["model"]
    merges = [merge if isinstance(merge, list) else merge.split(" ") for merge in clip["merges"]]
    same = tokens.t5_tokenizer(words, length=text.length).get_vocab() == old.get_vocab()
    return {"words": words, "merges": merges} if same else None


def weights(network: Network, folder: Path, *, same_words: bool) -> dict[str, Tensor]:
    """The state of `network` once it begins with the folder's weights: all of them, or, where the
    folder knows other words, all but the encoders and what reads them.

    Raises ValueError where they are of another network.
    """
    known = {
        f"{part}.{name}": weight.float()
        for part, place in _PARTS.items()
        for file in sorted((folder / place).glob("*.safetensors"))
        for name, weight in load_file(file).items()
    }
    anew = (*_TABLES, "readers.", "hearers.")
    if not same_words:
        anew += (*_READERS, *_READERS.values())
    own = network.state_dict()
    for name, fresh in own.items():
        if not name.startswith(anew):
            if name not in known or known[name].shape != fresh.shape:
                raise ValueError(f"These weights are of another network: {name}.")
            own[name] = known[name]
    if same_words:
        table = network.text.get_input_embeddings().taken_apart(known["text.shared.weight"])
        own |= {f"{place}{name}": part for place in _TABLES for name, part in table.items()}
    return own


def taught(network: Network, folder: Path, *, same_words: bool) -> None:
    """Give `network` the folder's weights."""
    network.load_state_dict(weights(network, folder, same_words=same_words))
