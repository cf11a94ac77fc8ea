from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest
import uvicorn
from PIL import Image

from sosie.core.terms import ACTS, SCOPES
from sosie.registry import Shelved
from sosie.studio import Studio
from sosie.studio.releasing import Said
from sosie.web.app import Settings, build
from tests.studio.conftest import Trained, base, pictures, trained, trained_once

__all__ = ["base", "pictures", "trained", "trained_once"]

Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def studio(trained: Trained) -> Studio:
    """A workspace with two versions of one LoRA on the shelf, and everything permitted."""
    studio = Studio(trained.home)
    studio.consent("anna", relation="self", who="Anna Weber", acts=ACTS)
    [run] = studio.runs("anna")
    place = run.folder / "previews" / "step-000004"
    place.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    from PIL.PngImagePlugin import PngInfo

    said = PngInfo()
    said.add_itxt("sosie", '{"prompt": "photo of anna", "seed": 3, "step": 4}')
    Image.fromarray(noise).save(place / "1.png", pnginfo=said)
    said_of_it = Said(about="Anna at sixty.", author="Ben", tags=("family",), strength=0.8)
    studio.publish("anna", "v1", said_of_it, aliases=["1990s"])
    studio.publish("anna", "v2", lora="anna-1@2")
    return studio


@pytest.fixture
def first(studio: Studio) -> Shelved:
    return studio.offered("anna@v1")


@pytest.fixture
def token(studio: Studio) -> str:
    """A token that opens everything."""
    return studio.make_token("all", SCOPES)[1]


@contextmanager
def served(studio: Studio, **settings: object) -> Iterator[str]:
    """The address at which a workspace is served, by a real server."""
    config = uvicorn.Config(
        build(studio, Settings.model_validate(settings)), port=0, log_level="warning"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def address(studio: Studio) -> Iterator[str]:
    with served(studio) as address:
        yield address


@pytest.fixture
def client(address: str, token: str) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=address, headers=headers) as client:
        yield client


@pytest.fixture
def other(tmp_path: Path) -> Studio:
    """Another workspace, where nobody is on file."""
    return Studio(tmp_path / "other")
