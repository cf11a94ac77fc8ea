"""Mended pictures: replaced in place, logged, and brought back byte for byte."""

from __future__ import annotations

import io

import pytest
from PIL import ImageOps

from sosie.core.errors import BadInput, NotFound
from sosie.core.files import sha256_bytes
from sosie.core.records import Sample
from sosie.registry import add_files
from tests.registry.pictures import encoded, scene


@pytest.fixture
def filed(registry, tmp_path):
    """Three pictures of anna on file."""
    for seed in range(3):
        (tmp_path / f"{seed}.png").write_bytes(encoded(scene(seed), "PNG"))
    add_files(registry, "anna", [tmp_path / f"{seed}.png" for seed in range(3)])
    registry.set_caption("anna", registry.samples("anna")[1].picture_sha256, "anna, smiling")
    return registry


def mended(sample: Sample, seed: int) -> tuple[Sample, bytes]:
    """The sample with its picture turned upside down."""
    picture = encoded(ImageOps.flip(scene(seed)), "PNG")
    pixels = sha256_bytes(b"flipped" + bytes([seed]))
    new = {"picture_sha256": sha256_bytes(picture), "pixels_sha256": pixels}
    return sample.model_copy(update=new), picture


def mend(registry, number: int) -> Sample:
    before = registry.samples("anna")[number]
    after, picture = mended(before, number)
    registry.mends.replace(before, after, picture, mend="flip", options={"way": "down"})
    return after


def test_a_mended_picture_takes_the_place_of_the_other(filed):
    before = filed.samples("anna")
    after = mend(filed, 1)
    assert filed.samples("anna") == (before[0], after, before[2])
    assert filed.samples("anna")[1].caption == "anna, smiling"
    (entry,) = filed.mends.of("anna")
    assert (entry.mend, entry.options, entry.undone) == ("flip", {"way": "down"}, None)


def test_the_picture_before_is_kept_even_by_a_sweep(filed):
    before = filed.samples("anna")[1]
    after = mend(filed, 1)
    filed.sweep(age=0)
    assert filed.blobs.path(before.picture_sha256).is_file()
    assert filed.blobs.path(after.picture_sha256).is_file()
    # A run may have been taught it.
    filed.mends.undo("anna", after.picture_sha256)
    filed.sweep(age=0)
    assert filed.blobs.path(after.picture_sha256).is_file()


def test_undoing_brings_back_the_picture_and_keeps_todays_caption(filed):
    before = filed.samples("anna")[1]
    after = mend(filed, 1)
    filed.set_caption("anna", after.picture_sha256, "anna, laughing")
    assert filed.mends.undo("anna", after.picture_sha256).picture_sha256 == before.picture_sha256
    now = filed.samples("anna")[1]
    assert now == before.model_copy(update={"caption": "anna, laughing"})
    assert filed.mends.of("anna")[0].undone is not None, "the log remembers"
    with pytest.raises(NotFound):
        filed.mends.undo("anna", after.picture_sha256)


def test_a_mend_that_makes_a_known_picture_changes_nothing(filed):
    first, second, _ = filed.samples("anna")
    with pytest.raises(BadInput):
        filed.mends.replace(
            second,
            second.model_copy(
                update={
                    "picture_sha256": first.picture_sha256,
                    "pixels_sha256": first.pixels_sha256,
                }
            ),
            filed.blobs.path(first.picture_sha256).read_bytes(),
            mend="flip",
            options={},
        )
    assert filed.samples("anna")[1] == second and filed.mends.of("anna") == ()


def test_mends_of_mends_are_undone_one_by_one(filed):
    before = filed.samples("anna")[0]
    once = mend(filed, 0)
    file = io.BytesIO()
    ImageOps.mirror(scene(0)).save(file, "PNG")
    twice = once.model_copy(
        update={"picture_sha256": sha256_bytes(file.getvalue()), "pixels_sha256": "b" * 64}
    )
    filed.mends.replace(once, twice, file.getvalue(), mend="mirror", options={})
    assert filed.mends.undo("anna", twice.picture_sha256) == once
    assert filed.mends.undo("anna", once.picture_sha256) == before


def test_a_mended_picture_that_is_removed_leaves_nothing(filed):
    before = filed.samples("anna")[1]
    after = mend(filed, 1)
    filed.remove_sample("anna", after.picture_sha256)
    for sha256 in (before.picture_sha256, after.picture_sha256, before.original_sha256):
        assert not filed.blobs.path(sha256).exists()
    assert filed.mends.of("anna") == ()


def test_every_state_of_a_picture_is_remembered_for_the_runs_that_were_taught_it(filed):
    before = filed.samples("anna")[1]
    after = mend(filed, 1)
    filed.mends.undo("anna", after.picture_sha256)
    assert filed.mends.samples("anna") == (before, after)


def test_the_mends_that_hold_are_told_last_first(filed):
    once = mend(filed, 0)
    mend(filed, 1)
    assert filed.mends.holding("anna", filed.samples("anna")[2].picture_sha256) == ()
    (entry,) = filed.mends.holding("anna", once.picture_sha256)
    assert (entry.file_name, entry.mend) == ("0.png", "flip")
    filed.mends.undo("anna", once.picture_sha256)
    assert filed.mends.holding("anna", once.picture_sha256) == ()
