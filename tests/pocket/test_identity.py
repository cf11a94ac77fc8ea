"""What a name tells in training: who it is, and nothing of the picture."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import torch

from pocket import build, identity, tokens, transformer
from pocket.recipe import Recipe, TransformerRecipe, smoke
from sosie.world.people import person
from sosie.world.photo import choose


def code(who: int, setting: int) -> np.ndarray:
    return identity.code(asdict(choose(person(who), setting, age=40)))


def test_a_code_says_who_and_not_where() -> None:
    one, other = choose(person(3), 1, age=40), choose(person(3), 2, age=40)
    assert (one.place, one.garment) != (other.place, other.garment)
    assert np.array_equal(code(3, 1), code(3, 2))
    assert np.abs(code(3, 1) - code(4, 1)).max() > 0.5
    assert code(3, 1).shape == (identity.SIZE,)


def test_only_sides_change_in_the_mirror() -> None:
    codes = np.stack([code(who, 1) for who in range(8)])
    seen = identity.mirrored(codes)
    assert np.array_equal(seen[:, identity.SIDED :], codes[:, identity.SIDED :])
    assert np.array_equal(identity.mirrored(seen), codes)
    assert (seen != codes).any(axis=1).all()


def test_a_code_is_heard_only_where_somebody_is_named() -> None:
    recipe = smoke(Recipe())
    t5 = tokens.t5_tokenizer(["photo", "of", "a", "woman", "red", "coat"], length=12)
    ids = t5(
        ["", "photo of a woman, red coat", "photo of zuko7, red coat"],
        padding="max_length",
        return_tensors="pt",
    ).input_ids
    network = transformer.Network(recipe.transformer, recipe.text, t5_words=len(t5), clip_words=9)
    torch.nn.init.normal_(network.known[-1].weight)
    heard = []

    def denoise(**said: torch.Tensor) -> tuple[torch.Tensor]:
        heard.append(said["pooled_projections"])
        return (torch.zeros_like(said["hidden_states"]),)

    def pooled(row: int, who: int) -> torch.Tensor:
        domain = transformer.Domain(
            packed=torch.zeros(1, 4, 64),
            grid=(2, 2),
            rows=torch.tensor([[row]]),
            counts=torch.ones(4),
            share=1.0,
            codes=torch.from_numpy(code(who, 1))[None],
        )
        lessons = transformer.Lessons(
            domains=(domain,),
            t5_ids=ids,
            clip_ids=torch.zeros(3, 4, dtype=torch.long),
            spelled=build.spelled(t5),
        )
        always = TransformerRecipe(known_share=1.0, caption_dropout=0.0)
        transformer.loss(network, denoise, lessons, domain, torch.tensor([0]), always)
        return heard.pop()[0]

    assert torch.equal(pooled(1, 3), pooled(1, 4)), "who is not named is nobody"
    assert not torch.equal(pooled(2, 3), pooled(2, 4))
