"""One folder against another, as a user meets it: files of every sort, a verdict, a page, an exit
code."""

import csv
import json

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from typer.testing import CliRunner

from sosie.cli import app
from sosie.core.errors import BadInput
from sosie.rights import xmp
from sosie.studio import Studio, comparing, filing
from sosie.world.people import person
from sosie.world.photo import photo


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("folders")
    for name in ("taught", "made", "held"):
        (root / name).mkdir()
    for seed in range(4):
        taken = photo(person(29), seed=seed, age=30, size=160).picture
        Image.fromarray(taken).save(root / "taught" / f"{seed}.png")
        Image.fromarray(taken).convert("L" if seed == 1 else "RGB").save(
            root / "made" / f"{seed}.jpg", quality=60
        )
    for seed in range(12):
        held = photo(person(29), seed=80 + seed, age=30, size=160).picture
        Image.fromarray(held).resize((200, 160)).save(root / "held" / f"{seed}.webp")
    (root / "made" / "cut.jpg").write_bytes((root / "made" / "0.jpg").read_bytes()[:900])
    (root / "made" / "0.txt").write_text("a caption")
    with (root / "rights.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "status"), ("0.png", "own"), ("2.png", "Own")])
    return root


def test_a_folder_of_copies_fails_with_page_panels_and_signed_json(folders, tmp_path):
    page = tmp_path / "report.html"
    done = CliRunner().invoke(
        app,
        [
            *("--home", str(tmp_path / "home"), "audit", "--page", str(page)),
            *("--pictures", str(folders / "made"), "--against", str(folders / "taught")),
            *("--held-out", str(folders / "held"), "--rights", str(folders / "rights.csv")),
        ],
    )
    assert done.exit_code == 1, done.output
    assert "4 of 4 generated pictures reproduce a reference" in done.output
    assert "cut.jpg is damaged" in done.output
    text = page.read_text()
    assert text.count("data:image/jpeg") == 3 * 4 and "http" not in text
    signed = filing.Signed.model_validate_json(page.with_suffix(".json").read_text())
    owned = {row["status"]: row for row in signed.audit["rights"]}
    assert (owned["own"]["reproduced"], owned["unknown"]["reproduced"]) == (2, 2)
    assert owned["unknown"]["share"]["high"] > 0.8
    report = comparing.Comparison.model_validate(signed.audit)
    assert signed.signature.holds() and signed.signature.about == report.sha256()
    assert report.generated.files == 5 and report.references.looked_at == 4


def test_what_cannot_be_measured_does_not_pass(folders, tmp_path):
    done = CliRunner().invoke(
        app,
        [
            *("--home", str(tmp_path), "audit", "--json"),
            *("--pictures", str(folders / "held"), "--against", str(folders / "taught")),
        ],
    )
    assert done.exit_code == 2
    assert json.loads(done.stdout)["audit"]["copying"]["verdict"] == "not measured"


def test_many_files_are_sampled_and_many_references_refused(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(comparing, "LOOKED_AT", 2)
    found = Studio(tmp_path).compare(folders / "held", folders / "taught").copying
    assert found.generated == 2 and any("at random" in line for line in found.remarks)
    monkeypatch.setattr(comparing, "REFERENCES", 3)
    with pytest.raises(BadInput, match="4 files, and 3 references"):
        Studio(tmp_path).compare(folders / "held", folders / "taught")


def test_bad_input_is_told_in_one_line(folders, tmp_path):
    studio = Studio(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds no pictures"):
        studio.compare(tmp_path / "empty", folders / "taught")
    with pytest.raises(BadInput, match="its own copy"):
        studio.compare(folders / "taught", folders / "taught")
    with pytest.raises(BadInput, match="taught lies in "):
        studio.compare(folders / "taught", folders)
    with pytest.raises(BadInput, match="made lies in "):
        studio.compare(folders / "made", folders / "taught", held_out=folders)
    with pytest.raises(BadInput, match="at_most cannot be 2"):
        studio.compare(folders / "made", folders / "taught", at_most=2)
    for table, complaint in (
        ("file;status\n", "needs the columns"),
        ("file,status\n9.png,own\n", "not among the pictures"),
        ("file,status\n0.png,free\n", 'the status "free"'),
    ):
        (tmp_path / "rights.csv").write_text(table)
        with pytest.raises(BadInput, match=complaint):
            studio.compare(folders / "made", folders / "taught", rights=tmp_path / "rights.csv")


def test_what_a_file_says_of_mining_is_its_status_unless_the_table_says_more(folders, tmp_path):
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", xmp.packet(data_mining=xmp.NO_TRAINING))
    (tmp_path / "taught").mkdir()
    for number in range(3):
        with Image.open(folders / "taught" / f"{number}.png") as image:
            image.save(tmp_path / "taught" / f"{number}.png", pnginfo=chunks if number else None)
    (tmp_path / "rights.csv").write_text("file,status\n1.png,own\n")
    found = Studio(tmp_path / "home").compare(
        folders / "held", tmp_path / "taught", rights=tmp_path / "rights.csv"
    )
    counted = {row.status: row.references for row in found.rights if row.references}
    assert counted == {"own": 1, "mining reserved": 1, "unknown": 1}


def test_what_is_looked_at_equals_what_would_be_stored():
    from sosie.registry import intake

    for mode in ("RGB", "L", "RGBA", "CMYK", "P"):
        import io

        file = io.BytesIO()
        draw = np.random.default_rng(0).integers(0, 255, (32, 24, 4), np.uint8)
        picture = Image.fromarray(draw, "RGBA").convert(mode)
        picture.save(file, "TIFF")
        stored = Image.open(io.BytesIO(intake.decode(file.getvalue(), "a").picture))
        assert (np.asarray(stored) == np.asarray(intake.upright(file.getvalue(), "a"))).all()
