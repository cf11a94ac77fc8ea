"""Begin a training with what a built folder has learned, so that hours add up over the years.

Its weights are an average, rounded: a training that goes on with them has lost its momentum and
nothing else. What answers the questions of `pocket.questions` does not ship, and nothing is asked
any more where the words are known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from pocket import precision, tokens
from pocket.encoders import Words
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
    old = _pieces(folder)
    words = tokens.words_of(old)
    clip = json.loads((folder / "tokenizer" / "tokenizer.json").read_text())["model"]
    merges = [merge if isinstance(merge, list) else merge.split(" ") for merge in clip["merges"]]
    same = tokens.t5_tokenizer(words, length=text.length).get_vocab() == old
    return {"words": words, "merges": merges} if same else None


def knows(folder: Path | None, words: Path, text: TextRecipe) -> bool:
    """Whether the folder knows the words of the file `words`, or of them all that come first.

    Its encoders, which its denoiser has learned to read, are then not taught by captions again.
    """
    if folder is None:
        return False
    old, now = vocabulary(folder, text), json.loads(words.read_text())
    return (
        old is not None
        and old["merges"] == now["merges"]
        and old["words"] == now["words"][: len(old["words"])]
    )


def _pieces(folder: Path) -> dict[str, int]:
    pieces: dict[str, int] = PreTrainedTokenizerFast.from_pretrained(
        folder / "tokenizer_2"
    ).get_vocab()
    return pieces


def weights(network: Network, folder: Path, *, words: Words | None) -> dict[str, Tensor]:
    """The state of `network` once it begins with the folder's weights: all of them, if `words`, its
    T5's, has all that the folder knows, and those that it adds anew; if there are none, all but the
    encoders and what reads them. All on the network's own device.

    Raises ValueError where they are of another network.
    """
    here = network.denoiser.device
    known = {
        f"{part}.{name}": weight.to(here, torch.float32)
        for part, place in _PARTS.items()
        for file in sorted((folder / place).glob("*.safetensors"))
        for name, weight in load_file(file).items()
    }
    anew = (*_TABLES, "readers.", "hearers.")
    if words is None:
        anew += (*_READERS, *_READERS.values())
    own = network.state_dict()
    for name, fresh in own.items():
        if not name.startswith(anew):
            if name not in known or known[name].shape != fresh.shape:
                raise ValueError(f"These weights are of another network: {name}.")
            own[name] = known[name]
    if words is not None:
        spelling, old = network.text.get_input_embeddings(), _pieces(folder)
        table = spelling.table().weight
        with torch.no_grad():
            table[[words[piece] for piece in old]] = known["text.shared.weight"][list(old.values())]
        own |= {
            f"{place}{name}": part
            for place in _TABLES
            for name, part in spelling.taken_apart(table).items()
        }
    return own


def between(
    network: Network, averaged: Mapping[str, Tensor], folder: Path, *, words: Words, share: float
) -> dict[str, Tensor]:
    """Weights on the way from those that a training came to, `averaged`, back to the folder's that
    `network` began with: `share` of the way.

    What was known before and is no longer taught as often is lost on the way out, and what is new
    learned: between both ends, networks that began as one are often better than either (Wortsman
    et al. 2022, arXiv:2109.01903). Words that were added stay as they were learned.
    """
    began = weights(network, folder, words=words)
    return {name: torch.lerp(value, began[name], share) for name, value in averaged.items()}


def taught(network: Network, folder: Path, *, words: Words | None) -> None:
    """Give `network` the folder's weights."""
    network.load_state_dict(weights(network, folder, words=words))
