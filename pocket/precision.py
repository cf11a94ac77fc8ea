"""On what to train, and in which precision.

A GPU where there is one. There, and on a processor with AMX or AVX512-BF16, products are of
bfloat16; any other processor computes these by way of float32, and a training step took four times
as long in bfloat16 as in float32.
"""

from __future__ import annotations

from functools import cache

import torch


@cache
def device() -> torch.device:
    """The first GPU, or the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def on_cpu() -> bool:
    """Whether there is no GPU."""
    return device().type == "cpu"


def half() -> bool:
    """Whether products of bfloat16 are faster than those of float32: on a GPU, and on a processor
    that has tiles for them (AMX). Where one has bfloat16 in vectors alone, a step of training took
    a third longer in it (25 pictures a second for 33)."""
    return not on_cpu() or torch.cpu._is_amx_tile_supported()


def fast() -> torch.dtype:
    """The precision of products that stand some rounding."""
    return torch.bfloat16 if half() else torch.float32


def autocast() -> torch.autocast:
    """The context to train and to encode in."""
    return torch.autocast(device().type, torch.bfloat16, enabled=half())


def flush() -> None:
    """Let numbers under 1e-38 be 0, in this thread and in those that it makes: call it first.

    Gradients of a softmax are full of them, and a processor takes many times as long over each: the
    steps of a trained network's training took 18 to 28% longer, those of its encoders alone more
    than three times as long.
    """
    torch.set_flush_denormal(True)


def machine() -> str:
    """What the card says of it."""
    what = torch.cuda.get_device_name() if not on_cpu() else f"{torch.get_num_threads()} cores"
    return f"{what}, {str(fast()).removeprefix('torch.')}"
