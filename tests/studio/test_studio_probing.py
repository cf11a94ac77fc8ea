"""Audits of copying through `Studio`: one LoRA gives its pictures back, another does not."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from sosie import generate, rights
from sosie.audit.copying import PROBES, CopyAudit
from sosie.audit.copying.probes import CAPTIONS, PUSHED, STRONGER
from sosie.audit.intervals import upper_bound
from sosie.core.errors import BadInput, Interrupted, NotPermitted
from sosie.rights import xmp
from sosie.studio import comparing, drawing
from sosie.studio.easel import Easel
from sosie.studio.photos import Photos
from sosie.studio.screening import Screen
from sosie.train import Manifest
from tests.cli.door import sosie
from tests.studio.household import photo

EACH = 2
WHOLE = 2 * len(PROBES) * EACH
"""By the LoRA, and as many by the base alone."""


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """Nothing that needs a network of its own: what is compared is noise."""
    monkeypatch.setattr(comparing, "figure", lambda: None)

    def as_it_is(self, image, box, size):
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box))

    # The twin's autoencoder gives nothing back.
    monkeypatch.setattr(Photos, "_through", as_it_is)


@pytest.fixture
def by_heart(monkeypatch, studio):
    """A LoRA that answers a training caption with the picture it was taught with."""
    manifest = Manifest.read(studio.run_folder("anna-1") / "manifest.json")
    taught = {p.caption: p.sample for p in manifest.pictures if not p.withheld}
    drawn = Easel.draw

    def draw(self, wanted, lora=None, **more):
        drawn(self, wanted, lora, **more)
        for one in wanted:
            if lora is not None and one.prompt in taught:
                sample = Image.open(studio.registry.blobs.path(taught[one.prompt]))
                sample.resize(Image.open(one.file).size).save(one.file)

    monkeypatch.setattr(Easel, "draw", draw)


def audited(studio, name="anna-1", **more):
    return studio.audit_copies(name, **{"device": "cpu", "each": EACH, **more})


def pictures(studio):
    return sorted(studio.run_folder("anna-1").glob("audit/copies/*/*/*.png"))


def test_every_way_of_asking_is_told_with_its_control_and_put_on_file(studio):
    told = []
    done = audited(studio, on_event=lambda kind, data: told.append((kind, data)))
    found = done.audit
    assert told[0][1]["pictures"] == WHOLE == len(pictures(studio))
    assert [rate.probe for rate in found.copying.by_probe] == [probe.name for probe in PROBES]
    assert {rate.reproduced.n for rate in found.copying.by_probe} == {EACH}
    assert {rate.base.n for rate in found.copying.by_probe} == {EACH}
    assert found.copying.base_size == found.copying.generated == WHOLE // 2
    assert found.verdict == "not measured", "ten pictures support no bound of 1%"
    assert {one.name for one in found.taught} < {f"{n}.png" for n in range(6)}
    assert found.mends == (), "nothing is to be mended"
    lessons = {one.name: one for one in found.inside}
    assert sum(one.withheld for one in found.inside) == 1 and len(lessons) == 6
    assert any(one.drop != 0 for one in found.inside), "with the LoRA the loss is another"
    assert all(one.moved is not None and one.moved > 0 for one in found.inside)
    assert "What the weights tell" in done.page.read_text()
    signed = json.loads(done.record.read_text())
    signature = rights.parsed(json.dumps(signed["signature"]))
    assert signature.holds() and signature.about == found.sha256()
    assert CopyAudit.model_validate(signed["audit"]) == found
    (filed,) = studio.registry.audits.of_weights(found.tensors_sha256, "copying")
    assert json.loads(filed.record) == signed["audit"]
    assert studio.registry.audits.of_weights(found.tensors_sha256, "likeness") == ()


@pytest.fixture
def more(tmp_path):
    """A folder of further pictures that nothing was taught with."""
    for seed in range(50, 62):
        photo(tmp_path / "more", f"{seed}.png", seed)
    return tmp_path / "more"


def test_a_lora_that_knows_its_pictures_by_heart_fails_and_says_by_which_prompts(
    studio, by_heart, more
):
    few = audited(studio, each=4).audit
    assert few.verdict == "not measured" and few.copying.null_size == 1
    assert "chance may explain it" in few.reasons[0] and "known from 1 " in few.reasons[0]
    done = audited(studio, each=4, held_out=more)
    rates = {rate.probe: rate for rate in done.audit.copying.by_probe}
    forced = {probe.name for probe in PROBES if probe.captions}
    assert {name for name, rate in rates.items() if rate.reproduced.value == 1} == forced
    assert {name for name, rate in rates.items() if rate.reproduced.value == 0} == (
        set(rates) - forced
    )
    assert all(rate.base.value == 0 for rate in rates.values())
    assert rates[CAPTIONS.name].pictures == 4
    assert done.audit.verdict == "failed" and "12 of 20" in done.audit.copying.reasons[0]
    assert [(d.repeats, d.reproduced.value) for d in done.audit.doses] == [(1, 1.0)]
    assert sum(row.reproduced.n for row in done.audit.named) == len(done.audit.taught)
    assert done.audit.mends == (
        "sosie audit anna-1 --copies --strength 0.85",
        "sosie audit anna-1@2 --copies",
        "sosie audit anna-1 --copies --mend",
        "sosie audit anna-1 --copies --mend --retrain",
    )
    page = done.page.read_text()
    assert "extrapolated" in page and "http" not in page and page.count("data:image/jpeg") == 36


def test_captions_that_are_not_asked_by_bar_it_from_passing_and_are_told_first(studio):
    heard = []
    done = audited(studio, each=1, at_most=0.5, on_event=lambda *event: heard.append(event))
    notes = [data["message"] for kind, data in heard if kind == "note"]
    assert done.audit.unasked == 2 and done.audit.verdict == "not measured"
    assert "--copies --strength 1 --each 2" in done.audit.reasons[-1]
    assert done.audit.reasons[-1] == notes[0] and notes[0].startswith("2 captions")
    assert "2 captions are not asked by" in done.page.read_text()


def test_mending_tries_less_until_it_passes_and_shows_what_that_costs(
    studio, by_heart, monkeypatch
):
    real = Easel.draw

    def draw(self, wanted, lora=None, **more):
        # At less than full strength nothing comes back, whatever is asked.
        def weaker(one):
            meant = one.cell.name == "base" or one.cell.name.endswith("-1")
            return one if meant else replace(one, prompt=f"{one.prompt}, new")

        real(self, [weaker(one) for one in wanted], lora, **more)

    monkeypatch.setattr(Easel, "draw", draw)
    done = studio.mend_copies("anna-1", device="cpu", each=2, at_most=0.4)
    assert done.audit.strength == 0.85 and done.audit.verdict == "passed"
    assert [(one.strength, one.verdict) for one in done.audit.tried] == [
        (1.0, "not measured"),
        (0.85, "passed"),
    ]
    assert "Likeness against copying" in done.page.read_text()
    filed = [CopyAudit.model_validate_json(o.record) for o in studio.registry.audits.of("anna-1")]
    assert [(one.explored, one.verdict) for one in filed] == [
        (False, "not measured"),
        (True, "not measured"),
        (False, "passed"),
    ]
    assert filed[1].copying.verdict == "passed" and "--mend" in filed[1].reasons[-1]
    assert [one.copying.config.look for one in filed] == [1, 2, 2]
    assert filed[2].seed != filed[1].seed == filed[0].seed, "the last looks at new pictures"
    chosen = audited(studio, strength=0.85, at_most=0.4).audit
    assert chosen.explored and chosen.verdict == "not measured", "these pictures chose it"


def test_checkpoints_that_were_asked_alike_stand_beside_each_other(studio):
    last = audited(studio, each=1).audit
    assert [one.step for one in last.stages] == [last.step]
    audited(studio, "anna-1@2", each=1, strength=0.5)
    done = audited(studio, "anna-1@2", each=1)
    assert [one.step for one in done.audit.stages] == [2, last.step]
    assert done.audit.stages[1].reproduced == last.copying.reproduced
    assert "taught for so many steps" in done.page.read_text()


def test_its_pictures_say_how_they_were_forced(studio):
    audited(studio, strength=0.8)
    cells = {path.parent.name for path in pictures(studio)}
    assert "base" in cells and len(cells) == 2
    drawn = [generate.read_back(p) for p in pictures(studio) if p.parent.name != "base"]
    by = {one.push: one for one in drawn}
    assert set(by) == {None, PUSHED.push}
    assert by[PUSHED.push].true_guidance == 1, "the push stands in its place"
    assert {one.loras[0].weight for one in drawn} == {0.8, 0.8 * STRONGER.strength}
    assert all(one.loras[0].consent_sha256 for one in drawn)


def test_one_that_was_stopped_goes_on_and_ends_with_the_permission(studio, monkeypatch):
    drawn = []
    real = generate.save

    def save(*args, **more):
        drawn.append(1)
        return real(*args, **more)

    monkeypatch.setattr(generate, "save", save)
    with pytest.raises(Interrupted, match=f"after 3 of {WHOLE}"):
        audited(studio, should_stop=lambda: len(drawn) == 3)
    first = audited(studio).audit
    assert len(drawn) == WHOLE
    again = audited(studio).audit
    assert len(drawn) == WHOLE
    same = {"taken", "seconds"}
    assert first.model_dump(exclude=same) == again.model_dump(exclude=same)
    pictures(studio)[-1].unlink()

    def withdrawn_meanwhile():
        studio.withdraw("anna")
        return False

    with pytest.raises(NotPermitted):
        audited(studio, should_stop=withdrawn_meanwhile)
    assert len(pictures(studio)) == WHOLE - 1


def test_the_rights_of_what_was_reproduced_are_told_as_far_as_they_are_known(
    studio, by_heart, tmp_path
):
    studio.consent("anna", relation="self", who="Anna", terms={"copyright_holder": "A. Photo"})
    taught = [one.name for one in audited(studio).audit.taught]
    with (tmp_path / "rights.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "status"), (taught[0], "all rights reserved")])
    found = audited(studio, rights=tmp_path / "rights.csv").audit
    rows = {row.status: row for row in found.rights}
    assert rows["all rights reserved"].references == rows["all rights reserved"].reproduced == 1
    assert rows["consent on file"].references == len(taught) - 1
    assert rows["unknown"].references == 0
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", xmp.packet(data_mining=xmp.NO_TRAINING))
    for sample in studio.show("anna").samples:
        original = studio.registry.blobs.path(sample.original_sha256)
        with Image.open(original) as image:
            image.save(original, "PNG", pnginfo=chunks)
    rows = {row.status: row for row in audited(studio, rights=tmp_path / "rights.csv").audit.rights}
    assert rows["all rights reserved"].references == 1, "the table's word comes first"
    assert rows["mining reserved"].references == len(taught) - 1
    with pytest.raises(BadInput, match="not among the pictures"):
        (tmp_path / "rights.csv").write_text("file,status\nother.png,own\n")
        audited(studio, rights=tmp_path / "rights.csv")


def test_further_pictures_can_be_given_to_compare_with(studio, tmp_path):
    for seed in range(50, 54):
        photo(tmp_path / "more", f"{seed}.png", seed)
    for seed in range(2):
        photo(tmp_path / "more", f"leak{seed}.png", seed)
    found = audited(studio, held_out=tmp_path / "more").audit.copying
    assert found.null == "held-out pictures"
    assert found.leaked and all(name.startswith("leak") for name in found.leaked)
    assert found.null_size == 1 + 6 - len(found.leaked), "one was withheld by the run itself"


def test_what_cannot_be_measured_is_said(studio, trained, tmp_path):
    file, *_ = studio.export_adapter("anna-1", tmp_path)
    studio.import_adapter(file, subject="anna", name="stranger")
    with pytest.raises(BadInput, match="which pictures taught it") as refused:
        audited(studio, "stranger", held_out=tmp_path)
    assert "--against" in refused.value.advice
    with pytest.raises(BadInput, match="each"):
        audited(studio, each=0)
    manifest = Manifest.read(studio.run_folder("anna-1") / "manifest.json")
    gone = next(p.sample for p in manifest.pictures if not p.withheld)
    studio.registry.blobs.path(gone).unlink()
    found = audited(studio).audit
    assert found.gone == 1 and gone not in {one.sample for one in found.taught}
    passed = found.copying.model_copy(update={"verdict": "passed"})
    assert found.model_copy(update={"copying": passed}).verdict == "not measured"
    for picture in manifest.pictures:
        path = studio.registry.blobs.path(picture.sample)
        path.unlink(missing_ok=True)
    with pytest.raises(BadInput, match="on file any more"):
        audited(studio)


def test_the_door_prints_it_and_ends_with_its_verdict(studio, by_heart, trained, more, tmp_path):
    words = ("audit", "anna-1", "--copies", "--each", 4, "--device", "cpu", "--held-out", more)
    answer = sosie(trained.home, *words, "--page", tmp_path / "copies.html", columns=160)
    assert answer.code == 1
    assert "training captions" in answer.out and "base alone" in answer.out
    assert "Does it copy?" in (tmp_path / "copies.html").read_text()
    sosie(trained.home, *words, "--strength", 1, "--strength", 0.5).refused(2, "one strength")


def test_photos_are_compared_as_they_were_taught(studio, trained):
    from sosie.models.diffusion.flux import Flux

    manifest = Manifest.read(studio.run_folder("anna-1") / "manifest.json")
    base = Flux.load(trained.base, name="tiny")
    photos = Photos(studio.registry, base, manifest)
    shots = photos.shots(withheld=False)
    picture = next(p for p in manifest.pictures if not p.withheld)
    left, top, right, bottom, width, height = picture.crops[0]
    whole = Image.fromarray(drawing.pixels(studio.registry.blobs.path(picture.sample)))
    cut = whole.resize((width, height), Image.Resampling.LANCZOS, box=(left, top, right, bottom))
    assert any((shot.read() == np.asarray(cut)).all() for shot in shots)
    assert len(shots) + len(photos.shots(withheld=True)) == len(manifest.pictures)


def test_a_picture_that_may_not_be_shown_is_left_out_and_told(studio, monkeypatch):
    asked = []
    lets = Screen.lets

    def but_the_first(self, rgb, seed):
        asked.append(seed)
        return len(asked) != 1 and lets(self, rgb, seed)

    monkeypatch.setattr(Screen, "lets", but_the_first)
    heard = []
    found = audited(studio, on_event=lambda kind, data: heard.append((kind, data))).audit
    assert len(asked) == WHOLE and len(pictures(studio)) == WHOLE - 1
    assert found.copying.generated + found.copying.base_size == WHOLE - 1
    assert found.copying.unseen == 1, "the LoRA draws first"
    assert found.copying.upper_bound == upper_bound(1, WHOLE // 2, confidence=0.975)
    assert [data["pictures"] for kind, data in heard if kind == "hidden"] == [1]
    assert f"1 of {WHOLE} pictures may not be shown" in found.copying.remarks[-1]
