"""What a training draws for itself is looked at and signed, as whatever is drawn."""

from __future__ import annotations

import json
from itertools import cycle

import pytest
from PIL import Image

from sosie.core.errors import NotPermitted
from sosie.core.terms import PROHIBITIONS
from sosie.models import unsafe
from sosie.rights import credentials, xmp
from sosie.studio import permission, verifying
from tests.studio.household import QUICK, household

PROBES = ["{trigger} at sea", "{trigger} in a wood"]
SETTINGS = {**QUICK, "preview_every": 4, "probes": PROBES, "preview_taught": 0}
LIFTED = {"prohibitions": [p for p in PROHIBITIONS if p != "sexual"]}


def sees(monkeypatch, score):
    """Let the detector say `score()` of each drawn picture; the photographs are harmless."""
    monkeypatch.setattr(unsafe, "score", lambda rgb: 0.0 if rgb.shape[0] == 64 else score())


def previews(studio, run="anna-1"):
    folder = studio.run_folder(run)
    return sorted([*folder.glob("previews/**/*.png"), *folder.glob("prior/*/*.png")])


def train(studio, base, told=None, **settings):
    def on_event(kind, data):
        if told is not None and "message" in data:
            told.append(data["message"])

    return studio.train(
        "anna",
        base=str(base),
        overrides={**SETTINGS, **settings},
        device="cpu",
        on_event=on_event,
    )


def test_every_picture_of_a_training_is_signed(tmp_path, base, pictures):
    studio = household(tmp_path / "home", pictures)
    adapter = train(studio, base, prior_pictures=2, preview_taught=1)
    (consent,) = studio.show("anna").consents
    kept = previews(studio)
    assert len(kept) == 2 * 2 + 1 + 2, "and one by a training caption, once there is a LoRA"
    for path in kept:
        account = verifying.verify(studio.registry, path)
        assert account.verdict == "as signed", account
        found = credentials.read(path.read_bytes(), "image/png")
        assert found.source_type == xmp.SYNTHETIC and found.consents == (consent.sha256(),)
        with Image.open(path) as image:
            packet = image.info["XML:com.adobe.xmp"]
            step = json.loads(image.info["sosie"]).get("step")
        assert xmp.read(packet).source_type == xmp.SYNTHETIC
        names = " ".join(found.ingredients)
        assert "tiny" in names and (adapter.name in names) == (step is not None)


def test_what_looks_explicit_is_never_written(tmp_path, base, pictures, monkeypatch):
    studio = household(tmp_path / "home", pictures)
    sees(monkeypatch, lambda: 1.0)
    told: list[str] = []
    train(studio, base, told)
    assert previews(studio) == []
    assert sum("looks explicit" in line for line in told) == 4
    events = [e for e in studio.registry.events("anna-1") if e.kind == "preview"]
    assert [(e.data["pictures"], e.data["withheld"]) for e in events] == [([], 2)] * 2
    with pytest.raises(NotPermitted, match="own pictures of"):
        train(studio, base, prior_pictures=1)
    assert previews(studio, "anna-2") == []


def test_a_withheld_picture_leaves_the_others(tmp_path, base, pictures, monkeypatch):
    studio = household(tmp_path / "home", pictures)
    scores = iter([1.0, 0.0, 0.0, 0.0])
    sees(monkeypatch, lambda: next(scores))
    train(studio, base)
    first, second = [e for e in studio.registry.events("anna-1") if e.kind == "preview"]
    assert first.data["prompts"] == ["anna in a wood"] and len(first.data["pictures"]) == 1
    assert second.data["prompts"] == ["anna at sea", "anna in a wood"]
    assert len(previews(studio)) == 3


def test_nothing_is_looked_at_where_a_record_allows_it(tmp_path, base, pictures, monkeypatch):
    studio = household(tmp_path / "home", pictures)
    studio.consent("anna", relation="self", who="Anna Weber", terms=LIFTED)
    sees(monkeypatch, lambda: 1.0)
    train(studio, base)
    assert len(previews(studio)) == 4


def test_a_withdrawal_ends_it_before_the_next_picture(tmp_path, base, pictures, monkeypatch):
    studio = household(tmp_path / "home", pictures)

    def seen():
        permission.withdraw(studio.registry, "anna")
        return 0.0

    sees(monkeypatch, seen)
    with pytest.raises(NotPermitted, match="withdrew"):
        train(studio, base)
    assert previews(studio) == [] and studio.registry.adapters() == ()


def test_a_training_is_reproduced_without_what_was_withheld(tmp_path, base, pictures, monkeypatch):
    studio = household(tmp_path / "home", pictures)
    scores = cycle([1.0, 0.0])
    sees(monkeypatch, lambda: next(scores))
    train(studio, base)
    assert len(previews(studio)) == 2
    assert studio.reproduce(studio.run_folder("anna-1") / "manifest.json").same
