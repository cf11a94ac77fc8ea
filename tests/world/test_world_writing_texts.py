"""Texts are short, various and kept apart; captions quote them to the letter."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.world import tables
from sosie.world.hands import STYLES, style, writer
from sosie.world.notes import handwriting_caption, papers, tools
from sosie.world.phrases import TEMPLATES, WORDS
from sosie.world.texts import LANGUAGES, coverage, fill, is_held_out_text, text, word
from sosie.world.writing import choose, line


@given(st.integers(0, 10**9), st.integers(1, 12), st.integers(12, 60))
def test_texts_keep_to_their_bounds_and_are_one_line(seed, shortest, longest):
    found = text(np.random.default_rng(seed), shortest=shortest, longest=longest)
    assert shortest <= len(found) <= longest
    assert found == found.strip() and "\n" not in found and '"' not in found
    assert "{" not in found
    assert found == text(np.random.default_rng(seed), shortest=shortest, longest=longest)


@given(st.integers(0, 10**9), st.sampled_from([*LANGUAGES, None]))
def test_a_word_has_no_spaces(seed, language):
    found = word(np.random.default_rng(seed), language=language)
    assert 1 <= len(found) <= 20 and " " not in found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_slot_of_every_template_can_be_filled(language):
    rng = np.random.default_rng(1)
    for template in TEMPLATES[language]:
        assert not re.search(r"[{}]", fill(template, language, rng)), template
    assert all(w and w == w.strip() for words in WORDS[language].values() for w in words)


def test_a_slot_that_nobody_knows_is_an_error():
    with pytest.raises(KeyError, match="colour"):
        fill("a {colour} hat", "en", np.random.default_rng(1))


def test_bounds_without_room_are_refused():
    with pytest.raises(ValueError, match="9 to 8"):
        text(np.random.default_rng(1), shortest=9, longest=8)


def test_many_texts_show_every_letter_digit_accent_and_mark():
    found = {text(np.random.default_rng(seed)) for seed in range(4000)}
    assert len(found) > 2500
    seen = coverage(found)
    assert not seen.missing
    assert len(seen.pairs) > 250
    assert {"th", "he", "es", "le", "ou", "an"} <= {p for p, _ in seen.pairs.most_common(20)}


def test_coverage_names_what_a_few_texts_never_show():
    seen = coverage(["see you", "See 7 bees"])
    assert seen.letters["e"] == 6 and seen.digits == {"7": 1}
    assert seen.pairs["ee"] == 3
    assert "z" in seen.missing and "é" in seen.missing and "s" not in seen.missing


def test_one_text_in_ten_is_held_out_whatever_its_case():
    found = sorted({text(np.random.default_rng(seed)) for seed in range(3000)})
    assert 0.07 < np.mean([is_held_out_text(t) for t in found]) < 0.13
    assert all(is_held_out_text(t) == is_held_out_text(f" {t.upper()} ") for t in found[:200])


def said(truth, seed=0, subject=None):
    return handwriting_caption(truth, rng=np.random.default_rng(seed), subject=subject)


def test_a_caption_quotes_the_exact_text_and_says_only_what_is_true():
    for seed in range(200):
        t = choose(writer(seed), text(np.random.default_rng(seed)), seed)
        caption = said(t, seed)
        assert caption.count('"') == 2 and caption.split('"')[1] == t.text
        rest = caption.split('"')[2].strip()
        for way in papers(t):
            rest = rest.replace(way, "")
        ways = [w for i in (0, 1) for p in (0, 1) for w in tools(t, ink=bool(i), pen=bool(p))]
        assert rest.strip() in {"", *ways}, caption


def test_parts_are_said_at_times_and_left_out_at_times():
    t = choose(writer(2), "see you Monday", 1, ink="blue", paper="ruled", pen="ballpoint pen")
    captions = [said(t, seed) for seed in range(200)]
    for part in ("blue", "pen", " paper"):
        assert 0.2 < np.mean([part in c for c in captions]) < 0.95, part
    assert len(set(captions)) > 40
    assert any(c.endswith('"see you Monday"') for c in captions)


def test_a_trigger_word_stands_for_the_writer():
    t = choose(writer(2), "see you", 1)
    for seed in range(40):
        assert "nobody7" in said(t, seed, subject="nobody7").split('"')[0]


def test_a_hand_is_described_by_what_it_is():
    known = {word for words in STYLES.values() for word in words if word}
    for seed in range(40):
        who = writer(seed)
        t = choose(who, "see you", 1)
        rng = np.random.default_rng(seed)
        before = handwriting_caption(t, rng=rng, style=style(who)).split('"')[0]
        told = {word for word in known if f" {word} " in f" {before}"}
        # "slanted" is said where the hand is "steeply slanted", too.
        assert told - {"slanted"} <= set(style(who)) and told, before
    written = line(writer(2), "minimum", seed=3).truth
    assert ("slanted" in style(writer(2))[2]) == (written.slant > 5)


def test_every_paper_pen_and_ink_can_be_said():
    for paper in tables.PAPERS:
        assert papers(choose(writer(2), "a", 1, paper=paper))
    for pen in tables.PENS:
        for ink in tables.INKS:
            t = choose(writer(2), "a", 1, pen=pen, ink=ink)
            both = tools(t, ink=True, pen=True)
            assert all(pen in way for way in both)
            assert pen == "pencil" or all(ink in way for way in both)
