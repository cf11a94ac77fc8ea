"""A written line is what its truth says: the same every time, whole, legible, and in one hand."""

import dataclasses
import functools
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sosie.core.errors import BadInput
from sosie.world import letters, tables
from sosie.world.hands import (
    USUAL_PITCH,
    USUAL_SIZE,
    CannotWrite,
    evened,
    glyph,
    is_held_out_writer,
    writer,
)
from sosie.world.letters import family, family_names
from sosie.world.texts import is_held_out_text, text
from sosie.world.writing import CUT, MIN_X_HEIGHT, DoesNotFit, as_dict, line

STEMS = "hill bill till lull till hill"


@functools.cache
def drawn(seed, width=512):
    r = np.random.default_rng(seed)
    return line(writer(seed), text(r, longest=24), seed=seed, width=width)


def test_equal_arguments_give_equal_bytes_and_other_seeds_do_not():
    a, b = (line(writer(5), "see you Monday", seed=3) for _ in range(2))
    assert a.picture.tobytes() == b.picture.tobytes()
    assert a.truth == b.truth
    assert a.picture.shape == (64, 512, 3) and a.picture.dtype == np.uint8
    assert line(writer(5), "see you Monday", seed=4).picture.tobytes() != a.picture.tobytes()
    assert line(writer(6), "see you Monday", seed=3).picture.tobytes() != a.picture.tobytes()


def test_accents_are_letters_however_they_were_typed():
    composed, loose = line(writer(5), "été", seed=3), line(writer(5), "e\u0301te\u0301", seed=3)
    assert composed.picture.tobytes() == loose.picture.tobytes()
    assert loose.truth.text == "été" and loose.truth == composed.truth
    words = [f"été {number}" for number in range(40)]
    held_out = [is_held_out_text(word) for word in words]
    assert held_out == [is_held_out_text(unicodedata.normalize("NFD", word)) for word in words]
    assert any(held_out)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([256, 512]))
@example(12, 918, 512)  # rises less than it might, with a low letter far to the right
def test_every_character_has_its_ink_and_nothing_is_cut(who, seed, width):
    try:
        w = line(writer(who), text(np.random.default_rng(seed), longest=22), seed=seed, width=width)
    except (CannotWrite, DoesNotFit):
        return
    assert w.ink.shape == (64, width)
    edge = np.concatenate([w.ink[0], w.ink[-1], w.ink[:, 0], w.ink[:, -1]])
    assert edge.max() == 0
    assert len(w.truth.boxes) == len(w.truth.text)
    for character, (x0, y0, x1, y1) in zip(w.truth.text, w.truth.boxes, strict=True):
        if character == " ":
            assert y0 == y1
            continue
        assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= 64
        assert w.ink[y0:y1, x0:x1].max() > 60, character


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_lines_cut_from_a_scan_begin_in_one_place_in_the_writers_size(who, seed):
    said = text(np.random.default_rng(seed), longest=22)
    try:
        w = line(writer(who), said, seed=seed, begin=CUT)
    except (CannotWrite, DoesNotFit):
        return
    edge = np.concatenate([w.ink[0], w.ink[-1], w.ink[:, 0], w.ink[:, -1]])
    assert edge.max() == 0, "nothing is cut"
    assert CUT[0] - 1 <= min(b[0] for b in w.truth.boxes if b[3] > b[1]) <= CUT[0]
    assert w.truth.baseline == CUT[1]
    liked = writer(who).size * 64
    assert w.truth.x_height <= liked


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_evened_hands_differ_in_shape_but_not_in_size_or_width(seed):
    who = evened(writer(seed))
    advance = np.mean([glyph(who, letter).advance for letter in "etaoinsrhldu"])
    assert advance == pytest.approx(USUAL_PITCH, rel=1e-3)
    assert (who.size, who.climb) == (USUAL_SIZE, 0)
    assert evened(who).width == pytest.approx(who.width, rel=1e-3)
    kept = dataclasses.replace(who, size=writer(seed).size, width=writer(seed).width)
    assert dataclasses.replace(kept, climb=writer(seed).climb) == writer(seed)


def test_where_a_word_ends_hardly_depends_on_who_wrote_it_once_hands_are_evened():
    """By the median: half of them end within so many letters of the middle one."""

    def apart(set_as):
        ends = []
        for seed in range(60):
            w = line(set_as(writer(seed)), "another", seed=seed, width=512, begin=CUT)
            ends.append(w.truth.boxes[-1][2])
        return np.median(np.abs(ends - np.median(ends))) / (USUAL_PITCH * USUAL_SIZE * 64)

    assert apart(evened) < 0.5 * apart(lambda who: who)


def test_where_there_is_room_lines_cut_from_a_scan_are_of_one_size():
    small = dataclasses.replace(writer(5), size=0.15)
    sizes = {
        line(small, said, seed=seed, begin=CUT).truth.x_height
        for seed, said in enumerate(["gap", "To lift", "um", "Hj"])
    }
    assert sizes == {0.15 * 64}


def test_the_ink_can_be_seen_on_every_paper_in_every_ink():
    for paper in tables.PAPERS:
        for pen in tables.PENS:
            for ink in tables.INKS:
                w = line(writer(11), "kind word", seed=1, width=256, ink=ink, paper=paper, pen=pen)
                grey = w.picture.mean(2)
                assert grey[w.ink == 0].mean() - grey[w.ink > 200].mean() > 25, (paper, pen, ink)
                assert (w.truth.ink, w.truth.paper, w.truth.pen) == (ink, paper, pen)


def test_letters_of_a_kind_differ_and_without_jitter_they_are_equal():
    def crops(who, jitter):
        w = line(writer(who), "e e e e e", seed=2, jitter=jitter)
        boxes = [b for c, b in zip(w.truth.text, w.truth.boxes, strict=True) if c == "e"]
        return [w.ink[y0 - 2 : y1 + 2, x0 - 2 : x1 + 2].astype(int) for x0, y0, x1, y1 in boxes]

    for who in range(20):
        first, *others = crops(who, 0.0)
        assert all(np.array_equal(first, o) for o in others), who
        varied = crops(who, 1.0)
        low = np.min([c.shape for c in varied], axis=0)
        first, *others = (c[: low[0], : low[1]] for c in varied)
        assert min(np.abs(o - first).mean() for o in others) > 8, who


def test_full_stops_and_the_dots_of_i_do_not_vanish():
    for who in range(60):
        w = line(writer(who), "i. i, i; i:", seed=3)
        for character, (x0, y0, x1, y1) in zip(w.truth.text, w.truth.boxes, strict=True):
            if character in ".,;:":
                ink = w.ink[y0 - 1 : y1 + 1, x0 - 1 : x1 + 1] / 255
                assert ink.max() > 0.5, (who, character)
                assert ink.sum() > 1.0, (who, character)


def test_joined_letters_stay_joined():
    import cv2

    joined = [s for s in range(200) if family(writer(s).family).joined][:12]
    assert len(joined) == 12
    pieces = []
    for who in joined:
        w = line(writer(who), "nommaman", seed=1, width=256)
        pieces.append(cv2.connectedComponents((w.ink > 40).astype(np.uint8))[0] - 1)
    assert np.median(pieces) <= 2, pieces


def test_an_unknown_character_a_long_text_and_an_empty_one_are_refused_in_words():
    who = writer(1)
    with pytest.raises(CannotWrite, match=r"U\+4E2D"):
        line(who, "ab 中", seed=1)
    with pytest.raises(DoesNotFit, match="shorter text"):
        line(who, "a very long line that goes on and on " * 6 + "and on", seed=1, width=256)
    for bad in ("", "  ", " a", "two\nlines"):
        with pytest.raises(DoesNotFit, match="one line"):
            line(who, bad, seed=1)
    with pytest.raises(TypeError, match="colour"):
        line(who, "a", seed=1, colour="blue")
    with pytest.raises(BadInput, match="no ink called 'mauve'"):
        line(who, "a", seed=1, ink="mauve")
    with pytest.raises(BadInput, match="not negative"):
        line(who, "a", seed=1, jitter=-1)
    with pytest.raises(ValueError, match="not negative: -1"):
        writer(-1)


def test_held_out_writers_use_families_that_nobody_else_uses():
    kept, others = set(family_names(True)), set(family_names(False))
    assert kept and not kept & others
    for seed in range(400):
        who = writer(seed)
        assert who.held_out == is_held_out_writer(seed) == (seed % 10 == 9)
        used = {who.family} | ({who.second} if who.second else set())
        assert used <= (kept if who.held_out else others)
        assert all(family(name).held_out == who.held_out for name in used)


def test_siblings_stand_on_one_side_and_a_large_clan_has_no_more_writers_than_a_small_one():
    both = (*letters.clans(True), *letters.clans(False))
    clans = {name: names for names in both for name in names}
    assert len(clans) == sum(map(len, both)) > 250
    for names in clans.values():
        assert len({family(name).held_out for name in names}) == 1
    largest = max(clans.values(), key=len)
    others = len(letters.clans(False))
    assert len(largest) > 20 and others > 100
    drawn_from = [writer(seed).family in largest for seed in range(3000) if seed % 10 != 9]
    assert 0.2 / others < np.mean(drawn_from) < 3 / others


def test_the_licence_of_every_family_is_listed():
    listed = Path(letters.__file__).with_name("hands.LICENSES.md").read_text()
    rows = [line.split(" | ") for line in listed.splitlines() if line.startswith("| hand-")]
    assert sorted(row[0].removeprefix("| ") for row in rows) == sorted(
        family_names(True) + family_names(False)
    )
    for row in rows:
        assert row[3] in {"OFL-1.1", "Apache-2.0", "MIT", "CC0-1.0"}
        assert "opyright" in row[4], row
        assert f"## {row[3]}\n" in listed


def test_a_seed_is_always_the_same_writer_and_writers_of_one_family_differ():
    writer.cache_clear()
    assert writer(12) == writer(12)
    assert dataclasses.asdict(writer(12)) == dataclasses.asdict(writer(12))
    shared = {}
    for seed in range(300):
        shared.setdefault(writer(seed).family, []).append(writer(seed))
    a, b = next(v for v in shared.values() if len(v) > 1)[:2]
    assert np.abs(glyph(a, "n").points.mean(0) - glyph(b, "n").points.mean(0)).max() > 0.005


def lean(ink):
    """The shear in degrees under which columns of ink are fullest."""
    rows, columns = np.nonzero(ink > 100)
    angles = np.arange(-30, 66)
    full = []
    for angle in angles:
        upright = columns + rows * np.tan(np.radians(angle))
        full.append((np.bincount((upright - upright.min()).astype(int)) ** 2.0).sum())
    return angles[int(np.argmax(full))]


def test_the_slant_that_can_be_measured_follows_the_truth():
    true, seen = [], []
    for seed in range(60):
        w = line(writer(seed), STEMS, seed=seed, paper="ruled")
        true.append(w.truth.slant)
        seen.append(lean(w.ink))
    assert np.corrcoef(true, seen)[0, 1] > 0.85
    assert np.median(np.abs(np.subtract(true, seen))) < 6


def test_the_x_height_that_can_be_measured_follows_the_truth():
    true, seen = [], []
    for seed in range(40):
        w = line(writer(seed), "sea anemone rose", seed=seed)
        tall = [y1 - y0 for c, (_, y0, _, y1) in zip(w.truth.text, w.truth.boxes, strict=True)
                if c in "aemonrs"]  # fmt: skip
        true.append(w.truth.x_height)
        seen.append(np.median(tall))
    assert np.corrcoef(true, seen)[0, 1] > 0.85
    assert 0.85 < np.median(np.divide(seen, true)) < 1.35
    assert min(true) >= MIN_X_HEIGHT


def test_on_ruled_paper_the_writing_stands_on_a_rule():
    for seed in range(12):
        w = line(writer(seed), "on a line", seed=seed, paper="ruled", ink="black")
        x0 = w.truth.boxes[0][0]
        blank = w.picture[:, : max(1, x0 - 6)].astype(float).mean((1, 2))
        at = round(w.truth.baseline)
        if x0 > 24 and 3 < at < 60:
            near = blank[at - 2 : at + 3].min()
            assert near < np.median(blank) - 1


def test_the_truth_is_plain_data():
    import json

    for seed in range(3):
        t = drawn(seed).truth
        assert json.loads(json.dumps(as_dict(t)))["text"] == t.text


def test_french_and_english_can_be_written_by_nearly_every_hand():
    able = 0
    for name in (*family_names(True), *family_names(False)):
        able += set("àâçéèêëîïôùûœÀÉÈÊÇ«»’–0123456789€&()") <= set(family(name).glyphs)
    assert able > 0.97 * len(family_names(True) + family_names(False))


@pytest.mark.slow
def test_drawing_is_fast_enough():
    pairs = [(writer(s), text(np.random.default_rng(s), longest=32)) for s in range(60)]
    for who, what in pairs[:20]:
        line(who, what, seed=1)
    begun = time.process_time()
    for who, what in pairs:
        line(who, what, seed=2)
    assert len(pairs) / (time.process_time() - begun) > 20
