"""Mends: the fault goes, the person stays, and what would invent something is refused."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bench.plants import Shot
from bench.plants import page as page_plants
from bench.plants import skin as skin_plants
from sosie.core.errors import BadInput
from sosie.core.records import Box
from sosie.doctor import Config, examine
from sosie.doctor import table as rules
from sosie.doctor.mends import behind, kept, known, skin, spots, table
from sosie.doctor.mends.apply import apply
from sosie.doctor.mends.mend import Known
from sosie.doctor.rules import focus, marks
from sosie.doctor.rules.skin import FAMILY as SKIN
from sosie.doctor.rules.skin import Reading as Skin
from sosie.doctor.rules.skin import usual_of
from sosie.doctor.view import InMemory


def mended(name, rgb, given=None, **what):
    """The picture mended by name, with options and what is known of it."""
    mend = table.mend(name)
    options = mend.options.model_validate(given or {})
    return apply(mend, rgb, options, Known(**{"side": 128, **what}), rgb)


def refused(name, rgb, given=None, **what) -> str:
    with pytest.raises(BadInput) as reason:
        mended(name, rgb, given, **what)
    return str(reason.value)


@pytest.fixture(scope="module")
def usual(shots) -> Skin:
    read = [(n, SKIN.measure(InMemory(shot.rgb))) for n, shot in enumerate(shots)]
    found = usual_of([(n, reading) for n, reading in read if isinstance(reading, Skin)])
    assert found is not None
    return found


@pytest.fixture(scope="module")
def portrait():
    """One face of 384 pixels, from the front, with one mole on the cheek, and the mole's place."""
    from sosie.world.people import person
    from sosie.world.photo import photo

    who = replace(person(29), moles=((0.42, 0.002, 0.0034),))
    rgb = photo(who, seed=0, age=40, size=384, beard="none").picture
    reading = marks.FAMILY.measure(InMemory(rgb))
    (mole,) = [spot for spot in reading.spots if spot.clear and spot.contrast > marks.CLEAR]
    return rgb, mole.box


# -- the table -------------------------------------------------------------------------------------


def test_every_fix_that_a_rule_offers_is_a_mend_for_its_kind():
    offered = [rule for rule in rules.RULES if rule.fix is not None]
    assert len(offered) > 8
    for rule in offered:
        assert set(rule.kinds) <= set(table.mend(rule.fix).kinds), rule.name


def test_an_unknown_mend_is_named_with_the_nearest():
    from sosie.core.errors import NotFound

    with pytest.raises(NotFound, match="crop-head"):
        table.mend("crop-hed")


# -- the fault goes, the person stays --------------------------------------------------------------

PLANTED = {
    "skin.whitened": (skin_plants.PLANTS["skin.whitened"], 1),
    "skin.drift": (skin_plants.PLANTS["skin.drift"], 1),
    "skin.lines": (skin_plants.PLANTS["skin.lines"], 0),
}


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_fault_is_mended_and_the_person_stays(judge, shots, usual, rule):
    plant, strength = PLANTED[rule]
    pictures = [shot.rgb for shot in plant(shots, strength, np.random.default_rng(5))]
    ((finding, named),) = judge(rule, pictures)
    assert named and rules.rule(finding.rule).fix
    for number in named:
        made = mended(rules.rule(rule).fix, pictures[number], usual=usual)
        assert made.kept.identity > 0.85 and made.kept.shape < 5
        pictures[number] = made.rgb
    assert judge(rule, pictures) == []


def test_bars_are_cut_off_and_nothing_else(judge, shots):
    pictures = [shot.rgb for shot in shots[:3]]
    pictures[1] = np.pad(pictures[1], ((20, 20), (0, 0), (0, 0)))
    assert judge("pixels.bars", pictures)
    made = mended("cut-bars", pictures[1])
    assert judge("pixels.bars", [made.rgb]) == []
    assert np.array_equal(made.rgb, shots[1].rgb[1:-1]), "a line at each bar, and no more"
    assert refused("cut-bars", shots[0].rgb) == "There are no bars at the edges."


def test_a_small_face_comes_near_without_being_enlarged(findings, shots):
    wall = np.full((1200, 1200, 3), 150, np.uint8)
    wall[900:1124, 500:724] = shots[0].rgb
    wall += np.random.default_rng(0).integers(0, 20, wall.shape, dtype=np.uint8)
    assert findings([wall], "pixels.small_face")
    made = mended("crop-shoulders", wall, side=192)
    assert findings([made.rgb], "pixels.small_face") == []
    assert made.kept.identity > 0.95
    height, width = made.rgb.shape[:2]
    left, top = cv2.minMaxLoc(cv2.matchTemplate(wall, made.rgb, cv2.TM_SQDIFF))[2]
    assert np.array_equal(wall[top : top + height, left : left + width], made.rgb)
    assert "invents detail" in refused("crop-shoulders", wall, side=512)


def test_a_slight_blur_is_taken_back(portrait):
    from sosie.doctor.rules.focus import SOFT

    soft = cv2.GaussianBlur(portrait[0], (0, 0), 1.1)
    before, after = (
        focus.FAMILY.measure(InMemory(rgb)).width
        for rgb in (soft, mended("deblur", soft, side=384).rgb)
    )
    assert before > SOFT > after > 0.3
    sharper = mended("deblur", soft, side=384).rgb
    away = [float(np.abs(rgb.astype(int) - portrait[0]).mean()) for rgb in (soft, sharper)]
    assert away[1] < 0.9 * away[0], "nearer to the sharp picture, not only steeper"


def test_an_enlarged_picture_shrinks_to_what_it_holds(judge, portrait):
    large = cv2.resize(portrait[0], (1100, 1100), interpolation=cv2.INTER_CUBIC)
    assert judge("pixels.wasted", [large]) or judge("pixels.upscaled", [large])
    made = mended("resize", large)
    assert 300 < len(made.rgb) < 600
    assert judge("pixels.wasted", [made.rgb]) == []


def test_another_background_is_no_longer_the_same_one(judge, shots):
    from bench.plants.pose import again

    same = [again(shot, place="beach").rgb for shot in shots[:6]]
    ((_, named),) = judge("setting.background", same)
    for number in named[3:]:
        view = InMemory(same[number])
        made = mended("replace-background", same[number])
        inner = (slice(view.face.box.top + 20, view.face.box.bottom - 20),
                 slice(view.face.box.left + 20, view.face.box.right - 20))  # fmt: skip
        assert np.array_equal(made.rgb[inner], view.rgb[inner]), "the face changed"
        same[number] = made.rgb
    assert judge("setting.background", same) == []


def test_a_level_page_and_even_light(judged, notes_set):
    for rule, plant in (("page.skew", page_plants._skew), ("page.light", page_plants._light)):
        tilted = plant(notes_set[0], 2, np.random.default_rng(0))
        shots = [Shot(tilted, notes_set[0].caption, 0, 0)]
        assert judged(shots, rule)[1] == [0]
        made = mended(rules.rule(rule).fix, tilted)
        assert made.kept is None
        assert judged([replace(shots[0], rgb=made.rgb)], rule)[1] == []


# -- what is refused -------------------------------------------------------------------------------


def test_skin_is_never_made_lighter(shots, usual):
    def lightness(rgb):
        return SKIN.measure(InMemory(rgb)).lightness

    pale = usual.model_copy(update={"lightness": 95.0, "blue_yellow": usual.blue_yellow + 10})
    for name in ("match-skin", "white-balance"):
        made = mended(name, shots[0].rgb, usual=pale)
        assert lightness(made.rgb) < lightness(shots[0].rgb) + 0.5


def test_lines_that_are_always_there_are_kept(shots, usual):
    lined = usual.model_copy(update={"folds": 0.5})
    assert "belong to the person" in refused("soften-lines", shots[0].rgb, usual=lined)


def test_colour_and_lines_need_a_set_to_compare_with(shots):
    for name in ("match-skin", "white-balance", "soften-lines"):
        assert "It takes 5 pictures" in refused(name, shots[0].rgb)


def test_colour_is_moved_by_no_more_than_the_cap(shots, usual):
    far = usual.model_copy(update={"green_red": 90.0})
    before = SKIN.measure(InMemory(shots[0].rgb))
    match = skin.Match(share=1)
    rgb, _ = skin.balanced(InMemory(shots[0].rgb), match, Known(usual=far))
    after = SKIN.measure(InMemory(rgb))
    assert 0 < after.green_red - before.green_red < skin.CAP + 2


def test_warm_skin_in_bright_light_is_balanced_too(portrait):
    usual = SKIN.measure(InMemory(portrait[0]))
    warm = np.clip(portrait[0] * np.array([1.4, 1.2, 0.8]), 0, 255).astype(np.uint8)

    def away(rgb):
        reading = SKIN.measure(InMemory(rgb))
        return np.hypot(
            reading.green_red - usual.green_red, reading.blue_yellow - usual.blue_yellow
        )

    assert np.median(warm[warm[..., 0] > warm[..., 2], 0]) > 240, "its red is blown out"
    rgb, said = skin.balanced(InMemory(warm), skin.Match(), Known(usual=usual))
    before, after = away(warm), away(rgb)
    assert after < 0.5 * before
    assert said == f"skin {after:.0f} instead of {before:.0f} CIELAB units off the usual hue"


@pytest.mark.parametrize("name", ["white-balance", "match-skin"])
def test_skin_that_comes_no_nearer_is_told_as_it_is(shots, usual, monkeypatch, name):
    far = usual.model_copy(update={"blue_yellow": usual.blue_yellow + 20})
    stuck = Skin.model_validate(SKIN.measure(InMemory(shots[0].rgb)))
    monkeypatch.setattr(skin.skin, "FAMILY", replace(SKIN, measure=lambda view: stuck))
    assert "would not follow" in refused(name, shots[0].rgb, usual=far)


def test_nothing_is_enlarged(portrait):
    assert "would invent detail" in refused("resize", portrait[0], {"side": 800})


def test_what_is_lost_out_of_focus_stays_lost(portrait):
    rgb = portrait[0]
    assert "too far out of focus" in refused("deblur", cv2.GaussianBlur(rgb, (0, 0), 3), side=384)
    assert "sharp enough" in refused("deblur", rgb, side=384)
    shaken = cv2.blur(rgb, (1, 9))
    assert "by movement" in refused("deblur", shaken, side=384)


def test_a_spot_is_healed_and_a_mark_of_the_person_is_not(portrait):
    rgb, mole = portrait
    around = [mole.left - 2, mole.top - 2, mole.right + 2, mole.bottom + 2]
    made = mended("heal-spot", rgb, {"box": around})
    left = marks.FAMILY.measure(InMemory(made.rgb)).spots
    assert not [spot for spot in left if spot.clear and spot.contrast > 0.1]
    assert made.kept.identity > 0.95
    box = Box(left=around[0], top=around[1], right=around[2], bottom=around[3])
    untouched = np.ones(rgb.shape[:2], bool)
    untouched[box.top - 1 : box.bottom + 1, box.left - 1 : box.right + 1] = False
    assert np.array_equal(made.rgb[untouched], rgb[untouched])
    assert "the person's own" in refused("heal-spot", rgb, {"box": around}, marks=(mole,))


def test_a_mark_becomes_clearer_and_none_is_made(portrait):
    rgb, mole = portrait
    made = mended("strengthen-mark", rgb, marked=(mole,))

    def contrast(picture):
        return max(s.contrast for s in marks.FAMILY.measure(InMemory(picture)).spots if s.clear)

    assert 1.05 * contrast(rgb) < contrast(made.rgb) < 1.5 * contrast(rgb)
    lower = [mole.left, mole.top + 25, mole.right, mole.bottom + 25]
    assert "not made" in refused("strengthen-mark", rgb, {"box": lower})
    assert "No mark" in refused("strengthen-mark", rgb)


@pytest.mark.parametrize(
    "box, why", [([0, 0, 9, 9], "outside the face"), ([150, 120, 250, 220], "too large"),
                 ([200, 200, 202, 202], "too small")],
)  # fmt: skip
def test_a_box_that_holds_no_spot_is_refused(portrait, box, why):
    assert why in refused("heal-spot", portrait[0], {"box": box})


@pytest.mark.parametrize(
    "written",
    ["310.5,215.5,330.5,235.5", "-5,-6,30,40", "10,20,30", "10 20 30 40 50", "30,40,10,20",
     "10,20,10,40", "12px,1,30,40", "1,2,3,4,5", "a,b", "", [1, 2, 3], [9, 9, 1, 1], [-1, 0, 5, 5]],
)  # fmt: skip
def test_a_box_is_four_numbers_and_nothing_else(written):
    with pytest.raises(ValidationError, match="LEFT,TOP,RIGHT,BOTTOM"):
        spots.Spot.model_validate({"box": written})


def test_a_box_may_be_written_with_blanks():
    box = Box(left=10, top=20, right=30, bottom=40)
    assert spots.Spot.model_validate({"box": " 10, 20,30 ,40"}).box == box
    assert spots.Spot.model_validate({"box": (10, 20, 30, 40)}).box == box


def test_a_mask_that_cannot_be_relied_on_is_not_used(portrait, monkeypatch):
    rgb = portrait[0]
    for mask, why in ((np.full(rgb.shape[:2], 0.5, np.float32), "the whole face"),
                      (np.ones(rgb.shape[:2], np.float32), "Hardly any background")):  # fmt: skip
        monkeypatch.setattr(behind, "person_mask", lambda rgb, mask=mask: mask)
        assert why in refused("blur-background", rgb)


def test_a_face_beside_the_person_is_not_cropped_in(shots):
    two = np.hstack([shots[0].rgb, shots[1].rgb])
    assert "Several faces" in refused("crop-head", two)
    person = InMemory(two).faces[0].box
    wide = {"beside": 3}
    assert "Another face" in refused("crop-head", two, wide, person=person)
    assert mended("crop-head", two, person=person).kept.identity > 0.9


# -- the bound -------------------------------------------------------------------------------------


def stranger(portrait):
    from sosie.world.people import person
    from sosie.world.photo import photo

    return photo(person(39), seed=1, age=40, size=384).picture


def test_a_mend_that_changes_who_it_is_is_refused(portrait):
    other = stranger(portrait)
    swap = replace(table.mend("cut-bars"), act=lambda view, options, what: (other, "swapped"))
    with pytest.raises(BadInput, match="change who it is"):
        apply(swap, portrait[0], swap.options(), Known(), portrait[0])


def test_a_safe_mend_is_bound_more_tightly():
    middling = kept.Kept(identity=(kept.SAME + kept.PERSON) / 2, shape=1)
    kept.require_kept(middling, safe=False)
    with pytest.raises(BadInput, match="safe mend"):
        kept.require_kept(middling, safe=True)


def test_small_steps_are_measured_from_the_picture_as_filed(portrait):
    other = stranger(portrait)
    mend = table.mend("blur-background")
    with pytest.raises(BadInput, match="change who it is"):
        apply(mend, other, mend.options(), Known(), filed=portrait[0])


def test_a_lost_face_is_refused(portrait):
    blank = replace(
        table.mend("cut-bars"), act=lambda view, options, what: (np.zeros_like(view.rgb), "gone")
    )
    with pytest.raises(BadInput, match="no longer be found"):
        apply(blank, portrait[0], blank.options(), Known(), portrait[0])


# -- parts -----------------------------------------------------------------------------------------


@given(st.integers(4, 20), st.integers(0, 10_000))
def test_what_is_led_over_meets_its_rim(radius, seed):
    size = 2 * (radius + 3) + 1
    slope = np.add.outer(np.arange(size), np.arange(size)) * 2
    here = np.repeat(slope[..., None] % 256, 3, 2).astype(np.uint8)
    patch = np.random.default_rng(seed).integers(100, 110, here.shape, dtype=np.uint8)
    healed = spots._led_over(here, patch, float(radius))
    rows, columns = np.ogrid[:size, :size]
    far = np.hypot(rows - radius - 3, columns - radius - 3)
    assert np.array_equal(healed[far > radius], here[far > radius])


def test_of_pictures_that_share_a_setting_some_may_stay(make_set, shots):
    from bench.plants.pose import again

    dataset = make_set([again(shot, place="beach").rgb for shot in shots[:6]])
    found = examine(dataset, Config(side=192), only=("setting.background",))
    (finding,) = found.findings
    assert finding.mend == "replace-background"
    assert known.offered(found) == {"replace-background": finding.samples[3:]}
