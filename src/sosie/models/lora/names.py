"""The modules a LoRA may adapt, and every name that other programs have for them.

All dialects agree once dots and underscores are: `transformer_blocks.0.attn.to_q` and
`transformer_blocks_0_attn_to_q` are one flat name. So one table, flat name to module paths, reads
PEFT, kohya, OneTrainer, ComfyUI and LyCORIS keys, with diffusers' names, Black Forest Labs' fused
ones (FLUX.1) or the sgm ones (Stable Diffusion).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Literal

Family = Literal["flux", "sd15", "sdxl"]
Parts = tuple[tuple[str, int], ...]
"""Module paths in row order, each with its share of the rows: `(("….to_q", 1), …)`."""

FAMILY_TITLES: dict[str, str] = {
    "flux": "FLUX.1",
    "sd15": "Stable Diffusion 1.5",
    "sdxl": "Stable Diffusion XL",
}

_FLUX_DOUBLE = {
    "img_attn_qkv": (("attn.to_q", 1), ("attn.to_k", 1), ("attn.to_v", 1)),
    "txt_attn_qkv": (("attn.add_q_proj", 1), ("attn.add_k_proj", 1), ("attn.add_v_proj", 1)),
    "img_attn_proj": (("attn.to_out.0", 1),),
    "txt_attn_proj": (("attn.to_add_out", 1),),
    "img_mlp_0": (("ff.net.0.proj", 1),),
    "img_mlp_2": (("ff.net.2", 1),),
    "txt_mlp_0": (("ff_context.net.0.proj", 1),),
    "txt_mlp_2": (("ff_context.net.2", 1),),
    "img_mod_lin": (("norm1.linear", 1),),
    "txt_mod_lin": (("norm1_context.linear", 1),),
}
_FLUX_SINGLE = {
    "linear1": (("attn.to_q", 1), ("attn.to_k", 1), ("attn.to_v", 1), ("proj_mlp", 4)),
    "linear2": (("proj_out", 1),),
    "modulation_lin": (("norm.linear", 1),),
}
_UNET_TRANSFORMER = (
    *(f"attn{n}.{leaf}" for n in (1, 2) for leaf in ("to_q", "to_k", "to_v", "to_out.0")),
    "ff.net.0.proj",
    "ff.net.2",
)
_UNET_RESNET = {
    "conv1": "in_layers_2",
    "conv2": "out_layers_3",
    "time_emb_proj": "emb_layers_1",
    "conv_shortcut": "skip_connection",
}
_UNET_OUTSIDE = {
    "conv_in": "input_blocks_0_0",
    "conv_out": "out_2",
    "time_embedding.linear_1": "time_embed_0",
    "time_embedding.linear_2": "time_embed_2",
}

_CLIP_LAYERS = 32
"""OpenCLIP-G has that many, CLIP-L twelve."""
_CLIP = (
    *(f"self_attn.{leaf}" for leaf in ("q_proj", "k_proj", "v_proj", "out_proj")),
    "mlp.fc1",
    "mlp.fc2",
)


def flat(path: str) -> str:
    """A module path as kohya writes it."""
    return path.replace(".", "_")


def locate(name: str) -> Parts | None:
    """The modules behind a name in any dialect (prefix removed), or None for an unknown one."""
    return _table().get(flat(name))


def adaptable(path: str) -> bool:
    """Whether every client finds the module of this path again in an exported file."""
    return locate(path) == ((path, 1),)


def is_encoder(path: str) -> bool:
    """Whether a module path of the table belongs to a text encoder, not to the denoiser."""
    return path.startswith("text_encoder")


def is_flux(path: str) -> bool:
    """Whether a module path of the table belongs to FLUX.1 rather than to a U-Net."""
    return path.startswith(("transformer_blocks.", "single_transformer_blocks."))


def unet_family(
    header: Mapping[str, str], modules: Mapping[str, int]
) -> Literal["sd15", "sdxl"] | None:
    """Which Stable Diffusion a U-Net's LoRA is for: "sd15", "sdxl" or None if nothing tells.

    `modules` maps paths to input sizes. The header is asked first, then the width of the text
    embedding (768 or 2048), then which blocks have attention.
    """
    architecture = header.get("modelspec.architecture", "").lower()
    version = header.get("ss_base_model_version", "").lower()
    texts = {n for path, n in modules.items() if path.endswith(("attn2.to_k", "attn2.to_v"))}
    if architecture.startswith("stable-diffusion-xl") or version.startswith("sdxl"):
        return "sdxl"
    if architecture.startswith("stable-diffusion-v1") or version.startswith("sd_v1"):
        return "sd15"
    if architecture.startswith("stable-diffusion-v2") or version.startswith("sd_v2"):
        return None
    if texts & {768, 1024, 2048}:
        return "sd15" if 768 in texts else "sdxl" if 2048 in texts else None
    if _any(r"transformer_blocks\.[1-9]|up_blocks\.0\.attentions", modules):
        return "sdxl"
    if _any(r"down_blocks\.0\.attentions|up_blocks\.2\.attentions|(down|up)_blocks\.3\.", modules):
        return "sd15"
    return None


def _any(pattern: str, paths: Iterable[str]) -> bool:
    return any(re.search(pattern, path) for path in paths)


@cache
def _table() -> dict[str, Parts]:
    return dict((*_flux(), *_unet(), *_clip()))


def _flux() -> Iterator[tuple[str, Parts]]:
    """FLUX.1: 19 double and 38 single blocks at most; the layers around them are left alone."""
    for stem, foreign, count, leaves in (
        ("transformer_blocks", "double_blocks", 19, _FLUX_DOUBLE),
        ("single_transformer_blocks", "single_blocks", 38, _FLUX_SINGLE),
    ):
        for i in range(count):
            for leaf, shares in leaves.items():
                parts = tuple((f"{stem}.{i}.{own}", share) for own, share in shares)
                yield f"{foreign}_{i}_{leaf}", parts
                for path, _ in parts:
                    yield flat(path), ((path, 1),)


def _clip() -> Iterator[tuple[str, Parts]]:
    """The two CLIP text encoders, as `DiffusionBase.encoder_modules` calls their modules.

    Libraries disagree whether there is a `text_model` between encoder and layers.
    """
    for part in ("text_encoder", "text_encoder_2"):
        for i in range(_CLIP_LAYERS):
            for leaf in _CLIP:
                own = ((f"{part}.layers.{i}.{leaf}", 1),)
                for between in ("text_model.encoder", "encoder"):
                    yield flat(f"{part}.{between}.layers.{i}.{leaf}"), own


def _unet() -> Iterator[tuple[str, Parts]]:
    """Every linear and convolution module of SD1.5 and SDXL but SDXL's `add_embedding`.

    That one is mangled by diffusers, so nobody can rely on it.
    """
    for path, foreign in _unet_names():
        yield flat(path), ((path, 1),)
        yield foreign, ((path, 1),)


def _unet_names() -> Iterator[tuple[str, str]]:
    """Pairs of a diffusers path and its flat sgm name; sgm counts three entries a block."""
    yield from _UNET_OUTSIDE.items()
    for i in range(4):
        for j in range(3):
            up = f"output_blocks_{3 * i + j}"
            yield from _attention(f"up_blocks.{i}.attentions.{j}", f"{up}_1")
            yield from _resnet(f"up_blocks.{i}.resnets.{j}", f"{up}_0")
        for j in range(2):
            down = f"input_blocks_{1 + 3 * i + j}"
            yield from _attention(f"down_blocks.{i}.attentions.{j}", f"{down}_1")
            yield from _resnet(f"down_blocks.{i}.resnets.{j}", f"{down}_0")
        yield f"down_blocks.{i}.downsamplers.0.conv", f"input_blocks_{3 * i + 3}_0_op"
        # The upsampler follows the attention where the block has one.
        yield f"up_blocks.{i}.upsamplers.0.conv", f"output_blocks_{3 * i + 2}_1_conv"
        yield f"up_blocks.{i}.upsamplers.0.conv", f"output_blocks_{3 * i + 2}_2_conv"
    yield from _attention("mid_block.attentions.0", "middle_block_1")
    yield from _resnet("mid_block.resnets.0", "middle_block_0")
    yield from _resnet("mid_block.resnets.1", "middle_block_2")


def _attention(path: str, foreign: str) -> Iterator[tuple[str, str]]:
    leaves = [f"transformer_blocks.{n}.{leaf}" for n in range(10) for leaf in _UNET_TRANSFORMER]
    for leaf in ("proj_in", "proj_out", *leaves):
        yield f"{path}.{leaf}", f"{foreign}_{flat(leaf)}"


def _resnet(path: str, foreign: str) -> Iterator[tuple[str, str]]:
    for leaf, other in _UNET_RESNET.items():
        yield f"{path}.{leaf}", f"{foreign}_{other}"
