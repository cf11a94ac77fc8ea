"""The whole recipe, tiny."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from diffusers import FluxPipeline
from safetensors.torch import load_file

from pocket import begin, build, data, export, ship, standin, tokens, transformer
from pocket.recipe import Recipe, Stage, smoke

pytestmark = pytest.mark.slow


def test_a_broken_build_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = smoke(Recipe())
    # What it writes is read from the first step on, and it breaks between two walks.
    stages = (Stage(since=0.0, people=0.4, lines=0.6, batch=4, read=True),)
    size = dataclasses.replace(recipe.transformer, stages=stages, decay_share=1e-9)
    short, whole = (
        dataclasses.replace(recipe, transformer=dataclasses.replace(size, steps=steps))
        for steps in (3, 6)
    )
    for name, recipes in {"broken": (short, whole), "unbroken": (whole,)}.items():
        for each in recipes:
            build.build(
                data.Material(standin.people(24), *[standin.lines(24)] * 4),
                each,
                run=tmp_path / name,
                compiled=False,
            )
    states = [torch.load(tmp_path / name / "transformer.pt") for name in ("broken", "unbroken")]
    assert states[0]["step"] == states[1]["step"] == 6
    for one, other in zip(states[0]["average"], states[1]["average"], strict=True):
        torch.testing.assert_close(one, other)
    flux = FluxPipeline.from_pretrained(tmp_path / "broken" / build.FINISHED)
    assert {tokens.place_of(token) for token in flux.tokenizer_2.tokenize('note "ab"')} >= {
        ("a", 0),
        ("b", 1),
    }
    told = json.loads((tmp_path / "broken" / build.FINISHED / "model_index.json").read_text())
    assert told["tokenizer_2"] == ["transformers", "PreTrainedTokenizerFast"]


def test_a_training_that_goes_astray_stops_and_publishes_nothing(tmp_path: Path) -> None:
    recipe = smoke(Recipe())
    size = dataclasses.replace(recipe.transformer, matrix_rate=float("nan"))
    astray = dataclasses.replace(recipe, transformer=size)
    material = data.Material(standin.people(24), *[standin.lines(24)] * 4)
    with pytest.raises(FloatingPointError, match="step 2"):
        build.build(material, astray, run=tmp_path, compiled=False)
    assert not (tmp_path / build.FINISHED).exists()


def test_only_the_last_act_of_a_build_touches_what_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = smoke(Recipe())
    often = dataclasses.replace(
        recipe, transformer=dataclasses.replace(recipe.transformer, steps=2, export_minutes=0.0)
    )
    shipped, run, written = tmp_path / "shipped", tmp_path / "run", []
    shipped.mkdir()
    (shipped / "old").write_text("what shipped before")
    write = export.write
    monkeypatch.setattr(ship, "SHIPPED", shipped)
    monkeypatch.setattr(
        export, "write", lambda folder, *rest: (write(folder, *rest), written.append(folder))
    )
    with pytest.raises(SystemExit, match="no finished build"):
        ship.main(["--run", str(run)])
    material = data.Material(standin.people(24), *[standin.lines(24)] * 4)
    build.build(material, often, run=run, compiled=False)
    assert written == [run / build.SO_FAR] * 2 + [run / build.FINISHED]
    assert not (run / build.SO_FAR).exists()
    assert list(shipped.iterdir()) == [shipped / "old"], "a training replaces nothing"
    ship.main(["--run", str(run)])
    assert export.weights_sha256(shipped) == export.weights_sha256(run / build.FINISHED)
    assert not (shipped / "old").exists()
    weights = run / build.FINISHED / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(SystemExit, match="other weights than its card"):
        ship.main(["--run", str(run)])


def test_a_run_that_began_with_a_folder_makes_no_autoencoder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / build.BEGUN).write_text("weights of sha256 00")
    material = data.Material(standin.people(4), *[standin.lines(4)] * 4)
    with pytest.raises(ValueError, match="name one"):
        build.build(material, smoke(Recipe()), run=tmp_path, compiled=False)
    assert list(tmp_path.iterdir()) == [tmp_path / build.BEGUN]


def test_a_build_goes_on_with_the_encoders_of_a_folder_as_they_are(tmp_path: Path) -> None:
    recipe = smoke(Recipe())
    unchanged = dataclasses.replace(
        recipe,
        transformer=dataclasses.replace(
            recipe.transformer, steps=1, matrix_rate=0.0, vector_rate=0.0
        ),
        autoencoder=dataclasses.replace(recipe.autoencoder, refining_steps=0),
    )
    material = data.Material(standin.people(24), *[standin.lines(24)] * 4)
    first, second = (tmp_path / name / build.FINISHED for name in ("first", "second"))
    for built, each, start in ((first, recipe, None), (second, unchanged, first)):
        build.build(material, each, run=built.parent, start=start, compiled=False)
    for part in ("text_encoder", "text_encoder_2"):
        old, new = (load_file(folder / part / "model.safetensors") for folder in (first, second))
        for name, weight in old.items():
            torch.testing.assert_close(new[name], weight, msg=f"{part} {name}")
    assert str(tmp_path) not in (second / "vae" / "config.json").read_text()
    back = f"lies {recipe.transformer.begun_share} of the way back"
    assert back in (second / "CARD.md").read_text()
    with pytest.raises(ValueError, match="written by this run"):
        build.build(material, recipe, run=first.parent, start=first, compiled=False)
    run = second.parent
    lessons, parts = build.prepare(material, begin.autoencoder(first), recipe, run, start=first)
    assert lessons.stages == [recipe.transformer.again]
    assert not recipe.transformer.again.asks
    (lines,) = (domain for domain in lessons.domains if domain.name == "lines")
    cost, wrong = {}, {}
    for asks in (False, True):
        torch.manual_seed(0)
        network, index = parts.network, torch.arange(8)
        total, seen = transformer.loss(
            network, network.denoiser, lessons, lines, index, recipe.transformer, asks=asks
        )
        cost[asks], wrong[asks] = total.item(), seen[-1].mean().item()
    assert wrong[False] == 0 < wrong[True] and cost[False] < cost[True]
