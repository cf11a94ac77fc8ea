"""Drawing is a function of its inputs, down to the byte."""

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from sosie.core.errors import BadInput, WeightsRefused
from sosie.generate.draw import GenerateConfig, Picture, draw, draw_each
from sosie.models.diffusion.flux import Flux
from sosie.models.lora.read import LoraFile

RandomLora = Callable[[int], LoraFile]

CONFIG = GenerateConfig(prompt="photo of anna", n=3, seed=7, steps=2)


def pixels(pictures: tuple[Picture, ...]) -> list[bytes]:
    return [picture.rgb.tobytes() for picture in pictures]


def test_same_inputs_same_bytes(base: Flux) -> None:
    first, second = draw(base, CONFIG), draw(base, CONFIG)
    assert pixels(first) == pixels(second)
    assert len(set(pixels(first))) == 3
    assert [picture.made.seed for picture in first] == [7, 8, 9]
    assert first[0].rgb.shape == (32, 32, 3) and first[0].rgb.dtype == np.uint8


def test_a_picture_depends_on_its_own_seed_alone(base: Flux) -> None:
    alone = draw(base, CONFIG.model_copy(update={"n": 1, "seed": 9}))
    assert pixels(alone)[0] == pixels(draw(base, CONFIG))[2]


def test_batches_differ_by_rounding_at_most(base: Flux) -> None:
    together = draw(base, CONFIG.model_copy(update={"batch": 2}))
    assert len(together) == 3
    for a, b in zip(together, draw(base, CONFIG), strict=True):
        assert np.abs(a.rgb.astype(int) - b.rgb.astype(int)).max() <= 1


def test_each_picture_is_handed_over_at_once(base: Flux) -> None:
    class StopError(Exception):
        pass

    seen: list[Picture] = []

    def keep(picture: Picture) -> None:
        seen.append(picture)
        if len(seen) == 2:
            raise StopError

    with pytest.raises(StopError):
        draw(base, CONFIG, on_picture=keep)
    assert pixels(tuple(seen)) == pixels(draw(base, CONFIG))[:2]


def test_a_small_model_draws_side_by_side_whatever_the_number_of_threads(
    base: Flux, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, by_count = torch.get_num_threads(), []
    at_once, most, lock = 0, 0, threading.Lock()
    sample = base.sample

    def watched(*args: Any, **more: Any) -> torch.Tensor:
        nonlocal at_once, most
        assert torch.get_num_threads() == 1
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.05)
        made = sample(*args, **more)
        with lock:
            at_once -= 1
        return made

    monkeypatch.setattr(base, "sample", watched)
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            most = 0
            by_count.append(pixels(draw(base, CONFIG)))
            assert most == count
            assert torch.get_num_threads() == count, "as it was"
    finally:
        torch.set_num_threads(usual)
    assert by_count[0] == by_count[1]


def test_several_prompts_are_drawn_as_each_alone(base: Flux, random_lora: RandomLora) -> None:
    prompts = ("photo of anna", "a red coat", "photo of anna")
    configs = [CONFIG.model_copy(update={"prompt": p, "n": 2}) for p in prompts]
    loras = [("anna", random_lora(1), 0.7)]
    heard: list[int] = []
    together = draw_each(
        base, configs, loras, on_picture=lambda number, picture: heard.append(number)
    )
    assert heard == [0, 0, 1, 1, 2, 2]
    alone = [picture for config in configs for picture in draw(base, config, loras)]
    assert pixels(together) == pixels(tuple(alone))
    assert [picture.made for picture in together] == [picture.made for picture in alone]


def test_a_lora_acts_by_its_weight_and_is_gone_afterwards(
    base: Flux, random_lora: RandomLora
) -> None:
    plain = pixels(draw(base, CONFIG))
    lora = random_lora(1)

    def with_weight(weight: float) -> list[bytes]:
        prompt = f"photo of <lora:anna:{weight}> anna"
        config = CONFIG.model_copy(update={"prompt": prompt})
        return pixels(draw(base, config, [("anna", lora, weight)]))

    drawn = {weight: with_weight(weight) for weight in (0.0, 0.5, 1.0, -1.0)}
    assert drawn[0.0] == plain
    assert len({pictures[0] for pictures in drawn.values()}) == 4
    assert pixels(draw(base, CONFIG)) == plain


def test_two_loras_and_the_record_of_them(base: Flux, random_lora: RandomLora) -> None:
    config = CONFIG.model_copy(update={"prompt": "<lora:anna:0.8> photo", "n": 1})
    loras = [("anna", random_lora(1), 0.8), ("old", random_lora(3), -0.5)]
    (picture,) = draw(base, config, loras, consents={"anna": "c" * 64})
    made = picture.made
    assert made.prompt == "<lora:anna:0.8> photo <lora:old:-0.5>"
    assert [(use.name, use.weight, use.consent_sha256) for use in made.loras] == [
        ("anna", 0.8, "c" * 64),
        ("old", -0.5, None),
    ]
    assert made.loras[0].file_sha256 == "1" * 64
    assert made.synthetic is True
    assert made.base_sha256 == base.info.content_sha256
    assert (made.steps, made.guidance, made.width) == (2, 3.5, 32)


def test_image_to_image_follows_its_strength(base: Flux) -> None:
    init = np.zeros((40, 64, 3), np.uint8)
    init[:, 32:] = 255
    config = CONFIG.model_copy(update={"n": 1, "steps": 8})
    start = base.decode(
        base.encode_pixels(
            torch.from_numpy(init[4:36, 16:48] / 127.5 - 1).permute(2, 0, 1)[None].float()
        )
    )
    distances, seen = [], set()
    for strength in (0.125, 0.5, 1.0):
        (picture,) = draw(base, config.model_copy(update={"strength": strength}), init=init)
        drawn = torch.from_numpy(picture.rgb.copy()).permute(2, 0, 1) / 127.5 - 1
        distances.append(float((drawn - start[0]).pow(2).mean()))
        seen.add(picture.rgb.tobytes())
        assert picture.made.strength == strength
    assert distances == sorted(distances)
    assert len(seen) == 3
    (usual,) = draw(base, config, init=init)
    assert usual.made.strength == 0.6
    assert usual.made.init_sha256 is not None


def test_words_that_are_not_read_are_told(base: Flux) -> None:
    told: list[str] = []
    config = CONFIG.model_copy(update={"n": 1, "prompt": "anna " * 60 + "in a red coat"})
    draw(base, config, say=told.append)
    (line,) = told
    assert line.startswith("The prompt is longer") and line.endswith('in a red coat".')
    draw(base, CONFIG, say=told.append)
    assert len(told) == 1


def test_a_negative_prompt_acts_or_is_refused(base: Flux) -> None:
    config = CONFIG.model_copy(update={"n": 1, "negative": "a hat"})
    with pytest.raises(BadInput, match=r"only with true_guidance above 1, and that is 1\.") as told:
        draw(base, config)
    assert "Raise true_guidance" in str(told.value)
    guided = [
        draw(base, config.model_copy(update={"true_guidance": 2.0, "negative": words}))
        for words in ("", "a hat")
    ]
    assert pixels(guided[0]) != pixels(guided[1])


def test_what_does_not_agree_is_refused(base: Flux, random_lora: RandomLora) -> None:
    lora = random_lora(1)
    called = CONFIG.model_copy(update={"prompt": "<lora:anna:0.8> photo"})
    with pytest.raises(BadInput, match=r"calls <lora:anna:0\.8>"):
        draw(base, called)
    with pytest.raises(BadInput, match=r"calls <lora:anna:0\.8>"):
        draw(base, called, [("anna", lora, 1.0)])
    with pytest.raises(BadInput, match="twice"):
        draw(base, CONFIG, [("anna", lora, 1.0), ("anna", lora, 0.5)])
    with pytest.raises(BadInput, match="picture to start from"):
        draw(base, CONFIG.model_copy(update={"strength": 0.5}))
    assert draw(base, CONFIG.model_copy(update={"strength": 1.0, "n": 1}))
    with pytest.raises(BadInput, match="multiples of 16"):
        draw(base, CONFIG.model_copy(update={"width": 40}))
    foreign = dataclasses.replace(lora, modules={"nowhere": next(iter(lora.modules.values()))})
    with pytest.raises(WeightsRefused, match="nowhere"):
        draw(base, CONFIG, [("anna", foreign, 1.0)])


def test_numbers_that_overflow_are_told(base: Flux, random_lora: RandomLora) -> None:
    lora = random_lora(1)
    huge = {name: (a, b * 1e38) for name, (a, b) in lora.modules.items()}

    with pytest.raises(WeightsRefused, match="seed 7"):
        draw(base, CONFIG, [("anna", dataclasses.replace(lora, modules=huge), 1.0)])


def test_unknown_and_impossible_settings_are_refused() -> None:
    for bad in ({"sede": 1}, {"n": 0}, {"strength": 0}, {"steps": 0}, {"guidance": float("nan")}):
        with pytest.raises(ValidationError):
            GenerateConfig(prompt="x", **bad)
