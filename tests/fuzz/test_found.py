"""What once broke a door, and what every door lets in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.doors import Door, doors

FOUND = sorted((Path(__file__).parent / "found").glob("*-*"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Door]:
    return doors(tmp_path_factory.mktemp("fuzz"))


def test_every_door_lets_in_what_it_is_for(house: dict[str, Door]) -> None:
    for name, door in house.items():
        for seed in door.seeds:
            if name != "manifest":
                door.open(seed)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_broke_a_door_is_refused_now(path: Path, house: dict[str, Door]) -> None:
    house[path.name.split("-")[0]].feed(path.read_bytes())
