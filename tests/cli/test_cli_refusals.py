"""Whatever is wrong: one line, the documented exit code, and nothing stored before is lost."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import SET
from tests.cli.door import sosie
from tests.registry.pictures import png
from tests.studio.household import photo


@pytest.fixture(autouse=True)
def nothing_is_lost(request):
    """After a refusal, everything that was on file is on file still, and whole."""
    if "home" not in request.fixturenames:
        yield
        return
    from sosie.studio import Studio

    home = request.getfixturevalue("home")
    with Studio(home).registry as registry:
        filed = [sample.picture_sha256 for sample in registry.samples("anna")]
        before = (filed, registry.adapters("anna"), registry.consents("anna"))
    yield
    with Studio(home).registry as registry:
        assert [sample.picture_sha256 for sample in registry.samples("anna")][:6] == before[0]
        assert registry.adapters("anna")[:1] == before[1]
        assert registry.consents("anna")[:1] == before[2]
        assert not registry.missing_blobs()


# -- permission ------------------------------------------------------------------------------------

ACTS = {
    "train": ["train", "anna", "--base", "BASE"],
    "generate": ["generate", "<lora:anna-1:1> anna", "--base", "BASE", "--out", "OUT"],
    "export": ["export", "anna-1", "--out", "OUT"],
}


@pytest.mark.parametrize("act", ACTS)
def test_withdrawn_permission_stops_every_act(act, home, base, tmp_path):
    withdrawn = sosie(home, "consent", "anna", "--self", "--acts", "none")
    assert "withdrawn" in withdrawn.out
    words = [{"BASE": base, "OUT": tmp_path / "out"}.get(word, word) for word in ACTS[act]]
    sosie(home, *words).refused(4, f'Not permitted to {act} "anna"', "withdrew", "sosie consent")
    assert not (tmp_path / "out").exists()
    assert "permitted: nothing" in sosie(home, "show", "anna").out


def test_without_a_permission_nothing_is_trained(pictures, base, tmp_path):
    home = tmp_path / "new"
    sosie(home, "new", "eva")
    sosie(home, "add", "eva", pictures)
    sosie(home, "train", "eva", "--base", base).refused(4, "no permission is on file")
    sosie(home, "train", "eva", "--base", base, "--dry-run").refused(4, "no permission")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--self", "--until", "2020-01-01"], "is past"),
        (["--guardian"], "--signed-by"),
        (["--guardian", "--signed-by", "Maria"], "birth date"),
        (["--estate", "--signed-by", "Maria"], "needs what shows"),
        (["--self", "--allow", "forgery"], "Cannot be allowed"),
        (["--self", "--set", "territory=France"], "The term territory"),
        (["--synthetic"], "recipe"),
        ([], "--self, --guardian, --estate, --synthetic"),
        (["--self", "--estate"], "exactly one"),
        (["--self", "--acts", "trian"], "Known: add, train, generate"),
    ],
)
def test_a_permission_that_contradicts_itself_is_not_recorded(words, said, home):
    sosie(home, "consent", "anna", *words).refused(2, said)


def test_what_a_permission_names_must_be_there(home):
    for words, said in (
        (["--set", "teritory=[]"], '"territory"'),
        (["--copyright", "9.png=Studio Meier"], "picture"),
        (["--sign-with", "nowhere.key"], "nowhere.key"),
    ):
        sosie(home, "consent", "anna", "--self", *words).refused(3, said)


# -- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["show", "ana"], 3, 'Did you mean "anna"'),
        (["train", "ana"], 3, 'Did you mean "anna"'),
        (["export", "ana-1", "--out", "x"], 3, 'Did you mean "anna-1"'),
        (["generate", "<lora:anna-7:1> anna"], 3, 'Did you mean "anna-1"'),
        (["generate", "<lora:anna-1:heavy> anna"], 2, "heavy"),
        (["follow", "anna-3"], 3, 'Did you mean "anna-1"'),
        (["caption", "anna", "--set", "1.pgn=x"], 3, 'Did you mean "1.png"'),
        (["caption", "anna", "--set", "1.png"], 2, 'no "="'),
        (["caption", "anna", "--template", "photo of {triger}"], 2, "{trigger}"),
        (["train", "anna", "--base", "flux-dve"], 3, 'Did you mean "flux-dev"'),
        (["train", "anna", "--base", "BASE", "--set", "rnak=3"], 3, 'Did you mean "rank"'),
        (["train", "anna", "--base", "BASE", "--set", "rank=many"], 2, "rank"),
        (["train", "anna", "--base", "BASE", "--despite", "stpes"], 3, 'Did you mean "steps"'),
        (["train", "anna", "--base", "BASE", "--device", "tpu"], 2, "auto, cpu, cuda"),
        (["train", "anna", "--base", "flux-dev"], 3, "hf download"),
        (["new", "Anna"], 2, 'taken by "anna"'),
        (["new", "anna maria"], 2, "a blank"),
        (["import", "nowhere.safetensors", "--subject", "anna"], 3, "nowhere.safetensors"),
        (["reproduce", "nowhere.json"], 2, "nowhere.json"),
        (["reproduce", "anna-2"], 3, 'Did you mean "anna-1"'),
        (["add", "anna", "nowhere"], 2, "nowhere"),
        (["generate", "anna", "--base", "BASE", "--width", "33"], 2, "33"),
        (["generate", "anna", "--base", "BASE", "--init", "nowhere.png"], 2, "nowhere.png"),
    ],
)
def test_a_wrong_word_is_named_with_what_was_meant(words, code, said, home, base):
    sosie(home, *(base if word == "BASE" else word for word in words)).refused(code, said)


def test_a_missing_trigger_word_is_refused_before_anything_is_loaded(home, base):
    sosie(home, "caption", "anna", "--set", "3.png=a woman")
    sosie(home, "train", "anna", "--base", base).refused(5, "3.png", "--insert-trigger")
    mended = sosie(home, "caption", "anna", "--insert-trigger")
    assert "anna, a woman" in mended.out
    assert sosie(home, "train", "anna", "--base", base, *SET).code == 0


# -- pictures --------------------------------------------------------------------------------------


def test_an_empty_folder(home, tmp_path):
    (tmp_path / "empty").mkdir()
    sosie(home, "add", "anna", tmp_path / "empty").refused(2, "holds no pictures")


def broken(folder: Path) -> dict[str, str]:
    """Files that are no pictures, and a word of why."""
    whole = photo(folder, "whole.jpg", 77).read_bytes()
    (folder / "letter.jpg").write_text("Dear Anna")
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "bomb.png").write_bytes(png(30_000, 30_000, 8, 2, b""))
    return {"letter.jpg": "", "cut.jpg": "", "empty.jpg": "0 bytes", "bomb.png": "more pixels"}


def test_broken_files_are_named_and_hinder_no_other(home, tmp_path):
    bad = broken(tmp_path / "mixed")
    answer = sosie(home, "add", "anna", tmp_path / "mixed")
    assert answer.code == 0 and "1 picture added, 0 known already, 4 refused." in answer.out
    refused = [line for line in answer.out.splitlines() if line.startswith("  refused: ")]
    assert len(refused) == len(bad)
    for name, why in bad.items():
        (line,) = [line for line in refused if f"/{name}: " in line]
        assert why in line
    sosie(home, "add", "anna", tmp_path / "mixed", "--strict").refused(2, "4 files refused")
    (tmp_path / "mixed" / "whole.jpg").unlink()
    sosie(home, "add", "anna", tmp_path / "mixed").refused(2, "4 files refused")


def test_two_files_with_one_name_are_two_pictures(home, tmp_path):
    photo(tmp_path / "a", "same.png", 50, "anna here")
    photo(tmp_path / "b", "same.png", 51, "anna there")
    assert "2 pictures added" in sosie(home, "add", "anna", tmp_path / "a", tmp_path / "b").out
    shown = sosie(home, "show", "anna").out
    assert "anna here" in shown and "anna there" in shown
    sosie(home, "caption", "anna", "--set", "same.png=anna").refused(2, "2 pictures answer")


def test_captions_in_utf16_and_in_two_files(home, tmp_path):
    picture = photo(tmp_path / "one", "wide.png", 60)
    picture.with_suffix(".txt").write_text("anna à la mer", encoding="utf-16")
    assert "1 picture added" in sosie(home, "add", "anna", tmp_path / "one").out
    assert "anna à la mer" in sosie(home, "show", "anna").out
    picture = photo(tmp_path / "two", "torn.png", 61, "anna left")
    picture.with_suffix(".caption").write_text("anna right")
    sosie(home, "add", "anna", tmp_path / "two").refused(2, "torn.txt", "torn.caption")
    assert "torn.png" not in sosie(home, "show", "anna").out


def test_mends_that_cannot_be_meant(home):
    sosie(home, "mend", "anna", "crop-hed").refused(3, "crop-head")
    sosie(home, "mend", "anna", "deskew").refused(2, "handwriting")
    sosie(home, "mend", "anna", "heal-spot").refused(2, "--picture")
    sosie(home, "mend", "anna", "--undo", "all").refused(3, "anna")
    sosie(home, "mend", "anna", "resize", "--undo", "all").refused(2, "--undo")
    sosie(home, "mend", "anna", "resize", "--picture", "9.png").refused(3, "9.png")
    told = sosie(home, "mend", "anna", "heal-spot", "--picture", "1.png", "--set", "box=1,2,9,9")
    assert told.code == 0 and "not mended: No face was found" in " ".join(told.out.split())


# -- weights ---------------------------------------------------------------------------------------


def test_a_base_with_a_missing_part(home, base, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(base, part)
    shutil.rmtree(part / "vae")
    for words in (["train", "anna"], ["generate", "anna"]):
        sosie(home, *words, "--base", part).refused(6, "vae")


def test_a_base_whose_weights_are_no_numbers(home, base, tmp_path):
    from safetensors.torch import load_file, save_file

    spoilt = tmp_path / "spoilt"
    shutil.copytree(base, spoilt)
    file = spoilt / "transformer" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights["proj_out.weight"][0, 0] = float("nan")
    save_file(weights, file)
    for words in (["train", "anna", *SET], ["generate", "anna", "--out", tmp_path / "out"]):
        sosie(home, *words, "--base", spoilt).refused(6, "spoilt")
    assert not list(tmp_path.glob("out/*.png"))


def spoil(kind: str, source: Path, target: Path) -> Path:
    """A LoRA file that is not what it should be."""
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(source)
    if kind == "pickle":
        torch.save(weights, target.with_suffix(".pt"))
        return target.with_suffix(".pt")
    if kind == "pickle in disguise":
        torch.save(weights, target)
        return target
    if kind == "nan":
        next(iter(weights.values()))[0, 0] = float("nan")
    if kind == "unknown key":
        weights["transformer.magic.weight"] = torch.ones(2, 2)
    save_file(weights, target)
    if kind == "cut":
        target.write_bytes(target.read_bytes()[:-50])
    return target


@pytest.mark.parametrize("kind", ["pickle", "pickle in disguise", "nan", "unknown key", "cut"])
def test_a_lora_that_cannot_be_trusted_is_not_imported(kind, home, tmp_path):
    source = Path(sosie(home, "export", "anna-1", "--out", tmp_path).out.splitlines()[0])
    file = spoil(kind, source, tmp_path / "spoilt.safetensors")
    sosie(home, "import", file, "--subject", "anna").refused(6, file.name)
    assert "spoilt" not in sosie(home, "show", "anna").out


def test_a_lora_for_another_architecture(home, tmp_path):
    from sosie.models.diffusion.sd15 import StableDiffusion15

    StableDiffusion15.write_tiny(tmp_path / "sd15")
    sosie(
        home, "generate", "<lora:anna-1:1> anna", "--base", tmp_path / "sd15", "--out", tmp_path
    ).refused(6, "This is a LoRA for", "not for")


# -- the machine -----------------------------------------------------------------------------------


def full(*args: object, **kwargs: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk(home, base, tmp_path, monkeypatch):
    photo(tmp_path / "more", "more.png", 90, "anna once more")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        sosie(home, "add", "anna", tmp_path / "more").refused(8, "The disk is full")
        sosie(home, "export", "anna-1", "--out", tmp_path / "x").refused(8, "The disk is full")
        drawn = ["generate", "anna", "--base", base, "--out", tmp_path / "y"]
        sosie(home, *drawn).refused(8, "The disk is full")
        sosie(home, "train", "anna", "--base", base, *SET).refused(8, "The disk is full")
    assert not list(tmp_path.glob("[xy]/*"))
    assert "1 picture added" in sosie(home, "add", "anna", tmp_path / "more").out


def test_places_that_cannot_be_written(home, base, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("a file")
    sosie(taken, "list").refused(8, "taken", "--home")
    sosie(home, "export", "anna-1", "--out", taken / "below").refused(8, "taken")
    drawn = ["generate", "anna", "--base", base, "--out", taken]
    sosie(home, *drawn).refused(8, "taken")
    file = Path(sosie(home, "export", "anna-1", "--out", tmp_path).out.splitlines()[0])
    sosie(home, "export", "anna-1", "--out", tmp_path).refused(2, f"{file} exists")


def test_a_workspace_of_a_newer_version(home):
    import sqlite3

    other = home.parent / "newer"
    shutil.copytree(home, other)
    with sqlite3.connect(other / "sosie.sqlite3") as db:
        db.execute("PRAGMA user_version = 99")
    sosie(other, "list").refused(8, "newer")


def test_a_second_process_on_one_subject(home, base):
    from sosie.core.records import Run, now
    from sosie.studio import Studio

    with Studio(home).registry as registry:
        rival = Run(
            id="anna-2", subject="anna", base="tiny", state="running", step=7, steps=90,
            folder=home / "runs" / "anna-2", pid=os.getppid(), started=now(),
        )  # fmt: skip
        registry.add_run(rival)
    sosie(home, "train", "anna", "--base", base, *SET).refused(8, "anna-2", "step 7 of 90")
    assert sosie(home, "list").code == 0


def test_who_signs_in_person_is_whom_it_is_about(home):
    said = sosie(home, "consent", "anna", "--self", "--signed-by", "Anna Weber")
    assert "Recorded for Anna Weber, signed by Anna Weber" in said.out, said
    sosie(home, "consent", "anna", "--self", "--signed-by", "Ben", "--who", "Anna Weber").refused(
        2, '"Ben" is not "Anna Weber"'
    )
