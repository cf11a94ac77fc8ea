"""The small identity network: its shape, its size, and its place behind the face finder."""

import numpy as np
import pytest
import torch
from skimage import data

from sosie.models.identity import IdentityNet, embedder, to_input


@pytest.fixture(scope="module")
def network() -> IdentityNet:
    torch.manual_seed(0)
    return IdentityNet()


def test_it_is_small(network: IdentityNet) -> None:
    assert sum(p.numel() for p in network.parameters()) * 2 < 1_000_000  # bytes, in half precision


def test_embeddings_are_of_unit_length_and_independent_of_the_batch(network: IdentityNet) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    network.eval()
    with torch.inference_mode():
        together, alone = network(to_input(crops)), network(to_input(crops[:1]))
    assert together.shape == (3, 128)
    assert together.norm(dim=1).tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    assert torch.allclose(together[:1], alone, atol=1e-5)


def test_it_judges_pictures(network: IdentityNet) -> None:
    judge = embedder(network, "0" * 64)
    vector = judge(data.astronaut())
    assert vector is not None and vector.shape == (128,)
    assert judge(np.zeros((64, 64, 3), np.uint8)) is None
