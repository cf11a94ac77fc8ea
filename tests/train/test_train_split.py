"""The split and near-duplicates."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from sosie.core.errors import NotFound
from sosie.core.records import Dataset, Item
from sosie.models import near
from sosie.train.split import split, wanted
from tests.train.toys import picture


def named(hashes: list[str]) -> Dataset:
    items = [
        Item(sample=h * 8, pixels_sha256=h, file_name=f"{i}.png", path=Path("x"), caption="ohwx")
        for i, h in enumerate(hashes)
    ]
    return Dataset(subject="ada", kind="person", trigger="ohwx", items=tuple(items))


@st.composite
def grouped(draw: st.DrawFn) -> tuple[Dataset, list[tuple[int, ...]]]:
    labels = draw(st.lists(st.integers(0, 12), min_size=1, max_size=30))
    groups: dict[int, list[int]] = {}
    for i, label in enumerate(labels):
        groups.setdefault(label, []).append(i)
    return named([f"{i:08x}" for i in range(len(labels))]), [tuple(g) for g in groups.values()]


@given(grouped(), st.integers(0, 5))
def test_no_group_straddles_and_most_pictures_stay(case, seed):
    dataset, groups = case
    made = split(dataset, groups, share=0.2, seed=seed)
    out = set(made.withheld)
    assert sorted((*made.training, *made.withheld)) == list(range(len(dataset.items)))
    assert all(not out & set(g) or set(g) <= out for g in groups)
    assert len(out) <= max(len(dataset.items) // 2, made.wanted)
    assert made.training
    assert (len(out) == made.wanted) or made.remarks


@given(st.permutations(list(range(15))), st.integers(0, 5))
def test_the_split_depends_on_content_not_on_order(order, seed):
    hashes = [f"{i:08x}" for i in range(15)]
    apart = [(i,) for i in range(15)]
    plain = split(named(hashes), apart, share=0.2, seed=seed)
    mixed = split(named([hashes[i] for i in order]), apart, share=0.2, seed=seed)
    assert {order[i] for i in mixed.withheld} == set(plain.withheld)


@pytest.mark.parametrize(
    ("pictures", "count"), [(3, 0), (4, 1), (11, 2), (12, 3), (15, 3), (30, 6), (100, 20)]
)
def test_how_many_are_withheld(pictures, count):
    assert wanted(pictures, 0.2) == count


def test_all_near_duplicates_withhold_nothing_and_say_so():
    dataset = named([f"{i:08x}" for i in range(12)])
    made = split(dataset, [tuple(range(12))], share=0.2, seed=0)
    assert not made.withheld
    assert "1 groups" in made.remarks[0]


def test_named_pictures_are_withheld_with_their_twins():
    dataset = named([f"{i:08x}" for i in range(6)])
    groups = [(0, 1), (2,), (3,), (4,), (5,)]
    made = split(dataset, groups, share=0.2, seed=0, named=["0.png", "0000000400000004"])
    assert made.withheld == (0, 1, 4)
    assert made.remarks == ("1.png is withheld as well: it nearly equals a withheld picture.",)
    with pytest.raises(NotFound, match=r"nobody\.png"):
        split(dataset, groups, share=0.2, seed=0, named=["nobody.png"])


def jpeg(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=30)
    return Image.open(file)


CHANGES = {
    "recompressed": jpeg,
    "halved": lambda im: im.resize((im.width // 2, im.height // 2)),
    "mirrored": ImageOps.mirror,
    "brightened": lambda im: im.point(lambda v: min(255, int(v * 1.1 + 8))),
    "trimmed": lambda im: im.crop((2, 2, im.width - 2, im.height - 2)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_near(change):
    one = picture(3, (128, 96))
    assert near.near(near.fingerprint(one), near.fingerprint(CHANGES[change](one)))


def test_other_pictures_are_not_near():
    prints = [near.fingerprint(picture(i)) for i in range(30)]
    assert near.groups(prints) == [(i,) for i in range(30)]


def test_lines_of_one_hand_are_not_near():
    """White paper with dark strokes in rows: broad shading is equal, words are not."""
    pages = []
    for seed in range(12):
        source = np.random.default_rng(seed)
        page = np.full((64, 256), 250, np.uint8)
        for x in range(8, 240, 4):
            top = int(source.integers(16, 40))
            page[top : top + int(source.integers(4, 20)), x : x + 2] = 20
        pages.append(near.fingerprint(Image.fromarray(page)))
    assert near.groups(pages) == [(i,) for i in range(12)]


def test_blank_pictures_are_near_each_other():
    blank = [near.fingerprint(Image.new("RGB", (40, 40), c)) for c in ("white", "grey")]
    assert near.groups(blank) == [(0, 1)]
