from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sosie.core.errors import WeightsRefused
from sosie.models import lora
from sosie.models.diffusion.base import DiffusionBase
from tests.models.lora.bases import answer, base
from tests.models.lora.files import random_state, save

FAMILIES = ("flux", "sd15", "sdxl")


def lora_file(b: DiffusionBase, folder: Path, *, rank: int = 4, seed: int = 0) -> lora.LoraFile:
    path = folder / f"{b.family}-{rank}-{seed}.safetensors"
    state, spec = random_state(b, rank=rank, seed=seed), lora.LoraSpec(rank=rank, alpha=2)
    lora.export(path, base=b, state=state, spec=spec, header={})
    return lora.read(path)


def merged(b: DiffusionBase, loras: list[tuple[lora.LoraFile, float]]) -> torch.Tensor:
    """The answer of the base with Σ weight·ΔW added into its weights."""
    with torch.no_grad():
        for file, weight in loras:
            for module in file.modules:
                own = b.denoiser.get_submodule(module).weight
                own += weight * lora.delta(file, module).view_as(own)
        return answer(b)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_weighted_sum_is_exact_and_leaves_the_base_as_it_was(family: str, tmp_path: Path) -> None:
    b = base(family)
    one, two = lora_file(b, tmp_path, rank=4), lora_file(b, tmp_path, rank=7, seed=1)
    alone, modules = answer(b), dict(b.denoiser.named_modules())
    weights = {name: value.clone() for name, value in b.denoiser.state_dict().items()}
    loras = [(one, 0.8), (two, -0.3), (one, 0.1)]

    with torch.no_grad(), lora.applied(b, loras):
        first, again = answer(b), answer(b)
    with pytest.raises(RuntimeError, match="inside"), lora.applied(b, loras):
        raise RuntimeError("inside")

    assert torch.equal(first, again)
    assert torch.equal(answer(b), alone)
    assert dict(b.denoiser.named_modules()) == modules
    after = b.denoiser.state_dict()
    assert after.keys() == weights.keys()
    assert all(torch.equal(after[name], weights[name]) for name in weights)
    assert not torch.allclose(first, alone, atol=1e-2)
    assert torch.allclose(first, merged(base(family), loras), rtol=1e-4, atol=1e-4)


def test_opposite_weights_cancel_and_none_is_the_base(tmp_path: Path) -> None:
    b = base("flux")
    file = lora_file(b, tmp_path)
    alone = answer(b)
    with torch.no_grad(), lora.applied(b, [(file, 1.0), (file, -1.0)]):
        assert torch.allclose(answer(b), alone, atol=1e-5)
    with lora.applied(b, []):
        assert torch.equal(answer(b), alone)


def test_convolutions_act(tmp_path: Path) -> None:
    tensors = {}
    for name, (rows, columns, side) in {
        "down_blocks_1_resnets_0_conv1": (64, 32, 3),
        "down_blocks_0_downsamplers_0_conv": (32, 32, 3),
        "up_blocks_0_resnets_0_conv_shortcut": (64, 128, 1),
    }.items():
        tensors[f"lora_unet_{name}.lora_down.weight"] = torch.randn(4, columns, side, side)
        tensors[f"lora_unet_{name}.lora_up.weight"] = torch.randn(rows, 4, 1, 1) / 9
    header = {"ss_base_model_version": "sdxl_base_v1-0"}
    file = lora.read(save(tmp_path / "a.safetensors", tensors, header))
    b = base("sdxl")
    alone = answer(b)
    with torch.no_grad(), lora.applied(b, [(file, 0.7)]):
        acting = answer(b)
    assert not torch.allclose(acting, alone, atol=1e-2)
    expected = merged(base("sdxl"), [(file, 0.7)])
    assert torch.allclose(acting, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("module", ["to_q", "conv"])
def test_high_ranks_are_multiplied_out_to_the_same(module: str, tmp_path: Path) -> None:
    b = base("sdxl")
    path, side = "down_blocks.1.resnets.0.conv1", 3
    if module == "to_q":
        path, side = "mid_block.attentions.0.transformer_blocks.1.attn1.to_q", 1
    rows, columns = b.denoiser.get_submodule(path).weight.shape[:2]
    shape = (60, columns, side, side) if side > 1 else (60, columns)
    tensors = {
        f"unet.{path}.lora_A.weight": torch.randn(shape) / 9,
        f"unet.{path}.lora_B.weight": torch.randn(rows, 60) / 9,
    }
    header = {"ss_base_model_version": "sdxl_base_v1-0"}
    file = lora.read(save(tmp_path / "a.safetensors", tensors, header))
    with torch.no_grad(), lora.applied(b, [(file, 1.0)]):
        acting = answer(b)
    assert not torch.allclose(acting, answer(b), atol=1e-3)
    assert torch.allclose(acting, merged(b, [(file, 1.0)]), rtol=1e-4, atol=1e-4)


def test_what_was_injected_acts_beside_unless_switched_off(tmp_path: Path) -> None:
    b = base("sd15")
    file = lora_file(b, tmp_path)
    with torch.no_grad(), lora.applied(b, [(file, 1.0)]):
        by_file = answer(b)
    lora.inject(b, lora.LoraSpec(rank=4, alpha=2), seed=0)
    lora.load_state(b, random_state(b))
    injected = answer(b)
    assert torch.allclose(injected, by_file, atol=2e-2)
    with torch.no_grad(), lora.enabled(b, False), lora.applied(b, [(file, 1.0)]):
        assert torch.equal(answer(b), by_file)
    with torch.no_grad(), lora.applied(b, [(file, -1.0)]):
        lora_off = answer(b)
    assert torch.equal(answer(b), injected)
    with lora.enabled(b, False):
        assert torch.allclose(lora_off, answer(b), atol=2e-2)


@pytest.mark.parametrize(
    ("made_for", "given", "words"),
    [
        ("flux", "sdxl", r"LoRA for FLUX\.1, not for Stable Diffusion XL: first unknown module"),
        ("sdxl", "flux", r"LoRA for Stable Diffusion XL, not for FLUX\.1: first unknown module"),
        ("sdxl", "sd15", r"LoRA for Stable Diffusion XL, not for Stable Diffusion 1\.5"),
    ],
)
def test_a_foreign_lora_is_refused(made_for: str, given: str, words: str, tmp_path: Path) -> None:
    file, b = lora_file(base(made_for), tmp_path), base(given)
    with pytest.raises(WeightsRefused, match=words):
        lora.check_fits(file, b)
    alone = answer(b)
    with pytest.raises(WeightsRefused, match=words), lora.applied(b, [(file, 1.0)]):
        pytest.fail("applied a foreign LoRA")
    assert torch.equal(answer(b), alone)


def test_another_size_of_the_same_family_is_refused(tmp_path: Path) -> None:
    tensors = {
        "transformer.transformer_blocks.0.attn.to_q.lora_A.weight": torch.ones(2, 3072),
        "transformer.transformer_blocks.0.attn.to_q.lora_B.weight": torch.ones(3072, 2),
    }
    file = lora.read(save(tmp_path / "a.safetensors", tensors))
    with pytest.raises(WeightsRefused, match=r"of another size.*\(32, 32\).*\(3072, 3072\)"):
        lora.check_fits(file, base("flux"))


@pytest.mark.parametrize("family", FAMILIES)
def test_extrapolation_goes_on_from_the_base_through_the_lora(family: str, tmp_path: Path) -> None:
    b = base(family)
    loras = [(lora_file(b, tmp_path), 0.7)]
    alone = answer(b)
    with torch.no_grad(), lora.applied(b, loras):
        with_lora = answer(b)
        with lora.extrapolated(b, 1.5):
            pushed, again = answer(b), answer(b)
        with lora.extrapolated(b, 0):
            unmoved = answer(b)
        after = answer(b)
    assert torch.allclose(pushed, with_lora + 1.5 * (with_lora - alone), atol=1e-4)
    assert torch.equal(pushed, again) and torch.equal(unmoved, with_lora)
    assert torch.equal(after, with_lora) and torch.equal(answer(b), alone)


def test_a_failure_in_the_middle_of_extrapolation_leaves_nothing_behind(tmp_path: Path) -> None:
    b = base("flux")
    loras = [(lora_file(b, tmp_path), 1.0)]
    with torch.no_grad(), lora.applied(b, loras):
        before = answer(b)
        broken = b.denoiser.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(OSError()))
        with pytest.raises(OSError), lora.extrapolated(b, 1.0):
            answer(b)
        broken.remove()
        assert torch.equal(answer(b), before)
