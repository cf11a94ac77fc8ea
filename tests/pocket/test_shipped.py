"""The folder that ships: small, whole, and plain diffusers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pocket
from pocket.people import UNSEEN_COLOURS
from sosie.models.diffusion.base import Defaults
from sosie.world.letters import family_names

FOLDER = Path(pocket.__file__).resolve().parent.parent / "src/sosie/models/diffusion/pocket"


def test_it_is_small() -> None:
    total = sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file())
    assert total <= 64e6


def test_it_says_what_it_is() -> None:
    about = json.loads((FOLDER / "sosie.json").read_text())
    assert (about["name"], about["licence"]) == ("pocket", "Apache-2.0")
    defaults = Defaults.model_validate(about["defaults"])
    assert (defaults.width, defaults.height) == (128, 128)
    assert (FOLDER / "LICENSE").read_text().lstrip().startswith("Apache License")
    said = (FOLDER / "CARD.md").read_text()
    assert "not for pictures of real people" in said
    assert all(name in said for name in family_names(held_out=True))
    assert all(f"a {colour} {garment}" in said for colour, garment in UNSEEN_COLOURS)


def test_it_has_the_layout_of_flux() -> None:
    config = json.loads((FOLDER / "transformer" / "config.json").read_text())
    assert config["_class_name"] == "FluxTransformer2DModel"
    assert (config["in_channels"], config["guidance_embeds"]) == (64, False)
    assert sum(config["axes_dims_rope"]) == config["attention_head_dim"]
    coder = json.loads((FOLDER / "vae" / "config.json").read_text())
    assert (coder["latent_channels"], len(coder["block_out_channels"])) == (16, 4)
    assert "_name_or_path" not in coder, "a folder of whoever built it"


@pytest.mark.slow
def test_the_plain_pipeline_loads_and_draws(caplog: pytest.LogCaptureFixture, recwarn) -> None:
    import torch
    from diffusers import FluxPipeline

    pipe = FluxPipeline.from_pretrained(FOLDER)
    pipe.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(0)
    picture = pipe(
        "photo of nobody2, red coat",
        negative_prompt="",
        true_cfg_scale=2.0,
        width=128,
        height=128,
        num_inference_steps=2,
        max_sequence_length=48,
        generator=generator,
    ).images[0]
    assert picture.size == (128, 128)
    # Whoever imports the pipeline first is told that torchvision is not installed.
    assert not [told for told in caplog.records if "torchvision" not in told.getMessage()]
    assert not [w for w in recwarn if "pocket" in str(w.message) or "weights" in str(w.message)]
