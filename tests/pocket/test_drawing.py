"""What the base model is shown: whole shards, drawn again alike, without what is held out."""

import json

import numpy as np
import pytest

from pocket import data, lines, people, questions, shards
from sosie.world.hands import USUAL_SIZE, evened, is_held_out_writer, style, writer
from sosie.world.letters import family
from sosie.world.people import is_held_out
from sosie.world.photo import Photo, choose
from sosie.world.texts import is_held_out_text


@pytest.fixture
def quick(monkeypatch):
    """Settings as they are drawn, with a grey square in place of the picture."""

    def photo(who, *, seed, **fixed):
        truth = choose(who, seed, **fixed)
        return Photo(np.full((8, 8, 3), truth.age, np.uint8), truth)

    monkeypatch.setattr(people, "photo", photo)


def drawn(folder, number):
    return shards.shard(folder, people.one, 1, number)


def truths(path):
    with np.load(path) as shard:
        return [json.loads(line) for line in shard["truths"]]


def test_held_out_people_and_combinations_are_never_shown(quick, tmp_path):
    shown = [t for n in range(4) for t in truths(drawn(tmp_path, n))]
    assert len(shown) == 4 * shards.SHARD
    assert not [t["person"] for t in shown if is_held_out(t["person"])]
    seen = {(t["garment"], t["garment_colour"]) for t in shown}
    assert not seen & {("coat", "turquoise"), ("hoodie", "pink"), ("suit", "green")}
    assert ("dress", "mountains") not in {(t["garment"], t["place"]) for t in shown}
    # and both would have come up, had they not been passed over
    assert {t["garment_colour"] for t in shown if t["garment"] == "coat"} >= {"green", "pink"}
    assert {t["person"] % 10 for t in shown} == set(range(9))


def test_shards_share_no_picture_and_hold_few_of_each_person(quick, tmp_path):
    seen = [[t["person"] for t in truths(drawn(tmp_path, n))] for n in range(2)]
    assert not set(seen[0]) & set(seen[1])
    assert np.unique(seen[0], return_counts=True)[1].max() <= people.PER_PERSON


def test_a_shard_holds_pictures_with_their_truths(quick, tmp_path):
    with np.load(drawn(tmp_path, 0)) as shard:
        assert shard["pictures"].shape == (shards.SHARD, 8, 8, 3)
        assert len(shard["truths"]) == shards.SHARD
        for picture, truth in zip(shard["pictures"], shard["truths"], strict=True):
            assert picture[0, 0, 0] == json.loads(str(truth))["age"]


def test_a_shard_that_exists_is_left_alone_and_one_drawn_again_is_the_same(
    quick, tmp_path, monkeypatch
):
    path = drawn(tmp_path, 3)
    first = path.read_bytes()
    path.write_bytes(b"mine")
    assert drawn(tmp_path, 3) == path
    assert path.read_bytes() == b"mine"
    path.unlink()
    monkeypatch.setattr(shards, "write_atomically", lambda p, data: p.write_bytes(data))
    with np.load(drawn(tmp_path, 3)) as again:
        settings = again["truths"]
    path.write_bytes(first)
    with np.load(path) as before:
        assert (before["truths"] == settings).all()


def test_a_drawing_that_breaks_off_leaves_no_half_shard(quick, tmp_path, monkeypatch):
    def breaks(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(people, "as_dict", breaks)
    with pytest.raises(KeyboardInterrupt):
        drawn(tmp_path, 0)
    assert not list(tmp_path.iterdir())


def test_captions_are_written_when_shards_are_read(quick, tmp_path):
    read = data.load_people([drawn(tmp_path, 0)])
    assert len(read.captions) == len(read.persons) == shards.SHARD
    assert {len(row) for row in read.captions} == {data.CAPTIONS}
    first = truths(tmp_path / "00000.npz")[0]
    assert any(f"{first['garment_colour']} " in caption for caption in read.captions[0])
    assert read.persons[0] == first["person"]


@pytest.fixture(scope="module")
def some_lines():
    tried = ((index, lines.named(index, 1)) for index in range(60))
    return {index: one for index, one in tried if one is not None}


def test_held_out_writers_and_texts_are_never_shown(some_lines):
    shown = [one.truth for one in some_lines.values()]
    assert len(shown) > 40
    assert not [truth for truth in shown if is_held_out_writer(truth["writer"])]
    assert len({truth["writer"] for truth in shown}) == len(shown), "all write as often"
    assert {truth["writer"] for truth in shown} < set(lines.NAMED_WRITERS)
    names = {data.writer_name(who) for who in lines.NAMED_WRITERS}
    assert len(names) == len(lines.NAMED_WRITERS) == 320
    rng = np.random.default_rng(5)
    assert not any(is_held_out_text(lines.words(rng)) for _ in range(300))


def test_all_lines_begin_in_one_place_and_nothing_of_them_is_cut_off(some_lines):
    for index, one in some_lines.items():
        assert one.picture.shape == (64, 256, 3)
        ink = [box for box in one.truth["boxes"] if box[3] > box[1]]
        assert 7 <= min(box[0] for box in ink) <= 8
        assert max(box[2] for box in ink) <= 256
        assert min(box[1] for box in ink) >= 0 and max(box[3] for box in ink) <= 64
        assert one.truth["baseline"] == 40
        usual = USUAL_SIZE * 64
        assert 0.75 * usual <= one.truth["x_height"] <= usual
        again = lines.named(index, 1)
        assert np.array_equal(one.picture, again.picture)


@pytest.mark.parametrize("signed", [True, False])
def test_lines_are_quoted_and_tell_of_the_hand_where_they_are_to(some_lines, signed):
    one = next(iter(some_lines.values()))
    read = data.written(one.picture[None], [one.truth], signed=signed)
    assert all(f'"{one.truth["text"]}"' in caption for caption in read.captions[0])
    named = data.writer_name(one.truth["writer"])
    assert [named in caption for caption in read.captions[0]] == [False] * 4 + [signed] * 4
    words = [word for word in style(evened(writer(one.truth["writer"]))) if word]
    described = [
        any(word in caption.split('"')[0] for word in words) for caption in read.captions[0]
    ]
    assert described == [signed] * 4 + [False] * 4
    assert read.hands[0, 0, : questions.HANDS[0]].argmax() == (
        1 + one.truth["writer"] if signed else 0
    )


def test_half_of_the_captions_in_the_usual_hand_name_somebody_unknown():
    drawn = [one for one in (lines.plain(index, 1) for index in range(20)) if one is not None]
    pictures = np.stack([one.picture for one in drawn])
    read = data.written(pictures, [one.truth for one in drawn], signed=False)
    known = {data.writer_name(who) for who in lines.NAMED_WRITERS}
    for row, captions in enumerate(read.captions):
        strangers = [data.stranger(row, turn) for turn in range(data.CAPTIONS)]
        assert not known & set(strangers)
        said = [name in caption for name, caption in zip(strangers, captions, strict=True)]
        assert said == [False] * 4 + [True] * 4


@pytest.mark.parametrize(
    ("draw", "hands", "inks"),
    [(lines.short, set(lines.PLAIN_WRITERS), 1), (lines.plain, {lines.USUAL_WRITER}, 7)],
)
def test_plain_hands_write_all_texts_in_one_size_and_place(draw, hands, inks):
    drawn = [one for one in (draw(index, 1) for index in range(24)) if one is not None]
    assert len(drawn) > 14
    assert {one.truth["writer"] for one in drawn} == hands
    assert not any(map(is_held_out_writer, hands))
    assert not any(family(writer(number).family).joined for number in hands)
    assert len({one.truth["ink"] for one in drawn}) == inks
    for one in drawn:
        boxes = one.truth["boxes"]
        assert min(box[0] for box in boxes) in (7, 8)
        assert max(box[2] for box in boxes) <= one.picture.shape[1]
        assert one.truth["x_height"] == pytest.approx(0.22 * 64, rel=0.01)
        assert one.truth["baseline"] == 40
        assert not is_held_out_text(one.truth["text"])


def test_short_texts_fill_narrow_pictures_with_ink_where_the_boxes_say():
    drawn = [one for one in (lines.short(index, 1) for index in range(12)) if one is not None]
    for one in drawn:
        assert one.picture.shape == (64, 128, 3)
        assert len(one.truth["text"]) <= lines.SHORTEST
        dark = np.flatnonzero((one.picture.mean(axis=2) < 140).any(axis=0))
        assert abs(dark[0] - 8) <= 3


def test_longer_texts_fill_wider_pictures():
    drawn = [one for one in (lines.long(index, 1) for index in range(24)) if one is not None]
    assert len(drawn) > 12
    for one in drawn:
        assert one.picture.shape == (64, 512, 3)
        assert 13 <= len(one.truth["text"]) <= 30
        assert not is_held_out_text(one.truth["text"])
        assert max(box[2] for box in one.truth["boxes"]) <= 512


@pytest.mark.parametrize(
    ("known", "rare"),
    [
        ({}, False),
        ({"hat": "beanie"}, True),
        ({"glasses": "sunglasses"}, True),
        ({"glasses": "round glasses"}, False),
        ({"view": "profile to the left"}, True),
        ({"age": 75}, True),
        ({"age": 12}, True),
    ],
)
def test_what_few_pictures_show_is_rare(known, rare):
    usual = {"hat": "none", "glasses": "none", "view": "front view", "age": 40}
    assert data.is_rare(usual | known) is rare
