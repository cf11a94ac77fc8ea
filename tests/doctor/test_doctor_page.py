"""How pages lie and are lit."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from bench import notes
from bench.plants import Shot
from bench.plants.page import PLANTED, PLANTS
from sosie.doctor import Config, examine, table
from sosie.doctor.writing import Writing
from sosie.world import papers
from sosie.world.hands import writer

RULES = [rule.name for rule in table.RULES if rule.name.startswith("page.")]


@pytest.mark.parametrize("rule", RULES)
def test_a_planted_fault_is_found_where_it_is(rule, notes_set, judged):
    spoilt = PLANTS[rule](notes_set[: PLANTED + 2], 2, np.random.default_rng(5))
    findings, named = judged(spoilt, rule)
    assert len(findings) == 1
    # A cut can fall between two letters, but is never seen where there is none.
    assert set(named) <= set(range(PLANTED)) and len(named) >= PLANTED - (rule == "page.edge")
    assert findings[0].severity in ("warning", "blocker")


def test_good_pages_are_quiet(notes_set, make_set):
    captions = [shot.caption for shot in notes_set]
    checkup = examine(
        make_set([s.rgb for s in notes_set], "handwriting", captions), Config(), only=RULES
    )
    assert [f.rule for f in checkup.findings] == []
    assert set(checkup.passed) == set(RULES)


@pytest.mark.parametrize("paper", ["ruled", "squared", "school", "old", "kraft"])
def test_printed_rules_and_aged_paper_are_no_bleeding(paper, judged):
    from sosie.world.writing import line

    rgb = line(writer(4), "quick brown foxes", seed=2, width=700, height=420, paper=paper).picture
    shot = Shot(rgb, 'a note that reads "quick brown foxes"', 0, 4)
    assert judged([shot], "page.bleed") == ([], [])


def test_pencil_is_writing_and_not_a_faint_back(judged):
    from sosie.world.writing import line

    rgb = line(writer(4), "quick brown foxes", seed=2, width=700, height=420, pen="pencil").picture
    for rule in ("page.bleed", "page.blank"):
        assert judged([Shot(rgb, 'a note, "quick brown foxes"', 0, 4)], rule) == ([], [])


def test_a_stain_on_an_empty_sheet_is_no_writing_and_a_short_word_is(notes_set, judged):
    empty = notes.on_paper(writer(4), np.zeros((400, 600), np.float32), np.random.default_rng(1))
    word = notes.page(writer(4), ["so"], np.random.default_rng(1))
    shots = [replace(notes_set[0], rgb=rgb) for rgb in (empty, word)]
    findings, named = judged(shots, "page.blank")
    assert named == [0] and findings[0].severity == "blocker"


@pytest.mark.parametrize("paper", ["ruled", "squared", "school", "old"])
def test_an_empty_sheet_of_any_paper_is_blank(paper, monkeypatch):
    """Pieces of printed rules and spots of age are as thin, or as solid, as no letter is."""
    real = papers.sheet
    monkeypatch.setattr(papers, "sheet", lambda _, *rest: real(paper, *rest))
    for seed in range(4):
        rng = np.random.default_rng(seed)
        size = int(rng.integers(400, 900)), int(rng.integers(600, 1200))
        assert Writing(notes.on_paper(writer(seed), np.zeros(size, np.float32), rng)).blank, seed


@pytest.mark.parametrize("paper", ["squared", "school", "old"])
@pytest.mark.parametrize("text", ["a", "so"])
def test_a_short_word_in_pencil_is_seen_on_printed_rules(paper, text):
    from sosie.world.writing import line

    drawn = line(writer(4), text, seed=2, width=700, height=420, paper=paper, pen="pencil")
    assert not Writing(drawn.picture).blank


def test_a_line_cropped_close_is_not_called_cut(notes_set, judged):
    rgb = notes_set[0].rgb
    writing = Writing(rgb)
    line = writing.lines[0]
    tight = rgb[line.top : line.bottom, line.left : line.right]
    assert judged([replace(notes_set[0], rgb=np.ascontiguousarray(tight))], "page.edge")[1] == []


def test_photographs_are_not_taken_for_pages(judged):
    from skimage import data

    shots = [
        Shot(np.ascontiguousarray(x), "a note", 0, 0) for x in (data.astronaut(), data.coffee())
    ]
    findings, named = judged(shots, "page.strange")
    assert named == [0, 1] and findings[0].severity == "blocker"


def test_a_real_page_in_bad_light_is_a_page_in_bad_light(judged):
    from skimage import data

    shot = Shot(np.stack([data.page()] * 3, axis=-1), 'a page, "text"', 0, 0)
    assert judged([shot], "page.light")[1] == [0]
    assert judged([shot], "page.strange")[1] == []
    assert judged([shot], "page.small")[1] == [0]


@pytest.mark.parametrize("seed", [0, 3, 8])
def test_skew_slant_and_size_are_measured_in_their_units(seed):
    who, rng = writer(seed), np.random.default_rng(seed)
    lines = [notes.line(who, text, rng) for text in ("the quick brown foxes", "jump over us all")]
    rgb = notes.page(
        who, ["the quick brown foxes", "jump over us all"], np.random.default_rng(seed)
    )
    straight = Writing(rgb)
    x_height = np.mean([truth.x_height for _, truth in lines])
    assert straight.x_height == pytest.approx(x_height, rel=0.3)
    assert straight.slant == pytest.approx(lines[0][1].slant, abs=6)
    height, width = rgb.shape[:2]
    about = cv2.getRotationMatrix2D((width / 2, height / 2), 6, 1)
    turned = cv2.warpAffine(rgb, about, (width, height), borderMode=cv2.BORDER_REPLICATE)
    assert Writing(turned).skew - straight.skew == pytest.approx(6, abs=0.8)


def test_a_large_page_is_dense_only_for_a_small_base(notes_set, make_set):
    pages = [notes_set[0].rgb]
    dense = make_set(pages, "handwriting", [notes_set[0].caption])
    assert examine(dense, Config(side=96), only=("page.dense",)).findings
    assert not examine(dense, Config(side=1024), only=("page.dense",)).findings
