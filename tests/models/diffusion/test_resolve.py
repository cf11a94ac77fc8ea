import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import sosie.models.diffusion.resolve as resolving
from sosie.core.errors import BadInput, NotFound, WeightsRefused
from sosie.models.diffusion import BASES
from sosie.models.diffusion.flux import Flux
from sosie.models.diffusion.folder import content_sha256, size_bytes
from sosie.models.diffusion.resolve import download_command, listing, load_base, resolve


@pytest.fixture
def copy(twins, tmp_path) -> Path:
    shutil.copytree(twins["flux"], tmp_path / "copy")
    return tmp_path / "copy"


def in_cache(cache: Path, hub_id: str, folder: Path) -> Path:
    """Lay `folder` into a Hugging Face cache as a download would."""
    home = cache / f"models--{hub_id.replace('/', '--')}"
    snapshot = home / "snapshots" / "abc123"
    shutil.copytree(folder, snapshot)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("abc123")
    return snapshot


def test_a_folder_speaks_for_itself(twins):
    for name, folder in twins.items():
        base = resolve(str(folder))
        assert base.family == name
        assert base.folder == folder.resolve()
        assert base.licence == "Apache-2.0"
        assert base.defaults.buckets == (32, 48)


def test_a_folder_without_settings_gets_the_usual_ones(twins, tmp_path):
    found = {}
    Flux.write_tiny(tmp_path / "schnell", guidance_embeds=False)
    for name, folder in {**twins, "schnell": tmp_path / "schnell"}.items():
        bare = tmp_path / f"bare-{name}"
        shutil.copytree(folder, bare)
        (bare / "sosie.json").unlink()
        base = resolve(str(bare))
        assert base.licence == "unknown"
        found[name] = base.defaults
    rows = {n: (d.width, d.steps, d.guidance, d.text_length) for n, d in found.items()}
    assert rows == {
        "flux": (1024, 28, 3.5, 512),
        "schnell": (1024, 4, 0.0, 256),
        "sdxl": (1024, 30, 5.0, 77),
        "sd15": (512, 30, 7.5, 77),
    }


def test_a_short_name_and_its_hub_id_find_the_same_folder(twins, tmp_path):
    snapshot = in_cache(tmp_path, "black-forest-labs/FLUX.1-dev", twins["flux"])
    (snapshot / "sosie.json").unlink()
    for name in ("flux-dev", "black-forest-labs/FLUX.1-dev"):
        base = resolve(name, cache=tmp_path)
        assert base.folder == snapshot
        assert base.name == name
        assert "Non-Commercial" in base.licence


def test_any_hub_id_in_the_cache_will_do(twins, tmp_path):
    in_cache(tmp_path, "someone/their.model", twins["sd15"])
    assert resolve("someone/their.model", cache=tmp_path).family == "sd15"


@pytest.mark.parametrize("name", ["sdxl", "someone/else"])
def test_what_is_not_here_says_how_to_get_it(name, tmp_path):
    with pytest.raises(NotFound, match=r"hf download [a-z]+/[a-z0-9.-]+ --include"):
        resolve(name, cache=tmp_path)


def test_a_half_downloaded_base_says_what_is_missing(twins, tmp_path):
    snapshot = in_cache(tmp_path, "someone/half", twins["flux"])
    shutil.rmtree(snapshot / "text_encoder_2")
    with pytest.raises(
        WeightsRefused, match=r"text_encoder_2/ is missing.*hf download someone/half"
    ):
        resolve("someone/half", cache=tmp_path)


def test_names_that_nothing_bears(tmp_path):
    with pytest.raises(NotFound, match='Did you mean "flux-dev"'):
        resolve("flux-dv")
    with pytest.raises(NotFound, match="no folder"):
        resolve(str(tmp_path / "nowhere"))
    single = tmp_path / "model.safetensors"
    single.write_bytes(b"")
    with pytest.raises(BadInput, match="is a file"):
        resolve(str(single))


def test_the_embedded_base_may_be_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(resolving, "_PACKAGE", tmp_path)
    with pytest.raises(NotFound, match="make pocket"):
        resolve("pocket")


def test_a_foreign_pipeline_is_refused_by_name(copy):
    index = json.loads((copy / "model_index.json").read_text())
    index["_class_name"] = "QwenImagePipeline"
    (copy / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsRefused, match="QwenImagePipeline"):
        resolve(str(copy))


def test_settings_are_read_strictly(copy):
    settings = json.loads((copy / "sosie.json").read_text())
    settings["defaults"]["step"] = 3
    (copy / "sosie.json").write_text(json.dumps(settings))
    with pytest.raises(WeightsRefused, match=r'"defaults.step"'):
        resolve(str(copy))


def test_the_listing_tells_where_each_base_lies(twins, tmp_path):
    snapshot = in_cache(tmp_path, "black-forest-labs/FLUX.1-dev", twins["flux"])
    broken = in_cache(tmp_path, "stabilityai/stable-diffusion-xl-base-1.0", twins["sdxl"])
    shutil.rmtree(broken / "unet")
    rows = {row.name: row for row in listing(cache=tmp_path)}
    assert list(rows) == [base.name for base in BASES]
    assert rows["flux-dev"].folder == snapshot
    assert rows["flux-dev"].size_gb < 0.01
    assert rows["flux-schnell"].folder is None
    assert rows["flux-schnell"].size_gb == 33.7
    assert "hf download" in rows["flux-schnell"].note
    assert rows["sdxl"].folder is None
    assert "unet/ is missing" in rows["sdxl"].note


def test_the_command_leaves_other_forms_of_the_weights_alone():
    command = download_command("a/b")
    assert "--include '*/*.safetensors'" in command
    assert "--exclude '*fp16*'" in command


def test_the_content_hash_follows_what_is_loaded(copy, twins):
    before = content_sha256(copy)
    assert before == content_sha256(twins["flux"])
    size = size_bytes(copy)
    (copy / "sosie.json").unlink()
    (copy / "flux1-dev.safetensors").write_bytes(b"the same in another form")
    (copy / "vae" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"half")
    (copy / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    assert content_sha256(copy) == before
    assert size_bytes(copy) == size
    config = copy / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text() + "\n")
    assert content_sha256(copy) != before


def test_shards_are_found_and_counted(copy):
    from diffusers import FluxTransformer2DModel

    part = copy / "transformer"
    whole = content_sha256(copy)
    FluxTransformer2DModel.from_pretrained(part).save_pretrained(part, max_shard_size="100KB")
    (part / "diffusion_pytorch_model.safetensors").unlink(missing_ok=True)
    assert content_sha256(copy) != whole
    shards = sorted(part.glob("*-of-*.safetensors"))
    assert len(shards) > 1
    load_base(str(copy))
    shards[-1].unlink()
    with pytest.raises(WeightsRefused, match=f"{shards[-1].name} is missing"):
        load_base(str(copy))


def test_an_index_of_shards_cannot_point_elsewhere(copy):
    part = copy / "transformer"
    (part / "diffusion_pytorch_model.safetensors").rename(copy / "outside.safetensors")
    index = {"weight_map": {"x": "../outside.safetensors"}}
    (part / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsRefused, match="points outside"):
        load_base(str(copy))


def test_load_base_takes_a_precision(twins):
    base = load_base(str(twins["flux"]), dtype=torch.bfloat16)
    assert base.info.name == str(twins["flux"])
    assert next(base.denoiser.parameters()).dtype == torch.bfloat16


def test_listing_loads_no_torch():
    script = (
        "import sys; from sosie.models.diffusion.resolve import listing; listing(); "
        "assert not {'torch', 'diffusers', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_loading_and_drawing_write_nothing_to_stderr(twins):
    script = f"""
from sosie.models.diffusion.resolve import load_base
from sosie.models.diffusion.base import SampleRequest
for folder in {[str(folder) for folder in twins.values()]}:
    base = load_base(folder)
    base.sample(SampleRequest(
        prompts=("a long caption " * 40,), seeds=(1,), width=32, height=32, steps=2, guidance=2))
    base.pipeline()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.stdout == ""
