"""Which words work: parts are taken away one at a time, at the same seeds, and compared."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sosie.core.errors import BadInput
from sosie.generate import GenerateConfig, pieces, try_words
from sosie.generate import words as stage
from sosie.generate.draw import draw
from sosie.generate.words import judged, moved
from sosie.models import scene
from sosie.models.diffusion.flux import Flux
from tests.generate.test_draw import RandomLora

CONFIG = GenerateConfig(prompt="photo of a woman, red coat, on a beach", n=2, seed=3, steps=1)


def test_phrases_go_one_at_a_time() -> None:
    found = pieces("photo of a woman,red coat , on a beach,")
    assert [piece.words for piece in found] == ["photo of a woman", "red coat", "on a beach"]
    assert found[1].without == "photo of a woman, on a beach"
    assert found[1].made_up == "photo of a woman, zorbly quim, on a beach"


def test_words_go_one_at_a_time_without_what_means_nothing_alone() -> None:
    found = pieces("photo of a woman in a red coat")
    assert [piece.words for piece in found] == ["photo", "woman", "red", "coat"]
    assert [piece.without for piece in found[2:]] == [
        "photo of a woman in a coat", "photo of a woman in a red"
    ]  # fmt: skip
    assert found[1].made_up == "photo of a zorbly in a red coat"
    chosen = pieces("red coat, beach", "word")
    assert [piece.without for piece in chosen] == ["coat, beach", "red, beach", "red coat"]
    assert [piece.words for piece in pieces("a red coat", "phrase")] == ["a red coat"]


@given(st.lists(st.text("abc -'", min_size=1, max_size=8), max_size=5))
def test_nothing_else_is_taken_away(parts: list[str]) -> None:
    text = ", ".join(parts)
    try:
        found = pieces(text)
    except BadInput:
        return
    for piece in found:
        letters = sorted(text.replace(",", "").replace(" ", ""))
        kept = sorted((piece.without + piece.words).replace(",", "").replace(" ", ""))
        assert kept == letters


@pytest.mark.parametrize("text", ["", " , ", "of the", "..."])
def test_a_prompt_without_words_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no words"):
        pieces(text)


def test_a_word_counts_for_what_made_up_words_do_not_do() -> None:
    assert moved((0.2, 0.4), (0.1, 0.1)) == pytest.approx(0.1)
    assert judged(0.01, floor=0.01, seeds_apart=0.2) == "does nothing"
    assert judged(0.03, floor=0.01, seeds_apart=0.2) == "hardly seen"
    assert judged(0.06, floor=0.01, seeds_apart=0.2) == "works"


def test_every_part_is_tried_at_the_same_seeds(base: Flux, monkeypatch) -> None:
    asked: list[tuple[str, int, int]] = []

    def listening(base, config, *rest, **named):
        asked.append((config.prompt, config.seed, config.n))
        return draw(base, config, *rest, **named)

    monkeypatch.setattr(stage, "draw", listening)
    counted: list[tuple[int, int]] = []
    trial, sheet = try_words(base, CONFIG, on_picture=lambda done, of: counted.append((done, of)))
    prompts = [prompt for prompt, _, _ in asked]
    assert prompts[0] == CONFIG.prompt and len(set(prompts)) == 7
    assert {(seed, n) for _, seed, n in asked} == {(3, 2)}
    assert counted == [(i, 14) for i in range(1, 15)]
    assert trial.seeds == (3, 4) and len(trial.effects) == 3
    assert [e.moves for e in trial.effects] == sorted(
        (e.moves for e in trial.effects), reverse=True
    )
    with Image.open(io.BytesIO(sheet)) as image:
        assert image.width > image.height, "pairs at two seeds in each of three rows"


def test_the_figures_are_distances_of_the_pictures(base: Flux) -> None:
    trial, _ = try_words(base, CONFIG)
    whole = [scene.embed(picture.rgb) for picture in draw(base, CONFIG)]
    effect = next(e for e in trial.effects if e.words == "red coat")
    without = draw(base, CONFIG.model_copy(update={"prompt": effect.without}))
    for seed in range(2):
        expected = 1 - float(whole[seed] @ scene.embed(without[seed].rgb))
        assert effect.apart[seed] == pytest.approx(expected, abs=1e-5)
    assert trial.seeds_apart == pytest.approx(1 - float(whole[0] @ whole[1]), abs=1e-5)


def test_a_base_that_heeds_no_words_is_found_out(base: Flux, monkeypatch) -> None:
    monkeypatch.setattr(
        base, "encode_text", lambda texts: Flux.encode_text(base, ["x"] * len(texts))
    )
    trial, _ = try_words(base, CONFIG)
    assert {e.verdict for e in trial.effects} == {"does nothing"}
    assert all(e.moves == pytest.approx(0, abs=1e-5) for e in trial.effects)


def test_a_lora_acts_in_every_picture(base: Flux, random_lora: RandomLora, monkeypatch) -> None:
    given: list[tuple[str, int]] = []

    def listening(base, config, loras, **named):
        given.append((config.prompt, len(loras)))
        return draw(base, config, loras, **named)

    monkeypatch.setattr(stage, "draw", listening)
    config = CONFIG.model_copy(update={"prompt": "photo, <lora:anna:0.5> anna"})
    trial, _ = try_words(base, config, [("anna", random_lora(1), 0.5)])
    assert all("<lora:anna:0.5>" in prompt and loras == 1 for prompt, loras in given)
    assert {e.words for e in trial.effects} == {"photo", "anna"}


def test_one_seed_is_refused(base: Flux) -> None:
    with pytest.raises(BadInput, match="at least two"):
        try_words(base, CONFIG.model_copy(update={"n": 1}))


def test_what_of_the_prompt_is_not_read_is_said_once(base: Flux) -> None:
    said: list[str] = []
    long = "a red coat, " + "x" * base.info.defaults.text_length + "yz"
    try_words(base, CONFIG.model_copy(update={"prompt": long}), say=said.append)
    assert len(said) == 1 and 'leaves out "' in said[0] and said[0].endswith('yz".')
