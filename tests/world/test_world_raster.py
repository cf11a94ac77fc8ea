"""Triangles land on the right pixels, the nearest wins, and weights interpolate exactly."""

import numpy as np
import pytest

from sosie.world.raster import rasterise


def _one(xy, depth=None, faces=((0, 1, 2),), size=16, **options):
    xy = np.array(xy, np.float32)
    depth = np.zeros(len(xy), np.float32) if depth is None else np.array(depth, np.float32)
    return rasterise(xy, depth, np.array(faces, np.int32), size, **options)


def test_a_square_of_two_triangles_covers_its_pixels_once_and_no_other():
    tri, _ = _one([(2, 2), (2, 10), (10, 10), (10, 2)], faces=((0, 1, 2), (0, 2, 3)))
    expected = np.zeros((16, 16), bool)
    expected[2:10, 2:10] = True
    assert ((tri >= 0) == expected).all()
    assert set(np.unique(tri)) == {-1, 0, 1}


@pytest.mark.parametrize("order", [((0, 1, 2), (3, 4, 5)), ((3, 4, 5), (0, 1, 2))])
def test_the_nearer_triangle_is_seen_whatever_the_order(order):
    xy = [(0, 0), (0, 16), (16, 16)] * 2
    tri, _ = _one(xy, [1, 1, 1, 2, 2, 2], order)
    assert set(np.unique(tri[tri >= 0])) == {order.index((0, 1, 2))}


def test_a_triangle_that_faces_away_is_left_out_unless_both_sides_are_asked_for():
    away = [(2, 2), (10, 10), (2, 10)]
    assert (_one(away)[0] == -1).all()
    assert (_one(away, both_sides=True)[0] == 0).any()


@pytest.mark.parametrize("reach", [4, 11, 40, 200])
def test_weights_give_back_the_pixel_centre_for_small_and_large_triangles(reach):
    xy = np.array([(1.3, 1.1), (2.7, reach), (reach, reach * 0.8)], np.float32)
    tri, weights = _one(xy, size=64)
    y, x = np.nonzero(tri >= 0)
    assert len(x)
    np.testing.assert_allclose(weights[y, x].sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(weights[y, x] @ xy, np.stack([x, y], 1) + 0.5, atol=2e-3)


def test_what_lies_off_the_picture_is_not_wrapped_around():
    tri, _ = _one([(-20, 4), (-20, 8), (-3, 8)])
    assert (tri == -1).all()
    tri, _ = _one([(12, 2), (12, 8), (30, 8)])
    assert (tri[:, :11] == -1).all()
    assert (tri[:, 12:] == 0).any()
