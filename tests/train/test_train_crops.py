"""Crops: proportions kept, inside the picture, around the face."""

from hypothesis import given
from hypothesis import strategies as st

from sosie.core.records import Box
from sosie.train.crops import ASPECTS, LINES, Rules, frame

RULES = Rules(
    sides=(64, 96), multiple=16, margin=0.2, largest_enlargement=1.5, close_ups=True, batch=1
)


@st.composite
def framed(draw: st.DrawFn) -> tuple[tuple[int, int], Box]:
    width, height = draw(st.integers(16, 3000)), draw(st.integers(16, 3000))
    left, top = draw(st.integers(0, width - 2)), draw(st.integers(0, height - 2))
    right, bottom = draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))
    return (width, height), Box(left=left, top=top, right=right, bottom=bottom)


@given(st.lists(framed(), min_size=1, max_size=6), st.integers(1, 4))
def test_no_crop_cuts_a_face(pictures, batch):
    sizes, faces = zip(*pictures, strict=True)
    made = frame(sizes, faces, RULES.model_copy(update={"batch": batch}))
    for version in made.versions:
        (width, height), face = pictures[version.item]
        left, top, right, bottom = version.crop
        assert -1e-6 <= left <= face.left + 1e-6
        assert -1e-6 <= top <= face.top + 1e-6
        assert face.right - 1e-6 <= right <= width + 1e-6
        assert face.bottom - 1e-6 <= bottom <= height + 1e-6
        assert abs((right - left) / (bottom - top) * version.height / version.width - 1) < 1e-6
        assert version.width % 16 == 0
        assert version.height % 16 == 0
        assert not version.close or version.enlargement <= RULES.largest_enlargement


@given(st.lists(framed(), min_size=1, max_size=6))
def test_every_picture_is_taught_or_named(pictures):
    sizes, faces = zip(*pictures, strict=True)
    made = frame(sizes, faces, RULES)
    taught = {v.item for v in made.versions}
    left_out = {r.item for r in made.remarks if r.kind == "left-out"}
    assert taught | left_out == set(range(len(pictures)))
    assert not taught & left_out
    enlarged = {v.item for v in made.versions if v.enlargement > RULES.largest_enlargement}
    assert enlarged == {r.item for r in made.remarks if r.kind == "enlarged"}


def test_a_portrait_gets_a_wide_and_a_close_version():
    made = frame([(600, 800)], [Box(left=250, top=150, right=350, bottom=280)], RULES)
    close = [v for v in made.versions if v.close]
    assert [(v.width, v.height) for v in made.versions if not v.close] == [(48, 64), (80, 112)]
    assert len(close) == 2
    assert all(v.crop[3] - v.crop[1] < 400 for v in close)


def test_without_a_face_the_crop_is_central():
    (version,) = frame([(300, 100)], [None], RULES.model_copy(update={"sides": (64,)})).versions
    assert (version.width, version.height) == (80, 48)
    assert abs((version.crop[0] + version.crop[2]) / 2 - 150) < 1e-6


def test_lone_pictures_join_a_full_bucket_where_little_is_lost():
    rules = RULES.model_copy(update={"sides": (64,), "batch": 3, "close_ups": False})
    sizes = [(300, 300)] * 3 + [(300, 330), (300, 700)]
    made = frame(sizes, [None] * 5, rules)
    assert [(v.width, v.height) for v in made.versions] == [(64, 64)] * 4 + [(48, 80)]


def test_a_line_is_taught_whole_where_buckets_are_long():
    line = RULES.model_copy(update={"sides": (128,), "aspects": (*ASPECTS, *LINES)})
    short, long = frame([(256, 64), (1600, 220)], [None, None], line).versions
    assert (short.width, short.height) == (256, 64)
    assert short.crop == (0, 0, 256, 64)
    assert long.crop[2] - long.crop[0] > 0.8 * 1600
    (cut,) = frame([(256, 64)], [None], line.model_copy(update={"aspects": ASPECTS})).versions
    assert cut.crop[2] - cut.crop[0] < 120, "a portrait's buckets would cut half of it off"
