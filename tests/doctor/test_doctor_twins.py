"""Copies, bursts, and crops of one photograph; and what only looks like them."""

from __future__ import annotations

import base64
from time import process_time

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from bench.plants.twins import PLANTS, leak
from sosie.core.records import Dataset, Item
from sosie.doctor import Config, examine
from sosie.doctor.rule import Case
from sosie.doctor.rules import leak as rule
from sosie.doctor.rules import twins
from sosie.models import near
from sosie.world.people import person
from sosie.world.photo import photo


@pytest.mark.parametrize("rule", PLANTS)
@pytest.mark.parametrize("strength", [0, 1])
def test_a_planted_fault_is_found(rule, strength, planted, findings, numbers):
    pictures, _ = planted(PLANTS[rule], strength)
    found = findings(pictures, rule)
    assert len(found) == 1
    added = set(range(16, len(pictures)))
    assert added <= numbers(found, pictures) and len(found[0].samples) == len(added) + 1


@pytest.mark.parametrize("rule", PLANTS)
def test_a_clean_set_is_quiet(rule, portraits, findings):
    assert not findings(portraits, rule)


def test_two_front_portraits_of_one_person_are_not_near():
    one, other = (
        near.fingerprint(Image.fromarray(photo(person(19), seed=seed, age=40, size=128).picture))
        for seed in (2, 12)
    )
    assert not near.near(one, other)


def test_a_copy_cropped_more_on_one_side_is_near(portraits):
    for rgb in portraits[:4]:
        cropped = Image.fromarray(rgb[4:, 12:]).resize((150, 200))
        copy = np.clip(np.asarray(cropped)[:, ::-1] * 0.9, 0, 255).astype(np.uint8)
        prints = [near.fingerprint(Image.fromarray(picture)) for picture in (rgb, copy)]
        assert near.near(*prints)


def test_a_close_up_is_never_proposed_beside_its_photograph(make_set, planted):
    pictures, _ = planted(leak, 1)
    dataset = make_set(pictures)
    checkup = examine(dataset, Config(side=192))
    (found,) = [f for f in checkup.findings if f.rule == "twins.leak"]
    chosen = {*checkup.proposal.train, *checkup.proposal.hold_out}
    assert len(chosen & set(found.samples)) == 1


def stamped(picture, path, when):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = when
    Image.fromarray(picture).save(path, exif=exif)
    return path


@pytest.mark.parametrize(("seconds", "bursts"), [((10, 11, 12), 1), ((10, 30, 50), 0)])
def test_three_alike_within_seconds_are_a_burst(seconds, bursts, make_set, portraits, tmp_path):
    copies = [np.roll(portraits[0], shift, axis=1) for shift in (0, 1, 2)]
    dataset = make_set([*copies, *portraits[1:5]])
    originals = {
        item.sample: stamped(rgb, tmp_path / f"{n}.jpg", f"2024:05:01 12:00:{second}")
        for n, (item, rgb, second) in enumerate(
            zip(dataset.items[:3], copies, seconds, strict=True)
        )
    }
    checkup = examine(dataset, Config(side=192), originals=originals)
    rules = [finding.rule for finding in checkup.findings]
    assert rules.count("twins.burst") == bursts
    assert rules.count("twins.near") == 1 - bursts


def test_different_pictures_in_the_same_second_are_no_burst(make_set, portraits, tmp_path):
    """A camera whose clock was never set stamps everything alike."""
    dataset = make_set(portraits[:6])
    originals = {
        item.sample: stamped(rgb, tmp_path / f"{n}.jpg", "2000:01:01 00:00:00")
        for n, (item, rgb) in enumerate(zip(dataset.items, portraits, strict=False))
    }
    checkup = examine(dataset, Config(side=192), originals=originals)
    assert not [f for f in checkup.findings if f.rule.startswith("twins.")]


@pytest.mark.parametrize("strength", [0, 1, 2])
def test_one_page_scanned_twice_is_found_and_other_pages_are_not(strength, notes_set, judged):
    """Cropped by a hundredth, a page's lines fall elsewhere: pages are searched pair by pair."""
    spoilt = PLANTS["twins.near"](notes_set, strength, np.random.default_rng(strength + 3))
    findings, named = judged(spoilt, "twins.near")
    assert len(findings) == 1 and len(named) == 2 and len(spoilt) - 1 in named


def faces_case(count, crops, seed=0):
    """A set of random textures in place of faces, and close-ups of the first of them."""
    rng = np.random.default_rng(seed)
    side = (rule.SIDE, rule.SIDE)

    def texture():
        layers = (rng.normal(0, 30, (n, n)).astype(np.float32) for n in (6, 16, 40))
        return np.clip(sum(cv2.resize(layer, (96, 96)) for layer in layers) + 128, 0, 255)

    wholes = [texture() for _ in range(count)]
    patches = [cv2.resize(whole, side, interpolation=cv2.INTER_AREA) for whole in wholes]
    for whole in wholes[:crops]:
        edge = int(rng.integers(3, 8))
        part = whole[edge + 1 : -edge, edge : -edge - 1]
        patches.append(cv2.resize(part, side, interpolation=cv2.INTER_AREA))
    texts = [base64.b64encode(patch.astype(np.uint8).tobytes()).decode() for patch in patches]
    items = tuple(
        Item(sample=f"{n:064x}", pixels_sha256=f"{n:064x}", file_name="", path="-", caption="")
        for n in range(len(texts))
    )
    dataset = Dataset(subject="ada", kind="person", trigger="ada", items=items)
    taken = {rule.FAMILY.name: [rule.Reading(face=text) for text in texts], twins.FAMILY.name: []}
    return Case(dataset, Config(), taken)


@pytest.mark.parametrize("seed", range(3))
def test_crops_are_those_of_a_search_through_every_pair(seed, monkeypatch):
    quick = rule.groups(faces_case(30, 12, seed))
    monkeypatch.setattr(rule, "SEEN_AFAR", -1.0)
    monkeypatch.setattr(rule, "NEARLY", -1.0)
    assert quick == rule.groups(faces_case(30, 12, seed))
    assert quick == [(n, 30 + n) for n in range(12)]


def test_crops_are_sought_among_hundreds_in_seconds():
    """Comparing every pair took a quarter of a millisecond each: a minute for these."""
    case = faces_case(700, 5)
    begun = process_time()
    assert len(rule.groups(case)) == 5
    assert process_time() - begun < 15
