"""Hugging Face's own clients against the catalogue, in their own processes with empty caches."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sosie.core.files import sha256_file
from sosie.web import hub


def ask(script: str, address: str, cache: Path, token: str = "") -> subprocess.CompletedProcess:
    """Run a script that knows nothing of Sosie but the address."""
    env = {
        **os.environ,
        "HF_ENDPOINT": address,
        "HF_HOME": str(cache),
        "HF_TOKEN": token,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
    }
    env.pop("HF_HUB_OFFLINE", None)
    return subprocess.run(
        [sys.executable, "-c", script],
        env=env, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


DOWNLOAD = """
from huggingface_hub import HfApi, hf_hub_download
api = HfApi()
info = api.model_info("me/anna")
print(info.sha, sorted(s.rfilename for s in info.siblings), info.private)
print(hf_hub_download("me/anna", "pytorch_lora_weights.safetensors", revision="1990s"))
print([r.name for r in api.list_repo_refs("me/anna").tags], [m.id for m in api.list_models()])
print(sorted(api.list_repo_files("me/anna", revision=info.sha)))
"""


def test_the_hubs_own_client_lists_and_downloads(studio, first, address, token, tmp_path):
    done = ask(DOWNLOAD, address, tmp_path, token)
    assert done.returncode == 0, done.stderr
    told, file, refs, listed = done.stdout.splitlines()
    newest = studio.offered("anna").release
    pictures = [file.name for file in newest.files if file.role == "picture"]
    names = sorted(["README.md", "release.json", hub.WEIGHTS, *pictures])
    assert told == f"{hub.commit(newest)} {names} True" and listed == str(names)
    assert sha256_file(Path(file)) == first.release.lora.file_sha256
    assert refs == "['v1', 'v2'] ['me/anna']"


LOAD = """
import torch
from diffusers import FluxPipeline
pipe = FluxPipeline.from_pretrained({base!r})
pipe.load_lora_weights("me/anna", revision="v1")
print(pipe.get_active_adapters())
"""


@pytest.mark.slow
def test_diffusers_loads_it_by_name(studio, trained, address, token, tmp_path):
    script = LOAD.format(base=str(trained.base))
    done = ask(script, address, tmp_path, token)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "['default_0']"


def test_a_withdrawal_reaches_who_has_not_downloaded_yet(studio, address, token, tmp_path):
    studio.withdraw("anna")
    done = ask(DOWNLOAD, address, tmp_path, token)
    assert done.returncode == 1 and "GatedRepoError" in done.stderr
    assert "withdrawn" in done.stderr and "Anna Weber" not in done.stderr


def test_without_a_token_nobody_learns_what_is_there(address, tmp_path):
    done = ask(DOWNLOAD, address, tmp_path)
    assert done.returncode == 1 and "401" in done.stderr and "anna-" not in done.stderr


def test_what_is_not_there_is_told_by_its_kind(client):
    def code(path: str) -> tuple[int, str]:
        answer = client.get(path)
        return answer.status_code, answer.headers["X-Error-Code"]

    assert code("/api/models/me/nobody") == (404, "RepoNotFound")
    assert code("/api/models/you/anna") == (404, "RepoNotFound")
    assert code("/api/models/me/anna/revision/v9") == (404, "RevisionNotFound")
    assert code("/me/anna/resolve/main/model.bin") == (404, "EntryNotFound")
    assert code(f"/me/anna/resolve/{'0' * 40}/README.md") == (404, "RevisionNotFound")
