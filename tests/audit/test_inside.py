"""What weights tell of a caption: how far a LoRA moves its first answer."""

import pytest
import torch
from pydantic import ValidationError

from sosie.audit.copying.inside import Inside, answer, moved
from sosie.models import lora
from sosie.models.diffusion.flux import Flux
from sosie.models.diffusion.sdxl import StableDiffusionXL


@pytest.mark.parametrize("family", [Flux, StableDiffusionXL])
def test_an_adapter_moves_the_answer_and_none_moves_nothing(family, tmp_path):
    base = family.tiny(tmp_path)
    alone = answer(base, "photo of anna")
    assert moved(alone, answer(base, "photo of anna")) == 0
    assert moved(alone, answer(base, "photo of a dog")) > 0, "captions are read"
    taught = lora.inject(base, lora.LoraSpec(rank=2, alpha=2.0), seed=0)
    untaught = moved(alone, answer(base, "photo of anna"))
    assert untaught == pytest.approx(0, abs=1e-5), "nothing was learned yet"
    with torch.no_grad():
        for weight in taught.values():
            weight.add_(0.01)
    little = moved(alone, answer(base, "photo of anna"))
    with torch.no_grad():
        for weight in taught.values():
            weight.add_(0.01)
    assert 0 < little < moved(alone, answer(base, "photo of anna"))


def test_the_fall_of_the_loss_is_told_beside_the_base():
    one = Inside(name="a", withheld=False, loss_base=0.5, loss=0.4, moved=0.3)
    assert one.drop == pytest.approx(0.2)


def test_an_audit_from_before_is_still_read():
    before = {"name": "a", "withheld": False, "loss_base": 0.5, "loss": 0.4}
    one = Inside.model_validate(before | {"magnitude_base": 0.1, "magnitude": 0.3})
    assert one.moved is None and Inside.model_validate_json(one.model_dump_json()) == one
    with pytest.raises(ValidationError):
        Inside.model_validate(before | {"magnitudes": 0.1})
