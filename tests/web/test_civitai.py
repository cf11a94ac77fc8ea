"""Civitai's interface, as its scripts use it."""

from __future__ import annotations

import hashlib

from sosie.core.files import sha256_bytes


def test_a_model_has_its_versions_and_its_authors_terms(client, first, studio):
    told = client.get("/api/v1/models").json()
    [model] = told["items"]
    assert "nextCursor" not in told["metadata"]
    assert (model["name"], model["type"], model["tags"]) == ("anna", "LORA", ["family"])
    assert model["poi"] and model["creator"] == {"username": "Ben"}
    assert model["allowCommercialUse"] == ["None"] and not model["allowNoCredit"]
    assert [v["name"] for v in model["modelVersions"]] == ["v2", "v1"]
    version = model["modelVersions"][1]
    assert version["baseModel"] == "Flux.1 D" and version["trainedWords"] == ["anna"]
    assert version["modelId"] == model["id"] == version["id"], "the first version names the model"
    assert version["images"][0]["meta"] == {"prompt": "photo of anna", "seed": 3}
    assert client.get(f"/api/v1/models/{model['id']}").json() == model
    assert client.get(f"/api/v1/model-versions/{version['id']}").json() == version
    assert client.get(version["images"][0]["url"]).content.startswith(b"\x89PNG")


def test_the_file_comes_by_its_number(client, first):
    release = first.release
    [model] = client.get("/api/v1/models").json()["items"]
    [file] = model["modelVersions"][1]["files"]
    answer = client.get(file["downloadUrl"])
    assert sha256_bytes(answer.content) == release.lora.file_sha256
    assert 'filename="anna-v1.safetensors"' in answer.headers["Content-Disposition"]
    assert file["hashes"]["SHA256"] == release.lora.file_sha256.upper()
    assert file["sizeKB"] * 1024 == len(answer.content)
    start = 8 + int.from_bytes(answer.content[:8], "little")
    weights = hashlib.sha256(answer.content[start:]).hexdigest()
    assert file["hashes"]["AutoV3"] == weights[:12].upper()


def test_a_download_counts_when_its_last_byte_is_handed_out(client, first, studio):
    [model] = client.get("/api/v1/models").json()["items"]
    file, size = model["modelVersions"][-1]["downloadUrl"], first.release.lora.size
    client.head(file)
    client.get(file, headers={"Range": "bytes=0-99"})
    client.get(model["modelVersions"][-1]["images"][0]["url"])
    assert studio.downloads(first) == 0
    client.get(file, headers={"Range": f"bytes=100-{size - 1}"})
    whole = client.get(file)
    client.get(file, headers={"If-None-Match": whole.headers["ETag"]})
    assert studio.downloads(first) == studio.downloads(first, "day") == 2
    most = {"sort": "Most Downloaded", "period": "Month"}
    [model] = client.get("/api/v1/models", params=most).json()["items"]
    assert model["stats"]["downloadCount"] == 2
    assert [v["stats"]["downloadCount"] for v in model["modelVersions"]] == [0, 2]


def test_a_version_is_found_by_every_hash_of_its_lora(client, first):
    [model] = client.get("/api/v1/models").json()["items"]
    version = model["modelVersions"][1]
    hashes = version["files"][0]["hashes"]
    for kind in ("SHA256", "AutoV2", "AutoV3"):
        found = client.get(f"/api/v1/model-versions/by-hash/{hashes[kind]}").json()
        assert found["id"] == version["id"], kind
    both = client.post("/api/v1/model-versions/by-hash", json=[hashes["AutoV2"], "0" * 10]).json()
    assert [one["id"] for one in both] == [version["id"]]
    picture = next(file for file in first.release.files if file.role == "picture")
    path = f"/api/v1/model-versions/by-hash/{picture.file_sha256}"
    assert client.get(path).status_code == 404, "a picture is no LoRA"


def test_lists_are_filtered_and_paged(client, studio):
    def names(**asked: object) -> list[str]:
        return [one["name"] for one in client.get("/api/v1/models", params=asked).json()["items"]]

    for lora in ("bea", "cleo"):
        studio.publish(lora, "v1", lora="anna-1")
    assert set(names()) == set(names(sort="Oldest")) == {"anna", "bea", "cleo"}
    assert names(query="CLE") == ["cleo"] and names(tag="family") == ["anna"]
    assert names(username="Ben") == ["anna"] and len(names(username="me")) == 2
    assert names(types="Checkpoint") == [] and len(names(types="LORA")) == 3
    assert names(baseModels="SDXL 1.0") == [] and len(names(baseModels="Flux.1 D")) == 3
    assert len(names(period="Day")) == 3
    assert names(allowDerivatives=True) == names(allowNoCredit=True) == []
    assert names(allowCommercialUse="Sell") == [] and len(names(allowNoCredit=False)) == 3
    assert len(names(sort="Most Downloaded")) == 3
    assert names(sort="Most Downloaded", period="Day") == []
    for version in ("cleo@v1", "bea@v1", "cleo@v1"):
        client.get(f"/me/{version.replace('@', '/resolve/')}/pytorch_lora_weights.safetensors")
    assert names(sort="Most Downloaded", period="Week") == ["cleo", "bea"]
    seen, asked = [], "/api/v1/models?limit=2"
    while asked:
        page = client.get(asked).json()
        seen += [one["name"] for one in page["items"]]
        asked = page["metadata"].get("nextPage")
    assert sorted(seen) == ["anna", "bea", "cleo"]
    assert client.get("/api/v1/tags").json()["items"] == [{"name": "family", "modelCount": 1}]


def test_who_withdrew_is_on_no_list_and_no_file_comes(client, studio):
    [model] = client.get("/api/v1/models").json()["items"]
    file = model["modelVersions"][0]["files"][0]
    studio.withdraw("anna")
    assert client.get("/api/v1/models").json()["items"] == []
    assert client.get("/api/v1/tags").json()["items"] == []
    for path in (file["downloadUrl"], f"/api/v1/model-versions/{file['id']}"):
        answer = client.get(path)
        assert answer.status_code == 403 and "withdrawn" in answer.json()["error"]
    assert client.get(f"/api/v1/models/{model['id']}").status_code == 403
    found = client.get(f"/api/v1/model-versions/by-hash/{file['hashes']['SHA256']}")
    assert found.status_code == 404
