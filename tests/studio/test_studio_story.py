"""From pictures to pictures through `Studio`, and back again from what was written."""

import io
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sosie.core.errors import BadInput, Interrupted, NotFound, NotPermitted, NotReady
from sosie.core.files import sha256_file
from sosie.generate import read_back
from sosie.models import lora
from sosie.rights.credentials import without
from sosie.studio import Studio
from sosie.train import Manifest
from tests.studio.household import QUICK, household

PROMPT = "photo of <lora:anna-1:0.8> anna in a red coat"


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_what_is_trained_on_is_what_show_tells(studio):
    shown = studio.show("anna")
    manifest = Manifest.read(shown.runs[0].folder / "manifest.json")
    assert [(p.sample, p.pixels_sha256, p.caption) for p in manifest.pictures] == [
        (i.sample, i.pixels_sha256, i.caption) for i in shown.dataset.items
    ]
    assert manifest.dataset_sha256 == shown.dataset.content_sha256()
    assert [p.caption for p in manifest.pictures] == [f"photo of anna number {i}" for i in range(6)]
    assert sum(p.withheld for p in manifest.pictures) == 1


def test_the_lora_carries_the_hash_of_the_permission(studio):
    shown = studio.show("anna")
    (adapter,), (consent,) = shown.adapters, shown.consents
    file = lora.read(studio.registry.blobs.path(adapter.file_sha256))
    assert file.header["sosie.consent_sha256"] == consent.sha256() == adapter.consent_sha256
    assert "Anna Weber" not in json.dumps(dict(file.header))
    assert adapter.name == "anna-1" and adapter.step == QUICK["steps"]


def test_drawing_twice_gives_the_same_bytes_and_says_what_made_them(studio, trained, tmp_path):
    drawn = [
        studio.generate(PROMPT, base=str(trained.base), out=tmp_path / out, n=2, device="cpu")
        for out in ("one", "two")
    ]
    one, two = ([without(p.read_bytes()) for p in found.files] for found in drawn)
    assert one == two
    assert drawn[0].sheet.is_file()
    made = read_back(drawn[0].files[1])
    assert made.prompt == PROMPT and made.seed == 2
    (use,) = made.loras
    assert (use.name, use.weight) == ("anna-1", 0.8)
    assert use.file_sha256 == trained.adapter.file_sha256
    assert use.consent_sha256 == studio.show("anna").consents[0].sha256()


def test_a_subject_and_a_checkpoint_can_be_called_too(studio, trained, tmp_path):
    said: list[str] = []
    for call in ("anna", "anna-1@2"):
        studio.generate(
            f"<lora:{call}:1> a coat", base=str(trained.base), out=tmp_path, n=1, device="cpu",
            say=said.append,
        )  # fmt: skip
    assert said[0] == "<lora:anna> is anna-1, the latest LoRA of anna."
    assert 'lacks "anna"' in said[1]
    with pytest.raises(NotFound, match="Known: 2, 4"):
        studio.generate("<lora:anna-1@9:1> anna", base=str(trained.base), out=tmp_path, n=1)


def test_export_then_import_elsewhere_draws_the_same(studio, trained, tmp_path):
    file, manifest, *_ = studio.export_adapter("anna-1", tmp_path / "loras")
    assert sha256_file(file) == trained.adapter.file_sha256
    assert Manifest.read(manifest).name == "anna-1"
    other = Studio(tmp_path / "other")
    other.new("ada")
    adapter, (what, whose, use) = other.import_adapter(file, subject="ada", name="twin")
    assert "is not on file here" in whose and "sosie consent ada --take" in whose
    assert adapter.family == "flux" and "modules" in what
    assert use.startswith("Nothing can be done with it until") and "sosie consent ada" in use
    call = {"base": str(trained.base), "n": 1, "device": "cpu"}
    with pytest.raises(NotPermitted, match="no permission is on file"):
        other.generate("<lora:twin:0.8> anna", out=tmp_path / "no", **call)
    other.consent("ada", relation="self")
    _, (*_, use) = other.import_adapter(file, subject="ada", name="again")
    assert use == 'Use it as "<lora:again:1>" on a flux base.'
    other.consent("ada", relation="self", acts=())
    with pytest.raises(NotPermitted, match="withdrawn"):
        other.import_adapter(file, subject="ada", name="withdrawn")
    other.consent("ada", relation="self")
    there = other.generate("<lora:twin:0.8> anna", out=tmp_path / "there", **call)
    here = studio.generate("<lora:anna-1:0.8> anna", out=tmp_path / "here", **call)
    bare = studio.generate("anna", out=tmp_path / "bare", **call)
    assert np.array_equal(pixels(there.files[0]), pixels(here.files[0]))
    assert not np.array_equal(pixels(bare.files[0]), pixels(here.files[0]))


def test_reproducing_gives_the_same_file(studio, trained, tmp_path):
    _, manifest, *_ = studio.export_adapter("anna-1", tmp_path / "loras")
    moved = tmp_path / "moved"
    moved.symlink_to(trained.base)
    for given, base in ((Path("anna-1"), None), (manifest, str(moved))):
        outcome = studio.reproduce(given, base=base)
        assert outcome.same, outcome.differences
        assert outcome.file_sha256 == trained.adapter.file_sha256
    assert len(studio.runs("anna")) == 1


def test_reproducing_heeds_the_captions_of_then(studio):
    studio.caption("anna", template="another photo of {trigger}", overwrite=True)
    assert studio.reproduce(Path("anna-1")).same


def test_reproducing_heeds_the_pictures_of_then(studio):
    from PIL import Image, ImageOps

    from sosie.registry.intake import decode

    before = studio.registry.samples("anna")[0]
    file = io.BytesIO()
    with Image.open(studio.registry.blobs.path(before.picture_sha256)) as picture:
        ImageOps.flip(picture).save(file, "PNG")
    taken = decode(file.getvalue(), before.file_name)
    new = {"picture_sha256": taken.picture_sha256, "pixels_sha256": taken.pixels_sha256}
    studio.registry.mends.replace(
        before, before.model_copy(update=new), taken.picture, mend="flip", options={}
    )
    assert studio.reproduce(Path("anna-1")).same


def test_a_second_process_sees_the_events_as_they_come(trained, base, pictures, tmp_path):
    home = tmp_path / "followed"
    studio, seen = household(home, pictures), []
    begun = threading.Event()

    def follow() -> None:
        begun.wait()
        seen.extend((e.number, e.kind) for e in Studio(home).follow("anna"))

    follower = threading.Thread(target=follow)
    follower.start()
    told: list[str] = []

    def on_event(kind, data):
        told.append(kind)
        begun.set()

    studio.train("anna", base=str(base), overrides=QUICK, device="cpu", on_event=on_event)
    follower.join(30)
    assert [kind for _, kind in seen] == told
    assert [number for number, _ in seen] == list(range(1, len(told) + 1))
    assert told.count("step") == 4 and told[-1] == "done"
    assert {"split", "check", "plan", "validation", "checkpoint"} <= set(told)
    lines = (home / "runs" / "anna-1" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == told[1:]  # the first is Studio's own


def test_a_stopped_run_goes_on_under_the_settings_it_began_with(base, pictures, tmp_path):
    studio = household(tmp_path / "home", pictures)
    call = {"base": str(base), "device": "cpu"}
    steps: list[int] = []

    def note(kind, data):
        if kind == "step":
            steps.append(data["step"])

    with pytest.raises(Interrupted, match="after step 3 of 4"):
        studio.train(
            "anna", overrides=QUICK, on_event=note, should_stop=lambda: len(steps) == 3, **call
        )
    (run,) = studio.runs("anna")
    assert (run.state, run.step, run.steps) == ("stopped", 3, 4)
    with pytest.raises(BadInput, match="rank was 2"):
        studio.train("anna", overrides={"rank": 4}, resume=True, **call)
    # A renewed permission does not strand it, and a refused attempt does not hide it.
    studio.consent("anna", relation="self", who="Anna Weber", evidence="renewed")
    with pytest.raises(NotReady):
        studio.train("anna", overrides={**QUICK, "withheld": ()}, **call)
    adapter = studio.train("anna", overrides={}, resume=True, on_event=note, **call)
    assert adapter.name == "anna-1" and steps == [1, 2, 3, 4]
    assert studio.registry.run("anna-1").message is None
    straight = household(tmp_path / "straight", pictures).train("anna", overrides=QUICK, **call)
    assert adapter.tensors_sha256 == straight.tensors_sha256
    with pytest.raises(BadInput, match="is done"):
        studio.train("anna", overrides={}, resume=True, **call)


def test_a_base_is_found_again_from_another_folder(base, pictures, tmp_path, monkeypatch):
    studio = household(tmp_path / "home", pictures)
    monkeypatch.chdir(base.parent)
    studio.train("anna", base=base.name, overrides=QUICK, device="cpu")
    monkeypatch.chdir(tmp_path)
    assert studio.runs("anna")[0].base == str(base.resolve())
    assert studio.reproduce(Path("anna-1")).same


def test_a_wrong_word_leaves_no_run_behind(studio, base):
    with pytest.raises(NotFound, match='Did you mean "rank"'):
        studio.train("anna", base=str(base), overrides={"rnak": 3})
    with pytest.raises(NotFound, match="no base named"):
        studio.train("anna", base="fluxx", overrides={})
    assert [run.id for run in studio.runs()] == ["anna-1"]
