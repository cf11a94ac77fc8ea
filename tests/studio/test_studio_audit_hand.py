"""Audits of a handwriting through `Studio`: what the LoRA draws is replaced by drawn lines."""

import json
import shutil
from dataclasses import replace

import pytest
from PIL import Image

from sosie import audit, generate
from sosie.core.errors import BadInput
from sosie.core.quoted import quoted
from sosie.models import ocr
from sosie.models.verified import engine
from sosie.studio import Studio, references
from sosie.train import Checkpoint, Manifest
from sosie.train.preview import PROBES
from sosie.world.hands import writer
from sosie.world.writing import line
from tests.studio.household import QUICK

WHO, OTHER = 19, 29
TEXTS = (
    "Bread and tea", "At ten, then", "Call the bank", "No milk left", "Rain again today",
    "Up at seven", "Keys are here", "Love from me", "Back very soon", "A fine quiet day",
    "Jam for Zoe", "Next week, maybe", "Vote on Sunday", "Fix the box", "Where is Hugo?",
)  # fmt: skip
STRENGTHS = (0.5, 1.0)


def notes(folder, texts=TEXTS):
    folder.mkdir(parents=True)
    for number, text in enumerate(texts):
        path = folder / f"{number}.png"
        Image.fromarray(line(writer(WHO), text, seed=number).picture).save(path)
        path.with_suffix(".txt").write_text(f'a note by ada that reads "{text}"')
    return folder


def trained(home, folder, base, relation="synthetic"):
    studio = Studio(home)
    studio.new("ada", kind="handwriting")
    studio.add("ada", [folder])
    studio.consent("ada", relation=relation, who="Ada", evidence="sosie.world writer 19")
    probes = PROBES["handwriting"][:2]
    more = {"waive": (), "preview_every": 4, "probes": probes}
    studio.train("ada", base=str(base), overrides=QUICK | more, device="cpu")
    return studio


@pytest.fixture(scope="module")
def home(tmp_path_factory, base):
    folder = tmp_path_factory.mktemp("written")
    trained(folder / "home", notes(folder / "notes"), base)
    return folder / "home"


@pytest.fixture
def studio(home, tmp_path, monkeypatch):
    """With a LoRA that writes as the writer does at full strength, and a base that writes as
    somebody else."""
    shutil.copytree(home, tmp_path / "home")
    real = generate.draw_each

    def draw_each(base, configs, loras=(), *, on_picture, **more):
        good = bool(loras) and loras[0][2] == 1.0

        def written(number, picture):
            assert picture.rgb.shape[1] >= 4 * picture.rgb.shape[0], "as lines were taught"
            text, seed = quoted(configs[number].prompt), configs[number].seed
            rgb = line(writer(WHO if good else OTHER), text, seed=seed).picture
            on_picture(number, replace(picture, rgb=rgb))

        return real(base, configs, loras, on_picture=written, **more)

    monkeypatch.setattr(generate, "draw_each", draw_each)
    return Studio(tmp_path / "home")


def test_whether_it_copies_is_told_as_not_measured(studio):
    with pytest.raises(BadInput, match="cannot be measured") as refused:
        studio.audit_copies("ada-1", device="cpu")
    assert refused.value.exit_code == 2


def test_a_handwriting_is_audited_like_a_person(studio):
    done = studio.audit("ada-1@4", device="cpu", strengths=STRENGTHS)
    found = done.audit
    assert (found.kind, found.verdict, found.choice.strength) == ("handwriting", "passed", 1.0)
    assert len(found.prompts) == 3 + 8 and all("{trigger}" in text for text in found.prompts)
    assert {f.judge for f in found.figures if f.name == "hand"} == {*found.judges}
    assert next(iter(found.judges)) == "contour hinges"
    assert [worth.judge for worth in found.worth] == list(found.judges)
    assert all(point.error is not None for point in found.curve)
    assert audit.Audit.model_validate(json.loads(done.record.read_text())["audit"]) == found
    page = done.page.read_text()
    assert "of the person" not in page and "about real hands is not known" in page
    assert page.count("data:image/jpeg") == 2 * 2 + 3


def test_what_is_low_names_the_command_that_mends_it(studio):
    found = studio.audit("ada-1@2", device="cpu", strengths=(0.5,)).audit
    assert found.verdict == "failed"
    low = {f.name: f.mend for f in found.figures if f.state == "failed"}
    # By three withheld notes another's hand may lean either way.
    assert "hand" in low and set(low) <= {"hand", "repeats"}
    assert all(mend.startswith("sosie ") for mend in low.values())


def test_previews_are_drawn_as_long_as_lines_were_taught(studio):
    folder = studio.run_folder("ada-1")
    width, height = Manifest.read(folder / "manifest.json").drawn_in
    assert width >= 6 * height
    drawn = sorted(folder.glob("previews/step-000004/*.png"))
    assert [Image.open(path).size for path in drawn] == [(width, height)] * 2


def test_pictures_of_a_hand_are_drawn_as_long_as_lines_were_taught(studio, base, tmp_path):
    width, height = Manifest.read(studio.run_folder("ada-1") / "manifest.json").drawn_in
    prompt, heard = 'handwriting of <lora:ada-1> ada, the text reads "Hello"', []
    asked = {"base": str(base), "n": 1, "steps": 1, "device": "cpu", "say": heard.append}
    (file,) = studio.generate(prompt, out=tmp_path / "long", **asked).files
    assert Image.open(file).size == (width, height)
    assert [line for line in heard if f"{width}x{height}" in line]
    (file,) = studio.generate(prompt, out=tmp_path / "given", width=64, height=64, **asked).files
    assert Image.open(file).size == (64, 64)


def test_previews_are_scored_by_hand_and_reading(studio, tmp_path):
    """As `train` picks the checkpoint of a handwriting."""
    dataset = studio.show("ada").dataset
    folder = studio.run_folder("ada-1") / "checkpoints" / "step-000002"
    hashes = {"file_sha256": "0" * 64, "tensors_sha256": "0" * 64}
    bare = Checkpoint(step=2, folder=folder, adapter=folder / "adapter.safetensors", **hashes)
    score = references.scorer(studio.registry, dataset, base=None)

    def scored(*texts, who=WHO):
        paths = [tmp_path / f"{number}.png" for number in range(1, len(texts) + 1)]
        for path, text in zip(paths, texts, strict=True):
            Image.fromarray(line(writer(who), text, seed=5).picture).save(path)
        found = score(bare.model_copy(update={"previews": tuple(paths)}))
        assert found.copied is None, "a text that is asked for again is to be written again"
        return found.likeness

    asked = "Good morning", "See you on Thursday"  # the first two of `PROBES`
    right = scored(*asked)
    assert right > 0.9
    assert right > scored(*asked, who=OTHER) + 0.1
    assert right > scored("See you again soon", "Good evening all") + 0.4
    assert score(bare) is None


def test_without_the_reader_nothing_is_measured(studio, monkeypatch):
    def missing(*_):
        engine("no_such_package", what="text reader", install=ocr.INSTALL)

    monkeypatch.setattr(ocr, "find", missing)
    with pytest.raises(BadInput, match="text reader"):
        studio.audit("ada", device="cpu")


def test_of_a_real_hand_only_the_judge_speaks_that_learned_nothing(tmp_path, base):
    studio = trained(tmp_path / "home", notes(tmp_path / "notes"), base, relation="self")
    from sosie.studio import auditing, briefs, drawing

    manifest = auditing.manifest_of(drawing.find(studio.registry, "ada"))
    brief = briefs.brief(studio.registry, manifest)
    assert [judge.name for judge in brief.panel.faces] == ["contour hinges"]
    assert brief.panel.missing[0].what == "the hand by a second judge"
