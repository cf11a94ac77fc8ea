"""A LoRA whose pictures nobody knows: it is told from a good one by what it repeats."""

import numpy as np
import pytest
from PIL import Image

from sosie.audit.copying import Shot
from sosie.audit.copying.cliques import RATE, chance, judged, repeating
from sosie.audit.copying.probes import HELD_OUT, TAGS, TRIGGER, stranger_mixture
from sosie.core.errors import BadInput

EACH = 6


def noise(seed):
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC))


def grain(rgb, seed):
    """The same picture as another seed would give it back."""
    draw = np.random.default_rng(seed)
    return np.clip(rgb.astype(int) + draw.integers(-6, 7, rgb.shape), 0, 255).astype(np.uint8)


def shots(pictures):
    return [
        Shot(f"{number:02d}", lambda rgb=rgb: rgb, "trigger alone")
        for number, rgb in enumerate(pictures)
    ]


def looked(made, nth=1):
    base = shots([noise(100 + n) for n in range(len(made))])
    return repeating(shots(made), base, ["anna"] * len(made), figure=None, nth=nth)


def test_one_picture_from_many_seeds_is_a_clique_and_fails():
    again = [grain(noise(1), seed) for seed in range(6)]
    found = looked([*again, *(noise(10 + n) for n in range(EACH - 6))])
    assert [set(clique.pictures) for clique in found.cliques] == [{f"{n:02d}" for n in range(6)}]
    assert found.repeated.value == 6 / EACH
    [row] = found.by_probe
    assert row.base.value == 0 and row.repeated == found.repeated
    verdict, [reason] = judged(found, 1)
    assert verdict == "failed" and "from 6 seeds" in reason
    verdict, reasons = judged(found, 4)
    assert verdict == "not measured", "one lot in 64 is more than the fourth look may err by"
    assert "at look 4 at a LoRA 0.31%" in reasons[1]


def test_a_late_look_can_still_fail_for_it_swaps_more_often():
    """Fourteen of one picture are one lot in 16,384; the eighth look may err in one of 5,120."""
    made = [*(grain(noise(1), seed) for seed in range(14)), *(noise(n) for n in range(24, 30))]
    assert judged(looked(made, nth=8), 8)[0] == "failed"
    assert judged(looked(made), 8)[0] == "not measured"


def test_two_alike_are_chance_and_nothing_found_is_no_acquittal():
    pair = [grain(noise(1), seed) for seed in range(2)]
    found = looked([*pair, *(noise(10 + n) for n in range(EACH - 2))])
    assert found.cliques == () and found.repeated.value == 0
    verdict, reasons = judged(found, 1)
    assert verdict == "not measured" and "never that it copies none" in reasons[0]


def test_a_clique_of_three_is_shown_and_is_not_enough():
    again = [grain(noise(1), seed) for seed in range(3)]
    found = looked([*again, *(noise(10 + n) for n in range(EACH - 3))])
    assert len(found.cliques) == 1
    # All three on the LoRA's side: one lot in eight.
    assert found.chance == pytest.approx(1 / 8, abs=0.04)
    verdict, reasons = judged(found, 1)
    assert verdict == "not measured" and "look at them" in reasons[1]


@pytest.mark.parametrize("tightness", [0.0, 0.7])
def test_who_repeats_no_more_than_its_base_is_said_to_in_one_case_of_twenty(tightness):
    """Pictures of some prompts are far more alike than those of others, to LoRA and base alike; a
    share of pictures in cliques failed up to one in nine."""
    draw, each, prompts = np.random.default_rng(5), 40, 8
    failed = []
    for _ in range(80):
        centres = draw.normal(size=(prompts, 12))
        spread = np.exp(draw.normal(-1, tightness, prompts))
        of = np.tile(np.arange(each) % prompts, 2)
        drawn = centres[of] + spread[of, None] * draw.normal(size=(2 * each, 12))
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        alike = np.triu(drawn @ drawn.T, 1)
        alike[np.arange(each), np.arange(each) + each] = 0
        closest = np.argsort(-alike.ravel())[:40]
        pairs = [divmod(int(place), 2 * each) for place in closest]
        failed.append(chance(each, pairs) <= RATE)
    assert np.mean(failed) <= RATE + 3 * np.sqrt(RATE * (1 - RATE) / len(failed))


def test_what_has_collapsed_differs_less_than_its_base():
    found = looked([grain(noise(1), seed) for seed in range(EACH)])
    assert found.by_probe[0].variety.value < 0.3
    usual = looked([noise(10 + n) for n in range(EACH)])
    assert usual.by_probe[0].variety.value == pytest.approx(1, abs=0.1)


def test_one_picture_says_nothing():
    with pytest.raises(BadInput, match="Two pictures"):
        repeating(shots([noise(1)]), shots([noise(2)]), ["anna"], figure=None)


def test_a_stranger_is_asked_by_the_words_in_its_file_where_it_has_any():
    asks = stranger_mixture("anna", ["anna", "red hat", "anna smiling"], each=4, seed=1)
    prompts = [ask.prompt for ask in asks if ask.probe is TAGS]
    assert prompts == ["anna, red hat", "anna smiling"] * 2
    assert {ask.prompt for ask in asks if ask.probe is TRIGGER} == {"anna"}
    seeds = [ask.seed for ask in asks]
    assert len(set(seeds)) == len(seeds) == 16
    bare = stranger_mixture("anna", [], each=4, seed=1)
    assert TAGS not in {ask.probe for ask in bare} and HELD_OUT in {ask.probe for ask in bare}
