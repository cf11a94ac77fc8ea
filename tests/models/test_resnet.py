"""dlib's face network in torch: what dlib itself says of a face, and gradients besides."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sosie.models import faces, resnet, second
from sosie.world.people import person
from sosie.world.photo import photo

pytest.importorskip("dlib")


@pytest.fixture(scope="module")
def portrait() -> tuple[np.ndarray, faces.Face]:
    picture = photo(person(9), seed=3, hat="none", glasses="none", view="front view").picture
    return picture, faces.find_faces(picture)[0]


def _described(picture: torch.Tensor, points: np.ndarray) -> torch.Tensor:
    chip = resnet.chips(picture[None], points[None], resnet.POINTS[None])
    return torch.nn.functional.normalize(resnet.face_network()(chip), dim=1)[0]


def test_a_chip_is_described_as_dlib_describes_it() -> None:
    _, _, network = second._networks()
    chip = np.random.default_rng(0).integers(0, 255, (150, 150, 3)).astype(np.uint8)
    theirs = np.array(network.compute_face_descriptor(chip))
    ours = resnet.face_network()(torch.from_numpy(chip).permute(2, 0, 1)[None].float())[0]
    np.testing.assert_allclose(ours.numpy(), theirs, atol=2e-6)


def test_a_face_in_a_picture_is_cut_out_as_dlib_does(
    portrait: tuple[np.ndarray, faces.Face],
) -> None:
    picture, face = portrait
    pixels = torch.from_numpy(picture).permute(2, 0, 1).float()
    ours = _described(pixels, second.five_points(picture, face))
    assert float(ours.numpy() @ second.embed(picture, face)) > 0.99


def test_gradients_reach_the_face_and_only_its_surroundings(
    portrait: tuple[np.ndarray, faces.Face],
) -> None:
    picture, face = portrait
    pixels = torch.from_numpy(picture).permute(2, 0, 1).float().requires_grad_()
    _described(pixels, second.five_points(picture, face))[0].backward()
    assert pixels.grad is not None
    strength = pixels.grad.abs().sum(0)
    box = face.box
    inside = strength[box.top : box.top + box.height, box.left : box.left + box.width]
    assert inside.mean() > 10 * strength[:6, :6].mean()


def test_a_turned_and_enlarged_picture_gives_the_same_chip(
    portrait: tuple[np.ndarray, faces.Face],
) -> None:
    picture, face = portrait
    pixels = torch.from_numpy(picture).permute(2, 0, 1).float()
    points = second.five_points(picture, face)
    twice = torch.nn.functional.interpolate(pixels[None], scale_factor=2, mode="bilinear")[0]
    turned = torch.rot90(twice, 1, (1, 2))
    x, y = (2 * points + 0.5).T
    there = np.column_stack([y, 2 * picture.shape[1] - 1 - x])
    assert float(_described(pixels, points) @ _described(turned, there)) > 0.98
