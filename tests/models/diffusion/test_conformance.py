"""What every family owes the stages above it; one class, run on each family's tiny twin."""

import json
import math
import shutil
import unicodedata
from pathlib import Path

import diffusers
import peft
import pytest
import torch
from safetensors.torch import load_file, save_file

import sosie.models.diffusion as models
from sosie.core.errors import BadInput, WeightsRefused
from sosie.models.diffusion import FAMILIES, family
from sosie.models.diffusion.base import DiffusionBase, SampleRequest, concatenate
from sosie.models.diffusion.components import quiet
from sosie.models.diffusion.flux import Flux
from sosie.models.diffusion.resolve import load_base

POCKET = Path(models.__file__).parent / "pocket"
SUBJECTS = [*FAMILIES, "flux-without-guidance"]
if (POCKET / "model_index.json").is_file():
    SUBJECTS.append("pocket")

PROMPTS = ("a woman in a red coat", "a man in a park")


@pytest.fixture(scope="class", params=SUBJECTS)
def folder(request, twins, tmp_path_factory) -> Path:
    if request.param == "pocket":
        return POCKET
    if request.param == "flux-without-guidance":
        where = tmp_path_factory.mktemp("twin")
        Flux.write_tiny(where, guidance_embeds=False)
        return where
    return twins[request.param]


@pytest.fixture(scope="class")
def base(folder) -> DiffusionBase:
    return load_base(str(folder))


def ask(base: DiffusionBase, **changes) -> SampleRequest:
    wide = min(2 * base.info.defaults.width, 128)
    settings = {
        "prompts": PROMPTS,
        "seeds": (3, 4),
        "negative": "blurred",
        "width": wide,
        "height": wide * 3 // 4,
        "steps": 5,
        "guidance": 4.0,
        "true_guidance": 2.0,
    }
    return SampleRequest(**{**settings, **changes})


def some_latents(base: DiffusionBase, count: int = 2) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(count, base.vae.config.latent_channels, 4, 6)


def conditioned(base: DiffusionBase, captions=PROMPTS) -> dict[str, torch.Tensor]:
    geometry = base.picture_conditioning(original=(60, 50), crop=(2, 1), target=(48, 32))
    return {**base.encode_text(captions), **concatenate([geometry] * len(captions))}


def from_diffusers(folder: Path, request: SampleRequest, *, init=None) -> torch.Tensor:
    """The picture of a fresh stock pipeline, in [-1, 1]."""
    with quiet():
        pipeline = diffusers.DiffusionPipeline.from_pretrained(folder)
        if init is not None:
            pipeline = diffusers.AutoPipelineForImage2Image.from_pipe(pipeline)
    pipeline.set_progress_bar_config(disable=True)
    options = {"width": request.width, "height": request.height} if init is None else {}
    if isinstance(pipeline, diffusers.FluxPipeline | diffusers.FluxImg2ImgPipeline):
        options |= {"width": request.width, "height": request.height}
        options["true_cfg_scale"] = request.true_guidance
        options["max_sequence_length"] = load_base(str(folder)).info.defaults.text_length
    if init is not None:
        options |= {"image": init, "strength": request.strength}
    if request.negative:
        options["negative_prompt"] = [request.negative] * len(request.prompts)
    pictures = pipeline(
        prompt=list(request.prompts),
        num_inference_steps=request.steps,
        guidance_scale=request.guidance,
        generator=[torch.Generator().manual_seed(seed) for seed in request.seeds],
        output_type="pt",
        **options,
    ).images
    return pictures * 2 - 1


class TestConformance:
    def test_says_what_it_is(self, base, folder):
        assert base.info.family == base.family
        assert base.info.folder == folder.resolve()
        assert len(base.info.content_sha256) == 64
        assert base.info.licence
        assert not any(p.requires_grad for p in base.denoiser.parameters())

    def test_encodes_each_caption_by_itself(self, base):
        together = base.encode_text([*PROMPTS, "", PROMPTS[0]])
        alone = [base.encode_text([caption]) for caption in (*PROMPTS, "", PROMPTS[0])]
        for key, rows in concatenate(alone).items():
            assert torch.equal(together[key], rows)
            assert not torch.equal(rows[0], rows[1])

    def test_says_what_of_a_caption_it_does_not_read(self, base):
        assert base.unread("a woman in a coat") == ""
        long = "word " * base.info.defaults.text_length
        rest = base.unread(long)
        assert 0 < len(rest) < len(long)
        read = long[: len(long) - len(rest)]
        whole = base.encode_text([long])["prompt"]
        assert torch.equal(whole, base.encode_text([read + "z" * len(rest)])["prompt"])
        assert not torch.equal(whole, base.encode_text([read[:-2] + "zz" + rest])["prompt"])

    def test_reads_accents_alike_however_they_were_typed(self, base):
        """macOS hands out decomposed ones; letters must not stand elsewhere for that."""
        captions = [unicodedata.normalize(form, 'note "été"') for form in ("NFC", "NFD")]
        for rows in base.encode_text(captions).values():
            assert torch.equal(*rows)
        long = "ét" * 2 * base.info.defaults.text_length
        assert base.unread(unicodedata.normalize("NFD", long)) == base.unread(long) != ""

    def test_latents_go_there_and_back(self, base):
        pixels = torch.rand(2, 3, 32, 48) * 2 - 1
        latents = base.encode_pixels(pixels)
        assert latents.shape == (2, base.vae.config.latent_channels, 4, 6)
        assert torch.equal(latents, base.encode_pixels(pixels))
        decoded = base.decode(latents)
        assert decoded.shape == pixels.shape
        assert decoded.abs().max() <= 1

    def test_times_rise_within_the_schedule(self, base):
        uniform = torch.linspace(0.001, 0.999, 101)
        times = base.times(uniform, latent_shape=(8, 8))
        assert (times.diff() >= 0).all()
        assert times.unique().numel() > 90
        small = base.times(uniform, latent_shape=(8, 8)).double().mean()
        large = base.times(uniform, latent_shape=(128, 128)).double().mean()
        assert large >= small

    def test_times_are_moved_towards_noise_and_back(self, base):
        uniform = torch.linspace(0.001, 0.999, 101)
        plain = base.times(uniform, latent_shape=(8, 8)).double()
        noisier = base.times(uniform, latent_shape=(8, 8), shift=3.0).double()
        assert (noisier.diff() >= 0).all() and (noisier >= plain).all()
        assert noisier.mean() > 1.2 * plain.mean()
        assert (base.times(uniform, latent_shape=(8, 8), shift=1 / 3).double() <= plain).all()

    def test_noise_and_target_give_the_picture_back(self, base):
        latents, noise = some_latents(base), some_latents(base).flip(0)
        times = base.times(torch.tensor([0.3, 0.7]), latent_shape=(4, 6))
        noisy = base.add_noise(latents, noise, times)
        target = base.target(latents, noise, times)
        clean, added = base.unmix(noisy, times, target)
        assert torch.allclose(clean, latents, atol=1e-4)
        assert torch.allclose(added, noise, atol=1e-4)

    def test_a_decoded_picture_has_gradient_to_its_latents(self, base):
        latents = (some_latents(base) / 4).requires_grad_()
        base.decode(latents).square().sum().backward()
        assert latents.grad.abs().sum() > 0

    def test_predicts_in_the_shape_of_latents(self, base):
        latents = some_latents(base)
        times = base.times(torch.tensor([0.3, 0.7]), latent_shape=(4, 6))
        answer = base.predict(latents, times, conditioned(base))
        assert answer.shape == latents.shape
        other = base.predict(latents, times, conditioned(base, PROMPTS[::-1]))
        assert not torch.allclose(answer, other)

    def test_three_steps_teach_a_lora(self, folder):
        base = load_base(str(folder))
        targets = base.lora_targets()
        torch.manual_seed(1)
        config = peft.LoraConfig(r=4, lora_alpha=4, target_modules=list(targets))
        peft.inject_adapter_in_model(config, base.denoiser)
        adapted = {n for n, m in base.denoiser.named_modules() if hasattr(m, "lora_A")}
        assert adapted == set(targets)
        assert base.lora_targets() == targets

        latents, noise = some_latents(base), some_latents(base).flip(0)
        times = base.times(torch.tensor([0.3, 0.7]), latent_shape=(4, 6))
        noisy, target = base.add_noise(latents, noise, times), base.target(latents, noise, times)
        conditioning = conditioned(base)
        trainable = [p for p in base.denoiser.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trainable, lr=2e-3)
        losses = []
        for _ in range(4):
            loss = (base.predict(noisy, times, conditioning) - target).square().mean()
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert all(math.isfinite(loss) for loss in losses)
        assert losses[-1] < losses[0]

    @pytest.mark.parametrize("negative", ["blurred", ""])
    def test_draws_what_diffusers_draws(self, base, folder, negative):
        request = ask(base, negative=negative, true_guidance=2.0 if negative else 1.0)
        drawn = base.sample(request)
        assert drawn.shape == (2, 3, request.height, request.width)
        assert torch.allclose(drawn, from_diffusers(folder, request), atol=1e-4)
        assert drawn.std() > 0.05
        assert (drawn[0] - drawn[1]).abs().mean() > 0.01

    @pytest.mark.parametrize("strength", [0.55, 1.0])
    def test_draws_over_a_picture_as_diffusers_does(self, base, folder, strength):
        request = ask(base, strength=strength)
        init = torch.rand(2, 3, request.height, request.width) * 2 - 1
        # Given as latents, because the pipelines sample the posterior and Sosie takes its mean.
        expected = from_diffusers(folder, request, init=base.encode_pixels(init))
        assert torch.allclose(base.sample(request, init=init), expected, atol=1e-4)

    def test_the_shared_pipeline_draws_the_same(self, base):
        request = ask(base, negative="", true_guidance=1.0)
        before = base.sample(request)
        pipeline = base.pipeline()
        assert pipeline.vae is base.vae
        assert base.denoiser in pipeline.components.values()
        assert torch.equal(before, base.sample(request))

    def test_a_picture_depends_on_its_own_prompt_and_seed(self, base):
        both = base.sample(ask(base))
        for i in range(2):
            alone = base.sample(ask(base, prompts=(PROMPTS[i],), seeds=(3 + i,)))
            assert torch.allclose(both[i : i + 1], alone, atol=1e-4)

    def test_drawing_leaves_the_global_random_state_alone(self, base):
        state = torch.get_rng_state()
        base.sample(ask(base))
        assert torch.equal(state, torch.get_rng_state())

    def test_a_negative_prompt_acts_exactly_where_it_says(self, base):
        for weight in (1.0, 2.0):
            asked = [
                ask(base, negative=words, steps=2, **{base.negative_setting: weight})
                for words in ("blurred", "a red coat")
            ]
            same = torch.equal(*map(base.sample, asked))
            assert [base.uses_negative(request) for request in asked] == [not same] * 2
            assert same == (weight == 1.0)

    def test_no_negative_prompt_means_the_same_however_it_is_given(self, base):
        request = ask(base, negative="", steps=2)
        given = base.sample(request, negative=base.encode_text([""]))
        assert torch.equal(given, base.sample(request))

    def test_works_on_without_encoders(self, folder):
        base = load_base(str(folder))
        request = ask(base)
        drawn = base.sample(request)
        ready, negative = base.encode_text(PROMPTS), base.encode_text([request.negative])
        base.release_encoders()
        with pytest.raises(RuntimeError):
            base.encode_text(PROMPTS)
        again = base.sample(request, conditioning=ready, negative=negative)
        assert torch.equal(drawn, again)
        assert base.pipeline() is not None

    def test_works_in_bfloat16(self, folder):
        base = load_base(str(folder), dtype=torch.bfloat16)
        drawn = base.sample(ask(base))
        assert torch.isfinite(drawn).all()
        assert (drawn - load_base(str(folder)).sample(ask(base))).abs().mean() < 0.1

    @pytest.mark.parametrize(
        "changes",
        [{"width": 37}, {"height": 0}, {"steps": 0}, {"strength": 0.0}, {"seeds": (1,)}],
        ids=lambda changes: next(iter(changes)),
    )
    def test_refuses_impossible_requests(self, base, changes):
        with pytest.raises(BadInput):
            base.sample(ask(base, **changes))

    def test_refuses_a_strength_that_draws_nothing(self, base):
        request = ask(base, strength=1e-18)
        init = torch.zeros(2, 3, request.height, request.width)
        with pytest.raises(BadInput, match="leaves none"):
            base.sample(request, init=init)


@pytest.fixture(params=FAMILIES)
def damaged(request, twins, tmp_path) -> tuple[type[DiffusionBase], Path]:
    """A family and a copy of its twin to damage."""
    copy = tmp_path / "copy"
    shutil.copytree(twins[request.param], copy)
    return family(request.param), copy


def refusal(damaged: tuple[type[DiffusionBase], Path]) -> str:
    cls, folder = damaged
    with pytest.raises(WeightsRefused) as caught:
        cls.load(folder, name="damaged")
    assert caught.value.exit_code == 6
    assert "\n" not in str(caught.value)
    return str(caught.value)


def denoiser_weights(damaged: tuple[type[DiffusionBase], Path]) -> Path:
    cls, folder = damaged
    return folder / cls.denoiser_part / "diffusion_pytorch_model.safetensors"


class TestRefusals:
    def test_a_folder_without_index(self, damaged):
        (damaged[1] / "model_index.json").unlink()
        assert "no model_index.json" in refusal(damaged)

    def test_an_unreadable_index(self, damaged):
        (damaged[1] / "model_index.json").write_text('{"_class_name": ')
        assert "not readable JSON" in refusal(damaged)

    @pytest.mark.parametrize("part", ["vae", "text_encoder", "tokenizer", "scheduler"])
    def test_a_missing_part(self, damaged, part):
        shutil.rmtree(damaged[1] / part)
        assert f"{part}/ is missing" in refusal(damaged)

    def test_a_part_that_the_index_does_not_name(self, damaged):
        path = damaged[1] / "model_index.json"
        index = json.loads(path.read_text())
        del index["vae"]
        path.write_text(json.dumps(index))
        assert "names no vae" in refusal(damaged)

    def test_missing_weights(self, damaged):
        denoiser_weights(damaged).unlink()
        assert "diffusion_pytorch_model.safetensors is missing" in refusal(damaged)

    def test_a_pickle(self, damaged):
        path = denoiser_weights(damaged)
        path.rename(path.with_suffix(".bin"))
        assert "is a pickle" in refusal(damaged)

    def test_truncated_weights(self, damaged):
        path = denoiser_weights(damaged)
        path.write_bytes(path.read_bytes()[:1000])
        assert "cannot be loaded" in refusal(damaged)

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_weights_that_are_not_finite(self, damaged, value):
        tensors = load_file(denoiser_weights(damaged))
        name = sorted(tensors)[3]
        tensors[name].view(-1)[0] = value
        save_file(tensors, denoiser_weights(damaged), metadata={"format": "pt"})
        assert f"{name} holds NaN or infinite values" in refusal(damaged)

    def test_a_tensor_too_few(self, damaged):
        tensors = load_file(denoiser_weights(damaged))
        name = sorted(tensors)[3]
        del tensors[name]
        save_file(tensors, denoiser_weights(damaged), metadata={"format": "pt"})
        assert name in refusal(damaged)

    def test_a_tensor_too_many(self, damaged):
        tensors = load_file(denoiser_weights(damaged))
        tensors["stranger.weight"] = torch.zeros(3)
        save_file(tensors, denoiser_weights(damaged), metadata={"format": "pt"})
        assert "stranger.weight" in refusal(damaged)

    def test_a_text_encoder_of_another_shape(self, damaged):
        path = damaged[1] / "text_encoder" / "config.json"
        config = json.loads(path.read_text())
        config["hidden_size"] = 32
        path.write_text(json.dumps(config))
        assert "text_encoder" in refusal(damaged)

    def test_a_tokenizer_without_vocabulary(self, damaged):
        (damaged[1] / "tokenizer" / "tokenizer.json").unlink()
        assert "no vocabulary" in refusal(damaged)

    def test_another_pipeline(self, damaged):
        path = damaged[1] / "model_index.json"
        index = json.loads(path.read_text())
        index["_class_name"] = "StableDiffusion3Pipeline"
        path.write_text(json.dumps(index))
        assert "StableDiffusion3Pipeline" in refusal(damaged)

    def test_another_family(self, damaged, twins):
        other = next(name for name in FAMILIES if name != damaged[0].family)
        assert damaged[0].family in refusal((damaged[0], twins[other]))

    def test_a_part_of_another_class(self, damaged):
        path = damaged[1] / "model_index.json"
        index = json.loads(path.read_text())
        index["vae"] = ["diffusers", "AutoencoderTiny"]
        path.write_text(json.dumps(index))
        assert "AutoencoderTiny" in refusal(damaged)

    def test_a_misspelt_setting(self, damaged):
        (damaged[1] / "sosie.json").write_text('{"license": "MIT"}')
        assert '"license"' in refusal(damaged)

    def test_a_precision_not_on_offer(self, damaged):
        with pytest.raises(BadInput, match="float16"):
            damaged[0].load(damaged[1], name="half", dtype=torch.float16)
