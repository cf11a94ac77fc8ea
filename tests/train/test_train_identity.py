"""The identity loss: who it is for, what it adds, what it remembers, what it costs a judge."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sosie import audit
from sosie.core.errors import Interrupted, NotReady, WeightsRefused
from sosie.models import resnet, second
from sosie.models.diffusion.resolve import load_base
from sosie.models.faces import Embedder
from sosie.train import identity
from sosie.train.config import TrainConfig
from sosie.world.people import person
from sosie.world.photo import photo
from tests.train.toys import dataset, picture, told_run

CONFIG = TrainConfig(
    steps=6,
    rank=4,
    dropout=0.1,
    learning_rate=1e-2,
    identity_weight=0.5,
    identity_from=0.3,
    checkpoint_every=6,
    preview_every=0,
    keep="last",
    started=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("pictures"), [picture(i) for i in range(8)])


@pytest.fixture
def blind(monkeypatch):
    """A face network that sees three numbers of any picture, in place of the real one."""

    def describe(base, clean, *, jitter=None):
        return F.normalize(F.pad(clean.float().mean((2, 3)), (0, 125)) + 1e-3, dim=1)

    monkeypatch.setattr(identity, "describe", describe)
    network = Embedder("stub", "0" * 64, lambda rgb: np.eye(128, dtype=np.float32)[0])
    monkeypatch.setattr(identity, "NETWORK", network)
    monkeypatch.setattr(resnet, "face_network", lambda: None)


def go(pictures, folder, config=CONFIG, **more):
    return told_run(pictures, folder, config, **more)


def test_it_begins_when_it_should_and_raises_the_likeness(blind, pictures, tmp_path):
    config = CONFIG.model_copy(update={"steps": 60, "learning_rate": 3e-2, "dropout": 0.0})
    _, told = go(pictures, tmp_path, config)
    seen = [data["identity"] for kind, data in told if kind == "step"]
    assert all(value is None for value in seen[:18])
    assert all(value is not None for value in seen[18:])
    assert np.mean(seen[-8:]) > np.mean(seen[18:26]) + 0.1
    assert any(kind == "identity" and "step 19 on" in data["message"] for kind, data in told)


def test_it_changes_the_lora_and_none_without_a_weight(blind, pictures, tmp_path):
    taught, _ = go(pictures, tmp_path / "with")
    bare, told = go(pictures, tmp_path / "bare", CONFIG.model_copy(update={"identity_weight": 0.0}))
    assert taught.tensors_sha256 != bare.tensors_sha256
    assert all(data["identity"] is None for kind, data in told if kind == "step")


@pytest.mark.parametrize("stop", [1, 2, 4])
def test_a_resumed_run_ends_with_the_same_bytes(blind, pictures, tmp_path, stop):
    whole, _ = go(pictures, tmp_path / "whole")
    left = iter([False] * stop + [True])
    with pytest.raises(Interrupted):
        go(pictures, tmp_path / "stopped", should_stop=lambda: next(left))
    resumed, _ = go(pictures, tmp_path / "stopped", resume=True)
    assert resumed.file_sha256 == whole.file_sha256


def test_without_its_network_it_is_refused_or_waived(pictures, tmp_path, monkeypatch):
    def absent():
        raise WeightsRefused("The second identity network is not installed.")

    monkeypatch.setattr(resnet, "face_network", absent)
    with pytest.raises(NotReady, match="identity"):
        go(pictures, tmp_path / "refused")
    waived = CONFIG.model_copy(update={"waive": ("identity",)})
    _, told = go(pictures, tmp_path / "waived", waived)
    assert all(data["identity"] is None for kind, data in told if kind == "step")


def test_pictures_without_a_face_teach_without_it_and_say_so(pictures, tmp_path):
    _, told = go(pictures, tmp_path)
    assert all(data["identity"] is None for kind, data in told if kind == "step")
    assert any(kind == "identity" and "no face" in data["message"] for kind, data in told)


def test_a_handwriting_has_none(pictures):
    hand = pictures.model_copy(update={"kind": "handwriting"})
    assert identity.prompts(hand, CONFIG) == ()
    asked = identity.prompts(pictures, CONFIG)
    assert len(set(asked)) == len(asked)
    assert all(pictures.trigger in prompt for prompt in asked[: identity.PROMPTS])
    assert not any(pictures.trigger in prompt for prompt in asked[identity.PROMPTS :])


def test_the_network_that_taught_does_not_judge():
    taught = audit.panel(synthetic=True, taught_by_second=True)
    assert second.identity.name not in taught.hashes()
    assert any(second.identity.name in gap.why for gap in taught.missing)
    assert len(taught.hashes()) == 2, "the world has a judge of its own"
    assert second.identity.name in audit.panel(synthetic=True).hashes()
    assert len(audit.panel(synthetic=False, taught_by_second=True).hashes()) == 1


def test_a_face_is_described_through_the_autoencoder_with_gradient():
    base = load_base("pocket")
    drawn = photo(person(9), seed=3, hat="none", glasses="none", view="front view").picture
    pixels = torch.from_numpy(drawn).permute(2, 0, 1)[None].float() / 127.5 - 1
    blank = torch.zeros_like(pixels)
    latents = base.encode_pixels(torch.cat([pixels, blank])).requires_grad_()
    seen = identity.describe(base, latents)
    assert seen is not None and seen.shape == (1, 128)
    assert float(seen[0].detach().numpy() @ second.identity(drawn)) > 0.95
    seen[0, :64].sum().backward()
    assert latents.grad[0].abs().sum() > 0
    assert latents.grad[1].abs().sum() == 0
