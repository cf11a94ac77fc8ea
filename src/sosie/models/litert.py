"""MediaPipe's small networks, run by LiteRT from the files that ship with Sosie.

The files and where they come from: models/mediapipe/README.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from sosie.models.verified import engine, shipped

Floats = NDArray[np.float32]

PINNED = {
    "face_landmark": "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    "iris_landmark": "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    "selfie_segmentation": "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
}
ENGINE, WHAT = "ai-edge-litert==2.3.0", "engine of the MediaPipe networks"

# A network is loaded once, also where several threads ask for it first.
_loading = Lock()


class Network:
    """One network on one thread. Calls from several threads wait for each other."""

    def __init__(self, name: str) -> None:
        litert = engine("ai_edge_litert.interpreter", what=WHAT, install=ENGINE)
        content = shipped(f"mediapipe/{name}.tflite", PINNED[name], what="network")
        # XNNPACK is not a choice: the selfie network has an operation that only it knows.
        with _silent():
            self._run = litert.Interpreter(model_content=content, num_threads=1)
            self._run.allocate_tensors()
        self._input = self._run.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._run.get_output_details()]
        self._lock = Lock()

    def __call__(self, picture: Floats) -> list[Floats]:
        """The outputs, flattened, for a (H, W, 3) RGB picture in [0, 1] of the network's size."""
        with self._lock:
            self._run.set_tensor(self._input, np.ascontiguousarray(picture[None], np.float32))
            self._run.invoke()
            return [self._run.get_tensor(index).ravel() for index in self._outputs]


def network(name: str) -> Network:
    """The network of a file in models/mediapipe, loaded at the first call.

    Raises WeightsRefused if LiteRT is not installed or the file is altered.
    """
    with _loading:
        return _network(name)


@cache
def _network(name: str) -> Network:
    return Network(name)


@contextmanager
def _silent() -> Iterator[None]:
    """LiteRT greets on standard error from C++, which only the file descriptor can keep quiet."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
