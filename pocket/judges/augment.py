"""Drawn pictures made as soft, shifted and stained as generated ones may be."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor


def worsened(pictures: np.ndarray, rng: np.random.Generator) -> Tensor:
    """(N, H, W, C) bytes to (N, C, H, W) from 0 to 1, each picture in a way of its own."""
    grain = rng.standard_normal((512, *pictures.shape[2:]), dtype=np.float32)
    seen = [_stained(_softened(_moved(p, rng), rng), grain, rng) for p in pictures]
    return torch.from_numpy(np.stack(seen)).permute(0, 3, 1, 2).clamp(0, 1)


def _moved(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shifted by up to 3% of each side, turned by about 2 degrees, scaled by about 3%."""
    height, width = picture.shape[:2]
    angle, scale = rng.normal(0, 2), float(np.exp(rng.normal(0, 0.03)))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    turn[:, 2] += rng.uniform(-0.03, 0.03, 2) * (width, height)
    return _planes(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE))


def _softened(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two in three blurred, or drawn coarser and enlarged again; one in four a JPEG."""
    kind = rng.integers(3)
    if kind == 1:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.5))
    elif kind == 2:
        size, share = picture.shape[1::-1], rng.uniform(0.4, 0.9)
        small = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.25:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))]
        picture = cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], cv2.IMREAD_UNCHANGED)
    return _planes(picture)


def _stained(picture: np.ndarray, grain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lighter or darker, a little off in colour, and with some of the grain."""
    channels = picture.shape[2]
    light = np.exp(rng.normal(0, 0.06) + rng.normal(0, 0.02, channels)).astype(np.float32) / 255
    top = rng.integers(len(grain) - len(picture))
    noise = grain[top : top + len(picture)] * np.float32(abs(rng.normal(0, 0.02)))
    return np.asarray(picture * light + noise, np.float32)


def _planes(picture: np.ndarray) -> np.ndarray:
    """OpenCV leaves out a single channel's axis."""
    return picture if picture.ndim == 3 else picture[..., None]
