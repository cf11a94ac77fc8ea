"""Mends of scans: they do what they say, and touch nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from bench.plants import page as plants
from sosie.core.errors import BadInput
from sosie.core.records import Box
from sosie.doctor.mends.scan import deskewed, erased, evened
from sosie.doctor.writing import Writing


def test_a_tilted_page_comes_level(notes_set):
    before = plants._skew(notes_set[0], 1, np.random.default_rng(0))
    after, turned = deskewed(before)
    assert after.shape == before.shape
    assert abs(Writing(before).skew) > 3.5 and abs(Writing(after).skew) < 1
    assert turned == pytest.approx(-Writing(before).skew)


def test_what_has_no_skew_comes_back_as_it_was():
    blank = np.full((200, 300, 3), 240, np.uint8)
    after, turned = deskewed(blank)
    assert turned == 0 and np.array_equal(after, blank) and after is not blank


def test_light_is_evened_and_colours_stay(notes_set):
    before = plants._light(notes_set[0], 2, np.random.default_rng(0))

    def uneven(rgb):
        low, high = np.percentile(Writing(rgb).paper, [2, 98])
        return 1 - low / high

    after = evened(before)
    assert uneven(before) > 0.35 and uneven(after) < 0.1
    ink = Writing(notes_set[0].rgb).ink
    ratio = after[ink].mean(axis=0) / notes_set[0].rgb[ink].mean(axis=0)
    assert np.ptp(ratio) < 0.1, "ink changed its colour"


def test_an_even_page_hardly_changes(notes_set):
    rgb = notes_set[0].rgb
    assert np.abs(evened(rgb).astype(int) - rgb).mean() < 8


def test_a_slip_becomes_paper_with_its_grain(notes_set):
    rgb = notes_set[0].rgb
    line = Writing(rgb).lines[0]
    box = Box(
        left=line.left, top=line.top - 3, right=line.left + 4 * line.x_height, bottom=line.bottom
    )
    after = erased(rgb, box)
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    inside, paper = after[rows, columns].astype(float), rgb[-60:, :200].astype(float)
    assert Writing(rgb).ink[rows, columns].mean() > 0.05
    assert Writing(after).ink[rows, columns].mean() < 0.01
    assert np.abs(inside.mean(axis=(0, 1)) - paper.mean(axis=(0, 1))).max() < 12
    grain = np.std(np.diff(inside, axis=1)), np.std(np.diff(paper, axis=1))
    assert 0.5 < grain[0] / grain[1] < 1.6, "the patch is smoother or rougher than paper"
    outside = np.ones(rgb.shape[:2], bool)
    outside[rows, columns] = False
    assert np.array_equal(after[outside], rgb[outside])


def test_a_box_outside_or_too_large_is_refused(notes_set):
    rgb = notes_set[0].rgb
    height, width = rgb.shape[:2]
    with pytest.raises(BadInput, match="outside"):
        erased(rgb, Box(left=width, top=0, right=width + 9, bottom=9))
    with pytest.raises(BadInput, match="quarter"):
        erased(rgb, Box(left=0, top=0, right=width, bottom=height))
