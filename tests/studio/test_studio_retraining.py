"""Training again against copying, through `Studio`: what is changed, and what it is worth."""

import shutil

import numpy as np
import pytest
from PIL import Image

from sosie import train
from sosie.audit.copying import CopyAudit
from sosie.core.errors import Interrupted, NotPermitted
from sosie.studio import Studio, comparing, retraining
from sosie.studio.easel import Easel
from sosie.studio.photos import Photos
from sosie.train import Manifest
from tests.cli.door import sosie
from tests.studio.household import QUICK, household, photo, photos

OFTEN = "photo of anna number 3, in a red hat"
"""The caption of a shot that is filed three times."""


@pytest.fixture(scope="module")
def once(tmp_path_factory, base):
    """A workspace with a LoRA of one shot in three files, and two in one."""
    folder = tmp_path_factory.mktemp("copied")
    pictures = photos(folder / "photos", count=4)
    for number in range(2):
        again = photo(pictures, f"again{number}.png", 3, OFTEN)
        with Image.open(again) as image:
            image.point(lambda level, more=number: min(255, level + 3 + more)).save(again)
    (pictures / "3.txt").write_text(OFTEN)
    studio = household(folder / "home", pictures)
    settings = {**QUICK, "withheld": ["0.png"], "steps": 6, "checkpoint_every": 6}
    studio.train("anna", base=str(base), overrides=settings, device="cpu")
    return folder / "home"


@pytest.fixture
def studio(once, tmp_path, monkeypatch):
    """It gives the shot back wherever its whole caption is asked for, until the rank is less."""
    shutil.copytree(once, tmp_path / "home")
    studio = Studio(tmp_path / "home")
    manifest = Manifest.read(studio.run_folder("anna-1") / "manifest.json")
    sample = next(p.sample for p in manifest.pictures if p.caption == OFTEN)

    def draw(self, wanted, lora=None, *, push=0.0, guided=True, all_needed=True):
        rank = min(a.shape[0] for a, _ in lora[0].modules.values()) if lora else 0
        for one in wanted:
            one.cell.mkdir(parents=True, exist_ok=True)
            if rank == QUICK["rank"] and one.prompt == OFTEN:
                shutil.copy(studio.registry.blobs.path(sample), one.file)
                continue
            noise = np.random.default_rng([one.seed, *one.key.encode()])
            small = noise.integers(0, 256, (6, 6, 3), np.uint8)
            Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC).save(one.file)

    monkeypatch.setattr(Easel, "draw", draw)
    monkeypatch.setattr(comparing, "figure", lambda: None)

    def as_it_is(self, image, box, size):
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box))

    monkeypatch.setattr(Photos, "_through", as_it_is)
    return studio


def mended(studio, **more):
    given = {"device": "cpu", "each": 3, "at_most": 0.25, "retrain": True}
    return studio.mend_copies("anna-1", **{**given, **more})


def test_remedies_add_up_until_nothing_comes_back_and_are_shown_beside_each_other(
    studio, monkeypatch
):
    taught = []
    real = train.train

    def spied(dataset, base, config, **more):
        taught.append((dataset, config))
        return real(dataset, base, config, **more)

    monkeypatch.setattr(train, "train", spied)
    told = []
    done = mended(studio, on_event=lambda kind, data: told.append((kind, data)))
    (once, first), (short, second), (_, third) = taught
    assert [item.caption for item in once.items].count(OFTEN) == 1 and len(once.items) == 4
    # Five were taught, two of them repeats: no other picture is seen more often.
    assert (first.steps, first.rank) == (4, 2)
    assert OFTEN not in [item.caption for item in short.items]
    assert "photo of anna number 3" in [item.caption for item in short.items]
    assert (second.steps, second.rank) == (4, 2) and (third.steps, third.rank) == (4, 1)
    assert third.alpha / third.rank == first.alpha / first.rank
    # The whole caption is asked for after it was cut, too: it still gave the picture back.
    names = [f"anna-{number}" for number in range(1, 5)]
    filed = [studio.registry.audits.of(name)[-1].record for name in names]
    audits = [CopyAudit.model_validate_json(record) for record in filed]
    assert [(one.remedies, one.copying.reproduced.value > 0) for one in audits] == [
        ((), True),
        (("repeats",), True),
        (("repeats", "captions"), True),
        (("repeats", "captions", "rank"), False),
    ]
    assert done.audit == audits[-1] and done.audit.verdict == "passed"
    assert done.audit.tried[0].adapter == "anna-1" and done.audit.tried[-1].remedies
    message = next(data["message"] for kind, data in told if kind == "retraining")
    assert "up to 3 times" in message and "minutes each" in message
    assert [kind for kind, _ in told].index("retraining") < len(told) - 1
    page = done.page.read_text()
    assert "Likeness against copying" in page and "anna-4@4 at 1 (repeats, captions, rank)" in page
    assert [adapter.name for adapter in studio.registry.adapters()] == names


def test_one_that_was_stopped_trains_nothing_twice(studio, monkeypatch):
    taken = []

    def hear(kind, data):
        if kind == "step":
            taken.append(data["step"])

    with pytest.raises(Interrupted):
        mended(studio, on_event=hear, should_stop=lambda: len(taken) == 2)
    assert studio.runs("anna")[-1].state == "stopped"
    done = mended(studio, on_event=hear)
    assert done.audit.adapter == "anna-4" and taken == [1, 2, 3, 4] * 3
    assert retraining.remedies(studio.registry, "anna-2") == ("repeats",)
    assert retraining.captions_before(studio.registry, "anna-3") == (OFTEN,)


def test_a_stopped_retraining_is_resumed_like_any_run(studio, base):
    taken = []

    def hear(kind, data):
        if kind == "step":
            taken.append(data["step"])

    with pytest.raises(Interrupted):
        mended(studio, on_event=hear, should_stop=lambda: len(taken) == 2)
    adapter = studio.train(
        "anna", base=str(base), overrides={}, device="cpu", resume=True, on_event=hear
    )
    assert (adapter.name, adapter.step, taken) == ("anna-2", 4, [1, 2, 3, 4])
    manifest = Manifest.read(studio.run_folder("anna-2") / "manifest.json")
    assert [picture.caption for picture in manifest.pictures].count(OFTEN) == 1
    assert retraining.remedies(studio.registry, "anna-2") == ("repeats",)


def test_it_needs_the_permission_to_train(studio):
    studio.withdraw("anna")
    studio.consent("anna", relation="self", who="Anna Weber", acts=("generate",))
    with pytest.raises(NotPermitted, match='train "anna"'):
        mended(studio)
    assert not (studio.run_folder("anna-1") / "audit").exists()
    sosie(studio.registry.home, "audit", "anna-1", "--copies", "--retrain").refused(2, "--mend")
