"""Train the judges, write them to where they ship from, and measure how often they are wrong."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

import pocket.judges
from bench.judges import measure
from pocket.build import HERE, SHARDS
from pocket.judges import people, reader, writers
from sosie.core.files import sha256_bytes, write_atomically
from sosie.models import judges


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(
        prog="python -m pocket.judges", description=pocket.judges.__doc__
    )
    drawn = HERE / "cache" / f"people-{SHARDS['people']}"
    parser.add_argument("--people", type=Path, default=drawn, help="the drawn shards")
    parser.add_argument("--run", type=Path, default=HERE / "runs" / "judges")
    given = parser.parse_args(arguments)
    for_people, for_writers = people.PeopleRecipe(), writers.WriterRecipe()
    for_reader = reader.ReaderRecipe()
    torch.manual_seed(0)
    faces = people.train(sorted(given.people.glob("*.npz")), for_people, given.run)
    told = {"people": _written(faces, "people", asdict(for_people)) | {"answers": people.ANSWERS}}
    torch.manual_seed(0)
    hands = writers.train(for_writers, given.run)
    told["writers"] = _written(hands, "writers", asdict(for_writers))
    torch.manual_seed(0)
    lines, letters = reader.train(for_reader, given.run)
    told["reader"] = _written(lines, "reader", asdict(for_reader)) | {"letters": letters}
    _tell(told)
    judges.about.cache_clear()
    _tell(told | {"errors": measure()})


def _written(network: nn.Module, name: str, recipe: Mapping[str, object]) -> dict[str, Any]:
    """Write the weights in half precision; gives what is to be known of the file."""
    data = save({key: value.half().contiguous() for key, value in network.state_dict().items()})
    write_atomically(judges.FOLDER / f"{name}.safetensors", data)
    return {"sha256": sha256_bytes(data), "licence": "Apache-2.0", "recipe": recipe}


def _tell(told: Mapping[str, Any]) -> None:
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    write_atomically(judges.FOLDER / judges.ABOUT, text.encode())


if __name__ == "__main__":
    main()
