"""The pieces of the recipe that are ours rather than a library's."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import FluxPipeline, FluxTransformer2DModel
from diffusers.models.transformers.transformer_flux import FluxAttnProcessor

from pocket import (
    autoencoder,
    begin,
    build,
    data,
    encoders,
    export,
    muon,
    precision,
    questions,
    schedule,
    standin,
    tokens,
    transformer,
)
from pocket.attention import PlainAttention
from pocket.lessons import Domain, Lessons
from pocket.muon import Muon, orthogonalised
from pocket.recipe import Recipe, Stage, smoke


def test_plain_attention_is_flux_attention() -> None:
    torch.manual_seed(0)
    model = FluxTransformer2DModel(
        in_channels=64,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=24,
        pooled_projection_dim=8,
        axes_dims_rope=(4, 6, 6),
    )
    inputs = {
        "hidden_states": torch.randn(2, 16, 64),
        "encoder_hidden_states": torch.randn(2, 5, 24),
        "pooled_projections": torch.randn(2, 8),
        "timestep": torch.tensor([0.2, 0.9]),
        "img_ids": transformer.positions(4, 4),
        "txt_ids": torch.zeros(5, 3),
        "return_dict": False,
    }
    said = []
    for processor in (FluxAttnProcessor(), PlainAttention()):
        model.set_attn_processor(processor)
        with torch.no_grad():
            said.append(model(**inputs)[0])
    torch.testing.assert_close(said[0], said[1], atol=1e-5, rtol=1e-4)


def test_packing_is_the_pipelines() -> None:
    latents = torch.randn(2, 16, 4, 6)
    theirs = FluxPipeline._pack_latents(latents, 2, 16, 4, 6)
    assert torch.equal(transformer.pack(latents), theirs)
    theirs = FluxPipeline._prepare_latent_image_ids(1, 4, 4, "cpu", torch.float32)
    assert torch.equal(transformer.positions(4, 4), theirs)


def test_times_cover_the_density_evenly() -> None:
    at = transformer.times(1000, 0.0).sort().values
    assert at[0] > 0 and at[-1] < 1
    assert at[500] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 16, 4), (2, 4, 16)])
def test_muons_update_is_nearly_orthogonal(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
    assert values.min() > 0.3 and values.max() < 1.4


def test_wide_matrices_take_the_same_steps_by_their_gram_matrix() -> None:
    torch.manual_seed(0)
    # One direction hardly there, as in a real momentum.
    x = torch.randn(3, 16, 64) * torch.logspace(0, -3, 16)[:, None]
    x = x / x.flatten(1).norm(dim=1)[:, None, None]
    torch.testing.assert_close(muon._by_gram(x, 5), muon._by_steps(x, 5), atol=1e-4, rtol=1e-3)


def test_muon_steps_have_the_asked_size() -> None:
    weight = torch.nn.Parameter(torch.zeros(32, 4, 3, 3))
    weight.grad = torch.randn_like(weight)
    Muon([weight], lr=1e-3).step()
    assert weight.square().mean().sqrt().item() == pytest.approx(1e-3, rel=0.3)


def test_the_rate_rises_stays_and_falls() -> None:
    rates = [schedule.rate(s, steps=100, warmup=10, decay_share=0.4) for s in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[30] == 1
    assert rates[80] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.025)


def test_a_name_stands_for_the_person() -> None:
    captions = {
        data.named("photo of an old man, red coat", who, draw=random.Random(who))
        for who in range(20)
    }
    assert len(captions) == 20
    for who in range(20):
        text = data.named("photo of an old man, red coat", who, draw=random.Random(who))
        assert text.startswith(f"photo of {data.name(who)}")
        assert text.endswith(", red coat")


def test_a_mirrored_picture_exchanges_left_and_right() -> None:
    pictures = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    answers = np.zeros((2, 1, sum(questions.PEOPLE)), np.float16)
    answers[0, 0, 1] = 1  # three-quarter view to the left
    people = data.People(
        pictures, [["view to the left, red coat"], ["no side"]], answers, [3, 4], [True, False]
    )
    both = data.with_mirrored(people)
    assert np.array_equal(both.pictures[1], pictures[0, :, ::-1])
    assert both.captions[1] == ["view to the right, red coat"]
    assert both.captions[::2] == people.captions
    assert both.answers[:2, 0].argmax(axis=1).tolist() == [1, 2], "and so is what it shows"
    assert len(set(both.persons)) == 4, "a mirrored face must not share a name"
    assert both.split(2)[0].persons == both.persons[:2]
    assert both.shown().tolist() == [0, 0, 0, 1, 1, 1, 2, 3], "what is rare is shown more often"


def test_the_face_counts_most() -> None:
    counts = transformer.weights(8, 8, 3.0).reshape(8, 8)
    assert counts.mean() == pytest.approx(1)
    assert counts[3, 3] > 1.5 * counts[0, 0]
    assert torch.equal(transformer.weights(4, 16, 1.0), torch.ones(64))


def test_where_letters_are_errors_count_more_than_on_paper() -> None:
    counts = transformer.where_inked(torch.tensor([[0.0, 1.0], [0.0, 0.0]]), 2, 5.0)
    assert counts.shape == (2, 4) and counts.mean() == pytest.approx(1)
    assert counts[0, 1] == counts[0, 3] == 5 * counts[0, 0] == 5 * counts[1, 1]


def test_steps_are_shared_between_the_domains_of_a_stage() -> None:
    def domain(name: str) -> Domain:
        empty = torch.zeros(1)
        return Domain(name, empty, (1, 1), empty, empty, 0.0)

    nothing = torch.zeros(1)
    lessons = Lessons(
        (domain("people"), domain("short"), domain("plain")),
        nothing,
        nothing,
        (Stage(since=0, people=0.4, short=0.6), Stage(since=0.25, people=0.2, plain=0.3)),
    )
    for done, second in ((0.1, 1), (0.25, 2), (0.9, 2)):
        turns = [lessons.turn(step, lessons.stage(done)) for step in range(500)]
        assert set(turns) == {0, second}
        assert turns.count(second) == pytest.approx(300, abs=3)
        assert all(0 < turns[at : at + 10].count(0) < 10 for at in range(490)), "none waits long"


def network(
    words: list[str], seed: int, *, added: list[str] | None = None
) -> tuple[transformer.Network, tuple[torch.Tensor, ...]]:
    """A network that knows these words, and a caption in its numbers."""
    recipe = smoke(Recipe())
    known = {"words": [*words, *(added or [])], "merges": tokens.clip_merges(words)}
    t5, clip = build.tokenizers(known, recipe.text)
    torch.manual_seed(seed)
    made = transformer.Network(
        recipe.transformer, recipe.text, t5_words=t5.get_vocab(), clip_words=clip.get_vocab()
    )
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    said = 'a note that reads "red" in red ink'
    return made, tuple(torch.tensor(each([said]).input_ids) for each in (t5, clip))


def pieces(words: list[str]) -> dict[str, int]:
    """T5's tokens of these words."""
    return tokens.t5_tokenizer(words, length=smoke(Recipe()).text.length).get_vocab()


def shipped(tmp_path: Path, words: list[str]) -> tuple[Path, transformer.Network]:
    """A folder as it is built, of a network that knows these words."""
    recipe = smoke(Recipe())
    made, _ = network(words, 0)
    t5, clip = build.tokenizers({"words": words, "merges": tokens.clip_merges(words)}, recipe.text)
    parts = export.Parts(made, autoencoder.build(recipe.autoencoder), t5, clip)
    export.write(tmp_path / "built", parts, made.state_dict(), recipe, {})
    return tmp_path / "built", made


def test_a_training_begins_with_what_a_folder_has_learned(tmp_path: Path) -> None:
    words = ["note", "reads", "red", "ink", "I"]
    folder, one = shipped(tmp_path, words)
    known = begin.vocabulary(folder, smoke(Recipe()).text)
    assert known is not None and known["words"] == words

    other, ids = network(words, 1)
    begin.taught(other, folder, words=pieces(words))
    more, more_ids = network(words, 1, added=["ruled", "paper"])
    begin.taught(more, folder, words=pieces([*words, "ruled", "paper"]))
    with torch.no_grad():
        for old, new, extended in zip(
            one.encode(*ids), other.encode(*ids), more.encode(*more_ids), strict=True
        ):
            torch.testing.assert_close(old, new, atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(old, extended, atol=1e-4, rtol=1e-4)
    rounded = one.denoiser.x_embedder.weight.to(torch.bfloat16).float()
    assert torch.equal(other.denoiser.x_embedder.weight, rounded)

    stranger, ids = network([*words, "blue"], 2)
    with torch.no_grad():
        own = stranger.encode(*ids)
        reader = stranger.denoiser.context_embedder.weight.clone()
        begin.taught(stranger, folder, words=None)
        assert all(torch.equal(*both) for both in zip(own, stranger.encode(*ids), strict=True))
        assert torch.equal(stranger.denoiser.context_embedder.weight, reader)
        assert torch.equal(stranger.denoiser.x_embedder.weight, rounded)


def test_what_is_written_lies_on_the_way_back_to_what_was_begun_with(tmp_path: Path) -> None:
    folder, one = shipped(tmp_path, ["note"])
    now, _ = network(["note"], 1, added=["ruled"])
    words = pieces(["note", "ruled"])
    learned = {name: weight.detach() for name, weight in now.named_parameters()}

    def at(share: float) -> dict[str, torch.Tensor]:
        return begin.between(now, learned, folder, words=words, share=share)

    torch.testing.assert_close(at(0.0), learned)
    layer = "denoiser.x_embedder.weight"
    began = one.denoiser.x_embedder.weight.to(torch.bfloat16).float()
    torch.testing.assert_close(at(1.0)[layer], began)
    torch.testing.assert_close(at(0.25)[layer], 0.75 * learned[layer] + 0.25 * began)
    # A word that the folder does not know has nothing to go back to.
    now.load_state_dict(at(1.0), strict=False)
    with torch.no_grad():
        known, added = (words[f"▁{word}"] for word in ("note", "ruled"))
        after, before = now.text.get_input_embeddings(), one.text.get_input_embeddings()
        old = pieces(["note"])["▁note"]
        torch.testing.assert_close(
            after(torch.tensor([known])), before(torch.tensor([old])), atol=1e-5, rtol=1e-5
        )
        torch.testing.assert_close(
            after.words.weight[added], learned["text.shared.words.weight"][added]
        )


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    folder, _ = shipped(tmp_path, ["note"])
    recipe, other = smoke(Recipe()), tokens.t5_tokenizer(["note"], length=48).get_vocab()
    wider = dataclasses.replace(recipe.transformer, width=128)
    made = transformer.Network(wider, recipe.text, t5_words=other, clip_words={"a": 0, "b": 1})
    with pytest.raises(ValueError, match=r"another network: denoiser\."):
        begin.weights(made, folder, words=None)


def test_a_training_begins_on_the_device_of_its_network(tmp_path: Path) -> None:
    """On "meta", which mixes with no other device, as in the test below."""
    folder, _ = shipped(tmp_path, ["note"])
    with torch.device("meta"):
        made, _ = network(["note"], 1)
    assert {value.device.type for value in begin.weights(made, folder, words=None).values()} == {
        "meta"
    }


def test_a_step_makes_nothing_on_another_device_than_the_networks(monkeypatch) -> None:
    """On "meta", which computes nothing and mixes with no other device, as on a GPU."""
    monkeypatch.setattr(precision, "on_cpu", lambda: False)
    recipe = smoke(Recipe())
    t5, clip = build.tokenizers({"words": ["note"], "merges": []}, recipe.text)
    with torch.device("meta"):
        made = transformer.Network(
            recipe.transformer, recipe.text, t5_words=t5.get_vocab(), clip_words=clip.get_vocab()
        )
        domain = Domain(
            name="lines",
            packed=torch.zeros(9, 64, 64),
            grid=(4, 16),
            rows=torch.zeros(9, 8, dtype=torch.long),
            counts=torch.ones(64),
            time_mean=0.0,
            answers=torch.zeros(9, 16, sum(questions.LINES)),
            spans=torch.zeros(9, tokens.PLACES, 2),
            hands=torch.zeros(9, 1, sum(questions.HANDS)),
        )
        ids = torch.zeros(3, 48, dtype=torch.long)
        lessons = Lessons((domain,), ids, ids, recipe.transformer.stages)
        index = torch.zeros(4, dtype=torch.long)
        total, _ = transformer.loss(made, made.denoiser, lessons, domain, index, recipe.transformer)
        total.backward()
        weights = list(made.parameters())
        muon.Muon([w for w in weights if w.ndim == 2 and w.grad is not None], lr=1e-3).step()
    assert total.device.type == "meta"
    assert all(w.grad is None or w.grad.device.type == "meta" for w in weights)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_recipe_runs_on_a_gpu(tmp_path: Path) -> None:
    build.main(["--smoke", "--run", str(tmp_path / "first")])
    start, run = tmp_path / "first" / build.FINISHED, tmp_path / "second"
    build.build(
        data.Material(standin.people(24), *[standin.lines(24)] * 4),
        smoke(Recipe()),
        run=run,
        start=start,
        compiled=False,
    )
    assert "lies 0.4 of the way back" in (run / build.FINISHED / export.CARD).read_text()


def test_a_letter_is_the_same_in_all_places_and_a_plain_table_says_so() -> None:
    t5 = tokens.t5_tokenizer(["note"], length=48)
    torch.manual_seed(0)
    table = encoders.Spelling(t5.get_vocab(), 32)
    ids = torch.tensor([t5('note "aba" a').input_ids])
    said = table(ids)[0]
    first, b, last = (said[t5.tokenize('note "aba" a').index(f"{c}{chr(0xE000 + n)}")]
                      for n, c in enumerate("aba"))  # fmt: skip
    place = table.places.weight
    torch.testing.assert_close(last - first, place[3] - place[1])
    assert (b - first - (place[2] - place[1])).norm() > 1, "another letter"
    assert torch.equal(table.table()(ids)[0], said)


def test_held_queries_and_keys_leave_a_head_looking_at_the_token_before() -> None:
    """However large training made them: what they say then shifts a bias of 8 by little."""
    text = dataclasses.replace(Recipe().text, spelling_heads=2)
    words = ["red", "blue", "coat,", "wall"]
    t5, clip = build.tokenizers({"words": words, "merges": tokens.clip_merges(words)}, text)
    torch.manual_seed(0)
    made = encoders.t5(text, t5.get_vocab())
    made.config._attn_implementation = "eager"
    pooled = encoders.clip(text, clip.get_vocab())
    with torch.no_grad():
        for encoder in (made, pooled):
            for name, weight in encoder.named_parameters():
                if name.endswith((".q.weight", ".k.weight", "q_proj.weight", "k_proj.weight")):
                    weight.normal_(std=0.5)
    ids = torch.tensor([t5("red coat, blue wall").input_ids])

    def looked() -> float:
        """How much the last head but one looks at the token before, in the first layer."""
        weights = made(ids, output_attentions=True).attentions[0][0, -2]
        return float(weights.detach().diagonal(-1)[:4].mean())

    before = looked()
    encoders.hold(made, pooled)
    assert looked() > 0.9 > before
    held = [p.square().mean().sqrt().item() for n, p in made.named_parameters() if ".q." in n]
    encoders.hold(made, pooled)
    again = [p.square().mean().sqrt().item() for n, p in made.named_parameters() if ".q." in n]
    assert again == pytest.approx(held), "what is held already stays as it is"
    (query,) = (p for n, p in pooled.named_parameters() if n.endswith("q_proj.weight"))
    assert query.square().mean().sqrt().item() == pytest.approx((2 / text.pooled_width) ** 0.5)
