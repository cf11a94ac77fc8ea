"""Content credentials: what is signed is read back, by the C2PA library's own reader too; whatever
a stranger writes is read without harm."""

from __future__ import annotations

import io
import json
import socket
from typing import Any

import c2pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sosie.rights import (
    Chain,
    Claims,
    Ingredient,
    credentials,
    fingerprint,
    home_chain,
    home_key,
    xmp,
)
from sosie.rights.certificates import public_key

CLAIMS = Claims(
    title="anna-42",
    source_type=xmp.SYNTHETIC,
    ingredients=(
        Ingredient(title="some-lab/a-model", kind="model", digest="ab" * 32, said="base model"),
        Ingredient(title="anna", kind="model", digest="cd" * 32, said="LoRA, weight 0.8"),
        Ingredient(title="prompt", kind="prompt", said="photo of anna, in a café"),
    ),
    consents=("ef" * 32,),
    watermark="0a1b2c3d",
    no_training=True,
)
GIVEN = Claims(
    title="1.png",
    ingredients=(Ingredient(title="original", kind="parent", digest="12" * 32),),
    no_training=True,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("aé:/", max_size=4),
    lambda deeper: (
        st.lists(deeper, max_size=3) | st.dictionaries(st.text("ab", max_size=2), deeper)
    ),
    max_leaves=8,
)
OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}


def picture(format: str = "PNG", size: int = 24) -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").resize((size, size)).convert("RGB").save(file, format)
    return file.getvalue()


def store(data: bytes, **trust: str) -> dict[str, Any]:
    """The file as the C2PA library's own reader has it."""
    with (
        c2pa.Context.from_dict(OFFLINE | {"trust": trust}) as context,
        c2pa.Reader("image/png", io.BytesIO(data), context=context) as reader,
    ):
        return json.loads(reader.json())


def by_a_stranger(chain: Chain, manifest: dict[str, Any], mime: str, data: bytes) -> bytes:
    """A file that another program signed."""
    information = c2pa.C2paSignerInfo(b"ed25519", chain.certificates, chain.private_key, None)
    out = io.BytesIO()
    with (
        c2pa.Signer.from_info(information) as signer,
        c2pa.Context.from_dict(OFFLINE) as context,
        c2pa.Builder(json.dumps(manifest), context=context) as builder,
    ):
        builder.sign(signer, mime, io.BytesIO(data), out)
    return out.getvalue()


def stating(label: str, data: Any) -> dict[str, Any]:
    """A manifest with one assertion."""
    created = {
        "action": "c2pa.created",
        "digitalSourceType": f"{xmp.SYNTHETIC[:-22]}digitalCapture",
    }
    actions = {"label": "c2pa.actions.v2", "data": {"actions": [created]}}
    assertions = [actions, {"label": label, "data": data}]
    return {"claim_generator_info": [{"name": "X"}], "assertions": assertions}


@pytest.fixture(scope="session")
def signed(chain: Chain) -> bytes:
    return credentials.signed(picture(), CLAIMS, chain)


def test_what_is_signed_is_read_back(signed: bytes, chain: Chain) -> None:
    found = credentials.read(signed, "image/png")
    assert found is not None and found.state == "valid" and found.problems == ()
    assert found.key == fingerprint(public_key(chain.root))
    assert found.generator is not None and found.generator.startswith("Sosie ")
    assert found.source_type == xmp.SYNTHETIC
    assert found.actions == ("c2pa.created", "c2pa.watermarked")
    assert found.consents == CLAIMS.consents
    assert found.watermarks == ("org.sosie.rivagan.1:0a1b2c3d",)
    assert found.training == {"ai_training": "notAllowed", "ai_generative_training": "notAllowed"}
    assert found.ingredients == (
        "some-lab/a-model (abababababab…), base model",
        "anna (cdcdcdcdcdcd…), LoRA, weight 0.8",
        "prompt",
    )


def test_the_librarys_own_reader_agrees(signed: bytes, chain: Chain) -> None:
    found = store(signed)
    assert found["validation_state"] == "Valid"
    assert [one["code"] for one in found["validation_status"]] == ["signingCredential.untrusted"]
    assert store(signed, user_anchors=chain.root.decode())["validation_state"] == "Trusted"
    manifest = found["manifests"][found["active_manifest"]]
    created = manifest["assertions"][0]["data"]["actions"][0]
    assert created["digitalSourceType"] == xmp.SYNTHETIC and "algorithm" in created["description"]
    assert len(created["parameters"]["ingredients"]) == 3
    assert [one["data_types"][0]["type"] for one in manifest["ingredients"]] == [
        "c2pa.types.model", "c2pa.types.model", "c2pa.types.generator.prompt",
    ]  # fmt: skip
    assert "thumbnail" not in manifest


def test_a_copy_of_a_given_picture_is_not_called_synthetic(chain: Chain) -> None:
    found = credentials.read(credentials.signed(picture(), GIVEN, chain), "image/png")
    assert found is not None and found.state == "valid"
    assert found.actions == ("c2pa.opened",) and found.source_type is None
    assert found.ingredients == ("original (121212121212…)",)


def test_credentials_come_off_again(signed: bytes) -> None:
    assert credentials.without(signed) == picture()
    assert credentials.without(b"\xff\xd8 no PNG") == b"\xff\xd8 no PNG"
    assert credentials.read(picture(), "image/png") is None
    assert credentials.read(picture("BMP"), "image/bmp") is None


def test_any_change_to_the_picture_or_to_what_is_said_of_it_shows(signed: bytes) -> None:
    whole, states = credentials.read(signed, "image/png"), set()
    for place in range(0, len(signed), 53):
        changed = signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :]
        found = credentials.read(changed, "image/png")
        states.add(found and found.state)
        if found is not None and found.state == "valid":
            # Padding and names of boxes are no part of what is signed, nor of what is read.
            assert found == whole and credentials.without(changed) == credentials.without(signed)
    assert states >= {"changed", "forged", "valid"}


def test_a_decoy_certificate_is_not_taken_for_the_signer(signed: bytes, home, tmp_path) -> None:
    other = home_chain(tmp_path, home_key(tmp_path))
    data = by_a_stranger(
        other, stating("org.example", {"decoy": home_chain(home, home_key(home)).root.hex()}),
        "image/png", picture(),
    )  # fmt: skip
    found = credentials.read(data, "image/png")
    assert found is not None and found.key == fingerprint(public_key(other.root))


@pytest.mark.parametrize("kind", ["jpeg", "webp", "tiff", "gif"])
def test_other_kinds_of_pictures_are_read(kind: str, chain: Chain) -> None:
    data = by_a_stranger(chain, stating("org.example", {}), f"image/{kind}", picture(kind.upper()))
    found = credentials.read(data, f"image/{kind}")
    assert found is not None and found.state == "valid" and found.generator == "X"


@pytest.mark.parametrize(
    ("label", "entries", "said"),
    [
        ("cawg.training-mining", {"cawg.ai_training": {"use": "allowed"}}, "allowed"),
        ("c2pa.training-mining", {"c2pa.ai_training": {"use": "notAllowed"}}, "notAllowed"),
        ("cawg.training-mining", {"cawg.ai_training": {"use": "constrained"}}, "notAllowed"),
        (
            "cawg.training-mining",
            {"cawg.ai_training": {"use": "constrained", "constraint_info": "ask"}},
            "constrained",
        ),
        ("cawg.training-mining", {"cawg.ai_training": {"use": "perhaps"}}, "notAllowed"),
        ("cawg.training-mining", {"cawg.ai_training": 3}, "notAllowed"),
    ],
)
def test_both_labels_on_training_are_read(
    chain: Chain, label: str, entries: dict[str, Any], said: str
) -> None:
    data = by_a_stranger(chain, stating(label, {"entries": entries}), "image/png", picture())
    found = credentials.read(data, "image/png")
    assert found is not None and found.training == {"ai_training": said}


def test_the_stricter_of_two_labels_counts(chain: Chain) -> None:
    manifest = stating(
        "cawg.training-mining", {"entries": {"cawg.data_mining": {"use": "allowed"}}}
    )
    old = {"entries": {"c2pa.data_mining": {"use": "notAllowed"}}}
    manifest["assertions"].append({"label": "c2pa.training-mining", "data": old})
    found = credentials.read(by_a_stranger(chain, manifest, "image/png", picture()), "image/png")
    assert found is not None and found.training == {"data_mining": "notAllowed"}


def test_nothing_is_fetched_from_an_address_in_a_file(chain: Chain) -> None:
    information = c2pa.C2paSignerInfo(b"ed25519", chain.certificates, chain.private_key, None)
    out = io.BytesIO()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/anna.c2pa"
        with (
            c2pa.Signer.from_info(information) as signer,
            c2pa.Builder(json.dumps(stating("org.example", {}))) as builder,
        ):
            builder.set_no_embed()
            builder.set_remote_url(address)
            builder.sign(signer, "image/png", io.BytesIO(picture()), out)
        found = credentials.read(out.getvalue(), "image/png")
        assert found is not None and (found.state, found.problems) == ("elsewhere", (address,))
        with pytest.raises(BlockingIOError):
            server.accept()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_break_the_reader(signed: bytes, data: st.DataObject) -> None:
    spoiled = bytearray(signed)
    for place in data.draw(st.lists(st.integers(0, len(signed) - 1), min_size=1, max_size=6)):
        spoiled[place] = data.draw(st.integers(0, 255))
    cut = bytes(spoiled[: data.draw(st.integers(0, len(signed)))])
    for given_ in (bytes(spoiled), cut, data.draw(st.binary(max_size=80))):
        for mime in ("image/png", "image/jpeg"):
            found = credentials.read(given_, mime)
            if found is not None and found.state == "valid":
                assert credentials.without(given_) == credentials.without(signed)


@settings(max_examples=40)
@given(
    label=st.sampled_from(["c2pa.soft-binding", "org.sosie.permission", *credentials.TRAINING]),
    key=st.sampled_from(["entries", "blocks", "consents", "alg"]),
    value=JSON,
)
def test_no_assertion_of_a_stranger_breaks_the_reader(
    chain: Chain, label: str, key: str, value: Any
) -> None:
    try:
        data = by_a_stranger(chain, stating(label, {key: value}), "image/png", picture())
    except c2pa.C2paError:
        return
    found = credentials.read(data, "image/png")
    assert found is not None and found.generator == "X"


@given(JSON, st.sampled_from(["manifests", "validation_status", "active_manifest"]))
def test_no_answer_of_the_library_is_taken_for_granted(value: Any, key: str) -> None:
    credentials._said({key: value})
    credentials._said(
        {"active_manifest": "m", "manifests": {"m": {key: value, "assertions": value}}}
    )
    parts = dict.fromkeys(("ingredients", "claim_generator_info", "signature_info"), value)
    credentials._said({"active_manifest": "m", "manifests": {"m": parts}})
