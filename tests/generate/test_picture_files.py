"""A picture's file says what made it: to people, to A1111, to machines, and to Sosie itself."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from sosie.core.errors import UnreadablePicture
from sosie.generate.claims import claims
from sosie.generate.draw import LoraUse, Made, Picture
from sosie.generate.files import encoded, parameters, read_back, save
from sosie.generate.sheet import save_sheet
from sosie.rights import Chain, credentials

# How A1111's `infotext_utils` takes the last line apart.
A1111_SETTING = re.compile(r'\s*([\w ]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')

MADE = Made(
    software="Sosie 0.1.0",
    prompt="photo of <lora:anna:0.8> anna, in a café",
    negative="blurry,\nlow quality",
    seed=42,
    width=48,
    height=32,
    steps=20,
    sampler="FlowMatchEulerDiscreteScheduler",
    guidance=3.5,
    true_guidance=1.0,
    strength=0.5,
    base="some-lab/a-model",
    family="flux",
    base_sha256="ab" * 32,
    loras=(
        LoraUse(
            name="anna",
            weight=0.8,
            file_sha256="1" * 64,
            tensors_sha256="0123456789abcdef" * 4,
            consent_sha256="2" * 64,
        ),
        LoraUse(
            name="old",
            weight=-1,
            file_sha256="3" * 64,
            tensors_sha256="4" * 64,
            consent_sha256=None,
        ),
    ),
)


@pytest.fixture
def picture() -> Picture:
    rgb = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    return Picture(rgb, MADE)


def settings(text: str) -> dict[str, str]:
    pairs = A1111_SETTING.findall(text.split("\n")[-1])
    return {key: json.loads(value) if value[:1] == '"' else value for key, value in pairs}


def test_parameters_follow_a1111() -> None:
    text = parameters(MADE)
    assert text.startswith(
        "photo of <lora:anna:0.8> anna, in a café\nNegative prompt: blurry,\nlow quality\n"
        "Steps: 20, Sampler: Euler, CFG scale: 3.5, Seed: 42, Size: 48x32, "
        "Model hash: ababababab, Model: a-model, "
    )
    assert settings(text) == {
        "Steps": "20",
        "Sampler": "Euler",
        "CFG scale": "3.5",
        "Seed": "42",
        "Size": "48x32",
        "Model hash": "ababababab",
        "Model": "a-model",
        "Denoising strength": "0.5",
        "Lora hashes": "anna: 0123456789ab, old: 444444444444",
        "Version": "Sosie 0.1.0",
    }


def test_parameters_leave_out_what_was_not_used() -> None:
    plain = MADE.model_copy(update={"negative": "", "loras": (), "strength": None})
    lines = parameters(plain).split("\n")
    assert len(lines) == 2
    assert "Lora" not in lines[1] and "Denoising" not in lines[1]


def test_chunks_are_there_for_every_reader(picture: Picture, tmp_path: Path) -> None:
    path = save(picture, tmp_path, "anna")
    assert path == tmp_path / "anna-42.png"
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), picture.rgb)
        assert image.text["parameters"] == parameters(MADE)
        record = json.loads(image.text["sosie"])
        xmp = ElementTree.fromstring(image.text["XML:com.adobe.xmp"])
    (description,) = xmp.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    source = description.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert source == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert record["synthetic"] is True
    assert record["loras"][0]["consent_sha256"] == "2" * 64
    assert read_back(path) == MADE


def test_equal_pictures_are_equal_files(picture: Picture) -> None:
    assert encoded(picture) == encoded(Picture(picture.rgb.copy(), MADE.model_copy()))


def test_nothing_is_overwritten(picture: Picture, tmp_path: Path) -> None:
    first = save(picture, tmp_path, "anna")
    before = first.stat()
    assert save(picture, tmp_path, "anna") == first
    # Not the whole of it: to be compared the file is read, which may move its time of access.
    assert (first.stat().st_ino, first.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    other = Picture(255 - picture.rgb, MADE)
    assert save(other, tmp_path, "anna").name == "anna-42-2.png"
    assert save(other, tmp_path, "anna").name == "anna-42-2.png"
    assert np.array_equal(np.asarray(Image.open(first)), picture.rgb)
    assert {path.name for path in tmp_path.iterdir()} == {"anna-42-2.png", "anna-42.png"}


def test_a_sheet_lies_beside_the_pictures(picture: Picture, tmp_path: Path) -> None:
    first = save_sheet([picture], tmp_path, "anna")
    assert first == save_sheet([picture], tmp_path, "anna") == tmp_path / "anna-sheet.png"
    assert save_sheet([picture] * 2, tmp_path, "anna").name == "anna-sheet-2.png"


@pytest.mark.parametrize("name", ["../anna", "a/b", "a:b?", "", "..."])
def test_names_stay_inside_the_folder(picture: Picture, tmp_path: Path, name: str) -> None:
    assert save(picture, tmp_path / "out", name).parent == tmp_path / "out"


def test_files_without_a_record_are_told(picture: Picture, tmp_path: Path) -> None:
    plain = tmp_path / "plain.png"
    Image.fromarray(picture.rgb).save(plain)
    with pytest.raises(UnreadablePicture, match="does not say"):
        read_back(plain)
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    with pytest.raises(UnreadablePicture, match="cannot be read"):
        read_back(text)
    cut = tmp_path / "cut.png"
    cut.write_bytes(encoded(picture)[:-2000])
    with pytest.raises(UnreadablePicture, match="cannot be read"):
        read_back(cut)
    altered = tmp_path / "altered.png"
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("sosie", '{"seed": 1}')
    Image.fromarray(picture.rgb).save(altered, pnginfo=chunks)
    with pytest.raises(UnreadablePicture, match="record"):
        read_back(altered)


def test_a_picture_that_differs_in_its_credentials_only_is_kept(
    picture: Picture, tmp_path: Path, chain: Chain
) -> None:
    def finish(png: bytes) -> bytes:
        return credentials.signed(png, claims([MADE], "anna-42"), chain)

    first = save(picture, tmp_path, "anna", finish)
    before = first.read_bytes()
    assert finish(encoded(picture)) != before, "the library signs with salt"
    assert save(picture, tmp_path, "anna", finish) == save(picture, tmp_path, "anna") == first
    assert first.read_bytes() == before and read_back(first) == MADE


def test_a_sheet_claims_what_all_its_pictures_were_made_from() -> None:
    other = MADE.model_copy(update={"seed": 43, "loras": MADE.loras[1:], "init_sha256": "5" * 64})
    found = claims([MADE, other], "anna-sheet", "0a1b2c3d")
    assert found.consents == ("2" * 64,) and found.watermark == "0a1b2c3d"
    assert [(one.kind, one.digest) for one in found.ingredients] == [
        ("model", "ab" * 32),
        ("model", "0123456789abcdef" * 4),
        ("model", "4" * 64),
        ("prompt", None),
        ("picture", "5" * 64),
    ]
