"""Marks on pictures: each that leaves bears them, `verify` reads them back, and a mark that cannot
be given is told."""

from __future__ import annotations

import io
import json
from pathlib import Path

import c2pa
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps, PngImagePlugin
from skimage import data

from sosie.core.errors import NotMarked, WeightsRefused
from sosie.models import watermark
from sosie.rights import credentials, xmp
from sosie.studio import Studio
from tests.cli.door import sosie
from tests.studio.household import household

SIDE = watermark.SIDE


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A workspace with two photographs, large enough for a watermark: of a cat and a cup."""
    folder = tmp_path_factory.mktemp("marks")
    (folder / "photos").mkdir()
    for name, rgb in (("cat", data.chelsea()), ("cup", data.coffee())):
        small = ImageOps.fit(Image.fromarray(rgb), (SIDE, SIDE))
        small.save(folder / "photos" / f"{name}.png")
    return household(folder / "home", folder / "photos")


@pytest.fixture(scope="module")
def given_out(house: Studio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of them, exported with every mark."""
    copies = house.export_pictures("anna", tmp_path_factory.mktemp("out"), no_training=True)
    assert len(copies.files) == copies.watermarked == 2
    return copies.files[0]


def saved(picture: Path, path: Path, **options: int) -> Path:
    """The picture as another program saves it: without a word."""
    with Image.open(picture) as image:
        image.convert("RGB").save(path, **options)
    return path


def test_a_drawn_picture_says_from_what_it_was_made_and_by_whose_leave(studio, trained, tmp_path):
    told: list[str] = []
    drawn = studio.generate(
        "<lora:anna-1:0.8> anna", base=str(trained.base), out=tmp_path, n=1, steps=1,
        width=SIDE, height=SIDE, device="cpu", say=told.append,
    )  # fmt: skip
    (consent,) = studio.show("anna").consents
    with c2pa.Reader(drawn.files[0]) as reader:
        manifest = reader.get_active_manifest()
    said = {one["label"]: one["data"] for one in manifest["assertions"]}
    assert said["org.sosie.permission"]["consents"] == [consent.sha256()]
    assert said["c2pa.actions.v2"]["actions"][0]["digitalSourceType"] == xmp.SYNTHETIC
    ids = [one["instance_id"] for one in manifest["ingredients"]]
    assert f"sha256:{trained.adapter.tensors_sha256}" in ids and told == []
    found = studio.verify(drawn.files[0])
    assert found.verdict == "as signed" and [p.subject for p in found.permissions] == ["anna"]
    assert said["c2pa.soft-binding"]["blocks"][0]["value"] and studio.registry.watermarks.count()
    assert studio.verify(drawn.sheet).verdict == "as signed", "the sheet is signed as well"


def test_a_picture_cut_out_of_a_sheet_is_recognised(house, given_out, tmp_path):
    from sosie.generate import contact_sheet

    with Image.open(given_out) as image:
        sheet = contact_sheet([(np.asarray(image), "seed 1")] * 2)
    cell = Image.open(io.BytesIO(sheet)).crop((20, 20, 20 + SIDE, 20 + SIDE))
    cell.save(tmp_path / "cell.png")
    assert house.verify(tmp_path / "cell.png").verdict == "recognised"


def test_a_copy_without_a_word_is_recognised(house, given_out, tmp_path):
    jpeg = saved(given_out, tmp_path / "copy.jpg", quality=90)
    with Image.open(given_out) as image:
        ImageOps.mirror(image).save(tmp_path / "mirrored.png")
    for path in (jpeg, tmp_path / "mirrored.png"):
        found = house.verify(path)
        assert found.verdict == "recognised", found
        told = " ".join(found.told)
        assert "a picture of anna that was given out from here" in told
        assert "with a chance of at most 1 in" in told
        assert any("Whether it ever bore credentials" in line for line in found.unknown)
    answer = sosie(house.registry.home, "verify", jpeg)
    assert answer.code == 1 and "recognised" in answer.out
    # Elsewhere nothing is known of it.
    other = Studio(tmp_path / "other").verify(jpeg)
    assert other.verdict == "not signed" and other.permissions == ()


def test_a_picture_given_out_says_that_it_is_not_to_be_learned_from(house, given_out):
    found = house.verify(given_out)
    assert found.verdict == "as signed"
    told = " ".join(found.told)
    assert "They say of ai_generative_training: notAllowed." in told
    assert "Its XMP says: training AI with it is prohibited." in told
    assert "synthetic" not in told and "by the key of this workspace" in told
    with Image.open(given_out) as image:
        assert xmp.read(image.info["xmp"]).data_mining == xmp.NO_TRAINING
        apart = np.abs(np.asarray(image).astype(int) - np.asarray(original(house, given_out)))
    assert 0 < apart.mean() < 4, "the watermark is there, and not seen"


def original(house: Studio, copy: Path) -> Image.Image:
    (sample,) = [s for s in house.show("anna").samples if Path(s.file_name).stem == copy.stem]
    return Image.open(house.registry.blobs.path(sample.picture_sha256))


def test_nothing_is_said_that_was_not_asked_for(house, tmp_path):
    copies = house.export_pictures("anna", tmp_path, watermark=False)
    found = house.verify(copies.files[0])
    assert copies.watermarked == 0 and found.verdict == "as signed"
    assert not any("training" in line for line in found.told)
    again = house.export_pictures("anna", tmp_path, watermark=False)
    assert again.files == copies.files, "an equal file is kept"


def test_a_changed_picture_is_told(house, given_out, tmp_path):
    data = bytearray(given_out.read_bytes())
    data[-200] ^= 1
    (tmp_path / "changed.png").write_bytes(data)
    found = house.verify(tmp_path / "changed.png")
    assert found.verdict in ("changed", "forged")
    elsewhere = Studio(tmp_path / "other").verify(given_out)
    assert elsewhere.verdict == "as signed"
    assert any("by the key of another workspace" in line for line in elsewhere.told)


def test_a_mark_that_cannot_be_given_is_told_and_the_picture_kept(house, tmp_path, monkeypatch):
    def refused(*args: object) -> None:
        raise NotMarked("The library is ill.")

    def missing(*args: object) -> None:
        raise WeightsRefused("The engine is not installed.")

    monkeypatch.setattr(credentials, "signed", refused)
    monkeypatch.setattr(watermark, "marked", missing)
    told: list[str] = []
    copies = house.export_pictures("anna", tmp_path, say=told.append)
    assert len(copies.files) == 2 and all(path.is_file() for path in copies.files)
    assert told == [
        "No watermark: The engine is not installed.",
        "cat is kept without credentials. The library is ill.",
        "cup is kept without credentials. The library is ill.",
    ]


def test_a_picture_too_small_for_a_watermark_is_told(studio, tmp_path):
    answer = sosie(studio.registry.home, "give", "anna", "--out", tmp_path / "out")
    assert answer.code == 0 and "6 pictures, 0 with a watermark." in answer.out
    assert answer.err.count("No watermark on pictures of 64x64") == 1


def test_a_strangers_marks_are_read(house, tmp_path):
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", xmp.packet(data_mining="DMI-PROHIBITED"))
    plain = tmp_path / "plain.png"
    Image.new("RGB", (64, 64), "teal").save(plain, pnginfo=chunks)
    found = house.verify(plain)
    assert found.verdict == "not signed"
    assert "Its XMP says: data mining is prohibited." in found.told
    (tmp_path / "stranger").mkdir()
    stranger = household(tmp_path / "stranger" / "home", tmp_path / "stranger", name="ben")
    entries = {"c2pa.ai_training": {"use": "notAllowed"}}
    manifest = {
        "claim_generator_info": [{"name": "Camera"}],
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": "x/camera"}]},
            },
            {"label": "c2pa.training-mining", "data": {"entries": entries}},
        ],
    }
    chain = stranger.registry.chain()
    information = c2pa.C2paSignerInfo(b"ed25519", chain.certificates, chain.private_key, None)
    jpeg = saved(plain, tmp_path / "plain.jpg")
    with (
        c2pa.Signer.from_info(information) as signer,
        c2pa.Builder(json.dumps(manifest)) as builder,
    ):
        builder.sign_file(jpeg, tmp_path / "signed.jpg", signer)
    told = " ".join(house.verify(tmp_path / "signed.jpg").told)
    assert "They say of ai_training: notAllowed." in told and "came to be: x/camera." in told
    assert "written by Camera" in told


def test_a_receipt_is_verified_and_a_changed_one_is_told(tmp_path, pictures):
    studio = household(tmp_path / "home", pictures)
    path, receipt = studio.forget("anna")
    found = studio.verify(path)
    assert found.verdict == "as signed"
    assert f"{len(receipt.destroyed)} files of anna were destroyed" in found.told[0]
    assert any("really destroyed" in line for line in found.unknown)
    changed = tmp_path / "changed.json"
    changed.write_text(path.read_text().replace("anna", "emma"))
    assert studio.verify(changed).verdict == "changed"
    changed.write_text('{"receipt": 1}')
    assert studio.verify(changed).verdict == "not signed"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draws=st.data())
def test_no_spoiled_file_breaks_verify(house, given_out, tmp_path, draws):
    whole = given_out.read_bytes()
    spoiled = bytearray(whole)
    for place in draws.draw(st.lists(st.integers(0, 6000), max_size=4)):
        spoiled[place] = draws.draw(st.integers(0, 255))
    path = tmp_path / "spoiled"
    path.write_bytes(spoiled[: draws.draw(st.sampled_from([100, 5000, len(whole)]))])
    found = house.verify(path)
    assert found.told and found.unknown


def test_a_safe_reading_of_a_picture_that_is_none(house, tmp_path):
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    for name, held in (("cut.png", file.getvalue()[:60]), ("empty", b""), ("text", b"hello")):
        (tmp_path / name).write_bytes(held)
        assert house.verify(tmp_path / name).verdict == "not signed"
