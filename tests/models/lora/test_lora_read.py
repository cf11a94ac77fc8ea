"""Every row of the load matrix: the right scale, or a refusal that names the key."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peft.tuners.lora import LoraLayer
from torch import Tensor

from sosie.core.errors import NotFound, WeightsRefused
from sosie.models import lora
from sosie.models.diffusion.base import DiffusionBase
from sosie.models.lora.names import adaptable
from tests.models.lora.bases import base, flux_denoiser
from tests.models.lora.files import ALPHA, RANK, factors, save

HALF = torch.tensor(ALPHA)
QUIET = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
META = {"transformer.r": RANK, "transformer.lora_alpha": ALPHA}

FIRST_HALVES = ("lora_A.weight", "lora_down.weight", "lora.down.weight")
DOUBLE, SINGLE = "transformer_blocks.1.attn.to_out.0", "single_transformer_blocks.0.proj_out"
SD = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"

Tensors = dict[str, Tensor]


def flat(path: str) -> str:
    return path.replace(".", "_")


def is_weighted(module: torch.nn.Module) -> bool:
    return isinstance(module, torch.nn.Linear | torch.nn.Conv2d)


@cache
def shapes(family: str) -> dict[str, torch.Size]:
    modules = base(family).denoiser.named_modules()
    return {path: module.weight.shape for path, module in modules if is_weighted(module)}


def pair(path: str, family: str = "flux") -> tuple[Tensor, Tensor]:
    return factors(*shapes(family)[path], seed=len(path))


def peft(name: str, path: str, family: str = "flux") -> Tensors:
    a, b = pair(path, family)
    return {f"{name}.lora_A.weight": a, f"{name}.lora_B.weight": b}


def kohya(name: str, path: str, family: str = "flux", alpha: Tensor | None = HALF) -> Tensors:
    a, b = pair(path, family)
    given = {f"{name}.lora_down.weight": a, f"{name}.lora_up.weight": b}
    return given if alpha is None else given | {f"{name}.alpha": alpha}


def rows() -> dict[str, tuple[Tensors, str, float, str]]:
    """Row of the matrix to (tensors, module path, scale, family)."""
    alpha, whole = {f"transformer.{DOUBLE}.alpha": HALF}, torch.tensor(2)
    bfl_double, bfl_single = "double_blocks.1.img_attn.proj", "single_blocks.0.linear2"
    sgm = "input_blocks_4_1_transformer_blocks_1_attn2_to_k"
    xl = "down_blocks.1.attentions.0.transformer_blocks.1.attn2.to_k"
    sd_diffusers = {
        f"unet.{SD}.lora.{part}.weight": value
        for part, value in zip(("down", "up"), pair(SD, "sdxl"), strict=True)
    } | peft(f"unet.{xl}", xl, "sdxl")
    return {
        "PEFT": (peft(f"transformer.{DOUBLE}", DOUBLE), DOUBLE, 1, "flux"),
        "PEFT, alpha": (peft(f"transformer.{DOUBLE}", DOUBLE) | alpha, DOUBLE, 0.5, "flux"),
        "PEFT, whole alpha": (
            peft(f"transformer.{DOUBLE}", DOUBLE) | {f"transformer.{DOUBLE}.alpha": whole},
            DOUBLE,
            0.5,
            "flux",
        ),
        "kohya": (kohya(f"lora_unet_{flat(bfl_double)}", DOUBLE), DOUBLE, 0.5, "flux"),
        "kohya, diffusers names": (kohya(f"lora_unet_{flat(SINGLE)}", SINGLE), SINGLE, 0.5, "flux"),
        "ComfyUI": (peft(f"diffusion_model.{bfl_single}", SINGLE), SINGLE, 1, "flux"),
        "ComfyUI, kohya": (kohya(f"diffusion_model.{bfl_single}", SINGLE), SINGLE, 0.5, "flux"),
        "peft, alpha": (kohya(f"base_model.model.{SINGLE}", SINGLE), SINGLE, 0.5, "flux"),
        "bare": (peft(SINGLE, SINGLE), SINGLE, 1, "flux"),
        "OneTrainer": (kohya(f"lora_transformer_{flat(DOUBLE)}", DOUBLE), DOUBLE, 0.5, "flux"),
        "SD kohya": (
            kohya("lora_unet_down_blocks_0_attentions_0_proj_in", SD, "sdxl")
            | kohya(f"lora_unet_{flat(SD)}", SD, "sdxl"),
            SD,
            0.5,
            "sd15",
        ),
        "SD kohya, whole alpha": (
            kohya(f"lora_unet_{flat(xl)}", xl, "sdxl", torch.tensor(2)),
            xl,
            0.5,
            "sdxl",
        ),
        "SDXL sgm": (kohya(f"lora_unet_{sgm}", xl, "sdxl"), xl, 0.5, "sdxl"),
        "SD diffusers": (sd_diffusers, SD, 1, "sdxl"),
        "SD diffusers, alpha": (kohya(f"unet.{xl}", xl, "sdxl"), xl, 0.5, "sdxl"),
    }


@pytest.mark.parametrize("row", rows())
def test_row_loads_at_its_scale(row: str, tmp_path: Path) -> None:
    tensors, path, scale, family = rows()[row]
    # A misleading suffix: content decides.
    file = lora.read(save(tmp_path / "a.ckpt", tensors))
    a, b = pair(path, "flux" if family == "flux" else "sdxl")
    assert file.family == family
    assert torch.allclose(lora.delta(file, path), scale * b @ a, rtol=1e-5, atol=1e-5)
    assert len(file.modules) == sum(key.endswith(FIRST_HALVES) for key in tensors)
    assert file.format.endswith("LoRA")


def test_settings_in_the_header_scale_as_diffusers_does(tmp_path: Path) -> None:
    tensors = peft(f"transformer.{DOUBLE}", DOUBLE) | peft(f"transformer.{SINGLE}", SINGLE)
    for changes, double, single in (
        ({}, 0.5, 0.5),
        ({"transformer.alpha_pattern": {"proj_out": 12}}, 0.5, 3.0),
        ({"transformer.alpha_pattern": {f"^{DOUBLE}": 12}}, 3.0, 0.5),
        ({"transformer.use_rslora": True}, 1.0, 1.0),
    ):
        header = {"lora_adapter_metadata": json.dumps(META | changes)}
        file = lora.read(save(tmp_path / "a.safetensors", tensors, header))
        for path, scale in ((DOUBLE, double), (SINGLE, single)):
            a, b = pair(path)
            assert torch.allclose(lora.delta(file, path), scale * b @ a, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"transformer.use_dora": True},
        {"text_encoder.r": 4},
        {"transformer.lora_alpha": None},
        {"transformer.alpha_pattern": {".*": 4}},
        {"transformer.alpha_pattern": 4},
        {"unet.lora_alpha": 4},
    ],
)
def test_settings_that_are_not_plain_are_refused(changes: dict, tmp_path: Path) -> None:
    header = {"lora_adapter_metadata": json.dumps(META | changes)}
    path = save(tmp_path / "a.safetensors", peft(f"transformer.{DOUBLE}", DOUBLE), header)
    with pytest.raises(WeightsRefused, match="lora_adapter_metadata"):
        lora.read(path)


def refusals() -> dict[str, tuple[Tensors, str]]:
    """What must be refused, and words of the message."""
    name, plain = f"transformer.{DOUBLE}", peft(f"transformer.{DOUBLE}", DOUBLE)
    te = "lora_te3_encoder_block_0_layer_0_SelfAttention_q"
    full = torch.ones(2, 2)
    return {
        "dora": (plain | {f"{name}.dora_scale": full}, f'DoRA.*"{name}.dora_scale"'),
        "peft dora": (plain | {f"{name}.lora_magnitude_vector": full}, "DoRA"),
        "bundle": (plain | {"bundle_emb.x.string_to_param": full}, "embedding"),
        "kohya T5": (plain | {f"{te}.lora_up.weight": full}, f'T5 text encoder.*"{te}'),
        "peft T5": (
            plain | {"text_encoder_2.encoder.block.0.layer.0.SelfAttention.q.lora_A.weight": full},
            "1 of 3 keys are unknown.*text_encoder_2",
        ),
        "text alone": (kohya("lora_te_text_model_encoder_layers_0_mlp_fc1", DOUBLE), "not tell"),
        "unknown": (
            plain | {f"{n}.diff": full for n in "abcde"},
            '5 of 7 keys are unknown.*"a.diff", "b.diff", "c.diff"',
        ),
        "unknown module": (peft("transformer.x_embedder", DOUBLE), "2 of 2 .*x_embedder.lora_A"),
        "other model": (peft("transformer.transformer_blocks.59.attn.to_q", DOUBLE), "2 of 2"),
        "tucker": (plain | {f"{name}.lora_mid.weight": full}, "lora_mid"),
        "half a pair": ({f"{name}.lora_A.weight": full}, f'"{name}" is incomplete'),
        "alpha alone": (plain | {"unet.conv_in.alpha": HALF}, '"unet.conv_in" is incomplete'),
        "mixed": (plain | {f"{name}.hada_w1_a": full}, "incomplete or mixed"),
        "twice": (plain | peft(DOUBLE, DOUBLE), "twice"),
        "twice in one": (plain | {f"{name}.lora_down.weight": full}, "twice.*lora_down"),
        "alpha 0": (plain | {f"{name}.alpha": torch.tensor(0)}, "not a number"),
        "alphas": (plain | {f"{name}.alpha": torch.ones(2)}, "not a number"),
        "peft without scale": (peft(f"base_model.model.{DOUBLE}", DOUBLE), "adapter_config"),
        "ranks": (
            {
                f"{name}.lora_A.weight": torch.ones(3, 32),
                f"{name}.lora_B.weight": torch.ones(32, 2),
            },
            r"lora|\(3, 32\)",
        ),
        "no rank": (
            {
                f"{name}.lora_A.weight": torch.ones(0, 32),
                f"{name}.lora_B.weight": torch.ones(32, 0),
            },
            "do not go together",
        ),
        "scalar": ({f"{name}.lora_A.weight": HALF, f"{name}.lora_B.weight": HALF}, "together"),
        "fused rows": (kohya("lora_unet_single_blocks_0_linear1", DOUBLE), "32 rows"),
        "which SD": (kohya("lora_unet_mid_block_attentions_0_proj_in", DOUBLE), "does not tell"),
        "two kinds": (plain | kohya(f"lora_unet_{flat(SD)}", DOUBLE), "mixes"),
        "nan": ({k: v * torch.nan for k, v in plain.items()}, f'"{name}.lora_A.weight" holds NaN'),
        "inf alpha": (plain | {f"{name}.alpha": HALF / 0}, 'alpha" holds NaN or inf'),
    }


@pytest.mark.parametrize("case", refusals())
def test_refused_by_name(case: str, tmp_path: Path) -> None:
    tensors, words = refusals()[case]
    with pytest.raises(WeightsRefused, match=words):
        lora.read(save(tmp_path / "a.safetensors", tensors))


@pytest.mark.parametrize(
    "tensors",
    [
        kohya("lora_unet_single_blocks_0_linear2", SINGLE),
        kohya(f"transformer.{SINGLE}", SINGLE),
        kohya(f"lora_unet_{flat(SD)}", SD, "sdxl"),
    ],
)
def test_two_scales_are_refused(tensors: Tensors, tmp_path: Path) -> None:
    header = {"lora_adapter_metadata": json.dumps(META), "ss_base_model_version": "sd_v1"}
    with pytest.raises(WeightsRefused, match=r"both .*\.alpha"):
        lora.read(save(tmp_path / "a.safetensors", tensors, header))


def test_settings_beside_fused_names_are_refused(tmp_path: Path) -> None:
    tensors = kohya("lora_unet_single_blocks_0_linear2", SINGLE, alpha=None)
    header = {"lora_adapter_metadata": json.dumps(META)}
    with pytest.raises(WeightsRefused, match="other module names"):
        lora.read(save(tmp_path / "a.safetensors", tensors, header))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("double_blocks_1_img_attn_qkv", ["attn.to_q", "attn.to_k", "attn.to_v"]),
        ("double_blocks_1_txt_attn_qkv", ["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"]),
        ("single_blocks_1_linear1", ["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"]),
    ],
)
def test_fused_modules_are_split_by_rows(name: str, parts: list[str], tmp_path: Path) -> None:
    b = base("flux")
    stem = "transformer_blocks.1" if "double" in name else "single_transformer_blocks.1"
    paths = [f"{stem}.{part}" for part in parts]
    heights = [b.denoiser.get_submodule(path).weight.shape[0] for path in paths]
    down, up = factors(sum(heights), 32)
    for prefix, shown in (("lora_unet_", name), ("diffusion_model.", dotted(name))):
        tensors = {
            f"{prefix}{shown}.lora_down.weight": down,
            f"{prefix}{shown}.lora_up.weight": up,
            f"{prefix}{shown}.alpha": HALF,
        }
        file = lora.read(save(tmp_path / "a.safetensors", tensors))
        lora.check_fits(file, b)
        stacked = torch.cat([lora.delta(file, path) for path in paths])
        assert torch.allclose(stacked, 0.5 * up @ down, atol=1e-5)


def dotted(name: str) -> str:
    for block in ("double_blocks_1_", "single_blocks_1_"):
        name = name.replace(block, block.replace("_1_", ".1."))
    return name.replace("attn_qkv", "attn.qkv")


@given(
    rank=st.integers(1, 9),
    alpha=st.floats(0.0625, 128, width=32),
    dtype=st.sampled_from([torch.float32, torch.float16, torch.bfloat16]),
)
@QUIET
def test_any_rank_and_alpha(rank: int, alpha: float, dtype: torch.dtype, tmp_path: Path) -> None:
    a, b = (t.to(dtype) for t in factors(32, 160, rank=rank, seed=rank))
    name = f"lora_unet_{flat(SINGLE)}"
    tensors = {
        f"{name}.lora_down.weight": a,
        f"{name}.lora_up.weight": b,
        f"{name}.alpha": torch.tensor(alpha, dtype=torch.float32),
    }
    found = lora.delta(lora.read(save(tmp_path / "a.safetensors", tensors)), SINGLE)
    assert torch.allclose(found, alpha / rank * b.float() @ a.float(), rtol=1e-4, atol=1e-4)


@given(rank=st.integers(1, 4), alpha=st.floats(0.125, 16, width=32))
@QUIET
def test_loha_is_exact(rank: int, alpha: float, tmp_path: Path) -> None:
    a1, b1 = factors(32, 160, rank=rank, seed=1)
    a2, b2 = factors(32, 160, rank=rank, seed=2)
    name = "lycoris_" + flat(SINGLE)
    parts = {"hada_w1_a": b1, "hada_w1_b": a1, "hada_w2_a": b2, "hada_w2_b": a2}
    tensors = {f"{name}.{k}": v for k, v in parts.items()} | {f"{name}.alpha": torch.tensor(alpha)}
    file = lora.read(save(tmp_path / "a.safetensors", tensors))
    assert file.format == "LyCORIS LoHa"
    meant = (b1 @ a1) * (b2 @ a2) * (alpha / rank)
    assert torch.allclose(lora.delta(file, SINGLE), meant, rtol=1e-4, atol=1e-4)


@given(
    rank=st.integers(1, 4),
    alpha=st.floats(0.125, 16, width=32),
    split1=st.booleans(),
    split2=st.booleans(),
    shapes=st.sampled_from([((4, 8), (8, 20)), ((8, 4), (4, 40)), ((2, 2), (16, 80))]),
)
@QUIET
def test_lokr_is_exact(
    rank: int, alpha: float, split1: bool, split2: bool, shapes: tuple, tmp_path: Path
) -> None:
    name = f"lora_unet_{flat(SINGLE)}"
    tensors, whole = {f"{name}.alpha": torch.tensor(alpha)}, []
    for n, (rows, columns), split in zip((1, 2), shapes, (split1, split2), strict=True):
        a, b = factors(rows, columns, rank=rank, seed=n)
        whole.append(b @ a)
        halves = {f"w{n}_a": b, f"w{n}_b": a} if split else {f"w{n}": b @ a}
        tensors |= {f"{name}.lokr_{part}": value for part, value in halves.items()}
    file = lora.read(save(tmp_path / "a.safetensors", tensors))
    assert file.format == "kohya LoKr"
    # Without a decomposed side there is no rank, and α means nothing (LyCORIS sets it to the rank).
    scale = alpha / rank if split1 or split2 else 1.0
    assert torch.allclose(
        lora.delta(file, SINGLE), scale * torch.kron(*whole), rtol=1e-4, atol=1e-4
    )


def test_lycoris_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    halves = {"lokr_w1": torch.ones(200, 200), "lokr_w2": torch.ones(200, 200)}
    tensors = {f"lora_unet_{flat(SINGLE)}.{part}": value for part, value in halves.items()}
    with pytest.raises(WeightsRefused, match="4 GiB"):
        lora.read(save(tmp_path / "a.safetensors", tensors))
    bad = {f"lora_unet_{flat(SINGLE)}.hada_w{n}": torch.ones(2, 2) for n in ("1_a", "1_b", "2_a")}
    bad |= {f"lora_unet_{flat(SINGLE)}.hada_w2_b": torch.ones(3, 3)}
    with pytest.raises(WeightsRefused, match="do not go together"):
        lora.read(save(tmp_path / "a.safetensors", bad))


def test_convolutions_are_read(tmp_path: Path) -> None:
    down, up = torch.randn(RANK, 32, 3, 3), torch.randn(64, RANK, 1, 1)
    name = "lora_unet_down_blocks_1_resnets_0_conv1"
    tensors = {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}
    header = {"ss_base_model_version": "sdxl_base_v1-0"}
    file = lora.read(save(tmp_path / "a.safetensors", tensors, header))
    meant = torch.einsum("or,rikl->oikl", up[..., 0, 0], down)
    found = lora.delta(file, "down_blocks.1.resnets.0.conv1")
    assert torch.allclose(found.view_as(meant), meant, atol=1e-5)
    lora.check_fits(file, base("sdxl"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: b"", "is empty"),
        (lambda data: data[:5], "not a safetensors"),
        (lambda data: data[:100], "truncated"),
        (lambda data: data[:-1], "truncated"),
        (lambda data: data + b"x", "truncated"),
        (lambda data: data[:9] + b"}" + data[10:], "truncated"),
        (lambda data: pickle.dumps({"a": 1}), "pickle"),
        (lambda data: b"GGUF" + data, "GGUF"),
        (lambda data: b"<html>not found</html>", "not a safetensors"),
    ],
)
def test_damage_is_refused(spoil: Callable[[bytes], bytes], words: str, tmp_path: Path) -> None:
    path = save(tmp_path / "a.safetensors", peft(f"transformer.{DOUBLE}", DOUBLE))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(WeightsRefused, match=words):
        lora.read(path)


@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), keep=st.floats(0, 1))
@QUIET
def test_any_damage_is_a_refusal_or_harmless(
    place: float, value: int, keep: float, tmp_path: Path
) -> None:
    header = {"lora_adapter_metadata": json.dumps(META)}
    path = save(tmp_path / "a.safetensors", peft(f"transformer.{DOUBLE}", DOUBLE), header)
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    data[int(place * start)] = value
    for spoilt in (data, data[: int(keep * len(data))]):
        path.write_bytes(spoilt)
        try:
            assert list(lora.read(path).modules) == [DOUBLE]
        except WeightsRefused as error:
            assert str(path) in str(error)


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    text = b'{"__metadata__":{"a":"b"}}'
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(WeightsRefused, match="no tensors"):
        lora.read(path)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "sprung",)

    path = tmp_path / "a.safetensors"
    for legacy in (False, True):
        torch.save({"a": Trap()}, path, _use_new_zipfile_serialization=not legacy)
        with pytest.raises(WeightsRefused, match="pickle"):
            lora.read(path)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(NotFound):
        lora.read(tmp_path / "absent.safetensors")


def test_every_module_of_flux_is_known() -> None:
    model = type(flux_denoiser()).from_config(
        {**flux_denoiser().config, "num_layers": 19, "num_single_layers": 38}
    )
    blocks = [p for p, m in model.named_modules() if is_weighted(m) and "transformer_bl" in p]
    assert len(blocks) == 494 and all(adaptable(path) for path in blocks)
    around = [p for p, m in model.named_modules() if is_weighted(m) and "transformer_bl" not in p]
    assert around and not any(adaptable(path) for path in around)


@pytest.mark.parametrize(("family", "count"), [("sd15", 282), ("sdxl", 794)])
def test_every_module_of_a_unet_is_known_but_one_pair(family: str, count: int) -> None:
    with torch.device("meta"):
        model = full_unet(family)
    paths = [path for path, module in model.named_modules() if is_weighted(module)]
    strange = [path for path in paths if not adaptable(path)]
    assert len(paths) == count
    pair = ["add_embedding.linear_1", "add_embedding.linear_2"]
    assert strange == (pair if family == "sdxl" else [])


def full_unet(family: str) -> UNet2DConditionModel:
    if family == "sd15":
        return UNet2DConditionModel(cross_attention_dim=768)
    return UNet2DConditionModel(
        block_out_channels=(320, 640, 1280),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=2048,
        transformer_layers_per_block=(1, 2, 10),
        attention_head_dim=(5, 10, 20),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    )


def sgm_name(path: str) -> str:
    """The sgm name of a module of the tiny SDXL's blocks, by hand."""
    place, _, leaf = path.partition(".transformer_blocks.")
    block, i, _, j = (place.replace("mid_block", "mid_block.0")).split(".")
    number = 3 * int(i) + int(j)
    start = {
        "down_blocks": f"input_blocks_{number + 1}_1",
        "mid_block": "middle_block_1",
        "up_blocks": f"output_blocks_{number}_1",
    }[block]
    return f"lora_unet_{start}_transformer_blocks_{flat(leaf)}"


def test_sgm_names_mean_what_diffusers_takes_them_for(tmp_path: Path) -> None:
    b: DiffusionBase = base("sdxl")
    tensors: Tensors = {}
    for path in b.lora_targets():
        tensors |= kohya(sgm_name(path), path, "sdxl")
    path = save(tmp_path / "a.safetensors", tensors)
    file = lora.read(path)
    lora.check_fits(file, b)
    absent = ("vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", "scheduler")
    pipe = StableDiffusionXLPipeline(unet=b.denoiser, **dict.fromkeys(absent))
    pipe.load_lora_weights(path)
    theirs = {p: m for p, m in b.denoiser.named_modules() if isinstance(m, LoraLayer)}
    assert theirs.keys() == file.modules.keys()
    for module, layer in theirs.items():
        delta = layer.get_delta_weight("default_0")
        assert torch.allclose(lora.delta(file, module), delta, rtol=1e-4, atol=1e-4)
