"""What one family alone promises: FLUX's packing and shifts, the U-Nets' prediction types."""

import json
import math
import shutil

import diffusers
import pytest
import torch
from diffusers import FluxPipeline

from sosie.core.errors import WeightsRefused
from sosie.models.diffusion import family
from sosie.models.diffusion.base import SampleRequest
from sosie.models.diffusion.components import quiet
from sosie.models.diffusion.flux import Flux, pack, token_positions, unpack
from sosie.models.diffusion.resolve import load_base

REQUEST = SampleRequest(
    prompts=("a woman",), seeds=(1,), width=32, height=32, steps=4, guidance=4.0
)


def with_scheduler(twin, folder, **changes):
    """A copy of a twin with another scheduler, loaded."""
    shutil.copytree(twin, folder)
    if "class_name" in changes:
        index = json.loads((folder / "model_index.json").read_text())
        index["scheduler"][1] = changes.pop("class_name")
        (folder / "model_index.json").write_text(json.dumps(index))
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return load_base(str(folder))


def test_packing_is_the_pipelines():
    latents = torch.randn(2, 16, 4, 6)
    packed = pack(latents)
    assert torch.equal(packed, FluxPipeline._pack_latents(latents, 2, 16, 4, 6))
    assert torch.equal(unpack(packed, 4, 6), latents)
    ids = FluxPipeline._prepare_latent_image_ids(1, 2, 3, "cpu", torch.float32)
    assert torch.equal(token_positions(4, 6).float(), ids)


def test_flux_times_are_logit_normal_then_shifted(twins, tmp_path):
    uniform = torch.tensor([0.1, 0.5, 0.9])
    plain = with_scheduler(twins["flux"], tmp_path / "a", use_dynamic_shifting=False, shift=1.0)
    times = plain.times(uniform, latent_shape=(4, 4))
    assert torch.allclose(torch.logit(times), torch.special.ndtri(uniform), atol=1e-5)
    constant = with_scheduler(twins["flux"], tmp_path / "b", use_dynamic_shifting=False, shift=3.0)
    shifted = constant.times(uniform, latent_shape=(4, 4))
    assert torch.allclose(shifted, 3 * times / (1 + 2 * times))
    dynamic = load_base(str(twins["flux"]))
    # 32x32 cells are 256 tokens, the lower anchor: the shift is exp(0.5) there.
    by_size = dynamic.times(uniform, latent_shape=(32, 32))
    e = math.exp(0.5)
    assert torch.allclose(by_size, e * times / (1 + (e - 1) * times))


def test_flux_teaches_at_guidance_one(twins):
    base = Flux.load(twins["flux"], name="twin")
    latents, times = torch.randn(1, 16, 4, 4), torch.tensor([0.5])
    conditioning = base.encode_text(["a woman"])
    taught = base.predict(latents, times, conditioning)
    assert torch.equal(taught, base._velocity(latents, times, conditioning, 1.0))
    assert not torch.allclose(taught, base._velocity(latents, times, conditioning, 3.5))


def test_flux_targets_are_all_attention_and_feed_forward(twins):
    targets = load_base(str(twins["flux"])).lora_targets()
    assert len(targets) == 2 * 12 + 2 * 5
    assert not any("norm" in name or "embed" in name for name in targets)
    assert "proj_out" not in targets


def test_unet_targets_lie_in_the_transformers(twins):
    counts = {name: len(load_base(str(twins[name])).lora_targets()) for name in ("sd15", "sdxl")}
    # SD1.5: 16 transformer blocks of 10 linears; SDXL's also have linear proj_in and proj_out.
    assert counts["sd15"] == 16 * 10
    sdxl = load_base(str(twins["sdxl"]))
    assert any(name.endswith("proj_in") for name in sdxl.lora_targets())
    blocks = sum(1 for name in sdxl.lora_targets() if name.endswith("attn1.to_q"))
    places = sum(1 for name in sdxl.lora_targets() if name.endswith("proj_in"))
    assert counts["sdxl"] == 10 * blocks + 2 * places


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_v_prediction_gives_the_picture_back(twins, tmp_path, name):
    base = with_scheduler(twins[name], tmp_path / name, prediction_type="v_prediction")
    latents, noise = torch.randn(2, 4, 4, 4), torch.randn(2, 4, 4, 4)
    times = torch.tensor([200, 700])
    v = base.target(latents, noise, times)
    noisy = base.add_noise(latents, noise, times)
    clean, added = base.unmix(noisy, times, v)
    assert torch.allclose(clean, latents, atol=1e-5)
    assert torch.allclose(added, noise, atol=1e-5)
    reference = diffusers.DDPMScheduler.from_config(base.scheduler.config)
    assert torch.allclose(v, reference.get_velocity(latents, noise, times), atol=1e-5)
    assert torch.allclose(noisy, reference.add_noise(latents, noise, times), atol=1e-5)


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
@pytest.mark.parametrize(
    "scheduler",
    ["DDIMScheduler", "EulerAncestralDiscreteScheduler", "DPMSolverMultistepScheduler"],
)
def test_other_schedulers_draw_as_in_diffusers(twins, tmp_path, name, scheduler):
    base = with_scheduler(twins[name], tmp_path / name, class_name=scheduler)
    with quiet():
        stock = diffusers.DiffusionPipeline.from_pretrained(base.info.folder)
    stock.set_progress_bar_config(disable=True)
    expected = stock(
        prompt=list(REQUEST.prompts),
        width=32,
        height=32,
        num_inference_steps=4,
        guidance_scale=4.0,
        generator=[torch.Generator().manual_seed(1)],
        output_type="pt",
    ).images
    assert torch.allclose(base.sample(REQUEST), expected * 2 - 1, atol=1e-4)


def test_an_old_scheduler_is_mended_as_the_pipeline_does(twins, tmp_path):
    base = with_scheduler(twins["sd15"], tmp_path / "old", steps_offset=0)
    assert base.scheduler.config.steps_offset == 1


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_a_scheduler_of_another_kind_is_refused(twins, tmp_path, name):
    with pytest.raises(WeightsRefused, match="is a FlowMatchEuler"):
        with_scheduler(twins[name], tmp_path / name, class_name="FlowMatchEulerDiscreteScheduler")


def test_a_prediction_that_the_family_does_not_know_is_refused(twins, tmp_path):
    with pytest.raises(WeightsRefused, match="predicts sample"):
        with_scheduler(twins["sd15"], tmp_path / "sd15", prediction_type="sample")


def test_sdxl_is_told_height_before_width(twins):
    base = load_base(str(twins["sdxl"]))
    told = base.picture_conditioning(original=(640, 480), crop=(16, 8), target=(64, 48))
    assert told["time_ids"].tolist() == [[480, 640, 8, 16, 48, 64]]


@pytest.mark.parametrize("name", ["flux", "sdxl", "sd15"])
def test_twins_are_small_and_come_from_their_seed(tmp_path, name):
    cls = family(name)
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        cls.write_tiny(tmp_path / folder, seed=seed)
    a, b, c = (load_base(str(tmp_path / folder)) for folder in "abc")
    assert a.info.content_sha256 == b.info.content_sha256 != c.info.content_sha256
    assert sum(f.stat().st_size for f in (tmp_path / "a").rglob("*")) < 700_000


def test_a_preview_in_mid_training_meets_no_dropout(twins):
    base = load_base(str(twins["flux"]))
    before = base.sample(REQUEST)
    base.denoiser.transformer_blocks[0].attn.to_out[1] = torch.nn.Dropout(0.5)
    assert torch.equal(base.sample(REQUEST), before)
    assert base.denoiser.transformer_blocks[0].attn.to_out[1].training
