"""Audits of LoRAs from elsewhere, through `Studio`."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sosie.audit.copying.cliques import StrangerAudit
from sosie.core.errors import BadInput, NotPermitted
from sosie.studio import comparing, strangers
from sosie.studio.easel import Easel
from tests.cli.door import sosie


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """Pictures that nothing draws: the trigger alone always gives the same one."""
    monkeypatch.setattr(comparing, "figure", lambda: None)

    def draw(self, wanted, lora=None, *, push=0.0, guided=True, all_needed=True):
        for one in wanted:
            known = lora is not None and one.prompt == "anna"
            small = np.random.default_rng(1 if known else [one.seed, 7, lora is None])
            one.cell.mkdir(parents=True, exist_ok=True)
            colours = small.integers(0, 256, (6, 6, 3), dtype=np.uint8)
            Image.fromarray(colours).resize((64, 64), Image.Resampling.BICUBIC).save(one.file)

    monkeypatch.setattr(Easel, "draw", draw)


@pytest.fixture
def stranger(studio, tmp_path):
    file, *_ = studio.export_adapter("anna-1", tmp_path)
    return studio.import_adapter(file, subject="anna", name="stranger")[0]


def test_it_is_told_what_repeats_itself_and_nothing_of_its_pictures(studio, stranger, trained):
    base = str(trained.base)
    done = studio.audit_copies("stranger", base=base, device="cpu", each=6)
    found = done.audit
    assert found.verdict == "failed"
    [clique] = found.repeating.cliques
    assert clique.probes == ("trigger alone",) and len(clique.pictures) == 6
    rates = {row.probe: row.repeated.value for row in found.repeating.by_probe}
    assert rates == {"trigger alone": 1, "trigger variants": 0, "held-out prompts": 0}
    page = done.page.read_text()
    assert "From 6 seeds" in page and "http" not in page
    assert StrangerAudit.model_validate(json.loads(done.record.read_text())["audit"]) == found
    [filed] = studio.registry.audits.of("stranger")
    assert (filed.kind, filed.verdict) == ("repeating", "failed")
    assert studio.registry.audits.of_weights(stranger.tensors_sha256, "copying") == ()
    words = ("audit", "stranger", "--copies", "--each", 6, "--device", "cpu", "--base", base)
    answer = sosie(studio.registry.home, *words, columns=160)
    assert answer.code == 1 and "one picture from 6 seeds" in answer.out
    place = studio.registry.home / "audits" / "anna" / "stranger"
    assert list(place.rglob("*.png"))
    studio.forget("anna")
    assert not place.exists()


def test_who_looks_again_must_see_more(studio, stranger, trained):
    ask = {"base": str(trained.base), "device": "cpu"}
    looks = [studio.audit_copies("stranger", each=n, **ask).audit.look for n in (3, 4, 3, 5)]
    assert looks == [1, 2, 1, 3], "the same pictures looked at again are one look"


def test_nobody_is_forgotten_while_they_are_drawn(studio, stranger, trained, monkeypatch):
    refused, draw = [], Easel.draw

    def forgetting(*args, **more):
        if not refused:
            refused.append(sosie(studio.registry.home, "forget", "anna", "--yes"))
        return draw(*args, **more)

    monkeypatch.setattr(Easel, "draw", forgetting)
    for name in ("stranger", "anna-1"):
        refused.clear()
        studio.audit_copies(name, base=str(trained.base), device="cpu", each=2)
        refused[0].refused(8, "being audited: LoRA " + name)
    studio.forget("anna")
    assert not studio.registry.adapters() and not list(studio.registry.home.rglob("*.png"))


def test_what_must_be_known_is_asked_for(studio, stranger, trained):
    with pytest.raises(BadInput, match="for which base") as refused:
        studio.audit_copies("stranger", device="cpu")
    assert "--base" in refused.value.advice
    base = {"base": str(trained.base), "device": "cpu"}
    for more in ({"folds": 2}, {"rights": trained.home / "rights.csv"}):
        with pytest.raises(BadInput, match="which pictures taught it"):
            studio.audit_copies("stranger", **base, **more)
    with pytest.raises(BadInput, match="which pictures taught it"):
        studio.mend_copies("stranger", **base)
    studio.withdraw("anna")
    with pytest.raises(NotPermitted):
        studio.audit_copies("stranger", **base)


def test_words_of_a_file_are_asked_the_most_frequent_first_and_prohibited_ones_left_out(
    studio, stranger, trained, monkeypatch
):
    tags = {"a": {"red hat": 3, "garden": 9}, "b": {"red hat": 8, "naked": 99, "<lora:x:1>": 50}}
    header = {"ss_tag_frequency": json.dumps(tags)}
    assert strangers.words(header) == ("naked", "red hat", "garden")
    monkeypatch.setattr(strangers, "words", lambda _: strangers_words)
    strangers_words = ("naked", "red hat", "garden")
    said = []
    base = str(trained.base)
    done = studio.audit_copies("stranger", base=base, device="cpu", each=2, say=said.append)
    assert "anna, red hat" in done.audit.prompts
    assert not any("naked" in prompt for prompt in done.audit.prompts)
    assert any('"naked"' in line for line in said)


@given(st.text(max_size=60) | st.sampled_from(["[" * 9000, "{}", '{"a": [1]}', '{"a": {"b": []}}']))
def test_a_strangers_header_is_trusted_in_nothing(text):
    assert strangers.words({"ss_tag_frequency": text}) == ()
