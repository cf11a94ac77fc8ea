"""Adapters trained without a part of the pictures, through `Studio`, on the tiny twin."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from sosie import generate
from sosie.audit.copying import CopyAudit
from sosie.core.errors import BadInput, Interrupted, NotPermitted
from sosie.core.files import sha256_file
from sosie.models import lora
from sosie.studio import Studio, comparing, folding
from sosie.studio.easel import Easel
from sosie.studio.photos import Photos
from sosie.train import Manifest
from tests.cli.door import sosie
from tests.studio.household import QUICK, household, photo, photos

FOLDS = 2


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """Nothing that needs a network of its own: what is compared is noise."""
    monkeypatch.setattr(comparing, "figure", lambda: None)
    monkeypatch.setattr(folding, "NOISES", 2)

    def as_it_is(self, image, box, size):
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box))

    monkeypatch.setattr(Photos, "_through", as_it_is)


@pytest.fixture(scope="module")
def once(tmp_path_factory, base):
    """A workspace with a LoRA of ten pictures, of which two are one shot."""
    folder = tmp_path_factory.mktemp("folded")
    pictures = photos(folder / "photos", count=9)
    again = photo(folder / "photos", "again.png", 2, "photo of anna number 2 again")
    small = Image.open(again)
    small.point(lambda level: min(255, level + 3)).save(again)
    studio = household(folder / "home", pictures)
    withheld = ["0.png", "1.png"]
    studio.train("anna", base=str(base), overrides={**QUICK, "withheld": withheld}, device="cpu")
    return folder / "home"


@pytest.fixture
def studio(once, tmp_path):
    shutil.copytree(once, tmp_path / "home")
    return Studio(tmp_path / "home")


@pytest.fixture
def quick(monkeypatch):
    """Pictures that nothing draws: where only the order of things is asked."""

    def draw(self, wanted, lora=None, *, push=0.0, guided=True, all_needed=True):
        for one in wanted:
            if self.should_stop():
                raise Interrupted("stopped")
            noise = np.random.default_rng(one.seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            one.cell.mkdir(parents=True, exist_ok=True)
            Image.fromarray(noise).resize((32, 32), Image.Resampling.BICUBIC).save(one.file)

    monkeypatch.setattr(Easel, "draw", draw)


def audited(studio, name="anna-1", **more):
    return studio.audit_copies(name, **{"device": "cpu", "each": 1, "folds": FOLDS, **more})


def place(studio):
    [found] = (studio.run_folder("anna-1") / "audit" / "counterfactual").iterdir()
    return found


def test_each_part_is_left_out_once_and_near_duplicates_together(studio, monkeypatch):
    from sosie import train as stage

    told, taught = [], []
    real = stage.train

    def train(dataset, *args, **more):
        taught.append({item.file_name for item in dataset.items})
        return real(dataset, *args, **more)

    monkeypatch.setattr(stage, "train", train)
    done = audited(studio, on_event=lambda kind, data: told.append((kind, data)))
    found = done.audit.counterfactual
    whole = {f"{n}.png" for n in range(9)} | {"again.png"}
    left = [whole - names for names in taught]
    assert len(left) == FOLDS and left[0] | left[1] == whole - {"0.png", "1.png"}
    assert not left[0] & left[1]
    assert any({"2.png", "again.png"} <= part for part in left), "one shot, in two files"
    assert {shot.name for shot in found.shots if shot.fold == 0} == left[0] - {"again.png"}
    assert len(found.shots) == 7 and found.withheld == 2
    kinds = [kind for kind, _ in told]
    assert kinds.index("counterfactual") < kinds.index("picture"), "told before anything is done"
    message = dict(told)["counterfactual"]["message"]
    assert f"{FOLDS} times" in message and "minutes" in message
    files = sorted(path.name for path in place(studio).iterdir())
    assert files == ["drawn-1-1", "drawn-2-1", "without-1.safetensors", "without-2.safetensors"]
    read = [lora.read(place(studio) / f"without-{n}.safetensors") for n in (1, 2)]
    assert [one.tensors_sha256 for one in read] == list(found.adapters)
    drawn = generate.read_back(next((place(studio) / "drawn-1-1").glob("*.png")))
    assert drawn.loras[0].tensors_sha256 == found.adapters[0] and drawn.loras[0].consent_sha256
    assert [adapter.name for adapter in studio.registry.adapters()] == ["anna-1"]
    assert "Taught, and left out" in done.page.read_text()
    assert CopyAudit.model_validate(json.loads(done.record.read_text())["audit"]) == done.audit


def test_one_that_was_stopped_goes_on_and_trains_nothing_twice(studio, quick):
    steps = []

    def hear(kind, data):
        if kind == "looked" and data["what"].startswith("training"):
            steps.append((data["what"], data["done"]))

    with pytest.raises(Interrupted):
        audited(studio, on_event=hear, should_stop=lambda: len(steps) == 3)
    assert (place(studio) / "training-1").is_dir()
    first = audited(studio, on_event=hear).audit.counterfactual
    resumed = [step for what, step in steps[3:] if "part 1" in what]
    assert resumed == [3, 4], "it went on where it was stopped"
    count = len(steps)
    assert audited(studio, on_event=hear).audit.counterfactual == first and len(steps) == count


def test_an_earlier_checkpoint_is_compared_at_its_own_step(studio, quick):
    found = audited(studio, "anna-1@2").audit
    assert found.step == found.counterfactual.step == 2
    header = lora.read(place(studio) / "without-1.safetensors").header
    assert json.loads(header["sosie.manifest"])["step"] == 2


def test_it_needs_the_permission_to_train_and_ends_with_it(studio, quick):
    studio.withdraw("anna")
    studio.consent("anna", relation="self", who="Anna Weber", acts=("generate",))
    with pytest.raises(NotPermitted, match='train "anna"'):
        audited(studio)
    assert not (studio.run_folder("anna-1") / "audit").exists(), "nothing was drawn either"
    studio.consent("anna", relation="self", who="Anna Weber", acts=("generate", "train"))

    def hear(kind, data):
        if kind == "looked" and data["what"].startswith("training"):
            studio.withdraw("anna")

    with pytest.raises(NotPermitted, match='train "anna"'):
        audited(studio, on_event=hear)
    assert not list(place(studio).glob("*.safetensors"))


def test_too_few_pictures_and_missing_ones_are_refused_before_anything_is_done(studio, quick):
    with pytest.raises(BadInput, match="7 shots cannot be dealt into 4 parts"):
        audited(studio, folds=4)
    assert not list((studio.run_folder("anna-1") / "audit").rglob("*.png"))
    manifest = Manifest.read(studio.run_folder("anna-1") / "manifest.json")
    assert manifest.near_duplicates, "two files of one shot"


def test_forgetting_destroys_the_adapters_too(studio, quick):
    audited(studio)
    files = sorted(place(studio).glob("*.safetensors"))
    hashes = {sha256_file(path) for path in files}
    _, receipt = studio.forget("anna")
    assert len(files) == FOLDS and not any(path.exists() for path in files)
    assert hashes <= {file.file_sha256 for file in receipt.destroyed}


def test_the_door_asks_for_both_words(studio, quick):
    home = studio.registry.home
    sosie(home, "audit", "anna-1", "--counterfactual").refused(2, "belongs to --copies")
    sosie(home, "audit", "anna-1", "--copies", "--folds", 2).refused(2, "--counterfactual")
    words = ("audit", "anna-1", "--copies", "--counterfactual", "--mend")
    sosie(home, *words).refused(2, "Mend first")
    words = ("audit", "anna-1", "--copies", "--each", 1, "--device", "cpu")
    answer = sosie(home, *words, "--counterfactual", "--folds", FOLDS, columns=160)
    assert answer.code == 2 and "mean of 7 shots" in answer.out
    assert "2 times without a part" in answer.err
