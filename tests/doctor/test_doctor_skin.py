"""Skin: whitened, discoloured, smoothed, lined."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage import data

from bench.plants.skin import PLANTS, pored
from sosie.doctor import table
from sosie.doctor.records import NotExamined
from sosie.doctor.rules import skin
from tests.doctor.cases import BOX, case_of


def pictures(shots):
    return [shot.rgb for shot in shots]


@pytest.mark.parametrize("rule", sorted(PLANTS))
def test_a_clean_set_is_quiet(judge, shots, rule):
    assert judge(rule, pictures(shots)) == []


@pytest.mark.parametrize("rule", ["skin.whitened", "skin.drift", "skin.lines"])
def test_the_planted_pictures_are_named_and_no_others(judge, shots, rule):
    made = PLANTS[rule](shots, 2, np.random.default_rng(5))
    where = {n for n, shot in enumerate(made) if shot is not shots[n]}
    ((_, named),) = judge(rule, pictures(made))
    assert set(named) <= where
    assert len(named) >= 2


def test_smoothed_skin_is_found_beside_pores_and_pores_alone_are_quiet(judge, shots):
    made = PLANTS["skin.retouched"](shots, 2, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    rough = [pored(shot, rng) for shot in shots]
    where = {n for n, shot in enumerate(made) if (shot.rgb != rough[n].rgb).any()}
    ((finding, named),) = judge("skin.retouched", pictures(made))
    assert set(named) == where
    assert finding.severity == "warning"
    assert judge("skin.retouched", pictures(rough)) == []


def test_a_beauty_program_named_by_the_file_is_a_hint(judge, shots, tmp_path):
    exif = Image.Exif()
    exif[0x0131] = "Meitu 9.1"
    Image.new("RGB", (8, 8)).save(tmp_path / "told.jpg", exif=exif)
    found = judge("skin.retouched", pictures(shots[:3]), original=tmp_path / "told.jpg")
    ((finding, named),) = found
    assert finding.said["which"] == "meitu" and finding.severity == "advice"
    assert named == [0, 1, 2]


def test_evening_light_on_one_picture_is_no_drift(judge, shots):
    from bench.plants.pose import again

    warm = [*pictures(shots[:10]), again(shots[10], light="evening light").rgb]
    assert judge("skin.drift", warm) == []


def test_a_photograph_whitened_by_half_is_found_among_its_own_copies(judge):
    face = data.astronaut()[0:300, 80:380]
    rng = np.random.default_rng(0)
    copies = [
        np.clip(face[n : 280 + n, n : 280 + n] * rng.uniform(0.8, 0.95), 0, 255).astype(np.uint8)
        for n in range(10)
    ]
    assert judge("skin.whitened", copies) == []
    pale = [*copies[:9], (copies[9] * 0.5 + 127).astype(np.uint8)]
    ((_, named),) = judge("skin.whitened", pale)
    assert named == [9]


@pytest.mark.parametrize(("texture", "declines"), [(1.0, True), (3.0, False)])
def test_smoothing_is_not_judged_on_skin_without_texture(texture, declines):
    reading = skin.Reading(
        lightness=60,
        green_red=14,
        blue_yellow=16,
        texture=texture,
        sharpness=5,
        folds=0.01,
        editor=None,
        box=BOX,
    )
    said = list(table.rule("skin.retouched").judge(case_of(6, skin=[reading] * 6)))
    assert [type(one) for one in said] == [NotExamined] * declines
