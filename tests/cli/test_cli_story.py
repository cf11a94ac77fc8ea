"""The main job by commands, and what a user reads on the way."""

import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import SET
from tests.cli.door import sosie


def test_from_a_folder_to_a_picture(home, base, told_once, tmp_path):
    printed = told_once[1]
    assert "6 pictures added, 0 known already, 0 refused." in printed["add"]
    assert "held out, never trained on (1):" in printed["train"]
    assert 'Use it as "<lora:anna-1:1> anna"' in printed["train"]
    out = tmp_path / "pictures"
    drawn = sosie(
        home, "generate", "photo of <lora:anna-1:0.8> anna", "--base", base, "--n", 2, "--out", out
    )
    assert drawn.code == 0, drawn
    assert drawn.out.splitlines()[:2] == [f"{out}/anna-1.png", f"{out}/anna-2.png"]
    exported = sosie(home, "export", "anna-1", "--out", tmp_path / "loras")
    file, manifest, *_ = exported.out.splitlines()
    again = sosie(home, "reproduce", manifest)
    assert again.code == 0 and again.out.startswith("Reproduced: the file's hash is ")
    imported = sosie(home, "import", file, "--subject", "anna", "--name", "anna_twin")
    assert imported.code == 0 and 'Use it as "<lora:anna_twin:1>"' in imported.out
    assert "anna_twin" in sosie(home, "show", "anna").out


def test_show_and_caption_print_what_will_be_trained_on(home):
    def rows(text):
        return re.findall(r"^(\d\.png) +64×64 +\S+ +(.+?) *$", text, re.MULTILINE)

    assert rows(sosie(home, "show", "anna").out) == [
        (f"{i}.png", f"photo of anna number {i}") for i in range(6)
    ]
    edited = sosie(home, "caption", "anna", "--set", "2.png=anna in green")
    assert "1 caption changed." in edited.out
    assert rows(edited.out)[2] == ("2.png", "anna in green")
    assert rows(sosie(home, "show", "anna").out) == rows(edited.out)


def test_the_same_folder_again_adds_nothing(home, pictures):
    again = sosie(home, "add", "anna", pictures)
    assert again.code == 0 and "0 pictures added, 6 known already" in again.out


def test_a_dry_run_tells_all_and_writes_nothing(home, base):
    before = {path for path in home.rglob("*") if "sqlite3" not in path.name}
    answer = sosie(home, "train", "anna", "--base", base, *SET, "--dry-run")
    assert answer.code == 0, answer
    assert "6 pictures; about 15" in answer.out and answer.out.rstrip().endswith("ready")
    assert re.search(r"^optimizer +\"adamw\"|  optimizer +\"adamw\"", answer.out, re.MULTILINE)
    assert {path for path in home.rglob("*") if "sqlite3" not in path.name} == before


def test_a_dry_run_that_finds_a_blocker_says_so(home, base, tmp_path):
    blocked = sosie(home, "train", "anna", "--base", base, "--set", "withheld=[]",
                    "--despite", "who.no_face", "--dry-run")  # fmt: skip
    assert blocked.code == 5 and "not ready: 1 blocker" in blocked.out
    assert "--despite" in blocked.out


@pytest.mark.parametrize("columns", [80, 120])
def test_nothing_printed_is_wider_than_the_terminal(home, base, columns):
    for words in (["list"], ["show", "anna"], ["runs"], ["train", "anna", "--base", base,
                  "--dry-run", *SET]):  # fmt: skip
        answer = sosie(home, *words, columns=columns)
        assert answer.code == 0, answer
        # Paths and captions may be longer; tables fold.
        table = [line for line in answer.out.splitlines() if "  " in line.strip()]
        assert max(len(line.rstrip()) for line in table) <= columns, answer.out


def test_bases_print_a_download_command_that_can_be_copied(home):
    out = sosie(home, "bases").out
    (line,) = [line for line in out.splitlines() if line.startswith("flux-dev: not here")]
    assert "hf download black-forest-labs/FLUX.1-dev --include 'model_index.json'" in line
    table = out.split("\n\n")[0].splitlines()
    assert all(len(line) <= 80 for line in table) and len(table) <= 12


def test_follow_tells_a_finished_run_and_ends(home):
    answer = sosie(home, "follow", "anna")
    assert answer.code == 0 and "checkpoint at step 4" in answer.err


def test_list_and_runs_name_what_there_is(home):
    assert re.search(r"anna +person +6 +train, generate, export +anna-1", sosie(home, "list").out)
    assert re.search(r"anna-1 +tiny +done +4/4", sosie(home, "runs").out)


def test_the_doctor_prints_a_verdict_and_writes_a_page(home, tmp_path):
    page = tmp_path / "anna.html"
    blocked = sosie(home, "doctor", "anna")
    assert blocked.code == 5 and "blocked" in blocked.out.splitlines()[0], "noise has no face"
    answer = sosie(home, "doctor", "anna", "--page", page, "--dismiss", "who.no_face", columns=200)
    assert answer.code == 0 and "needs attention" in answer.out.splitlines()[0]
    assert "hold out (" in answer.out
    for said in (answer.out, page.read_text(encoding="utf-8")):
        assert said.index("What was found") < said.index("What is missing")
        assert said.index("What is missing") < said.index("Only 6 pictures")
    french = sosie(home, "doctor", "anna", "--language", "fr", columns=200).out
    assert "6 photos seulement" in french
    quiet = sosie(home, "doctor", "anna", "--dismiss", "count.few")
    assert "dismissed" in quiet.out


def test_mending_is_previewed_told_and_taken_back(home, tmp_path):
    (tmp_path / "barred").mkdir()
    wave = np.random.default_rng(7).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    picture = Image.fromarray(np.pad(wave, ((20, 20), (0, 0), (0, 0))))
    picture.save(tmp_path / "barred" / "barred.png")
    sosie(home, "add", "anna", tmp_path / "barred")
    menu = sosie(home, "mend", "anna", columns=120).out
    assert re.search(r"cut-bars +safe +cuts plain bars off the edges +barred\.png", menu)
    assert "sosie mend anna cut-bars" in sosie(home, "doctor", "anna", columns=160).out
    seen = sosie(home, "mend", "anna", "cut-bars", "--preview", tmp_path / "seen", columns=120)
    assert seen.code == 0 and "Nothing on file was changed." in seen.out
    assert len(list((tmp_path / "seen").glob("barred-*.png"))) == 1
    done = sosie(home, "doctor", "anna", "--mend", "safe", columns=120)
    assert re.search(r"barred\.png +cut-bars +cut 42 above and below", done.out)
    assert "sosie mend anna --undo all" in done.out and "Bars at the edges" not in done.out
    assert "120×88" in sosie(home, "show", "anna").out
    assert "barred.png: cut-bars taken back" in sosie(home, "mend", "anna", "--undo", "last").out
    assert "120×130" in sosie(home, "show", "anna").out
    assert "taken back 20" in sosie(home, "mend", "anna").out


def test_tidying_a_tidy_workspace_removes_nothing(home):
    assert sosie(home, "tidy").out == "0 leftovers removed, 0.0 MB.\n"
    leftover = home / "blobs" / "00" / ("0" * 64)
    leftover.parent.mkdir(exist_ok=True)
    leftover.write_bytes(b"x" * 200_000)
    os.utime(leftover, (0, 0))
    told = sosie(home, "tidy").out
    assert str(leftover) in told and "1 leftover removed, 0.2 MB." in told
    assert not leftover.exists()


def test_the_doctor_in_json_is_json(home):
    answer = sosie(home, "doctor", "anna", "--json")
    found = json.loads(answer.out)
    assert found["subject"] == "anna" and len(found["names"]) == 6


def test_suggested_captions_are_shown_and_filed_only_on_request(home):
    before = sosie(home, "show", "anna").out
    shown = sosie(home, "caption", "anna", "--suggest", columns=300)
    assert shown.code == 0 and "captions by what was measured" in shown.out
    assert "hair: not measured, and so not said" in shown.out
    assert "not said (all pictures): " in shown.out and "no face was found" in shown.out
    assert "Nothing is filed yet: --write --all replaces 6 captions on file." in shown.out
    assert "0 captions filed." in sosie(home, "caption", "anna", "--suggest", "--write").out
    assert sosie(home, "show", "anna").out == before
    written = sosie(home, "caption", "anna", "--suggest", "--write", "--all")
    assert "6 captions filed." in written.out and "They are on file." in written.out
    assert sosie(home, "show", "anna").out != before


def test_options_of_suggested_captions_need_them(home):
    sosie(home, "caption", "anna", "--write").refused(2, "Add --suggest")
    sosie(home, "caption", "anna", "--suggest", "--template", "x").refused(2, "goes alone")
    away = ("--with", "https://example.org/v1", "--model", "m")
    sosie(home, "caption", "anna", "--suggest", *away).refused(4, "another machine")


def test_words_are_ranked_and_shown_on_a_sheet(home, base, tmp_path):
    out = tmp_path / "words"
    tried = sosie(
        home, "words", "photo of a woman, red coat", "--base", base, "--steps", 1, "-n", 2,
        "--out", out, "--device", "cpu",
    )  # fmt: skip
    assert tried.code == 0, tried
    assert "red coat" in tried.out and "(another seed)" in tried.out and "(made-up" in tried.out
    assert (out / "words.png").is_file() and str(out / "words.png") in tried.out.replace("\n", "")
