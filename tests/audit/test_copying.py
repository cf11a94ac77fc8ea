"""Copies made in a known way, and a perfect likeness with new pixels, which is none."""

import sys
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.copied import MAKES, Original
from sosie.audit.copying import (
    PROBES,
    Config,
    Shot,
    Taught,
    Tried,
    doses,
    frontier,
    mixture,
    search,
)
from sosie.audit.copying.calibration import (
    USUAL,
    excess,
    needed,
    p_value,
    smallest_rate,
    thresholds,
)
from sosie.audit.copying.detectors import details, placement, screen, tile_correlation, tiled_l2
from sosie.audit.copying.doses import BEARS, chance, named
from sosie.audit.copying.evidence import PARTS, STAGES, compare
from sosie.audit.copying.judging import (
    Counted,
    Counts,
    beyond_chance,
    by_chance,
    judged,
    needed_generations,
    needed_null,
)
from sosie.audit.copying.look import Look, cut, look, shape_of, thumbnail, trimmed
from sosie.audit.copying.probes import enough, unasked
from sosie.audit.copying.records import REPRODUCED, Threshold
from sosie.audit.copying.references import SHAPES_KEPT, References
from sosie.audit.copying.rights import table
from sosie.audit.copying.search import planted
from sosie.audit.copying.tally import kind_of
from sosie.audit.intervals import share_interval, upper_bound
from sosie.core.errors import BadInput, UnreadablePicture
from sosie.models.mask import person_mask
from sosie.world.people import person

ORIGINAL = Original(person(29), 2, 30, 192)
LIMITS = {
    part: Threshold(part=part, value=USUAL[part], false_positives=0.01, raised=False)
    for part in PARTS
}


def seen(rgb, like=None):
    return look(rgb, None if like is None else shape_of(like), figure=person_mask)


def scored(**given):
    return dict.fromkeys(PARTS, 0.1) | given


def shots(name, pictures):
    return [Shot(f"{name} {i}", lambda rgb=rgb: rgb) for i, rgb in enumerate(pictures)]


@pytest.fixture(scope="module")
def pictures():
    return [Original(person(29), seed, 30, 192).shot().picture for seed in range(6)]


@pytest.mark.parametrize("kind", MAKES)
def test_what_was_copied_is_told_and_a_likeness_is_no_copy(kind):
    made = MAKES[kind](ORIGINAL)
    evidence = compare(seen(ORIGINAL.shot().picture), seen(made))
    assert kind_of(evidence, LIMITS) == kind


def test_a_perfect_likeness_scores_on_the_face_and_not_on_the_rest():
    evidence = compare(seen(ORIGINAL.shot().picture), seen(ORIGINAL.alike().picture))
    assert evidence.face > 0.7 and evidence.rest < 0.7


def test_a_crop_is_found_in_its_place_and_a_mirrored_copy_as_such():
    rgb = ORIGINAL.shot().picture
    crop = rgb[24:178, 10:164]
    found = compare(seen(rgb), seen(crop))
    assert found.placed and found.rest > USUAL["rest"]
    assert compare(seen(rgb), seen(rgb[:, ::-1])).mirrored


def test_nothing_is_said_of_what_is_flat():
    flat = np.full((64, 64, 3), 128, np.uint8)
    evidence = compare(look(flat), look(flat))
    assert (evidence.rest, evidence.face, evidence.background) == (None, None, None)
    assert kind_of(evidence, LIMITS) is None


def written(rgb, other):
    changed = rgb.copy()
    changed[-27:] = 20
    where = (8, len(rgb) - 10)
    return cv2.putText(changed, "drawn 2026", where, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255,) * 3)


def framed(rgb, other):
    inside = cv2.resize(rgb, (146, 146), interpolation=cv2.INTER_AREA)
    return np.pad(inside, ((23, 23), (23, 23), (0, 0)), constant_values=255)


def cornered(rgb, other):
    changed = rgb.copy()
    changed[:77, :77] = other[:77, :77]
    return changed


def halved(rgb, other):
    return np.hstack([rgb[:, :96], other[:, 96:]])


def blurred(rgb, other):
    return cv2.GaussianBlur(rgb, (0, 0), 192 / 64)


PARTIAL = (written, framed, cornered, halved, blurred)


@pytest.mark.parametrize("change", PARTIAL)
def test_a_copy_of_most_of_a_picture_is_one(pictures, change):
    other = ORIGINAL.other().picture
    for rgb in pictures[:3]:
        evidence = compare(seen(rgb), seen(saved(change(rgb, other))))
        assert kind_of(evidence, LIMITS) in REPRODUCED, evidence


def saved(rgb):
    kept, file = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert kept
    return np.ascontiguousarray(cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1])


@pytest.mark.parametrize("seed", [0, 2])
def test_the_same_person_in_other_clothes_or_places_is_no_copy_by_any_stage(seed):
    original = Original(person(29), seed, 30, 192)
    reference = seen(original.shot().picture)
    for rgb in (original.alike().picture, original.other().picture, MAKES[None](original)):
        for changed in (rgb, blurred(rgb, None), written(rgb, None)):
            assert kind_of(compare(reference, seen(changed)), LIMITS) not in REPRODUCED


def test_a_frame_is_cut_off_and_a_wall_is_not():
    rgb = ORIGINAL.shot().picture
    assert max(trimmed(saved(framed(rgb, None))).shape) in range(140, 150)
    assert trimmed(rgb).shape == rgb.shape
    wall = np.full((100, 100, 3), 200, np.uint8)
    cv2.circle(wall, (50, 50), 30, (90, 60, 40), -1)
    assert trimmed(wall).shape == wall.shape == trimmed(np.zeros_like(wall)).shape
    boxed = np.pad(rgb, ((40, 40), (0, 0), (0, 0)))
    assert trimmed(boxed).shape[0] in range(188, 193) and trimmed(boxed).shape[1] == 192


@pytest.mark.parametrize("number", [5, 6, 7, 9])
def test_planted_copies_are_found_with_a_bar_a_frame_or_another_corner(pictures, number):
    rgb = pictures[number % 5]
    evidence = compare(seen(rgb), seen(planted(rgb, number)))
    assert kind_of(evidence, LIMITS) in REPRODUCED


@pytest.mark.parametrize("seed", [27, 214])
def test_a_spot_on_a_blank_wall_is_screened_by_numbers(seed):
    """Pictures of which the blur's running sum ends below zero."""
    draw = np.random.default_rng(seed)
    grey = np.full((128, 128), float(draw.integers(0, 256)), np.float32)
    middle, reach = tuple(map(int, draw.integers(0, 128, 2))), int(draw.integers(4, 40))
    cv2.circle(grey, middle, reach, float(draw.integers(0, 256)), -1)
    assert np.linalg.norm(screen(details(grey))) == pytest.approx(1)


def test_tiles_forgive_another_tone_and_a_step_aside_but_l2_does_not():
    draw = np.random.default_rng(0)
    grey = np.kron(draw.uniform(40, 200, (16, 16)), np.ones((8, 8))).astype(np.float32)
    moved = np.roll(grey, 2, axis=1) * 0.8 + 20
    assert np.nanmean(tile_correlation(grey, moved)) > 0.95
    assert np.nanmean(tile_correlation(grey, moved, search=0)) < 0.8
    bytes_ = [np.repeat(a[..., None], 3, 2).astype(np.uint8) for a in (grey, moved)]
    assert tiled_l2(*bytes_) > 0.1 and tiled_l2(bytes_[0], bytes_[0]) == 0
    assert placement(None, None) is None


def test_no_null_supports_more_than_its_size():
    assert smallest_rate(19) == 0.05 and needed(0.05) == 19 and needed(0.01) == 99
    assert p_value(0.5, [0.1, 0.5, 0.9]) == 0.75
    few = thresholds([scored(rest=0.93), scored(), scored()], 0.01)["rest"]
    assert few.value > 0.93 and few.raised and few.false_positives == 0.25
    assert thresholds([scored()] * 99, 0.01)["rest"].value == USUAL["rest"]


def test_the_base_alone_supports_a_rate_of_its_own_and_stands_for_no_held_out_picture():
    few = thresholds([scored(rest=0.93), *[scored()] * 2], 0.01, base=[scored()] * 99)["rest"]
    assert few.false_positives == 0.25 and few.of_base == 0.01
    assert by_chance(Counted(0, 3), Counted(0, 99), 0.95) == upper_bound(0, 3) > 0.6
    assert by_chance(Counted(0, 0), Counted(0, 99), 0.95) == 1
    assert by_chance(Counted(0, 99), Counted(9, 99), 0.95) == upper_bound(9, 99)
    high = thresholds([scored()], 0.01, base=[scored(rest=0.97)] * 150)["rest"]
    assert high.value > 0.97 and high.raised


@given(
    captions=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=9),
    each=st.integers(1, 70),
    seed=st.integers(0, 1000),
)
def test_a_mixture_asks_every_way_as_often_and_never_with_one_seed_twice(captions, each, seed):
    asks = mixture(captions, "anna", each=each, seed=seed)
    assert [ask.probe for ask in asks] == [probe for probe in PROBES for _ in range(each)]
    assert len({ask.seed for ask in asks}) == len(asks)
    assert len({(ask.key, ask.seed) for ask in asks}) == len(asks)
    words = {probe.name: [a.prompt for a in asks if a.probe is probe] for probe in PROBES}
    assert set(words["trigger alone"]) == {"anna"}
    assert not set(words["held-out prompts"]) & set(captions)
    counts = [words["training captions"].count(caption) for caption in set(captions)]
    assert sum(counts) == each and max(counts) - min(counts) <= 1
    more = mixture(captions, "anna", each=each + 5, seed=seed)
    assert set(asks) <= set(more), "what was drawn is drawn again by no longer audit"


@given(count=st.integers(1, 200), each=st.integers(1, 70))
def test_the_ways_that_ask_by_captions_share_them_out(count, each):
    captions = [f"anna, number {number}" for number in range(count)]
    asks = mixture(captions, "anna", each=each, seed=1)
    left = unasked(captions, asks)
    assert len(left) <= max(0, count - 3 * each + 2), "three ways ask for three times as many"
    assert not left or each < enough(captions)
    assert not unasked(captions, mixture(captions, "anna", each=enough(captions), seed=1))


def test_rates_are_told_for_each_way_of_asking_beside_the_base_alone(pictures):
    copies = [planted(rgb, i) for i, rgb in enumerate(pictures)]
    new = [ORIGINAL.other(9000 + i).picture for i in range(4)]
    alone = [ORIGINAL.other(7000 + i).picture for i in range(8)]

    def asked(probe, shots_):
        return [replace(shot, probe=probe) for shot in shots_]

    found = search(
        [
            *asked("captions", shots("copy", [copies[0]] * 3 + new[:1])),
            *asked("trigger", shots("new", new)),
        ],
        shots("original", pictures),
        base=[
            *asked("captions", shots("base", alone[:4])),
            *asked("trigger", shots("alone", alone[4:])),
        ],
    )
    captions, trigger = found.by_probe
    assert (captions.probe, captions.pictures, captions.reproduced.value) == ("captions", 1, 0.75)
    assert trigger.reproduced.value == 0 and trigger.upper_bound == upper_bound(0, 4)
    assert captions.base.value == 0 and captions.base.n == 4 and found.base_size == 8
    assert found.upper_bound == upper_bound(3, 8)


def test_a_bound_for_a_mixture_of_unequal_prompts_holds():
    """Clopper and Pearson's interval covers the mean rate of prompts that differ."""
    draw = np.random.default_rng(1)
    for rates in ([0.9] + [0.0] * 29, [0.5] * 3 + [0.01] * 27, draw.beta(0.1, 1, 30)):
        copied = draw.binomial(2, rates, (1000, 30)).sum(1)
        held = [upper_bound(int(k), 60) >= np.mean(rates) for k in copied]
        assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_repeats_that_explain_copies_show_as_dose_and_response():
    taught = [
        Taught(sample=f"{n}", name=f"{n}.png", shot=shot, rights="unknown")
        for n, shot in enumerate((0, 1, 2, 2, 2, 3, 3, 3))
    ]
    once, thrice = doses(taught, ["4.png", "5.png", "6.png"])
    assert (once.repeats, once.reproduced.value, once.reproduced.n) == (1, 0, 2)
    assert (thrice.repeats, thrice.reproduced.value) == (3, 1)
    # Of the six ways to deal two shots to four, one is as far.
    assert chance([once.reproduced, thrice.reproduced]) == pytest.approx(1 / 6, abs=0.02)
    assert chance([thrice.reproduced]) is None


def test_a_caption_that_is_a_key_to_its_shot_is_told_from_one_that_others_bear():
    said = ["anna smiling", "Anna  smiling", "anna in a red hat", "anna in a blue hat", "anna hat"]
    taught = [
        Taught(sample=f"{n}", name=f"{n}.png", shot=shot, rights="unknown")
        for n, shot in enumerate((0, 1, 2, 3, 4, 4))
    ]
    captions = {one.name: said[one.shot] for one in taught}
    rows = named(taught, captions, ["2.png"])
    assert [(row.bears, row.reproduced.n, row.reproduced.value) for row in rows] == [
        (BEARS[0], 2, 0),
        (BEARS[1], 1, 0),
        (BEARS[2], 2, 0.5),
    ]


def test_a_link_that_is_an_accident_seldom_looks_unlikely():
    """Under random deals the chance lies below a twentieth in one case of twenty at most."""
    draw = np.random.default_rng(3)
    for sizes in ([6, 4, 5], [11, 1]):
        dealt = draw.multivariate_hypergeometric(sizes, 4, 300)
        rows = ([share_interval(int(k), n) for k, n in zip(d, sizes, strict=True)] for d in dealt)
        assert np.mean([chance(row) <= 0.05 for row in rows]) <= 0.05 + 0.03


def test_what_is_beaten_in_likeness_and_in_copying_is_off_the_frontier():
    def tried(likeness, copied):
        share = share_interval(copied, 100)
        what = {"adapter": "a", "step": 1, "strength": 1.0, "verdict": "failed"}
        return Tried(**what, likeness=likeness, reproduced=share)

    rows = [tried(0.6, 10), tried(0.5, 0), tried(0.5, 5), tried(None, 0), tried(0.6, 10)]
    assert frontier(rows) == (True, True, False, False, True)


@given(
    null=st.lists(st.lists(st.floats(-1, 1), min_size=len(PARTS), max_size=len(PARTS)), max_size=8),
    made=st.lists(st.floats(-1, 1), min_size=len(PARTS), max_size=len(PARTS)),
)
def test_what_passes_the_thresholds_excess_is_what_is_called_reproduced(null, made):
    """Whatever the audit's own pictures made of the thresholds: so recall may be told by excess."""
    limits = thresholds([dict(zip(PARTS, row, strict=True)) for row in null], 0.01)
    scores = dict(zip(PARTS, made, strict=True))
    evidence = compare(*[look(np.zeros((64, 64, 3), np.uint8))] * 2).model_copy(update=scores)
    apart = excess(scores) - excess({part: limit.value for part, limit in limits.items()})
    assume(abs(apart) > 1e-9)  # on the edge it is rounding that tells
    assert (kind_of(evidence, limits) in REPRODUCED) == (apart > 0)


def test_thresholds_keep_their_promise_over_many_draws_by_all_stages_together():
    draw = np.random.default_rng(0)
    for n, rate in ((19, 0.05), (99, 0.01), (40, 0.1)):
        flagged = []
        for _ in range(1000):
            *null, new = [
                scored(**dict(zip(STAGES, scores, strict=True)))
                for scores in draw.uniform(0.8, 1, (n + 1, len(STAGES)))
            ]
            limits = thresholds(null, rate)
            flagged.append(any(new[stage] >= limits[stage].value for stage in STAGES))
        assert np.mean(flagged) <= rate + 3 * np.sqrt(rate / 1000)


def test_stages_are_raised_together_and_other_parts_alone():
    limits = thresholds([scored(pixels=0.625, figure=0.95)], 0.01)
    assert limits["pixels"].value == pytest.approx(0.625) and limits["pixels"].value > 0.625
    assert limits["rest"].value == pytest.approx(0.95) and limits["rest"].raised
    assert limits["figure"].value == pytest.approx(0.95)
    assert not limits["background"].raised and not limits["face"].raised


def test_planted_copies_fail_the_audit_and_are_named(pictures):
    copies = [planted(rgb, i) for i, rgb in enumerate(pictures)]
    new = [ORIGINAL.other(9000 + i).picture for i in range(3)]
    held_out = [ORIGINAL.other(5000 + i).picture for i in range(8)]
    found = search(
        [*shots("copy", copies), *shots("new", new)],
        shots("original", pictures),
        [*shots("held out", held_out), *shots("leak", pictures[:1])],
        figure=person_mask,
    )
    assert found.verdict == "failed" and "6 of 9" in found.reasons[0]
    named = {m.made: m.reference for m in found.matches if m.kind in REPRODUCED}
    assert named == {f"copy {i}": f"original {i}" for i in range(6)}
    assert "leak 0" in found.leaked and found.null_size == 9 - len(found.leaked)
    assert found.controls.value == 1 and found.pictures.value == 1
    assert {match.p for match in found.matches[:6]} == {1 / (found.null_size + 1)}
    assert found.picture_bound < 1 and found.curve[0].generated.value > found.curve[-1].null.value


def test_three_pictures_measure_nothing(pictures):
    found = search(shots("a", pictures[:1]), shots("b", pictures[1:3]), figure=person_mask)
    assert found.verdict == "not measured" and "generate at least 299" in found.reasons[0]
    copied = search(shots("a", pictures[:1]), shots("b", pictures[:2]), figure=person_mask)
    assert copied.verdict == "not measured" and "held-out" in copied.reasons[0]


def test_clean_pictures_pass_where_the_sample_carries_it(pictures):
    found = search(
        shots("new", [ORIGINAL.other(9000 + i).picture for i in range(6)]),
        shots("original", pictures),
        config=Config(at_most=0.5),
    )
    assert found.verdict == "passed" and found.null == "the references among themselves"
    assert found.upper_bound == pytest.approx(1 - 0.05 ** (1 / 6))
    assert any("people from backgrounds" in remark for remark in found.remarks)


def test_a_shot_that_was_filed_often_is_one_shot_with_the_strictest_of_its_rights(pictures):
    draw = np.random.default_rng(0)

    def grain(count):
        noise = draw.integers(-1, 2, (count, *pictures[0].shape))
        return list(np.clip(pictures[0].astype(int) + noise, 0, 255).astype(np.uint8))

    new = [ORIGINAL.other(9000).picture]
    originals = [*shots("own", grain(4)), *shots("other", pictures[1:3])]
    found = search([*shots("copy", grain(4)), *shots("new", new)], originals)
    assert found.clusters == 3 and found.picture_bound > found.reproduced.value == 0.8
    names = tuple(f"own {n}" for n in range(4))
    assert found.reproduced_references == names and found.near_duplicates == (names,)
    said = dict.fromkeys(names, "own") | {"own 2": "all rights reserved", "other 0": "own"}
    rows = table([*names, "other 0", "other 1"], names, said, found.near_duplicates)
    told = {row.status: (row.references, row.reproduced) for row in rows if row.references}
    assert told == {"own": (1, 0), "all rights reserved": (1, 1), "unknown": (1, 0)}


def test_shapes_may_differ_and_broken_files_are_told(pictures):
    def broken():
        raise UnreadablePicture("cut.jpg is damaged.")

    tall = np.pad(pictures[0], ((0, 0), (0, 64), (0, 0)), mode="reflect")[:, 20:-40]
    found = search(
        [*shots("tall", [tall]), Shot("cut.jpg", broken)],
        [*shots("original", pictures[:3]), Shot("cut.jpg", broken)],
    )
    assert found.matches[0].reference == "original 0" and found.generated == 1
    assert found.unreadable == ("cut.jpg is damaged.",) * 2 and found.unseen == 1
    assert found.reproduced.value == 1 and found.reproduced.low == share_interval(1, 2).low
    with pytest.raises(BadInput, match="None of the references can be read"):
        search(shots("a", pictures[:1]), [Shot("cut.jpg", broken)])


def test_what_could_not_be_looked_at_never_passes(pictures):
    def broken():
        raise UnreadablePicture("cut.jpg is damaged.")

    new = shots("new", [ORIGINAL.other(9000 + i).picture for i in range(6)])
    originals = shots("original", pictures)
    unread = search([*new, *[Shot("cut.jpg", broken)] * 8], originals, config=Config(at_most=0.5))
    assert unread.verdict == "not measured" and unread.upper_bound == upper_bound(8, 14)
    assert "8 that could not be looked at may" in unread.reasons[0]
    assert unread.reproduced.low == 0 and unread.reproduced.high == share_interval(8, 14).high
    lacking = search(new, [*originals, Shot("cut.jpg", broken)], config=Config(at_most=0.5))
    assert lacking.verdict == "not measured" and lacking.reasons[0].startswith("1 references")


@pytest.mark.parametrize(("held_out", "base"), [(3, 0), (19, 0), (19, 100), (99, 0), (99, 100)])
@pytest.mark.parametrize("copied", [0.0, 0.05])
def test_who_copies_no_more_than_is_allowed_is_called_a_copier_in_one_case_of_twenty(
    held_out, base, copied
):
    """Whatever the null that was drawn: the mean over nulls is not what one audit has."""
    draw = np.random.default_rng(0)
    failed = []
    for _ in range(300):
        sides = [draw.uniform(0.9, 1, n).tolist() for n in (held_out, base)]
        null, alone = ([scored(rest=score) for score in side] for side in sides)
        value = thresholds(null, 0.01, base=alone)["rest"].value
        made = np.where(draw.random(100) < copied, 1, draw.uniform(0.9, 1, 100))
        counted = [Counted(sum(score >= value for score in s), len(s)) for s in (made, *sides)]
        failed.append(
            all(
                beyond_chance(counted[0], null, allowed=copied or 0.01, confidence=0.95)
                for null in counted[1:]
                if null.of
            )
        )
    assert np.mean(failed) <= 0.05


def test_a_few_planted_copies_that_were_found_may_be_luck():
    def said(found, planted):
        nothing = Counted(0, 0)
        controls = share_interval(found, planted)
        null = "held-out pictures"
        return judged(Counts(Counted(0, 400), 0, 0, nothing, null, nothing, controls), Config())

    assert said(20, 20)[0] == said(18, 20)[0] == "passed"
    assert said(8, 8)[0] == "not measured" and "shows that 63%" in said(8, 8)[1][0]
    assert said(17, 20)[0] == "not measured" and "85% were found" in said(17, 20)[1][0]


def test_who_draws_more_until_it_passes_errs_no_more_often_than_who_looks_once():
    draw, needed_ = np.random.default_rng(0), cache(needed_generations)
    at_last, at_first = [], []
    for _ in range(1500):
        # The truth is on the edge of what is allowed; the advice is followed up to eight times.
        drawn, copied, passes = 370, int(draw.binomial(370, 0.01)), []
        for number in range(1, 9):
            config = Config(look=number)
            passes.append(upper_bound(copied, drawn, confidence=config.sure) <= 0.01)
            if passes[-1] or copied > 30:
                break
            more = max(needed_(copied, 0.01, config.sure_next), drawn + 1) - drawn
            drawn, copied = drawn + more, copied + int(draw.binomial(more, 0.01))
        at_first.append(passes[0])
        at_last.append(any(passes))
    assert np.mean(at_first) < np.mean(at_last) <= 0.05
    assert Config().sure == Config().sure_next == 0.95 and Config(look=1).sure == 0.975


def test_few_held_out_pictures_support_no_charge_and_the_number_that_would_is_told():
    ask = {"allowed": 0.01, "confidence": 0.95}
    assert not beyond_chance(Counted(100, 300), Counted(0, 3), **ask)
    assert beyond_chance(Counted(220, 300), Counted(0, 3), **ask)
    for flagged, of_null in ((100, 0), (20, 0), (100, 2)):
        made = Counted(flagged, 300)
        more = needed_null(made, of_null, **ask)
        assert beyond_chance(made, Counted(of_null, more), **ask)
        assert not beyond_chance(made, Counted(of_null, more - 1), **ask)


def test_of_references_little_is_kept_and_a_new_shape_reads_none_again():
    draw, reads = np.random.default_rng(0), []

    def shot(number):
        small = draw.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        large = cv2.resize(small, (1200, 900), interpolation=cv2.INTER_CUBIC)

        def read():
            reads.append(number)
            return large

        return Shot(str(number), read)

    known = References([shot(number) for number in range(4)], figure=None)
    rgb = known.shots[0].read()
    assert 0 in known.see(rgb[:, 100:1100]).closest
    reads.clear()
    for step in range(2 * SHAPES_KEPT):
        known._screened(step / 10)
    assert not reads
    assert known._screened.cache_info().currsize == SHAPES_KEPT
    kept = known._look(shape_of(rgb), 0)
    compare(kept, seen(rgb))
    held = [getattr(part, "nbytes", 0) for part in vars(kept).values()]
    assert sum(held) + sum(part.nbytes for part in kept.keypoints or ()) < 2**20


@pytest.mark.parametrize(("down", "across"), [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("zoom", [0.8, 0.65])
def test_a_corner_of_a_reference_is_looked_at_closely(down, across, zoom, monkeypatch):
    draw = np.random.default_rng(2)
    pictures = [
        cv2.resize(draw.integers(0, 256, (16, 16, 3), np.uint8), (128, 128)) for _ in range(12)
    ]
    shots = [Shot(str(n), lambda rgb=rgb: rgb) for n, rgb in enumerate(pictures)]
    side = round(128 * zoom)
    top, left = down * (128 - side), across * (128 - side)
    corner = cv2.resize(pictures[7][top : top + side, left : left + side], (128, 128))
    assert 7 in References(shots, figure=None).see(corner).closest
    monkeypatch.setattr(sys.modules[References.__module__], "FEW", 11)
    many = References(shots, figure=None)
    assert len(many._screened(0.0)) == 2 * len(shots), "of many the middle alone is screened"


def test_the_screen_of_a_thumbnail_is_that_of_the_picture():
    rgb = ORIGINAL.shot().picture[:, 20:180]
    small = Look(np.repeat(cut(thumbnail(rgb), -0.4)[..., None], 3, axis=2), -0.4, None)
    assert small.screen @ look(rgb, -0.4).screen > 0.97


@pytest.mark.parametrize(
    ("references", "count", "of"), [(9, 5, [0, 2, 4, 6, 8]), (2, 4, [0, 0, 1, 1])]
)
def test_controls_are_of_references_all_over_the_list(references, count, of, monkeypatch):
    draw, planted_ones = np.random.default_rng(0), []

    def plant(rgb, number):
        planted_ones.append((number, [np.array_equal(rgb, one) for one in noise].index(True)))
        return planted(rgb, number)

    monkeypatch.setattr(sys.modules[search.__module__], "planted", plant)
    noise = [
        np.kron(draw.integers(0, 256, (8, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
        for _ in range(references)
    ]
    known = References(shots("noise", noise), figure=None)
    sys.modules[search.__module__]._controls(known, LIMITS, count)
    assert planted_ones == list(enumerate(of))


def test_the_number_asked_for_is_the_number_needed():
    for copied, rate in ((0, 0.01), (3, 0.01), (0, 0.2)):
        n = needed_generations(copied, rate, 0.95)
        assert upper_bound(copied, n) <= rate < upper_bound(copied, n - 1)
