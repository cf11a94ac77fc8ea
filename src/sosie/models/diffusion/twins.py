"""Tiny twins: the exact layout of each family with random weights, in a few hundred kilobytes.

They are made of stock classes only, with tokenizers that know every character, so that a twin loads
in plain diffusers. Random networks shrink their signal; the last layers are scaled so that answers
have about the size of noise and pictures are no flat grey.
"""

# diffusers carries no types:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor, nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from sosie.models.diffusion import Defaults
from sosie.models.diffusion.components import quiet
from sosie.models.diffusion.folder import SETTINGS, FolderSettings

WIDTH = 16
"""Width of the twins' text encoders."""

SD_SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}
"""The noise schedule of Stable Diffusion 1.5 and XL."""


def write_twin(folder: Path, build: Callable[[], Any], *, seed: int, defaults: Defaults) -> None:
    """Save the pipeline that `build` makes from `seed`, with a `sosie.json` beside its index."""
    with quiet(), torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        build().save_pretrained(folder, safe_serialization=True)
    settings = FolderSettings(name="tiny", licence="Apache-2.0", defaults=defaults)
    (folder / SETTINGS).write_text(json.dumps(settings.model_dump(mode="json"), indent=2) + "\n")


def scale_to_unit(last: nn.Module, answer: Callable[[], Tensor]) -> None:
    """Scale a network's last layer so that its `answer` has mean 0 and standard deviation 1."""
    before = answer()
    assert isinstance(last.weight, nn.Parameter) and isinstance(last.bias, nn.Parameter)
    factor = 1 / before.std()
    last.weight.mul_(factor)
    last.bias.sub_(before.mean()).mul_(factor)


def autoencoder(*, channels: int, scale: float, shift: float | None = None) -> Any:
    """An f8 autoencoder of width 8 whose latents and pictures fill their ranges."""
    vae: Any = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        latent_channels=channels,
        norm_num_groups=4,
        sample_size=32,
        scaling_factor=scale,
        shift_factor=shift,
        use_quant_conv=shift is None,
        use_post_quant_conv=shift is None,
    )
    vae.eval()
    pictures = torch.rand(2, 3, 64, 64) * 2 - 1
    scale_to_unit(vae.encoder.conv_out, lambda: vae.encoder(pictures)[:, :channels] * scale)
    latents = torch.randn(2, channels, 8, 8) / scale + (shift or 0.0)
    scale_to_unit(vae.decoder.conv_out, lambda: vae.decode(latents).sample * 2)
    return vae


def clip_tokenizer() -> CLIPTokenizer:
    """CLIP's byte-level tokenizer without merges: every character is a token."""
    characters = sorted(ByteLevel.alphabet())
    words = [*characters, *(f"{c}</w>" for c in characters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=77
    )


def t5_tokenizer() -> T5Tokenizer:
    """T5's unigram tokenizer over single printable ASCII characters."""
    characters = [c for c in string.printable if not c.isspace()]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -10.0), ("▁", -2.0)]
    pieces += [(c, -3.0) for c in characters]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=512)


def clip_encoder(tokenizer: CLIPTokenizer, *, projected: bool = False) -> Any:
    """A CLIP text model of two layers; `projected` gives the variant with a text projection."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=77,
        projection_dim=WIDTH,
        hidden_act="gelu" if projected else "quick_gelu",
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    encoder = (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)
    return _spread(encoder)


def t5_encoder(tokenizer: T5Tokenizer) -> Any:
    """A T5 encoder of two layers, gated like v1.1."""
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=WIDTH,
        d_kv=8,
        d_ff=2 * WIDTH,
        num_layers=2,
        num_heads=2,
        feed_forward_proj="gated-gelu",
    )
    return _spread(T5EncoderModel(config))


def _spread(encoder: Any) -> Any:
    """Spread token embeddings to unit size, so that captions are told apart."""
    embedding = encoder.get_input_embeddings()
    embedding.weight.normal_()
    return encoder.eval()
