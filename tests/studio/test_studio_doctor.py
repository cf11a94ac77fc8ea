"""The doctor in the house: what is kept, what is set aside, and what stops a training."""

import json

import pytest

from sosie.core.errors import BadInput, NotFound, NotReady
from sosie.doctor import table
from sosie.doctor.rule import BOTH, Rule
from sosie.train import Manifest
from tests.studio.household import QUICK, household

BARE = {**QUICK, "waive": ()}


def test_an_unchanged_set_is_not_examined_twice(studio, monkeypatch):
    first = studio.doctor("anna")
    monkeypatch.setattr("sosie.doctor.examine", lambda *a, **k: pytest.fail("examined again"))
    assert studio.doctor("anna") == first


def test_a_changed_caption_is_examined_again(studio):
    first = studio.doctor("anna")
    studio.caption("anna", edits={"2.png": "anna in green"})
    assert studio.doctor("anna").dataset_sha256 != first.dataset_sha256


def test_missing_weights_are_looked_for_again(pictures, tmp_path, monkeypatch):
    studio = household(tmp_path / "fresh", pictures)

    def refuse(rgb):
        from sosie.core.errors import WeightsRefused

        raise WeightsRefused("not installed")

    with monkeypatch.context() as without:
        without.setattr("sosie.doctor.view.find_faces", refuse)
        lacking = studio.doctor("anna")
    reasons = {entry.reason for entry in lacking.not_examined}
    assert "not installed" in reasons
    assert "not installed" not in {entry.reason for entry in studio.doctor("anna").not_examined}


def test_dismissing_lasts_and_restoring_brings_back(studio):
    found = studio.doctor("anna")
    few = next(f for f in found.findings if f.rule == "count.few")
    assert studio.dismiss("anna", found, ["count.few"]) == 1
    assert few.id not in {f.id for f in studio.doctor("anna").open}
    assert few.id in {f.id for f in studio.doctor("anna").findings}, "still listed"
    studio.restore("anna", found, [few.id])
    assert few.id in {f.id for f in studio.doctor("anna").open}


def test_an_unknown_finding_is_named_with_the_nearest(studio):
    with pytest.raises(NotFound, match=r"count\.few"):
        studio.dismiss("anna", studio.doctor("anna"), ["count.fwe"])


@pytest.fixture
def blocking(monkeypatch):
    """A rule that blocks every set."""
    rule = Rule(
        name="twins.equal",
        judge=lambda case: [case.finding("twins.equal", "blocker", [0, 1], which="x")],
        kinds=BOTH,
    )
    monkeypatch.setattr(table, "RULES", (rule,))


def test_a_blocking_finding_stops_training_unless_it_is_waived(studio, trained, blocking):
    runs = len(studio.runs())
    with pytest.raises(NotReady, match=r"--despite twins\.equal"):
        studio.train("anna", base=str(trained.base), overrides=BARE, device="cpu")
    overrides = {**BARE, "waive": ("twins.equal",)}
    adapter = studio.train("anna", base=str(trained.base), overrides=overrides, device="cpu")
    folder = studio.run_folder(adapter.run)
    manifest = Manifest.read(folder / "manifest.json")
    assert any(entry.startswith("twins.equal: ") for entry in manifest.waived)
    assert len(studio.runs()) == runs + 2
    again = studio.reproduce(folder / "manifest.json", base=str(trained.base))
    assert again.same, "a waived finding is part of what is reproduced"


def test_a_blocker_that_was_set_aside_stops_nothing_and_is_on_record(studio, trained, blocking):
    studio.dismiss("anna", studio.doctor("anna"), ["twins.equal"])
    adapter = studio.train("anna", base=str(trained.base), overrides=BARE, device="cpu")
    path = studio.run_folder(adapter.run) / "manifest.json"
    (entry,) = [e for e in Manifest.read(path).waived if e.startswith("twins.equal: ")]
    assert entry.endswith(" (set aside)")
    studio.restore("anna", studio.doctor("anna"), ["twins.equal"])
    assert studio.reproduce(path, base=str(trained.base)).same


def test_the_report_is_one_file_with_the_pictures_in_it(studio, blocking, tmp_path):
    page = tmp_path / "report.html"
    for language, verdict in (("en", "Blocked"), ("fr", "Bloqué"), ("ja", "学習不可")):
        studio.report("anna", studio.doctor("anna"), page, language=language)
        html = page.read_text(encoding="utf-8")
        assert verdict in html and html.count("data:image/jpeg;base64,") >= 6
        assert "http" not in html


def test_the_checkup_as_json_is_whole(studio):
    found = studio.doctor("anna")
    assert json.loads(found.model_dump_json())["names"] == found.names


def test_a_binding_finding_can_neither_be_waived_nor_set_aside(studio, trained, monkeypatch):
    assert table.rule("safe.unsafe").binding
    rule = Rule(
        name="safe.unsafe",
        judge=lambda case: [case.finding("safe.unsafe", "blocker", [0])],
        kinds=BOTH,
        binding=True,
    )
    monkeypatch.setattr(table, "RULES", (rule,))
    with pytest.raises(BadInput, match="cannot be set aside"):
        studio.dismiss("anna", studio.doctor("anna"), ["safe.unsafe"])
    overrides = {**BARE, "waive": ("safe.unsafe",)}
    with pytest.raises(NotReady) as refusal:
        studio.train("anna", base=str(trained.base), overrides=overrides, device="cpu")
    assert "--despite" not in str(refusal.value)


def test_a_removed_picture_is_gone_with_its_files(pictures, tmp_path):
    studio = household(tmp_path / "fresh", pictures)
    before = studio.show("anna").samples
    with pytest.raises(NotFound):
        studio.remove("anna", [before[0].file_name, "never.png"])
    assert studio.show("anna").samples == before, "all or none"
    (gone,) = studio.remove("anna", [before[0].file_name])
    left = studio.show("anna").samples
    assert gone == before[0] and left == before[1:]
    assert not studio.registry.blobs.path(gone.original_sha256).exists()
    assert all(studio.registry.blobs.path(one.picture_sha256).exists() for one in left)
