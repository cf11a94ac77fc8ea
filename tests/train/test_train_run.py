"""A whole run on a toy base: told, watched, stopped, resumed, reproduced."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import load_file

from sosie import train
from sosie.core.errors import (
    BadInput,
    Interrupted,
    NotFound,
    NotReady,
    TrainingStopped,
    WorkspaceError,
)
from sosie.train.cache import crop_pixels
from sosie.train.standing import Standing
from tests.train.toys import Toy, dataset, picture

CONSENT = "c" * 64
CONFIG = train.TrainConfig(
    steps=12,
    batch=2,
    accumulate=2,
    rank=4,
    alpha=2,
    dropout=0.1,
    learning_rate=1e-2,
    ema=0.9,
    prior_pictures=3,
    checkpoint_every=5,
    validate_every=4,
    preview_every=6,
    started=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("pictures"), [picture(i) for i in range(13)])


def go(pictures, folder: Path, config=CONFIG, *, base=None, **more):
    base = base or Toy(folder)
    return train.train(pictures, base, config, folder=folder / "run", consent=CONSENT, **more)


@pytest.fixture(scope="module")
def whole(pictures, tmp_path_factory):
    told = []
    folder = tmp_path_factory.mktemp("whole")
    result = go(pictures, folder, on_event=lambda kind, data: told.append((kind, data)))
    return result, told


def test_withheld_pictures_are_told_first_and_no_batch_holds_one(pictures, tmp_path):
    told = []
    base = Toy(tmp_path)
    go(pictures, tmp_path, base=base, on_event=lambda kind, data: told.append((kind, data)))
    assert told[0][0] == "split"
    names = {row["file"] for row in told[0][1]["withheld"]}
    assert len(names) == 3
    held = [i for i in pictures.items if i.file_name in names]
    full = (0.0, 0.0, 48.0, 48.0)
    latents = [base.encode_pixels(crop_pixels(i.path, full, (32, 32)))[0] for i in held]
    seen = torch.cat(base.predicted)
    assert len(seen) == 12 * 2 * 2 * 2  # steps, batch, accumulation, class pictures beside
    assert not any(torch.allclose(x, y) for x in latents for y in seen)


def test_only_what_is_taught_is_shifted_towards_noise(pictures, tmp_path):
    seen = {}
    for shift in (1.0, 4.0):
        base = Toy(tmp_path / str(shift))
        noised, times = base.add_noise, []

        def add_noise(latents, noise, at, noised=noised, times=times):
            times.append((torch.is_grad_enabled(), float(at.mean())))
            return noised(latents, noise, at)

        base.add_noise = add_noise
        config = CONFIG.model_copy(update={"shift": shift})
        go(pictures, tmp_path / str(shift), config, base=base)
        seen[shift] = times
    for plain, noisier in zip(seen[1.0], seen[4.0], strict=True):
        taught, at = plain
        assert noisier[1] > at + 0.05 if taught else noisier[1] == at


def test_the_story_is_told_and_filed(whole):
    result, told = whole
    lines = (result.folder / "events.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["kind"] for row in rows] == [kind for kind, _ in told]
    kinds = [row["kind"] for row in rows]
    assert kinds.count("step") == 12
    assert kinds.count("checkpoint") == 3
    assert kinds.count("preview") == 3
    assert kinds[-1] == "done"
    step = next(row["data"] for row in rows if row["kind"] == "step")
    assert {"step", "steps", "loss", "lr", "rate", "eta"} <= step.keys()


def test_every_picture_has_its_loss_worst_first(whole):
    result, _ = whole
    finals = [p.final for p in result.pictures]
    assert len(finals) == 13
    assert finals == sorted(finals, reverse=True)
    assert all((p.mean is None) == p.withheld for p in result.pictures)


def test_validation_is_measured_at_fixed_noise(whole):
    result, _ = whole
    assert [v.step for v in result.validations] == [0, 4, 8, 12]
    assert result.validations[-1].training < result.validations[0].training
    assert result.validations[0].gap is not None


def test_previews_say_what_they_are(whole):
    result, _ = whole
    paths = result.checkpoints[-1].folder.parent.parent.glob("previews/step-000012/*.png")
    paths = sorted(paths)
    assert len(paths) == 8
    with Image.open(paths[0]) as image:
        assert "not a photograph" in image.info["Software"]
        assert json.loads(image.info["sosie"])["step"] == 12


def test_the_header_holds_hashes_and_no_caption(whole, pictures):
    result, _ = whole
    with safe_open(result.adapter, "pt") as file:
        header = file.metadata()
    manifest = train.Manifest.read(result.manifest)
    assert header["sosie.manifest_sha256"] == manifest.identity() == result.manifest_sha256
    assert header["sosie.consent_sha256"] == CONSENT
    assert header["sosie.dataset_sha256"] == pictures.content_sha256()
    assert header["modelspec.trigger_phrase"] == "ohwx"
    assert json.loads(header["ss_tag_frequency"]) == {"sosie": {"ohwx": 10}}
    assert "number" not in json.dumps(header)
    assert "png" not in json.dumps(header)
    assert [p.caption for p in manifest.pictures] == [i.caption for i in pictures.items]


def test_a_manifest_reproduces_the_file(whole, pictures, tmp_path):
    result, _ = whole
    config = train.Manifest.read(result.manifest).config
    assert go(pictures, tmp_path, config).file_sha256 == result.file_sha256
    other = config.model_copy(update={"seed": 1})
    assert go(pictures, tmp_path / "other", other).tensors_sha256 != result.tensors_sha256


@pytest.mark.parametrize("optimizer", ["adamw", "prodigy"])
@pytest.mark.parametrize("stops", [(1,), (4, 7), (5,), (3, 6, 11)])
def test_an_interrupted_run_ends_as_one_never_stopped(pictures, tmp_path, optimizer, stops):
    recipe = {"optimizer": optimizer, "learning_rate": 1.0 if optimizer == "prodigy" else 1e-2}
    config = CONFIG.model_copy(update=recipe)
    straight = go(pictures, tmp_path / "straight", config)
    done = 0
    for stop in stops:
        asked = iter(range(done, 100))
        with pytest.raises(Interrupted, match=f"after step {stop} of 12"):
            go(
                pictures,
                tmp_path,
                config,
                should_stop=lambda a=asked, s=stop: next(a) == s,
                resume=done > 0,
            )
        done = stop
    result = go(pictures, tmp_path, config, resume=True)
    assert result.file_sha256 == straight.file_sha256
    assert result.pictures == straight.pictures
    assert result.validations == straight.validations
    ours = load_file(result.checkpoints[-1].folder / "state.safetensors")
    theirs = load_file(straight.checkpoints[-1].folder / "state.safetensors")
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_a_finished_run_resumes_to_itself(pictures, tmp_path):
    first = go(pictures, tmp_path)
    again = go(pictures, tmp_path, resume=True)
    assert again.file_sha256 == first.file_sha256
    assert again.steps_per_second is None


def test_a_damaged_checkpoint_is_set_aside_aloud(pictures, tmp_path, whole):
    first = go(pictures, tmp_path)
    (first.checkpoints[-1].folder / "state.safetensors").write_bytes(b"half")
    told = []
    again = go(pictures, tmp_path, resume=True, on_event=lambda k, d: told.append((k, d)))
    assert ("resumed", {"step": 10, "damaged": ["step-000012"]}) in told
    assert again.file_sha256 == whole[0].file_sha256


def test_a_torn_last_event_is_removed(pictures, tmp_path):
    go(pictures, tmp_path)
    events = tmp_path / "run" / "events.jsonl"
    with events.open("ab") as file:
        file.write(b'{"number": 99, "ki')
    go(pictures, tmp_path, resume=True)
    numbers = [json.loads(line)["number"] for line in events.read_text().splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_run_is_neither_overwritten_nor_resumed_otherwise(pictures, tmp_path):
    go(pictures, tmp_path)
    with pytest.raises(BadInput, match="already holds a run"):
        go(pictures, tmp_path)
    with pytest.raises(BadInput, match=r"config\.rank"):
        go(pictures, tmp_path, CONFIG.model_copy(update={"rank": 8}), resume=True)


def test_nan_stops_the_run_naming_step_and_pictures(pictures, tmp_path):
    base = Toy(tmp_path)
    base.poison_at = 20
    config = CONFIG.model_copy(update={"prior_pictures": 0})
    with pytest.raises(TrainingStopped, match=r"not finite at step \d+ \(.*\.png.*lower learning"):
        go(pictures, tmp_path, config, base=base)
    last = (tmp_path / "run" / "events.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["kind"] == "stopped"
    assert not base.denoiser.training


def test_an_exploding_loss_stops_the_run(pictures, tmp_path):
    config = CONFIG.model_copy(
        update={
            "steps": 100,
            "learning_rate": 50.0,
            "warmup": 25,
            "prior_pictures": 0,
            "accumulate": 1,
            "validate_every": 200,
            "checkpoint_every": 200,
            "preview_every": 0,
        }
    )
    with pytest.raises(TrainingStopped, match="has risen from"):
        go(pictures, tmp_path, config)


def test_a_lora_without_effect_is_no_success(pictures, tmp_path):
    config = CONFIG.model_copy(update={"steps": 1, "learning_rate": 1e-30, "weight_decay": 0.0})
    with pytest.raises(TrainingStopped, match="changes nothing"):
        go(pictures, tmp_path, config)


def test_a_full_disk_is_one_line_and_earlier_checkpoints_stay(pictures, tmp_path, monkeypatch):
    import errno

    from sosie.train import checkpoint

    real = checkpoint.save_file
    calls = []

    def full(tensors, path):
        calls.append(path)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(tensors, path)

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(WorkspaceError, match="disk is full"):
        go(pictures, tmp_path)
    assert [p.name for p in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-000005"]
    monkeypatch.undo()
    assert go(pictures, tmp_path, resume=True).steps == 12


def test_on_checkpoint_draws_with_the_exported_lora(pictures, tmp_path):
    base, seen = Toy(tmp_path), []

    def look(saved):
        noisy, text = torch.ones(1, 3, 4, 4), {"text": torch.zeros(1, 8)}
        with torch.no_grad():
            seen.append((saved.step, base.predict(noisy, torch.ones(1), text), saved.previews))

    result = go(pictures, tmp_path, base=base, on_checkpoint=look)
    assert [step for step, *_ in seen] == [5, 10, 12]
    assert not torch.equal(seen[0][1], seen[1][1])
    assert len(seen[2][2]) == 8
    assert result.checkpoints[-1].file_sha256 == result.file_sha256
    assert base.released


def test_the_randomness_of_the_caller_is_left_alone(pictures, tmp_path):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    go(pictures, tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_previews_and_validations_do_not_disturb_the_training(pictures, tmp_path, whole):
    config = CONFIG.model_copy(update={"preview_every": 0, "validate_every": 100})
    tensors = go(pictures, tmp_path, config).tensors_sha256
    assert tensors == whole[0].tensors_sha256


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValidationError, match="learning_rat"):
        train.TrainConfig(learning_rat=1e-4)


def test_a_missing_trigger_is_refused_before_anything_is_written(pictures, tmp_path):
    items = [i.model_copy(update={"caption": "a photo"}) for i in pictures.items]
    bare = pictures.model_copy(update={"items": tuple(items)})
    with pytest.raises(NotReady, match="ohwx"):
        go(bare, tmp_path, CONFIG.model_copy(update={"waive": ("trigger",)}))
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_targets_that_no_file_could_name_are_refused_before_anything_is_written(pictures, tmp_path):
    with pytest.raises(BadInput, match='"last" could not be exported') as refused:
        go(pictures, tmp_path, CONFIG.model_copy(update={"targets": ("last",)}))
    assert "single_transformer_blocks.0.proj_mlp" in refused.value.advice
    assert not (tmp_path / "run").exists()


def test_a_misspelt_waiver_is_refused(pictures, tmp_path):
    with pytest.raises(NotFound, match="split"):
        go(pictures, tmp_path, CONFIG.model_copy(update={"waive": ("splitt",)}))


def test_a_split_that_cannot_work_is_refused_and_may_be_waived(tmp_path):
    twins = dataset(tmp_path / "twins", [picture(1, (48 + i, 48)) for i in range(12)])
    with pytest.raises(NotReady, match="withheld"):
        go(twins, tmp_path)
    result = go(twins, tmp_path / "again", CONFIG.model_copy(update={"waive": ("split",)}))
    assert result.validations[0].withheld is None
    assert "split" in train.Manifest.read(result.manifest).waived[0]


def test_a_changed_file_is_found(tmp_path):
    pictures = dataset(tmp_path / "pictures", [picture(i) for i in range(12)])
    picture(99).save(pictures.items[3].path)
    with pytest.raises(NotReady, match=r"03\.png"):
        go(pictures, tmp_path)


def test_eight_bit_adam_is_refused_on_a_cpu(pictures, tmp_path):
    with pytest.raises(NotReady, match="8-bit"):
        go(pictures, tmp_path, CONFIG.model_copy(update={"optimizer": "adamw8bit"}))


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_bf16_and_schedules_train(pictures, tmp_path, schedule):
    recipe = {"precision": "bf16", "schedule": schedule, "close_ups": True, "buckets": (32, 48)}
    result = go(pictures, tmp_path, CONFIG.model_copy(update=recipe))
    assert result.effect > 0


def scored(values):
    """A judge who says these values in turn, or these and what is copied."""
    left = iter(values)

    def judge(checkpoint):
        said = next(left)
        likeness, copied = said if isinstance(said, tuple) else (said, 0.0)
        return train.Score(likeness=likeness, copied=copied)

    return judge


def test_the_checkpoint_with_the_best_score_becomes_the_lora(pictures, whole, tmp_path):
    last, _ = whole
    told = []
    result = go(
        pictures,
        tmp_path,
        on_checkpoint=scored([0.4, 0.6, 0.6]),
        on_event=lambda kind, data: told.append((kind, data)),
    )
    assert (result.kept, result.steps) == (10, 12)
    assert {step: score.likeness for step, score in result.scores.items()} == {
        5: 0.4,
        10: 0.6,
        12: 0.6,
    }
    kept = next(c for c in result.checkpoints if c.step == 10)
    assert result.adapter.read_bytes() == kept.adapter.read_bytes()
    assert result.tensors_sha256 != last.tensors_sha256
    worse = [data["worse"] for kind, data in told if kind == "score"]
    assert worse == [False, False, True]


def test_of_level_checkpoints_the_one_that_copies_least_is_kept(pictures, tmp_path):
    told = []
    result = go(
        pictures,
        tmp_path,
        on_checkpoint=scored([(0.5, 0.0), (0.79, 0.25), (0.8, 0.5)]),
        on_event=lambda kind, data: told.append((kind, data)),
    )
    assert result.kept == 10, "the first copies least and is less like"
    assert [data["copied"] for kind, data in told if kind == "score"] == [0.0, 0.25, 0.5]
    (why,) = [data["message"] for kind, data in told if kind == "kept"]
    assert why.startswith("kept step 10: as good as the best of 3, and it copies less")


def test_training_captions_are_asked_for_apart_from_the_new_prompts(pictures, tmp_path):
    said = ["photo of ohwx in red"] * 2 + [f"photo of ohwx number {n}" for n in range(11)]
    repeated = pictures.model_copy(
        update={
            "items": tuple(
                item.model_copy(update={"caption": caption})
                for item, caption in zip(pictures.items, said, strict=True)
            )
        }
    )
    seen = []
    config = CONFIG.model_copy(
        update={"preview_taught": 2, "withheld": ("05.png", "06.png", "07.png")}
    )
    go(repeated, tmp_path, config, on_checkpoint=seen.append)
    last = seen[-1]
    assert len(last.previews) == 8 and len(last.taught) == 2
    assert {path.parent.parent.name for path in last.taught} == {"taught"}
    with Image.open(last.taught[0]) as image:
        assert json.loads(image.info["sosie"])["prompt"] == said[0], "the one that is repeated"
    assert not seen[0].taught, "no previews were due"


def test_the_last_checkpoint_is_kept_where_nothing_is_scored_or_it_is_asked_for(
    pictures, whole, tmp_path
):
    last, told = whole
    assert last.kept == 12 and last.scores == {}
    (why,) = [data["message"] for kind, data in told if kind == "kept"]
    assert why == "kept step 12: the last one, since no checkpoint could be scored"
    config = CONFIG.model_copy(update={"keep": "last"})
    result = go(pictures, tmp_path, config, on_checkpoint=scored([0.9, 0.6, 0.6]))
    assert result.kept == 12
    assert result.tensors_sha256 == last.tensors_sha256


def test_a_run_ends_when_nothing_gets_better_and_keeps_its_best(pictures, tmp_path):
    config = CONFIG.model_copy(update={"checkpoint_every": 2, "patience": 2})
    result = go(pictures, tmp_path, config, on_checkpoint=scored([0.1, 0.9, 0.5, 0.8]))
    assert (result.steps, result.kept) == (8, 4)
    assert [c.step for c in result.checkpoints] == [2, 4, 6, 8]


def test_a_resumed_run_remembers_its_scores(pictures, tmp_path):
    straight = go(pictures, tmp_path / "straight", on_checkpoint=scored([0.9, 0.6, 0.5]))
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        go(
            pictures,
            tmp_path / "stopped",
            on_checkpoint=scored([0.9]),
            should_stop=lambda: next(asked) == 7,
        )
    result = go(pictures, tmp_path / "stopped", on_checkpoint=scored([0.6, 0.5]), resume=True)
    assert result.kept == straight.kept == 5
    assert result.file_sha256 == straight.file_sha256


def test_a_checkpoint_whose_copies_nobody_could_see_is_no_better_than_the_worst():
    standing = Standing(train.TrainConfig())
    standing.scores = {5: train.Score(likeness=0.8), 10: train.Score(likeness=0.79, copied=0.75)}
    assert standing.best() == 10


def test_a_resumed_run_remembers_what_was_copied(pictures, tmp_path):
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        go(
            pictures,
            tmp_path,
            on_checkpoint=scored([(0.8, 0.5)]),
            should_stop=lambda: next(asked) == 7,
        )
    result = go(pictures, tmp_path, on_checkpoint=scored([(0.79, 0.25), (0.1, 0)]), resume=True)
    assert result.kept == 10
    assert result.scores[5].copied == 0.5


def test_a_best_checkpoint_that_was_damaged_is_kept_no_more(pictures, tmp_path):
    first = go(pictures, tmp_path, on_checkpoint=scored([0.9, 0.6, 0.5]))
    (first.checkpoints[0].folder / "state.safetensors").write_bytes(b"half")
    again = go(pictures, tmp_path, on_checkpoint=scored([0.5]), resume=True)
    assert (first.kept, again.kept) == (5, 10)
    assert {step: score.likeness for step, score in again.scores.items()} == {10: 0.6, 12: 0.5}


def averaging(scores, pictures, folder, **more):
    """A run whose every checkpoint has previews, with these scores."""
    told = []
    config = CONFIG.model_copy(update={"checkpoint_every": 6, "preview_every": 6, **more})
    seen = scored(scores)
    result = go(
        pictures,
        folder,
        config,
        on_checkpoint=seen,
        on_event=lambda kind, data: told.append((kind, data)),
    )
    return result, told


def test_the_average_of_the_weights_is_kept_only_where_it_scores_better(pictures, tmp_path):
    average, told = averaging([0.9, 0.5, 0.8], pictures, tmp_path / "average")
    bare, _ = averaging([0.7, 0.5, 0.8], pictures, tmp_path / "bare")
    for result, better in ((average, True), (bare, False)):
        assert (result.kept, result.averaged.kept, result.averaged.bare) == (6, better, 0.8)
        own = next(c for c in result.checkpoints if c.step == 6).adapter
        assert (result.adapter.read_bytes() == own.read_bytes()) == better
        with safe_open(result.adapter, "pt") as file:
            assert train.is_bare(file.metadata()) != better
    state = load_file(bare.checkpoints[0].folder / "state.safetensors")
    assert not torch.equal(state["weights"], state["average"])
    (why,) = [data["message"] for kind, data in told if kind == "kept"]
    assert why.endswith("with its weights averaged (0.900; as they are 0.800)")
    assert any("8 previews more" in data["message"] for kind, data in told if kind == "note")


def test_previews_of_a_lora_are_those_that_its_own_weights_drew(pictures, tmp_path):
    bare, _ = averaging([0.7, 0.5, 0.8], pictures, tmp_path)
    previews = bare.folder / "previews"
    with safe_open(bare.adapter, "pt") as file:
        own = train.previews_of(previews, 6, file.metadata())
    with safe_open(bare.checkpoints[0].adapter, "pt") as file:
        averaged = train.previews_of(previews, 6, file.metadata())
    assert own != averaged and len(list(own.glob("*.png"))) == 8
    first, second = ((folder / "1.png").read_bytes() for folder in (own, averaged))
    assert first != second


def test_without_an_average_or_a_choice_nothing_more_is_drawn(pictures, tmp_path):
    for name, more in (("none", {"ema": 0.0}), ("last", {"keep": "last"})):
        result, told = averaging([0.7, 0.5], pictures, tmp_path / name, **more)
        assert result.averaged is None
        assert [kind for kind, _ in told].count("preview") == 3
        assert not (result.folder / "previews" / "bare").exists()
