"""The spectral filter through `Studio`: what it makes, and how mending comes to it."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from sosie.core.errors import BadInput, NotFound
from sosie.models import lora
from sosie.models.diffusion.flux import Flux
from sosie.models.lora.spectrum import decomposed
from sosie.studio import card, comparing, drawing, filtering, verifying
from sosie.studio.easel import Easel
from sosie.studio.photos import Photos
from sosie.train import Manifest


@pytest.fixture
def made(studio, trained):
    found = drawing.find(studio.registry, "anna-1")
    return filtering.made(studio.registry, Flux.load(trained.base, name="tiny"), found)


def test_what_it_makes_says_what_it_was_made_of_and_is_signed(studio, trained, made, tmp_path):
    found = drawing.find(studio.registry, made.name)
    before, after = lora.read(drawing.find(studio.registry, "anna-1").path), lora.read(found.path)
    assert json.loads(after.header[filtering.ENTRY]) == {
        "filter": filtering.FILTER,
        "of": before.tensors_sha256,
    }
    kept = "sosie.manifest_sha256", "sosie.consent_sha256", "modelspec.trigger_phrase"
    assert [after.header[entry] for entry in kept] == [before.header[entry] for entry in kept]
    assert after.header["modelspec.title"] == made.name == "anna-1-filtered"
    for module, pair in before.modules.items():
        _, sizes, _ = decomposed(pair)
        changed = torch.linalg.svdvals(lora.delta(after, module))[: len(sizes)]
        left = [*sizes[1:].tolist(), 0.0]
        assert changed.tolist() == pytest.approx(left, abs=0.02 * float(sizes[0]))
    (file, *_) = studio.export_adapter(made.name, tmp_path)
    assert verifying.verify(studio.registry, file).verdict == "as signed"


def test_its_release_says_so_and_that_of_what_it_was_made_of_is_as_before(studio, made):
    studio.consent("anna", relation="self", who="Anna Weber", acts=("publish",))
    plain, filtered = (studio.publish(name, "v1", lora=name) for name in ("anna-1", made.name))
    assert filtered.release.filtered == filtering.FILTER
    assert filtering.FILTER in card.page(filtered) and filtering.FILTER not in card.page(plain)
    assert "filtered" not in json.loads(plain.release.canonical())
    assert filtering.done_to({filtering.ENTRY: "[" * 9999}) is None


def test_it_is_meant_by_its_own_name_alone_and_has_no_checkpoints(studio, trained, made):
    assert drawing.find(studio.registry, "anna").adapter.name == "anna-1"
    with pytest.raises(NotFound, match="checkpoint of anna-1-filtered"):
        drawing.find(studio.registry, "anna-1-filtered@2")
    found = drawing.find(studio.registry, "anna-1")
    base = Flux.load(trained.base, name="tiny")
    assert filtering.made(studio.registry, base, found) == made, "made once"
    assert len(studio.registry.adapters()) == 2
    with pytest.raises(BadInput, match="no training makes it again"):
        studio.audit_copies(made.name, device="cpu", each=1, folds=2)


def test_mending_comes_to_it_after_less_strength(studio, monkeypatch):
    manifest = Manifest.read(studio.run_folder("anna-1") / "manifest.json")
    taught = {p.caption: p.sample for p in manifest.pictures if not p.withheld}

    def draw(self, wanted, lora=None, *, push=0.0, guided=True, all_needed=True):
        for one in wanted:
            one.cell.mkdir(parents=True, exist_ok=True)
            copies = lora is not None and not filtering.filtered(lora[0].header)
            if copies and one.prompt in taught:
                with Image.open(studio.registry.blobs.path(taught[one.prompt])) as image:
                    image.convert("RGB").resize((64, 64)).save(one.file)
                continue
            noise = np.random.default_rng([one.seed, *one.key.encode()])
            small = noise.integers(0, 256, (6, 6, 3), np.uint8)
            Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC).save(one.file)

    def as_it_is(self, image, box, size):
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box))

    monkeypatch.setattr(Easel, "draw", draw)
    monkeypatch.setattr(comparing, "figure", lambda: None)
    monkeypatch.setattr(Photos, "_through", as_it_is)
    done = studio.mend_copies("anna-1", device="cpu", each=2, at_most=0.4)
    assert done.audit.adapter == "anna-1-filtered" and done.audit.verdict == "passed"
    assert done.audit.remedies == ("spectrum",)
    assert [(one.adapter, one.strength) for one in done.audit.tried] == [
        ("anna-1", 1.0),
        ("anna-1", 0.85),
        ("anna-1", 0.7),
        ("anna-1-filtered", 1.0),
    ]
    assert "anna-1-filtered@4 at 1 (spectrum)" in done.page.read_text()
