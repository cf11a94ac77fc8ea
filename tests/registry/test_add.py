from __future__ import annotations

import os
from pathlib import Path

import pytest

from sosie.core.errors import BadInput, NotFound
from sosie.core.records import Box
from sosie.registry import Registry
from sosie.registry.add import Seen, add_files
from tests.registry.pictures import encoded, png, scene, tagged


def folder_of_a_user(folder: Path) -> Path:
    """Good pictures of many formats, one twice, and everything that goes wrong."""
    (folder / "one").mkdir(parents=True)
    (folder / "two").mkdir()
    good = {
        "one/same.jpg": tagged(scene(1), "JPEG", 6, quality=95),
        "two/same.jpg": encoded(scene(2), "JPEG"),
        "one/phone.heic": tagged(scene(3), "HEIF", 3),
        "one/scan.tif": encoded(scene(4), "TIFF"),
        "one/copy of scan.png": encoded(scene(4), "PNG"),
    }
    bad = {
        "empty.jpg": b"",
        "cut.jpg": encoded(scene(5, 96, 96), "JPEG")[:700],
        "letter.jpg": b"Dear Anna,\nwhat you see is no picture.",
        "bomb.png": png(30_000, 30_000, 8, 2, bytes(10)),
        "moving.webp": encoded(scene(6), "WEBP", save_all=True, append_images=[scene(7)]),
    }
    captions = {"one/same.txt": "anna turned", "two/lonely.txt": "nobody"}
    for name, data in (good | bad).items():
        (folder / name).write_bytes(data)
    for name, text in captions.items():
        (folder / name).write_text(text)
    return folder


def test_every_file_is_accounted_for(registry: Registry, tmp_path: Path) -> None:
    folder = folder_of_a_user(tmp_path / "pictures")
    done: list[Path] = []
    report = add_files(registry, "anna", [folder], on_file=done.append)
    assert len(done) == 10
    assert [(s.file_name, s.caption) for s in report.added] == [
        ("copy of scan.png", None),
        ("phone.heic", None),
        ("same.jpg", "anna turned"),
        ("same.jpg", None),
    ]
    assert [(k.file.name, k.sample.file_name) for k in report.known] == [
        ("scan.tif", "copy of scan.png")
    ]
    reasons = {refusal.file.name: refusal.reason for refusal in report.refused}
    assert set(reasons) == {"empty.jpg", "cut.jpg", "letter.jpg", "bomb.png", "moving.webp"}
    assert all(name in reason and "\n" not in reason for name, reason in reasons.items())
    assert [p.name for p in report.captions_matched] == ["same.jpg"]
    assert [p.name for p in report.captions_missing] == [
        "copy of scan.png", "phone.heic", "scan.tif", "same.jpg"
    ]  # fmt: skip
    assert [p.name for p in report.captions_orphaned] == ["lonely.txt"]
    assert len(report.changes) == 2
    assert registry.samples("anna") == report.added
    for sample in report.added:
        assert registry.blobs.read(sample.original_sha256)
        assert b"Camera" not in registry.blobs.read(sample.picture_sha256)


def test_adding_again_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    folder = folder_of_a_user(tmp_path / "pictures")
    first = add_files(registry, "anna", [folder])
    (folder / "one" / "same.txt").write_text("another caption")
    (folder / "two" / "same.txt").write_text("anna at last")
    again = add_files(registry, "anna", [folder])
    assert again.added == () and len(again.known) == 5
    assert [p.parent.name for p in again.captions_kept] == ["one"]
    assert [p.parent.name for p in again.captions_matched] == ["two"]
    captions = [sample.caption for sample in registry.samples("anna")]
    assert captions == [None, None, "anna turned", "anna at last"]
    assert len(first.refused) == len(again.refused)


def test_faces_and_notes_are_kept(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(scene(1), "PNG"))
    box = Box(left=1, top=1, right=9, bottom=9)
    report = add_files(registry, "anna", [tmp_path / "a.png"], look=lambda png: Seen(face=box))
    assert report.added[0].face == box and report.notes == ()


def test_what_the_look_objects_to_is_refused_and_a_known_picture_is_not(
    registry: Registry, tmp_path: Path
) -> None:
    known, new = tmp_path / "a.png", tmp_path / "b.png"
    known.write_bytes(encoded(scene(1), "PNG"))
    new.write_bytes(encoded(scene(2), "PNG"))
    add_files(registry, "anna", [known])
    report = add_files(registry, "anna", [known, new], look=lambda png: Seen(objection="is odd."))
    assert [refusal.reason for refusal in report.refused] == ["b.png is odd."]
    assert not report.added and len(report.known) == 1
    assert len(registry.samples("anna")) == 1


def test_a_name_that_is_not_unicode_is_shown_as_well_as_can_be(
    registry: Registry, tmp_path: Path
) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Zo\xeb.png"))
    try:
        file.write_bytes(encoded(scene(1), "PNG"))
    except OSError:
        pytest.skip("this disk knows only Unicode names")
    assert add_files(registry, "anna", [tmp_path / file.name]).added[0].file_name == "Zo\ufffd.png"


def test_what_cannot_be_meant_adds_nothing(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(scene(1), "PNG"))
    with pytest.raises(BadInput):
        add_files(registry, "anna", [tmp_path / "a.png", tmp_path / "gone.png"])
    with pytest.raises(NotFound):
        add_files(registry, "ben", [tmp_path / "a.png"])
    assert registry.samples("anna") == ()
