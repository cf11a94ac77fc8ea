"""Files beside a LoRA: what each program finds there, under the names it looks for."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from PIL import Image

from sosie.core.errors import BadInput
from sosie.core.files import sha256_file
from sosie.core.release import Terms
from sosie.models import lora
from sosie.models.diffusion import FAMILIES
from sosie.studio.moving import Label, sidecars

LABEL = Label(
    name="anna-1",
    family="flux",
    base="flux-dev",
    triggers=("anna",),
    strength=0.8,
    title="anna-1",
    version="1990s",
    about="A LoRA.",
    author="Anna Weber",
    tags=("family",),
    file_sha256="ab" * 32,
    tensors_sha256="cd" * 32,
    size=2048,
    consent_sha256="ef" * 32,
    made=datetime(2026, 1, 2, tzinfo=UTC),
)

_OWN = {
    "lora-manager": ".metadata.json",
    "a1111": "anna-1.json",
    "civitai-helper": ".civitai.info",
    "stability-matrix": ".cm-info.json",
    "invokeai": ".invokeai.json",
}


def content(label: Label, program: str, *, cover: bytes | None = None) -> dict:
    """What the file that only this program reads says."""
    files = sidecars(label, [program], cover=cover)
    [told] = [text for name, text in files.items() if name.endswith(_OWN[program])]
    return json.loads(told)


def test_every_program_has_its_own_file():
    files = sidecars(LABEL, cover=b"png")
    assert set(files) == {
        "anna-1.metadata.json",
        "anna-1.json",
        "anna-1.civitai.info",
        "anna-1.cm-info.json",
        "anna-1.invokeai.json",
        "anna-1.preview.png",
        "anna-1.png",
    }
    assert files["anna-1.preview.png"] == files["anna-1.png"] == b"png"


def test_lora_manager_takes_words_and_weight_and_asks_nobody():
    told = content(LABEL, "lora-manager")
    assert told["from_civitai"] is False and told["skip_metadata_refresh"] is True
    assert told["civitai"]["trainedWords"] == ["anna"]
    assert json.loads(told["usage_tips"]) == {"strength": 0.8}
    assert told["base_model"] == "Flux.1 D" and told["sha256"] == LABEL.file_sha256
    assert told["sosie_consent_sha256"] == LABEL.consent_sha256
    assert told["civitai"]["creator"] == {"username": "Anna Weber"}


def test_lora_manager_looks_for_a_cover_only_where_one_was_named():
    assert content(LABEL, "lora-manager")["preview_url"] == ""
    told = content(LABEL, "lora-manager", cover=b"png")
    assert told["preview_url"] in sidecars(LABEL, ["lora-manager"], cover=b"png")


@pytest.mark.parametrize("program", ["lora-manager", "civitai-helper"])
def test_what_the_author_allows_is_never_left_to_a_programs_own_default(program):
    def allowed(label: Label) -> dict:
        told = content(label, program)
        model = told.get("civitai", told)["model"]
        return {key: value for key, value in model.items() if key.startswith("allow")}

    assert allowed(LABEL) == {
        "allowNoCredit": False,
        "allowCommercialUse": ["None"],
        "allowDerivatives": False,
        "allowDifferentLicense": False,
    }
    terms = Terms(commercial=("picture",), derivatives=True, credit=False)
    assert allowed(LABEL.model_copy(update={"terms": terms})) == {
        "allowNoCredit": True,
        "allowCommercialUse": ["Image"],
        "allowDerivatives": True,
        "allowDifferentLicense": False,
    }


def test_a_reader_with_another_encoding_reads_the_same():
    label = LABEL.model_copy(update={"title": "Großvater", "triggers": ("Álvaro 🙂",)})
    for text in sidecars(label).values():
        assert json.loads(text.decode("cp1252")) == json.loads(text.decode())
    assert content(label, "a1111")["activation text"] == "Álvaro 🙂"


def test_a1111_fills_prompt_and_weight():
    told = content(LABEL, "a1111")
    assert told["activation text"] == "anna" and told["preferred weight"] == 0.8


def test_civitai_helper_reads_a_version_with_one_primary_file():
    told = content(LABEL, "civitai-helper")
    [file] = told["files"]
    assert file["primary"] and file["name"] == "anna-1.safetensors" and file["sizeKB"] == 2
    assert file["hashes"]["AutoV2"] == "ABABABABAB" and told["model"]["type"] == "LORA"


def test_stability_matrix_counts_it_as_the_users_own():
    told = content(LABEL, "stability-matrix")
    assert "ModelId" not in told and told["ModelType"] == "LORA"
    assert told["TrainedWords"] == ["anna"] and told["Hashes"]["SHA256"] == "AB" * 32


def test_invokeai_gets_no_field_that_it_refuses_and_none_that_it_sees_better_itself():
    told = content(LABEL, "invokeai")
    assert set(told) == {"name", "description", "trigger_phrases", "default_settings"}
    assert told["default_settings"] == {"weight": 0.8}


def test_invokeai_finds_words_and_cover_where_it_looks_when_it_installs():
    files = sidecars(LABEL, ["invokeai"], cover=b"png")
    assert set(files) == {"anna-1.json", "anna-1.invokeai.json", "anna-1.png"}
    assert json.loads(files["anna-1.json"])["activation text"] == "anna"


@pytest.mark.parametrize(
    ("base", "civitai"), [("flux-schnell", "Flux.1 S"), ("/a/folder", "Flux.1 D")]
)
def test_a_base_goes_by_its_own_name_before_that_of_its_family(base, civitai):
    label = LABEL.model_copy(update={"base": base})
    assert content(label, "civitai-helper")["baseModel"] == civitai


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_name_everywhere(family):
    label = LABEL.model_copy(update={"family": family, "base": "x"})
    assert content(label, "civitai-helper")["baseModel"] != "Other"
    assert content(label, "a1111")["sd version"] != "Unknown"


def test_export_writes_what_the_file_is(studio, trained, tmp_path):
    written = studio.export_adapter("anna-1@2", tmp_path / "early.safetensors")
    file = written[0]
    info = json.loads((tmp_path / "early.civitai.info").read_text())
    hashes = info["files"][0]["hashes"]
    # A checkpoint is another file than the LoRA it led to.
    assert hashes["SHA256"] == sha256_file(file).upper()
    assert hashes["SHA256"] != trained.adapter.file_sha256.upper()
    assert hashes["AutoV3"] == lora.sealed(file).tensors_sha256[:12].upper()
    assert info["name"] == "step 2" and info["trainedWords"] == ["anna"]


def test_export_takes_the_last_preview_as_cover(studio, trained, tmp_path):
    [run] = studio.runs("anna")
    place = run.folder / "previews" / f"step-{trained.adapter.step:06d}"
    place.mkdir(parents=True)
    Image.new("RGB", (8, 8), "red").save(place / "1.png")
    written = studio.export_adapter("anna-1", tmp_path, programs=["a1111"])
    names = ["anna-1.safetensors", "anna-1.sosie.json", "anna-1.json", "anna-1.preview.png"]
    assert [path.name for path in written] == names
    assert written[-1].read_bytes() == (place / "1.png").read_bytes()


def test_nothing_of_the_users_is_overwritten(studio, tmp_path):
    (tmp_path / "anna-1.json").write_text("my own notes")
    with pytest.raises(BadInput, match=r"anna-1\.json exists"):
        studio.export_adapter("anna-1", tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["anna-1.json"]


def test_nothing_beside_it_if_nothing_is_asked(studio, tmp_path):
    written = studio.export_adapter("anna-1", tmp_path, programs=())
    assert [path.name for path in written] == ["anna-1.safetensors", "anna-1.sosie.json"]
