"""Printed text and neat hands in a picture: PP-OCRv6 small, run by RapidOCR.

The package `rapidocr` (Apache-2.0) carries three networks (Apache-2.0, PaddleOCR's): one finds
lines, one tells which of them stand on their heads, one reads English, French, Japanese, Chinese.
Their files are verified before they are opened; nothing is ever fetched. onnxruntime runs them.

Lines are sought with the longer side brought down to 960 pixels. RapidOCR's own default enlarges
the shorter side to 736 instead, which blows a single line up until words are lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sosie.models.faces import Picture
from sosie.models.verified import engine, packaged_path

INSTALL, RUNTIME = "rapidocr==3.10.0", "onnxruntime==1.31.1"
PINNED = {
    "Det": (
        "PP-OCRv6_det_small.onnx",
        "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    ),
    "Cls": (
        "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    ),
    "Rec": (
        "PP-OCRv6_rec_small.onnx",
        "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    ),
}

SURE, LIKELY = 0.5, 0.35
"""Confidence of the network that finds lines, from which one is read, and from which there may be
one: RapidOCR's own, and what finds 71 of 72 inscriptions on drawn pictures of 320 pixels."""

# RapidOCR keeps settings and scratch in its object, so one thread at a time may use it.
_lock = Lock()


@dataclass(frozen=True, eq=False)
class Line:
    """One line of text, in pixels of the picture."""

    text: str
    quad: NDArray[np.float32]
    """(4, 2), x and y: the corners from the line's own top left, clockwise."""
    score: float
    """The reader's confidence in [0, 1]; lines below 0.5 are not reported."""


def read(rgb: Picture, *, upright: bool = False) -> list[Line]:
    """The lines of text in a (H, W, 3) uint8 RGB picture, from the top; empty where there are none.

    `upright` says that none stands on its head. The network that tells was made for print: it turns
    over lines of handwriting, of some drawn hands every third, and nothing is then read of them.

    Where to look costs time, with or without text: about 0.05 s for a single line, 0.13 s for a
    picture of 512 pixels, 0.55 s for 1024 on one core; shrink what needs only a first look. Letters
    of a few pixels are lost.

    Raises WeightsRefused if RapidOCR or onnxruntime is not installed or a network is altered,
    ValueError for other arrays.
    """
    found = _asked(rgb, use_cls=not upright)
    if getattr(found, "txts", None) is None or found.boxes is None:
        return []
    return [
        Line(text, np.asarray(quad, np.float32), float(score))
        for text, quad, score in zip(found.txts, found.boxes, found.scores, strict=True)
    ]


def find(rgb: Picture) -> list[NDArray[np.float32]]:
    """Where lines of text seem to stand in a (H, W, 3) uint8 RGB picture: quads as `Line.quad`.

    For a first look: 0.05 s for a picture of 320 pixels on one core. It sees more lines than there
    are, and may take a whole person for a letter. Raises as `read`.
    """
    found = _asked(rgb, use_cls=False, use_rec=False, box_thresh=LIKELY)
    return [] if found.boxes is None else [np.asarray(quad, np.float32) for quad in found.boxes]


def _asked(rgb: Picture, **steps: float) -> Any:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"text is sought in uint8 (H, W, 3), not {rgb.dtype} {rgb.shape}")
    with _lock:
        # What is left unsaid would stay as the call before had it.
        asked = {"use_det": True, "use_cls": True, "use_rec": True, "box_thresh": SURE, **steps}
        return _reader()(np.ascontiguousarray(rgb[:, :, ::-1]), **asked)


@cache
def _reader() -> Any:
    engine("onnxruntime", what="engine of the text reader", install=RUNTIME)
    params: dict[str, object] = {
        "Global.log_level": "critical",
        "Det.limit_type": "max",
        "Det.limit_side_len": 960,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }
    for part, (file, sha256) in PINNED.items():
        path = packaged_path(
            "rapidocr", f"models/{file}", sha256, what="text reader", install=INSTALL
        )
        params[f"{part}.model_path"] = str(path)
    return engine("rapidocr", what="text reader", install=INSTALL).RapidOCR(params=params)
