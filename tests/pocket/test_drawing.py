"""What the base model is shown: whole shards, drawn again alike, without what is held out."""

import json

import numpy as np
import pytest

from pocket import data, draw
from sosie.world.people import is_held_out
from sosie.world.photo import Photo, choose


@pytest.fixture
def quick(monkeypatch):
    """Settings as they are drawn, with a grey square in place of the picture."""

    def photo(who, *, seed, **fixed):
        truth = choose(who, seed, **fixed)
        return Photo(np.full((8, 8, 3), truth.age, np.uint8), truth)

    monkeypatch.setattr(draw, "photo", photo)


def truths(path):
    with np.load(path) as shard:
        return [json.loads(line) for line in shard["truths"]]


def test_held_out_people_and_combinations_are_never_shown(quick, tmp_path):
    shown = [t for n in range(4) for t in truths(draw.draw_shard(tmp_path, n, 1))]
    assert len(shown) == 4 * draw.SHARD
    assert not [t["person"] for t in shown if is_held_out(t["person"])]
    seen = {(t["garment"], t["garment_colour"]) for t in shown}
    assert not seen & {("coat", "turquoise"), ("hoodie", "pink"), ("suit", "green")}
    assert ("dress", "mountains") not in {(t["garment"], t["place"]) for t in shown}
    # and both would have come up, had they not been passed over
    assert {t["garment_colour"] for t in shown if t["garment"] == "coat"} >= {"green", "pink"}
    assert {t["person"] % 10 for t in shown} == set(range(9))


def test_shards_share_no_picture_and_hold_few_of_each_person(quick, tmp_path):
    people = [[t["person"] for t in truths(draw.draw_shard(tmp_path, n, 1))] for n in range(2)]
    assert not set(people[0]) & set(people[1])
    assert np.unique(people[0], return_counts=True)[1].max() <= draw.PER_PERSON


def test_a_shard_holds_pictures_with_their_truths(quick, tmp_path):
    with np.load(draw.draw_shard(tmp_path, 0, 1)) as shard:
        assert shard["pictures"].shape == (draw.SHARD, 8, 8, 3)
        assert len(shard["truths"]) == draw.SHARD
        for picture, truth in zip(shard["pictures"], shard["truths"], strict=True):
            assert picture[0, 0, 0] == json.loads(str(truth))["age"]


def test_a_shard_that_exists_is_left_alone_and_one_drawn_again_is_the_same(
    quick, tmp_path, monkeypatch
):
    path = draw.draw_shard(tmp_path, 3, 7)
    first = path.read_bytes()
    path.write_bytes(b"mine")
    assert draw.draw_shard(tmp_path, 3, 7) == path
    assert path.read_bytes() == b"mine"
    path.unlink()
    monkeypatch.setattr(draw, "write_atomically", lambda p, data: p.write_bytes(data))
    with np.load(draw.draw_shard(tmp_path, 3, 7)) as again:
        settings = again["truths"]
    path.write_bytes(first)
    with np.load(path) as before:
        assert (before["truths"] == settings).all()


def test_a_drawing_that_breaks_off_leaves_no_half_shard(quick, tmp_path, monkeypatch):
    def breaks(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(draw, "as_dict", breaks)
    with pytest.raises(KeyboardInterrupt):
        draw.draw_shard(tmp_path, 0, 1)
    assert not list(tmp_path.iterdir())


def test_captions_are_written_when_shards_are_read(quick, tmp_path):
    people = data.load([draw.draw_shard(tmp_path, 0, 1)])
    assert len(people.captions) == len(people.codes) == draw.SHARD
    assert {len(row) for row in people.captions} == {data.CAPTIONS}
    first = truths(tmp_path / "00000.npz")[0]
    assert any(f"{first['garment_colour']} " in caption for caption in people.captions[0])
    assert people.persons[0] == first["person"]
