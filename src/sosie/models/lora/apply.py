"""LoRA files at work in a base: do they fit, and their exact weighted sum while a block runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakSet

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sosie.core.errors import WeightsRefused
from sosie.models.diffusion.base import DiffusionBase
from sosie.models.lora.factors import Factors
from sosie.models.lora.names import FAMILY_TITLES
from sosie.models.lora.read import LoraFile

Hook = Callable[[nn.Module, tuple[Any, ...], Tensor], Tensor]


def delta(lora: LoraFile, module: str) -> Tensor:
    """What the LoRA adds to a module's weight: ΔW = B·A, fp32, (out, in).

    A convolution's kernel is flattened into `in` (channels, then rows, then columns). Raises
    KeyError for a module that the file does not adapt.
    """
    a, b = lora.modules[module]
    return b @ a


def check_fits(lora: LoraFile, base: DiffusionBase) -> None:
    """Raise WeightsRefused unless each of the LoRA's modules is in the base, in its shape."""
    misfit = first_misfit(lora.modules, base)
    if misfit is None:
        return
    made_for, given = FAMILY_TITLES[lora.family], FAMILY_TITLES.get(base.family, base.family)
    if lora.family != base.family:
        raise WeightsRefused(f"This is a LoRA for {made_for}, not for {given}: {misfit}.")
    raise WeightsRefused(
        f"This is a LoRA for {made_for} of another size than this base: {misfit}.",
        advice="Use the base it was trained on.",
    )


def first_misfit(modules: Mapping[str, Factors], base: DiffusionBase) -> str | None:
    """What is wrong with the first module that the base lacks or has in another shape."""
    own = _own(base)
    for path, (a, b) in modules.items():
        module = own.get(path)
        if module is None:
            return f"first unknown module {path}"
        weight = _inner(module).weight
        shape = (weight.shape[0], weight[0].numel())
        if shape != (b.shape[0], a.shape[1]):
            return f"{path} is {shape} there and {(b.shape[0], a.shape[1])} in the file"
    return None


@contextmanager
def applied(base: DiffusionBase, loras: Sequence[tuple[LoraFile, float]]) -> Iterator[None]:
    """Inside the block, the base answers with Σ weight·B·A added to its modules' weights: those of
    the denoiser and, where a file adapts them, of the text encoders, so encode prompts inside.

    Weights may be negative; one file may come twice. The base's own tensors are never touched, so
    that it is bit for bit itself again afterwards, whatever was raised inside. An injected LoRA
    goes on acting beside them unless it is switched off. Raises WeightsRefused if one does not fit.
    """
    for lora, _ in loras:
        check_fits(lora, base)
    own = _own(base)
    with ExitStack() as stack:
        for path, (a, b) in _sums(loras).items():
            module = _inner(own[path])
            hook = _unless_silent(base.denoiser, _branch(module, a, b))
            stack.callback(module.register_forward_hook(hook).remove)
        yield


@contextmanager
def extrapolated(base: DiffusionBase, push: float) -> Iterator[None]:
    """Inside the block, the denoiser goes beyond what `applied` LoRAs make of it: it answers with
    v + `push`·(v − v_base), where v_base is its answer without them to the same question.

    What sets the LoRA apart from its base is what it learned, so that pushing on draws out what it
    remembers. FineXtract (arXiv:2410.03039) writes it v_base + w·(v − v_base), w = 1 + `push`. Each
    step takes twice as long. Captions are read as they were encoded.
    """

    def pushed(
        denoiser: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: tuple[Any, ...]
    ) -> tuple[Any, ...] | None:
        if denoiser in _silent:
            return None
        _silent.add(denoiser)
        try:
            alone = denoiser(*args, **kwargs)[0]
        finally:
            _silent.discard(denoiser)
        return (output[0] + push * (output[0] - alone), *output[1:])

    handle = base.denoiser.register_forward_hook(pushed, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


_silent: WeakSet[nn.Module] = WeakSet()
"""Denoisers that answer without what is applied to them, for the length of one call."""


def _unless_silent(denoiser: nn.Module, hook: Hook) -> Callable[..., Tensor | None]:
    def gated(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor | None:
        return None if denoiser in _silent else hook(module, inputs, output)

    return gated


def _own(base: DiffusionBase) -> dict[str, nn.Module]:
    """All that a LoRA may adapt, by the names of `LoraFile.modules`."""
    return {**dict(base.denoiser.named_modules()), **base.encoder_modules()}


def _sums(loras: Sequence[tuple[LoraFile, float]]) -> dict[str, Factors]:
    """One (A, B) a module: A stacked, B side by side with the weights multiplied in."""
    pieces: dict[str, list[Factors]] = {}
    for lora, weight in loras:
        for path, (a, b) in lora.modules.items():
            pieces.setdefault(path, []).append((a, b * weight))
    return {
        path: (torch.cat([a for a, _ in few]), torch.cat([b for _, b in few], dim=1))
        for path, few in pieces.items()
    }


def _branch(module: nn.Linear | nn.Conv2d, a: Tensor, b: Tensor) -> Hook:
    """The hook that adds B·A·x to a module's answer, in the module's own precision."""
    weight = module.weight
    if a.numel() + b.numel() > weight.numel():
        # Beyond half the full rank one product is the shorter way.
        a, b = b @ a, torch.empty(0)
    a, b = a.to(weight), b.to(weight)
    if isinstance(module, nn.Conv2d):
        kernel = a.view(-1, *weight.shape[1:])

        def convolved(module: Any, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
            low = F.conv2d(inputs[0], kernel, None, module.stride, module.padding, module.dilation)
            return output + (F.conv2d(low, b[..., None, None]) if b.numel() else low)

        return convolved

    def multiplied(module: Any, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        low = F.linear(inputs[0], a)
        return output + (F.linear(low, b) if b.numel() else low)

    return multiplied


def _inner(module: nn.Module) -> nn.Linear | nn.Conv2d:
    """The module itself, or the one that an injected LoRA wraps."""
    inner = getattr(module, "base_layer", module)
    if not isinstance(inner, nn.Linear | nn.Conv2d):
        raise WeightsRefused(f"A LoRA adapts linear and convolution modules, not {inner!r}.")
    return inner
