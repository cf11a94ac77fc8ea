"""A trainable LoRA inside a base's denoiser: put in, switched off, read out, taken away."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from pydantic import Field
from torch import Tensor, nn

from sosie.core.errors import BadInput, NotFound
from sosie.core.records import Record
from sosie.models.diffusion.base import DiffusionBase
from sosie.models.lora.layer import LoraLinear
from sosie.models.lora.names import adaptable


class LoraSpec(Record):
    """Size and place of a LoRA. The scale it is applied with is `alpha / rank`."""

    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=16.0, gt=0, allow_inf_nan=False)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each adapted module's inputs that training drops; acts in train mode only."""
    targets: tuple[str, ...] | None = None
    """Full names of linear modules inside the denoiser; None means `base.lora_targets()`."""

    @property
    def scale(self) -> float:
        return self.alpha / self.rank


def checked_targets(base: DiffusionBase, spec: LoraSpec) -> tuple[str, ...]:
    """The modules of `base.denoiser` that a LoRA of this spec adapts.

    Raises NotFound if one is not in the denoiser; BadInput if there is none, if one is not linear,
    or if a file could not name it to every client, so that all training would be for nothing.
    """
    targets = base.lora_targets() if spec.targets is None else spec.targets
    if not targets:
        raise BadInput("A LoRA needs at least one target module.")
    modules = dict(base.denoiser.named_modules())
    for target in targets:
        if target not in modules:
            raise NotFound.among("module in the denoiser", target, modules)
        if not isinstance(modules[target], nn.Linear):
            raise BadInput(f'A LoRA adapts linear modules; "{target}" is not one.')
        if not adaptable(target):
            raise BadInput(
                f'A LoRA of "{target}" could not be exported: not every program that loads LoRAs '
                "has a name for this module.",
                advice=f'Leave it out of the targets; "{base.lora_targets()[0]}" can be adapted.',
            )
    return targets


def inject(base: DiffusionBase, spec: LoraSpec, *, seed: int) -> dict[str, nn.Parameter]:
    """Put a plain LoRA into `base.denoiser` and return its parameters, sorted by key.

    Keys are `"<module path>.lora_A"`, (r, in), and `"<module path>.lora_B"`, (out, r); the values
    are fp32 on the base's device, the only parameters of the denoiser that still ask for a
    gradient. Each A depends on `seed` and its module's name alone (Kaiming uniform, as peft has
    it); B is zero. The new layers take the denoiser's train or eval mode; no random state moves.

    Raises BadInput if a LoRA is in place already, and what `checked_targets` raises.
    """
    if _layers(base):
        raise BadInput("The base carries a LoRA already.", advice="Remove it first.")
    targets = checked_targets(base, spec)
    base.denoiser.requires_grad_(False)
    for path in targets:
        linear = base.denoiser.get_submodule(path)
        assert isinstance(linear, nn.Linear)
        layer = LoraLinear(
            linear,
            a=_initial_a((spec.rank, linear.in_features), seed, path).to(base.device),
            b=torch.zeros(linear.out_features, spec.rank, device=base.device),
            scale=spec.scale,
            dropout=spec.dropout,
        )
        layer.train(base.denoiser.training)
        _put(base, path, layer)
    return _parameters(base)


@contextmanager
def enabled(base: DiffusionBase, on: bool) -> Iterator[None]:
    """Inside the block, the injected LoRA acts (`on`) or the base answers alone."""
    before = {layer: layer.enabled for layer in _layers(base).values()}
    try:
        for layer in before:
            layer.enabled = on
        yield
    finally:
        for layer, was_on in before.items():
            layer.enabled = was_on


def remove(base: DiffusionBase) -> None:
    """Take the injected LoRA out: the denoiser holds its own modules again, frozen. Idempotent."""
    for path, layer in _layers(base).items():
        _put(base, path, layer.base_layer)


def state(base: DiffusionBase) -> dict[str, Tensor]:
    """Copies of the injected LoRA's parameters: fp32, on CPU, by the keys of `inject`, sorted."""
    return {
        key: parameter.detach().to("cpu", torch.float32, copy=True)
        for key, parameter in _parameters(base).items()
    }


def load_state(base: DiffusionBase, state: Mapping[str, Tensor]) -> None:
    """Overwrite the injected LoRA's parameters in place.

    Raises BadInput if keys or shapes differ from those of `inject`.
    """
    parameters = _parameters(base)
    differing = sorted(parameters.keys() ^ state.keys()) or [
        key for key, parameter in parameters.items() if parameter.shape != state[key].shape
    ]
    if differing:
        raise BadInput(
            f"The LoRA state is not of this shape: {len(differing)} keys differ, "
            f'the first is "{differing[0]}".'
        )
    with torch.no_grad():
        for key, parameter in parameters.items():
            parameter.copy_(state[key])


def _layers(base: DiffusionBase) -> dict[str, LoraLinear]:
    """The injected layers by module path, sorted by path."""
    found = {p: m for p, m in base.denoiser.named_modules() if isinstance(m, LoraLinear)}
    return dict(sorted(found.items()))


def _put(base: DiffusionBase, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(base.denoiser.get_submodule(parent), name, module)


def _parameters(base: DiffusionBase) -> dict[str, nn.Parameter]:
    parameters: dict[str, nn.Parameter] = {}
    for path, layer in _layers(base).items():
        parameters[f"{path}.lora_A"] = layer.lora_A
        parameters[f"{path}.lora_B"] = layer.lora_B
    return dict(sorted(parameters.items()))


def _initial_a(shape: tuple[int, int], seed: int, path: str) -> Tensor:
    """Uniform in ±1/√in, (r, in): Kaiming uniform with a = √5, drawn on CPU for one module."""
    digest = hashlib.sha256(f"{seed} {path}".encode()).digest()
    # 63 bits: torch reads seeds as signed.
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    return torch.empty(shape).uniform_(-1, 1, generator=generator) / math.sqrt(shape[1])
