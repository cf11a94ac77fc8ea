"""What weights tell of a caption: how hard it pulls, on a twin of each family."""

import pytest

from sosie.audit.copying.inside import Inside, magnitude
from sosie.models.diffusion.flux import Flux
from sosie.models.diffusion.sdxl import StableDiffusionXL


@pytest.mark.parametrize("family", [Flux, StableDiffusionXL])
def test_a_caption_pulls_and_the_empty_one_does_not(family, tmp_path):
    base = family.tiny(tmp_path)
    assert magnitude(base, "") == 0
    pull = magnitude(base, "photo of anna")
    assert pull > 0 and magnitude(base, "photo of anna") == pull


def test_pull_and_fall_are_told_beside_the_base():
    one = Inside(
        name="a", withheld=False, loss_base=0.5, loss=0.4, magnitude_base=0.1, magnitude=0.3
    )
    assert one.drop == pytest.approx(0.2) and one.pull == pytest.approx(3)
