"""What is not let in: explicit pictures, and revealing ones of a child."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from bench.plants.safe import doubtful
from sosie.cli import app
from sosie.core.errors import WeightsRefused
from sosie.core.records import now
from sosie.models import unsafe
from sosie.studio import Studio
from tests.studio.household import photo


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two harmless pictures and one that the detector doubts."""
    folder = tmp_path / "photos"
    for seed in range(2):
        photo(folder, f"{seed}.png", seed)
    Image.fromarray(doubtful(96)).save(folder / "doubtful.png")
    return folder


@pytest.fixture
def house(tmp_path: Path) -> Studio:
    studio = Studio(tmp_path / "home")
    studio.new("anna")
    return studio


BY_A_GUARDIAN: dict[str, Any] = {
    "relation": "guardian",
    "signed_by": "Maria Weber",
    "terms": {"born": now().date() - timedelta(days=3000), "authority": "birth certificate"},
}


def signed_by_a_guardian(house: Studio) -> None:
    house.consent("anna", who="Anna Weber", **BY_A_GUARDIAN)


def kept(house: Studio) -> set[bytes]:
    """All that is in the workspace."""
    return {file.read_bytes() for file in house.registry.home.rglob("*") if file.is_file()}


def test_an_explicit_picture_is_refused_and_nothing_of_it_is_kept(house, photos, monkeypatch):
    monkeypatch.setattr(unsafe, "score", lambda rgb: 0.9 if rgb.shape[0] == 96 else 0.0)
    report = house.add("anna", [photos])
    (refusal,) = report.refused
    assert refusal.file.name == "doubtful.png" and "looks explicit" in refusal.reason
    assert len(report.added) == 2 and report.notes == ()
    original = (photos / "doubtful.png").read_bytes()
    assert original not in kept(house) and (photos / "0.png").read_bytes() in kept(house)


def test_a_doubtful_picture_is_refused_only_where_a_guardian_signed(house, photos):
    assert len(house.add("anna", [photos]).added) == 3
    house.new("ben")
    house.consent("ben", who="Ben Weber", **BY_A_GUARDIAN)
    report = house.add("ben", [photos])
    assert [refusal.file.name for refusal in report.refused] == ["doubtful.png"]
    assert "guardian" in report.refused[0].reason and len(report.added) == 2


def test_a_permission_that_comes_later_is_applied_by_the_doctor(house, photos):
    house.add("anna", [photos])
    assert "safe.unsafe" in house.doctor("anna").passed
    signed_by_a_guardian(house)
    (found,) = [f for f in house.doctor("anna").findings if f.rule == "safe.unsafe"]
    assert found.severity == "blocker"


def test_without_the_detector_it_is_said_aloud(house, photos, monkeypatch):
    def refuse(rgb):
        raise WeightsRefused("The detector is not installed.", advice="Run `pip install it`.")

    monkeypatch.setattr(unsafe, "score", refuse)
    done = CliRunner().invoke(app, ["--home", str(house.registry.home), "add", "anna", str(photos)])
    assert "3 pictures added" in done.output
    assert done.output.count("Not examined for explicit content") == 1
    assert "pip install it" in " ".join(done.output.split())


def test_a_handwriting_is_looked_at_too(tmp_path, photos, monkeypatch):
    monkeypatch.setattr(unsafe, "score", lambda rgb: 0.9)
    studio = Studio(tmp_path / "other")
    studio.new("hand", kind="handwriting")
    assert len(studio.add("hand", [photos]).refused) == 3
