"""A tiny base, and LoRAs of random numbers that fit it."""

from collections.abc import Callable

import pytest
import torch

from sosie.models.diffusion.flux import Flux
from sosie.models.lora.read import LoraFile
from sosie.rights import Chain, home_chain, home_key


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Flux:
    return Flux.tiny(tmp_path_factory.mktemp("tiny") / "flux")


@pytest.fixture(scope="session")
def random_lora(base: Flux) -> Callable[[int], LoraFile]:
    def build(seed: int) -> LoraFile:
        generator = torch.Generator().manual_seed(seed)
        own = dict(base.denoiser.named_modules())
        return LoraFile(
            family="flux",
            modules={
                name: (
                    torch.randn(2, own[name].in_features, generator=generator) * 0.3,
                    torch.randn(own[name].out_features, 2, generator=generator) * 0.3,
                )
                for name in base.lora_targets()
            },
            format="made up",
            header={},
            file_sha256=f"{seed}" * 64,
            tensors_sha256=f"{seed + 1}" * 64,
        )

    return build


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """What a workspace signs with."""
    folder = tmp_path_factory.mktemp("signer")
    return home_chain(folder, home_key(folder))
