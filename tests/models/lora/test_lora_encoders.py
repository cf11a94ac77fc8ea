"""LoRAs of others that adapt the text encoders too."""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DiffusionPipeline

from sosie.core.errors import WeightsRefused
from sosie.models import lora
from sosie.models.diffusion import family
from sosie.models.diffusion.base import DiffusionBase, SampleRequest
from sosie.models.lora.names import flat
from tests.models.lora.files import RANK, factors, save

LEAVES = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj")
LEAVES += ("mlp.fc1", "mlp.fc2")
ENCODERS = {
    "sd15 kohya": {"text_encoder": "lora_te_"},
    "sdxl kohya": {"text_encoder": "lora_te1_", "text_encoder_2": "lora_te2_"},
    "flux kohya": {"text_encoder": "lora_te1_"},
    "flux peft": {"text_encoder": "text_encoder."},
    "sdxl peft": {"text_encoder": "text_encoder.", "text_encoder_2": "text_encoder_2."},
}
DENOISERS = {
    "sd15": "mid_block.attentions.0.transformer_blocks.0.attn2.to_k",
    "sdxl": "mid_block.attentions.0.transformer_blocks.0.attn2.to_k",
    "flux": "transformer_blocks.0.ff.net.2",
}
BFL = {"transformer_blocks.0.ff.net.2": "double_blocks.0.img_mlp.2"}


@pytest.fixture(scope="module", params=ENCODERS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A base, its folder, and the tensors of a file that adapts one denoiser module and CLIP."""
    kind, _, style = request.param.partition(" ")
    folder = tmp_path_factory.mktemp("base") / kind
    base = family(kind).tiny(folder)
    own = {**dict(base.denoiser.named_modules()), **base.encoder_modules()}

    def pair(path: str) -> tuple[torch.Tensor, torch.Tensor]:
        rows, columns = own[path].weight.shape
        a, b = factors(rows, columns, seed=len(path))
        return a / columns**0.5, b / 2

    names = {DENOISERS[kind]: _denoiser_name(kind, style)}
    for part, prefix in ENCODERS[request.param].items():
        for i in range(2):
            for leaf in LEAVES:
                long = f"text_model.encoder.layers.{i}.{leaf}"
                named = prefix + (flat(long) if style == "kohya" else long)
                names[f"{part}.layers.{i}.{leaf}"] = named
    tensors, deltas = {}, {}
    down, up = ("lora_down", "lora_up") if style == "kohya" else ("lora_A", "lora_B")
    for path, name in names.items():
        a, b = pair(path)
        tensors |= {f"{name}.{down}.weight": a, f"{name}.{up}.weight": b}
        deltas[path] = b @ a
        if style == "kohya":
            tensors[f"{name}.alpha"] = torch.tensor(2.0)
            deltas[path] *= 2 / RANK
    return base, folder, tensors, deltas


def _denoiser_name(kind: str, style: str) -> str:
    path = DENOISERS[kind]
    if style == "kohya":
        return "lora_unet_" + flat(BFL.get(path, path))
    return ("transformer." if kind == "flux" else "unet.") + path


HEADERS = {"sdxl": "sdxl_base_v1-0", "sd15": "sd_v1", "flux": "flux1"}


def read(base: DiffusionBase, tensors: dict[str, torch.Tensor], folder: Path) -> lora.LoraFile:
    header = {"ss_base_model_version": HEADERS[base.family]}
    return lora.read(save(folder / "a.safetensors", tensors, header))


def ask(base: DiffusionBase) -> SampleRequest:
    usual = base.info.defaults
    return SampleRequest(
        prompts=("photo of ohwx",), seeds=(3,), width=usual.width, height=usual.height,
        steps=2, guidance=usual.guidance,
    )  # fmt: skip


def test_every_module_is_read_at_its_scale(case: Any, tmp_path: Path) -> None:
    base, _, tensors, deltas = case
    file = read(base, tensors, tmp_path)
    assert file.family == base.family and file.modules.keys() == deltas.keys()
    for path, wanted in deltas.items():
        assert torch.allclose(lora.delta(file, path), wanted, rtol=1e-5, atol=1e-6)


def test_draws_what_diffusers_draws_and_is_gone_afterwards(case: Any, tmp_path: Path) -> None:
    base, folder, tensors, _ = case
    file, request = read(base, tensors, tmp_path), ask(base)
    alone = base.sample(request)
    with lora.applied(base, [(file, 1.0)]):
        ours, words = base.sample(request), base.encode_text(request.prompts)
    assert torch.equal(base.sample(request), alone)
    with lora.applied(base, [(without_encoders(file), 1.0)]):
        half = base.sample(request)
    assert (ours - half).abs().max() > 0.02

    pipe = DiffusionPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    pipe.load_lora_weights(tmp_path / "a.safetensors")
    call: dict[str, Any] = {}
    if "max_sequence_length" in inspect.signature(pipe.__call__).parameters:
        call["max_sequence_length"] = base.info.defaults.text_length
    theirs = pipe(
        request.prompts[0],
        width=request.width,
        height=request.height,
        num_inference_steps=2,
        guidance_scale=request.guidance,
        generator=torch.Generator().manual_seed(3),
        output_type="pt",
        **call,
    ).images
    assert (ours - (theirs * 2 - 1)).abs().max() < 1e-3
    plain = base.encode_text(request.prompts)
    assert any(not torch.allclose(words[key], plain[key], atol=1e-3) for key in plain)


def without_encoders(file: lora.LoraFile) -> lora.LoraFile:
    modules = {p: f for p, f in file.modules.items() if not p.startswith("text_encoder")}
    return dataclasses.replace(file, modules=modules)


def test_what_the_base_has_not_is_refused(tmp_path: Path) -> None:
    base = family("sd15").tiny(tmp_path / "base")
    path = "text_encoder_2.text_model.encoder.layers.0.mlp.fc1"
    name = f"lora_unet_{flat(DENOISERS['sd15'])}"
    rows, columns = dict(base.denoiser.named_modules())[DENOISERS["sd15"]].weight.shape
    a, b = factors(rows, columns)
    tensors = {f"{name}.lora_down.weight": a, f"{name}.lora_up.weight": b}
    tensors |= {
        f"{path}.lora_A.weight": torch.ones(2, 16),
        f"{path}.lora_B.weight": torch.ones(64, 2),
    }
    file = read(base, tensors, tmp_path)
    with pytest.raises(WeightsRefused, match=r"unknown module text_encoder_2\.layers\.0\.mlp\.fc1"):
        lora.check_fits(file, base)


def test_released_encoders_cannot_be_adapted(case: Any, tmp_path: Path) -> None:
    base, folder, tensors, _ = case
    file = read(base, tensors, tmp_path)
    bare = type(base).load(folder, name="bare")
    bare.release_encoders()
    with pytest.raises(WeightsRefused, match="unknown module text_encoder"):
        lora.check_fits(file, bare)


def test_settings_in_the_header_still_speak_of_the_denoiser_alone(
    case: Any, tmp_path: Path
) -> None:
    _, _, tensors, _ = case
    bare = {key: value for key, value in tensors.items() if not key.endswith(".alpha")}
    meta = {"lora_adapter_metadata": json.dumps({"unet.r": 4, "unet.lora_alpha": 2})}
    with pytest.raises(WeightsRefused, match="other module names"):
        lora.read(save(tmp_path / "a.safetensors", bare, meta))
