from __future__ import annotations

import inspect
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import (
    DiffusionPipeline,
    FluxPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
)
from peft.tuners.lora import LoraLayer
from safetensors import safe_open

from sosie.core.errors import WeightsRefused
from sosie.core.files import sha256_bytes, sha256_file
from sosie.models import lora
from sosie.models.diffusion import FAMILIES
from sosie.models.diffusion.base import DiffusionBase, SampleRequest
from tests.models.lora.bases import HEADERS, base
from tests.models.lora.files import ALPHA, RANK, random_state

SPEC = lora.LoraSpec(rank=RANK, alpha=ALPHA)
HEADER = {
    "modelspec.title": "Mémé",
    "modelspec.trigger_phrase": "ohwx",
    "ss_tag_frequency": '{"sosie": {"ohwx": 15}}',
    "sosie.consent_sha256": "ab" * 32,
}
PIPELINES: dict[str, Any] = {
    "flux": (FluxPipeline, ("vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")),
    "sd15": (
        StableDiffusionPipeline,
        ("vae", "text_encoder", "tokenizer", "safety_checker", "feature_extractor"),
    ),
    "sdxl": (
        StableDiffusionXLPipeline,
        ("vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2"),
    ),
}


def export(path: Path, b: DiffusionBase, **changes: Any) -> lora.Written:
    given = {"base": b, "state": random_state(b), "spec": SPEC, "header": HEADER} | changes
    return lora.export(path, **given)


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def header_of(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return file.metadata()


@contextmanager
def no_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing at WARNING or above from diffusers or peft.

    But for one line that diffusers 0.42 prints for every file that leaves the text encoders alone,
    its own included, and calls safe to ignore.
    """
    logger = logging.getLogger("diffusers")
    logger.addHandler(caplog.handler)
    try:
        yield
    finally:
        logger.removeHandler(caplog.handler)
    loud = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    usual = re.compile(r"No LoRA keys associated to \w+ found with the prefix='text_encoder(_2)?'")
    assert not [message for message in loud if not usual.match(message)]


def loaded_deltas(denoiser: torch.nn.Module) -> dict[str, torch.Tensor]:
    """ΔW of every module that diffusers adapted, by diffusers' own scale."""
    return {
        path: layer.get_delta_weight("default_0")
        for path, layer in denoiser.named_modules()
        if isinstance(layer, LoraLayer)
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_diffusers_loads_every_module_at_the_right_scale_without_a_word(
    family: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    b, path = base(family), tmp_path / "a.safetensors"
    state = random_state(b)
    written = export(path, b, state=state)
    cls, absent = PIPELINES[family]
    part = "transformer" if family == "flux" else "unet"
    extra = {"requires_safety_checker": False} if family == "sd15" else {}
    pipe = cls(scheduler=None, **{part: b.denoiser}, **dict.fromkeys(absent), **extra)
    with no_warnings(caplog):
        pipe.load_lora_weights(path)

    deltas = loaded_deltas(b.denoiser)
    assert set(deltas) == {key.rpartition(".")[0] for key in state}
    assert written.modules == len(deltas)
    for module, found in deltas.items():
        meant = ALPHA / RANK * state[f"{module}.lora_B"] @ state[f"{module}.lora_A"]
        cosine = torch.cosine_similarity(found.flatten(), meant.flatten(), dim=0)
        assert cosine > 0.9999
        assert abs(found.norm() / meant.norm() - 1) < 1e-2


def test_flux_file_is_peft_with_the_scale_inside(tmp_path: Path) -> None:
    b, path = base("flux"), tmp_path / "a.safetensors"
    state = random_state(b)
    export(path, b, state=state)
    tensors = tensors_of(path)
    assert set(tensors) == {f"transformer.{key}.weight" for key in state}
    for key, value in state.items():
        scaled = value * (ALPHA / RANK) if key.endswith("lora_B") else value
        assert torch.equal(tensors[f"transformer.{key}.weight"], scaled.bfloat16())
    header = header_of(path)
    assert header["ss_network_alpha"] == "4.0" and "ss_network_module" not in header


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_sd_file_is_kohya_with_alpha_beside(family: str, tmp_path: Path) -> None:
    b, path = base(family), tmp_path / "a.safetensors"
    state = random_state(b)
    export(path, b, state=state)
    tensors = tensors_of(path)
    for target in b.lora_targets():
        name = f"lora_unet_{target.replace('.', '_')}"
        assert torch.equal(
            tensors.pop(f"{name}.lora_down.weight"), state[f"{target}.lora_A"].half()
        )
        assert torch.equal(tensors.pop(f"{name}.lora_up.weight"), state[f"{target}.lora_B"].half())
        alpha = tensors.pop(f"{name}.alpha")
        assert alpha.dtype == torch.float32 and alpha.shape == () and alpha == ALPHA
    assert not tensors
    header = header_of(path)
    assert header["ss_network_module"] == "networks.lora"
    assert header["ss_network_dim"] == "4" and header["ss_network_alpha"] == "2.0"


@pytest.mark.parametrize("family", FAMILIES)
def test_header_says_what_it_must(family: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    written = export(path, base(family))
    data = path.read_bytes()
    digest = sha256_bytes(data[8 + int.from_bytes(data[:8], "little") :])
    header = header_of(path)
    assert header.items() >= (HEADER | HEADERS[family]).items()
    assert header["format"] == "pt" and header["modelspec.sai_model_spec"] == "1.0.1"
    assert header["modelspec.hash_sha256"] == f"0x{digest}"
    assert header["sshs_model_hash"] == digest == written.tensors_sha256
    assert written.file_sha256 == sha256_file(path)
    assert "lora_adapter_metadata" not in header
    back = lora.read(path)
    assert (back.family, back.header) == (family, header)
    assert (back.file_sha256, back.tensors_sha256) == (written.file_sha256, digest)


def test_equal_arguments_give_equal_bytes_and_a_note_leaves_the_tensors(tmp_path: Path) -> None:
    b = base("sdxl")
    state = random_state(b)
    one = export(tmp_path / "1.safetensors", b, state=state)
    mixed_state = dict(reversed(state.items()))
    mixed_header = dict(reversed(HEADER.items()))
    two = export(tmp_path / "2.safetensors", b, state=mixed_state, header=mixed_header)
    assert one == two
    assert (tmp_path / "1.safetensors").read_bytes() == (tmp_path / "2.safetensors").read_bytes()
    noted = export(tmp_path / "3.safetensors", b, header=HEADER | {"sosie.audit_sha256": "cd"})
    assert noted.tensors_sha256 == one.tensors_sha256 and noted.file_sha256 != one.file_sha256


@pytest.mark.parametrize(
    "key",
    [
        "lora_adapter_metadata",
        "ss_dataset_dirs",
        "ss_bucket_info",
        "ss_network_alpha",
        "modelspec.thumbnail",
        "modelspec.hash_sha256",
        "modelspec.architecture",
        "caption",
    ],
)
def test_header_entries_that_mislead_or_leak_are_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsRefused, match=re.escape(key)):
        export(tmp_path / "a.safetensors", base("flux"), header={key: "x"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "tags",
    [
        {"sosie": {"ohwx": 1, "red coat": 2}},
        {"sosie": {}, "x": 1},
        {"photos of meme": {"ohwx": 1}},
        {"sosie": {"ohwx": 1}, "dir": {"a": 1}},
        [],
    ],
)
def test_tags_beyond_the_trigger_are_refused(tags: Any, tmp_path: Path) -> None:
    with pytest.raises(WeightsRefused, match="trigger"):
        header = {"ss_tag_frequency": json.dumps(tags)}
        export(tmp_path / "a.safetensors", base("flux"), header=header)


@pytest.mark.parametrize("family", FAMILIES)
def test_tensors_that_no_file_may_hold_are_refused(family: str, tmp_path: Path) -> None:
    b = base(family)
    state = random_state(b)
    key = sorted(state)[0]
    module = key.rpartition(".")[0]
    add = "add_embedding.linear_1" if family == "sdxl" else "time_text_embed.x"
    pair = {"lora_A": torch.zeros(RANK, 3), "lora_B": torch.zeros(3, RANK)}

    def with_pair(path: str) -> dict[str, torch.Tensor]:
        return state | {f"{path}.{part}": value for part, value in pair.items()}

    wrong = {
        "nothing else": [{}, {k: v for k, v in state.items() if k != key}],
        "alpha": [state | {f"{module}.alpha": torch.tensor(2)}],
        "lora_magnitude": [state | {f"{module}.lora_magnitude_vector": torch.ones(3)}],
        "cannot be exported": [with_pair(add), with_pair("text_encoder.q_proj")],
        "rank": [state | {key: state[key][:2]}],
        "not fit": [state | {f"{module}.lora_A": torch.zeros(RANK, 7)}],
        "NaN": [state | {key: state[key] * torch.nan}, state | {key: state[key] * torch.inf}],
    }
    for words, states in wrong.items():
        for bad in states:
            with pytest.raises(WeightsRefused, match=words):
                export(tmp_path / "a.safetensors", b, state=bad)
    assert not list(tmp_path.iterdir())


def test_numbers_beyond_half_precision_are_refused(tmp_path: Path) -> None:
    b = base("sd15")
    state = {key: value * 1e6 for key, value in random_state(b).items()}
    with pytest.raises(WeightsRefused, match="beyond torch"):
        export(tmp_path / "a.safetensors", b, state=state)


def test_a_refused_export_leaves_the_old_file(tmp_path: Path) -> None:
    b, path = base("flux"), tmp_path / "a.safetensors"
    written = export(path, b)
    with pytest.raises(WeightsRefused):
        export(path, b, header={"ss_dataset_dirs": "{}"})
    assert sha256_file(path) == written.file_sha256
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fresh_pipeline_draws_what_sosie_draws(
    family: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    module, _, name = FAMILIES[family].partition(":")
    cls = getattr(import_module(module), name)
    b = cls.tiny(tmp_path / "base")
    usual = b.info.defaults
    request = SampleRequest(
        prompts=("photo of ohwx",),
        seeds=(3,),
        width=usual.width,
        height=usual.height,
        steps=2,
        guidance=usual.guidance,
    )
    path = tmp_path / "a.safetensors"
    lora.inject(b, SPEC, seed=0)
    lora.load_state(b, random_state(b))
    injected = b.sample(request)
    export(path, b, state=lora.state(b))
    lora.remove(b)
    alone = b.sample(request)
    with lora.applied(b, [(lora.read(path), 1.0)]):
        ours = b.sample(request)
    assert torch.equal(b.sample(request), alone)

    pipe = DiffusionPipeline.from_pretrained(tmp_path / "base")
    pipe.set_progress_bar_config(disable=True)
    with no_warnings(caplog):
        pipe.load_lora_weights(path)
    call: dict[str, Any] = {}
    if "max_sequence_length" in inspect.signature(pipe.__call__).parameters:
        call["max_sequence_length"] = usual.text_length
    theirs = pipe(
        request.prompts[0],
        width=usual.width,
        height=usual.height,
        num_inference_steps=2,
        guidance_scale=usual.guidance,
        generator=torch.Generator().manual_seed(3),
        output_type="pt",
        **call,
    ).images
    assert (ours - alone).abs().max() > 0.05
    assert (ours - (theirs * 2 - 1)).abs().max() < 1e-3
    # What was trained differs from what is filed by half precision alone.
    assert (ours - injected).norm() < 0.1 * (ours - alone).norm()
