from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.core.errors import BadInput
from sosie.registry.gather import gather, read_caption


def files(folder: Path, **contents: bytes | str) -> Path:
    """`folder` with these files; a double underscore in a name stands for the dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name.replace("__", ".")).write_bytes(data)
    return folder


def test_folders_are_walked_in_order_and_litter_is_passed_over(tmp_path: Path) -> None:
    files(tmp_path / "b", two__jpg=b"2", one__jpg=b"1", Thumbs__db=b"x", __hidden=b"x")
    files(tmp_path / "a" / "deep", three__png=b"3")
    files(tmp_path / "__MACOSX", four__png=b"4")
    found = gather([tmp_path])
    assert [p.name for p in found.pictures] == ["three.png", "one.jpg", "two.jpg"]
    assert found.refused == () and found.orphans == ()


def test_both_kinds_of_captions_are_read_and_orphans_listed(tmp_path: Path) -> None:
    files(tmp_path, a__jpg=b"1", a__txt="anna laughs\r\n", b__jpg=b"2", b__caption="anna sleeps")
    files(tmp_path, c__jpg=b"3", d__txt="nobody", e__jpg=b"4", e__txt="same", e__caption="same\n")
    found = gather([tmp_path])
    assert {p.name: text for p, text in found.captions.items()} == {
        "a.jpg": "anna laughs",
        "b.jpg": "anna sleeps",
        "e.jpg": "same",
    }
    assert [p.name for p in found.orphans] == ["d.txt"]


def test_captions_that_differ_are_an_error_naming_both(tmp_path: Path) -> None:
    files(tmp_path, a__jpg=b"1", a__txt="one", a__caption="another")
    with pytest.raises(BadInput) as caught:
        gather([tmp_path])
    assert "a.txt" in str(caught.value) and "a.caption" in str(caught.value)


def test_a_picture_named_alone_brings_its_caption(tmp_path: Path) -> None:
    files(tmp_path, a__jpg=b"1", a__txt="one", b__jpg=b"2", b__txt="two")
    found = gather([tmp_path / "a.jpg"])
    assert list(found.captions.values()) == ["one"] and found.orphans == ()


def test_captions_of_equal_stems_in_two_folders_stay_apart(tmp_path: Path) -> None:
    files(tmp_path / "x", a__jpg=b"1", a__txt="in x")
    files(tmp_path / "y", a__jpg=b"2", a__txt="in y")
    assert list(gather([tmp_path]).captions.values()) == ["in x", "in y"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (codecs.BOM_UTF8 + "Zoë".encode(), "Zoë"),
        ("Zoë 写字".encode("utf-16"), "Zoë 写字"),
        (codecs.BOM_UTF16_BE + "Zoë".encode("utf-16-be"), "Zoë"),
        (b"one\r\ntwo\n", "one\ntwo"),
    ],
)
def test_encodings_that_say_what_they_are(tmp_path: Path, data: bytes, text: str) -> None:
    files(tmp_path, a__txt=data)
    assert read_caption(tmp_path / "a.txt") == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("anna".encode("utf-16-le"), "UTF-16 without"),
        ("Zoë".encode("latin-1"), "not UTF-8"),
        (codecs.BOM_UTF16_LE + b"x", "not UTF-8"),
        (b" \n", "empty"),
    ],
)
def test_other_captions_are_refused_by_name(tmp_path: Path, data: bytes, reason: str) -> None:
    files(tmp_path, a__jpg=b"1", a__txt=data)
    found = gather([tmp_path])
    assert found.captions == {} and found.orphans == ()
    (refusal,) = found.refused
    assert refusal.file.name == "a.txt" and reason in refusal.reason and "a.txt" in refusal.reason


@given(st.text(min_size=1), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_captions_come_back_as_written(tmp_path_factory, text: str, encoding: str) -> None:
    text = " ".join(text.replace("\0", "").split()).strip("\ufeff")
    file = tmp_path_factory.getbasetemp() / "round.txt"
    try:
        file.write_bytes(text.encode(encoding))
    except UnicodeEncodeError:
        return
    if text:
        assert read_caption(file) == text


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file or folder"):
        gather([tmp_path / "nowhere"])
    with pytest.raises(BadInput, match="holds no pictures"):
        gather([tmp_path])
    files(tmp_path, __hidden=b"x", note__txt="x")
    with pytest.raises(BadInput, match="holds no pictures"):
        gather([tmp_path])


def test_links_neither_loop_nor_double(tmp_path: Path) -> None:
    files(tmp_path / "x", a__jpg=b"1")
    (tmp_path / "x" / "round").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "again").symlink_to(tmp_path / "x", target_is_directory=True)
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
    found = gather([tmp_path, tmp_path / "x", tmp_path / "x" / "a.jpg"])
    assert len(found.pictures) == 1
    (refusal,) = found.refused
    assert "gone.jpg, which is not there" in refusal.reason
