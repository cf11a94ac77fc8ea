"""The exact search against sorting everything."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.models import neighbours


@given(st.integers(0, 99), st.integers(1, 30), st.integers(1, 90), st.integers(1, 12))
def test_the_nearest_are_those_of_a_full_sort_ties_by_row(seed, queries, rows, k):
    draw = np.random.default_rng(seed)
    # Few values, so that ties are many.
    asked = draw.integers(-2, 3, (queries, 3)).astype(np.float32)
    gallery = draw.integers(-2, 3, (rows, 3)).astype(np.float32)
    products = asked @ gallery.T
    order = np.argsort(-products, axis=1, kind="stable")[:, :k]
    for blocks in (gallery, np.array_split(gallery, min(4, rows))):
        found = neighbours.top_k(asked, blocks, k)
        assert (found.rows == order).all()
        assert (found.scores == np.take_along_axis(products, order, 1)).all()


def test_blocks_smaller_than_the_gallery_change_nothing(monkeypatch):
    draw = np.random.default_rng(0)
    asked, gallery = (draw.standard_normal((n, 8)).astype(np.float32) for n in (50, 333))
    whole = neighbours.top_k(asked, gallery, 5), neighbours.join(asked, gallery, 3.0)
    monkeypatch.setattr(neighbours, "BLOCK", 32)
    monkeypatch.setattr(neighbours, "QUERIES", 7)
    heard = []
    nearest = neighbours.top_k(asked, gallery, 5, on_rows=heard.append)
    assert (nearest.rows == whole[0].rows).all() and heard[-1] == 333
    pairs = neighbours.join(asked, gallery, 3.0)
    assert (pairs.queries == whole[1].queries).all() and (pairs.rows == whole[1].rows).all()
    assert set(zip(pairs.queries, pairs.rows, strict=True)) == set(
        zip(*np.nonzero(asked @ gallery.T >= 3.0), strict=True)
    )


def test_a_join_that_would_hold_everything_is_refused():
    ones = np.ones((10, 2), np.float32)
    with pytest.raises(OverflowError, match="more than 50"):
        neighbours.join(ones, ones, 0, at_most=50)
    assert len(neighbours.join(ones, ones, 3).rows) == 0


@pytest.mark.parametrize("row", [3, 4200])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_refused_and_named(row, value):
    gallery = np.ones((4300, 2), np.float32)
    gallery[row, 1] = value
    for search in (neighbours.top_k, partial(neighbours.join, threshold=3)):
        with pytest.raises(ValueError, match=f"row {row} of the gallery"):
            search(np.ones((2, 2), np.float32), gallery)
        with pytest.raises(ValueError, match="a query"):
            search(gallery, np.ones((2, 2), np.float32))
