"""Trained parts to a diffusers folder that `FluxPipeline.from_pretrained` loads as it stands."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline
from diffusers.models.transformers.transformer_flux import FluxAttnProcessor
from torch import Tensor
from transformers import CLIPTokenizer, PreTrainedTokenizerFast

from pocket.people import UNSEEN_COLOURS, UNSEEN_PLACES
from pocket.recipe import Recipe
from pocket.transformer import Network
from sosie.world.letters import family_names
from sosie.world.people import HELD_OUT_EVERY
from sosie.world.writing import WORD

LICENCE = Path(__file__).resolve().parent.parent / "LICENSE"
CARD = "CARD.md"
"""Written last of all."""


@dataclass(frozen=True)
class Parts:
    """Everything that goes into the folder."""

    network: Network
    autoencoder: AutoencoderKL
    t5_tokenizer: PreTrainedTokenizerFast
    clip_tokenizer: CLIPTokenizer


def pipeline(parts: Parts, weights: Mapping[str, Tensor] | None = None) -> FluxPipeline:
    """A FLUX pipeline over a copy of the network, with `weights` in place of its own if given."""
    network = copy.deepcopy(parts.network).eval()
    if weights is not None:
        network.load_state_dict(dict(weights), strict=False)
    network.denoiser.set_attn_processor(FluxAttnProcessor())
    network.text.set_input_embeddings(network.text.get_input_embeddings().table())
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0, use_dynamic_shifting=False),
        vae=parts.autoencoder,
        text_encoder=network.pooled,
        tokenizer=parts.clip_tokenizer,
        text_encoder_2=network.text,
        tokenizer_2=parts.t5_tokenizer,
        transformer=network.denoiser,
    )


def write(
    folder: Path,
    parts: Parts,
    weights: Mapping[str, Tensor],
    recipe: Recipe,
    figures: Mapping[str, object],
) -> None:
    """Write the folder, whole or not at all."""
    with replacing(folder) as fresh:
        _fill(fresh, parts, weights, recipe, figures)


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A folder to fill beside `folder`, which takes its place once it is filled."""
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    yield fresh
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _fill(
    fresh: Path,
    parts: Parts,
    weights: Mapping[str, Tensor],
    recipe: Recipe,
    figures: Mapping[str, object],
) -> None:
    made = pipeline(parts, weights)
    made.vae = copy.deepcopy(made.vae)
    made.transformer.to(torch.bfloat16)
    made.vae.to(torch.float16)  # three bits more, and its values are small
    # The text encoders stay in float32: transformers loads what is stored, diffusers loads float32,
    # and a plain `from_pretrained` must give parts that agree.
    made.save_pretrained(fresh)
    _by_the_old_name(fresh / "model_index.json", fresh / "tokenizer_2" / "tokenizer_config.json")
    _placeless(fresh / "vae" / "config.json")
    defaults = {
        "width": recipe.side,
        "height": recipe.side,
        "steps": recipe.sampling_steps,
        "guidance": 1.0,
        "true_guidance": recipe.true_guidance,
        "text_length": recipe.text.length,
        "buckets": [recipe.side],
    }
    training = {
        "steps": recipe.lora_steps,
        "learning_rate": recipe.lora_rate,
        "shift": recipe.lora_shift,
        "identity_weight": recipe.lora_identity,
    }
    of_hands = {
        "steps": recipe.lora_hand_steps,
        "shift": recipe.lora_hand_shift,
        "reading_from": recipe.lora_hand_reading_from,
        "reading_weight": recipe.lora_hand_reading,
        "hand_weight": recipe.lora_hand,
        "hold_weight": recipe.lora_hand_hold,
    }
    about = {
        "name": "pocket",
        "licence": "Apache-2.0",
        "defaults": defaults,
        "training": training,
        "training_of": {"handwriting": of_hands},
    }
    (fresh / "sosie.json").write_text(json.dumps(about, indent=2) + "\n")
    shutil.copyfile(LICENCE, fresh / "LICENSE")
    (fresh / CARD).write_text(card(recipe, {**figures, "Weights": weights_sha256(fresh)}))


def _by_the_old_name(*files: Path) -> None:
    """The tokenizer's class as transformers 4 knew it too: 5 has another name for the same."""
    for file in files:
        text = file.read_text()
        file.write_text(text.replace(PreTrainedTokenizerFast.__name__, "PreTrainedTokenizerFast"))


def _placeless(file: Path) -> None:
    """Without the folder that the part was read from: it lies on one machine, and may be gone."""
    known = json.loads(file.read_text())
    known.pop("_name_or_path", None)
    file.write_text(json.dumps(known, indent=2) + "\n")


def weights_sha256(folder: Path) -> str:
    """One hash over all weight files, in the order of their paths."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.safetensors")):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return f"sha256 {digest.hexdigest()}"


def card(recipe: Recipe, figures: Mapping[str, object]) -> str:
    """The model card, with the build's own figures."""
    size = recipe.transformer
    rows = "\n".join(f"| {name} | {value} |" for name, value in figures.items())
    return _CARD.format(
        side=recipe.side,
        line_width=WORD[0],
        line_height=WORD[1],
        width=size.width,
        double=size.double_blocks,
        single=size.single_blocks,
        steps=recipe.sampling_steps,
        guidance=recipe.true_guidance,
        length=recipe.text.length,
        rows=rows,
        every=HELD_OUT_EVERY,
        last=HELD_OUT_EVERY - 1,
        unseen=", ".join(
            [
                *(f"a {colour} {garment}" for colour, garment in UNSEEN_COLOURS),
                *(f"a {garment} before {place}" for garment, place in UNSEEN_PLACES),
            ]
        ),
        families=len(family_names(held_out=True)),
        held_out=", ".join(family_names(held_out=True)),
    )


_CARD = """\
# pocket

A FLUX.1 in miniature ({width} wide, {double} double and {single} single blocks), trained from
nothing on drawn people who do not exist, at {side}x{side} pixels, and on words in drawn hands, at
{line_width}x{line_height}. It has the exact layout of FLUX.1: what trains, loads and merges here
does so there.

It is a model organism. It exists so that everything Sosie does can be tried, tested and measured
on a laptop without a download. **It is not for pictures of real people**: it knows only the drawn
kind, and pictures of it prove nothing about photographs.

    from diffusers import FluxPipeline
    pipe = FluxPipeline.from_pretrained(folder)
    pipe("...", width={side}, height={side}, num_inference_steps={steps}, true_cfg_scale={guidance},
         negative_prompt="", max_sequence_length={length})

Captions are read to {length} tokens; words it was not trained on are spelled letter by letter, and
so is what a note says: `a note that reads "bread" in blue ink`. It is in one usual hand, unless the
hand is described: `thin slanted cursive handwriting that reads "bread"`.

| | |
|---|---|
{rows}

Kept from all training: people and writers whose seed leaves {last} when divided by {every}
(`sosie.world.people.is_held_out`); texts by their hash, one in {every}
(`sosie.world.texts.is_held_out_text`); {unseen}; and {families} families of letters:
{held_out}.

Licence: Apache-2.0. Training data: drawn by `python -m pocket.draw` from `sosie.world`; no
photograph and no scan was used, in any part. Letters are of handwriting fonts, by the licences in
`sosie/world/hands.LICENSES.md`. Its like is made by `python -m pocket.build`.
"""
