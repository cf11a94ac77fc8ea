"""A caption says nothing but the truth, in few words from a small vocabulary."""

import numpy as np
import pytest

from sosie.world import tables
from sosie.world.captions import CONSTANT, caption, noun, parts
from sosie.world.people import person
from sosie.world.photo import choose

TRUTHS = [choose(person(seed), seed) for seed in range(250)]


def said(truth, seed=0, subject=None):
    return caption(truth, rng=np.random.default_rng(seed), subject=subject)


def test_each_part_of_a_caption_is_true_of_the_picture():
    for seed, truth in enumerate(TRUTHS):
        opening, *rest = said(truth, seed).split(", ")
        assert opening.endswith(f" of {noun(truth)}")
        assert set(rest) <= set(parts(truth).values())
        assert len(rest) == len(set(rest))


def test_over_many_captions_every_part_is_said_at_times_and_left_out_at_times():
    truth = choose(person(4), 1, glasses="round glasses", hat="cap", beard="stubble")
    captions = [said(truth, seed) for seed in range(200)]
    for part, words in parts(truth).items():
        share = np.mean([words in c.split(", ") for c in captions])
        assert 0.15 < share < 0.99, (part, share)


def test_who_names_no_view_means_the_front():
    unnamed = [
        truth.view
        for seed, truth in enumerate(TRUTHS * 4)
        if not any(view in said(truth, seed) for view in tables.VIEWS)
    ]
    assert unnamed.count("front view") > 0.85 * len(unnamed)


def test_what_is_not_there_is_not_said():
    truth = choose(person(4), 1, glasses="none", hat="none", beard="none", pattern="plain")
    for seed in range(60):
        text = said(truth, seed)
        assert not any(word in text for word in ("glasses", "wearing", "beard", "none", "plain"))


def test_a_trigger_word_stands_for_the_person_and_what_is_constant_goes_unsaid():
    truth = choose(person(4), 1, beard="full beard")
    constant = [parts(truth)[part] for part in CONSTANT]
    for seed in range(60):
        opening, *rest = said(truth, seed, subject="nobody2").split(", ")
        assert opening.endswith(" of nobody2")
        assert not set(rest) & set(constant)


def test_captions_are_short_and_their_words_few():
    captions = [said(truth, seed) for seed, truth in enumerate(TRUTHS * 8)]
    lengths = [len(c.split()) for c in captions]
    assert max(lengths) <= 34
    assert np.mean(lengths) <= 22
    words = {w for c in captions for w in c.replace(",", "").split() if not w.isdigit()}
    assert len(words) < 140


@pytest.mark.parametrize(
    ("age", "expected"),
    [(6, "girl"), (15, "teenage girl"), (40, "woman"), (80, "old woman")],
)
def test_the_noun_fits_the_age(age, expected):
    woman = next(person(seed) for seed in range(50) if person(seed).woman)
    assert noun(choose(woman, 1, age=age)).split(" ", 1)[1] == expected


def test_equal_seeds_give_equal_captions_and_others_differ():
    assert said(TRUTHS[3], 5) == said(TRUTHS[3], 5)
    assert len({said(TRUTHS[3], seed) for seed in range(20)}) > 5


def test_every_word_of_the_tables_can_be_said():
    texts = " | ".join(" ".join(parts(choose(person(s), s)).values()) for s in range(900))
    for table in (tables.GARMENTS, tables.COLOURS, tables.LIGHTS, tables.VIEWS, tables.HATS[1:]):
        for word in table:
            assert word in texts, word
