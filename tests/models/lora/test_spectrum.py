"""Singular values weighed anew: exact linear algebra on any shapes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sosie.models.lora.spectrum import decomposed, state, weighed, without_strongest

SIDES = st.integers(1, 12)


def pair(rank, inside, outside, seed):
    draw = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(shape, generator=draw, dtype=torch.float64)
        for shape in ((rank, inside), (outside, rank))
    )


def near(a, b):
    return torch.allclose(a, b, rtol=1e-8, atol=1e-8)


@given(rank=SIDES, inside=SIDES, outside=SIDES, seed=st.integers(0, 99))
def test_weighed_by_nothing_it_is_the_same_lora(rank, inside, outside, seed):
    a, b = pair(rank, inside, outside, seed)
    again = weighed((a, b), lambda sizes: sizes)
    assert [part.shape for part in again] == [a.shape, b.shape]
    assert near(again[1] @ again[0], b @ a)
    # Neither factor bears the whole size.
    assert float(again[0].norm()) == pytest.approx(float(again[1].norm()))


@given(rank=SIDES, inside=SIDES, outside=SIDES, seed=st.integers(0, 99))
def test_directions_stay_and_sizes_are_as_weighed(rank, inside, outside, seed):
    a, b = pair(rank, inside, outside, seed)
    u, sizes, v = decomposed((a, b))
    assert near(u * sizes @ v, b @ a)
    assert near(u.T @ u, torch.eye(len(sizes), dtype=u.dtype))
    assert near(v @ v.T, torch.eye(len(sizes), dtype=u.dtype))
    before = np.linalg.svd((b @ a).numpy(), compute_uv=False)[: len(sizes)]
    assert np.allclose(before, sizes, atol=1e-8)
    again = weighed((a, b), without_strongest)
    assert near(again[1] @ again[0], u[:, 1:] * sizes[1:] @ v[1:])


@given(rank=st.integers(2, 6), seed=st.integers(0, 99))
def test_without_its_strongest_direction_it_is_what_no_other_of_less_rank_is_nearer_to(rank, seed):
    a, b = pair(rank, 8, 7, seed)
    again = weighed((a, b), without_strongest)
    whole, left = b @ a, again[1] @ again[0]
    gone = whole - left
    assert float(torch.linalg.svdvals(gone)[1]) < 1e-9
    # Eckart and Young: what is gone is the nearest of rank 1, orthogonal to what is left.
    assert float(gone.norm()) == pytest.approx(float(torch.linalg.svdvals(whole)[0]))
    assert near(gone.T @ left, torch.zeros(8, 8, dtype=a.dtype))


def test_all_modules_are_weighed_by_the_keys_of_an_export():
    modules = {"attn.to_k": pair(2, 5, 4, 1), "attn.to_v": pair(2, 5, 4, 2)}
    found = state(modules, lambda sizes: torch.zeros_like(sizes))
    assert sorted(found) == [
        f"attn.to_{which}.lora_{side}" for which in "kv" for side in ("A", "B")
    ]
    assert all(not part.any() for part in found.values())
