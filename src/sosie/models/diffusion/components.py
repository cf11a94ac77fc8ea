"""Loading the parts of a diffusers folder, strictly and in silence.

The libraries warn and go on where Sosie refuses: missing weights are initialised at random, surplus
ones are dropped, a tokenizer without a vocabulary knows three words. All of that would train and
draw, badly.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import diffusers
import torch
import transformers
from torch import nn

from sosie.core.errors import WeightsRefused
from sosie.models.diffusion.folder import Index, Part, weight_files

Layout = Mapping[str, tuple[str, ...]]
"""Part name to the class names that a family accepts for it; empty accepts any scheduler."""

_VOCABULARIES = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("spiece.model",))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep diffusers and transformers from writing to stderr; their settings return afterwards."""
    modules = (diffusers.utils.logging, transformers.utils.logging)
    verbosities = [module.get_verbosity() for module in modules]
    bars = [module.is_progress_bar_enabled() for module in modules]
    try:
        for module in modules:
            module.set_verbosity(module.CRITICAL)
            module.disable_progress_bar()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for module, verbosity, bar in zip(modules, verbosities, bars, strict=True):
            module.set_verbosity(verbosity)
            if bar:
                module.enable_progress_bar()


def load_components(
    index: Index, layout: Layout, *, device: torch.device, dtype: torch.dtype
) -> dict[str, Any]:
    """Every part of `layout`, models frozen, in evaluation mode and on `device`.

    Raises WeightsRefused, in one line that names the part, if one is missing, of another class, a
    pickle, damaged, incomplete or not finite.
    """
    parts = [_checked(index, name, accepted) for name, accepted in layout.items()]
    with quiet():
        loaded = {part.name: _load(part, dtype) for part in parts}
    for part in parts:
        if isinstance(loaded[part.name], nn.Module):
            loaded[part.name].requires_grad_(False).eval().to(device)
            _check_finite(part, loaded[part.name])
    _check_vocabularies(index, loaded)
    return loaded


def _checked(index: Index, name: str, accepted: tuple[str, ...]) -> Part:
    part = index.part(name)
    fits = part.class_name in accepted if accepted else part.class_name.endswith("Scheduler")
    if not fits or part.library not in ("diffusers", "transformers"):
        raise WeightsRefused(
            f"{part.folder} is a {part.library} {part.class_name}, where a {index.pipeline} has "
            f"{' or '.join(accepted) or 'a diffusers scheduler'}."
        )
    if part.is_model:
        weight_files(part)
    elif name.startswith("tokenizer") and not any(
        all((part.folder / file).is_file() for file in files) for files in _VOCABULARIES
    ):
        raise WeightsRefused(
            f"{part.folder} has no vocabulary.", advice="Fetch its tokenizer.json and try again."
        )
    return part


def _load(part: Part, dtype: torch.dtype) -> Any:
    # Damaged files raise whatever the parser at hand raises; all of it means the same to the user.
    try:
        cls = getattr(import_module(part.library), part.class_name)
        if not part.is_model:
            return cls.from_pretrained(part.folder, local_files_only=True)
        model, report = cls.from_pretrained(
            part.folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise WeightsRefused(f"{part.folder} cannot be loaded: {reason[0]}") from error
    for kind, words in (
        ("missing_keys", "lacks the weights"),
        ("unexpected_keys", "holds weights that its configuration does not know,"),
        ("mismatched_keys", "holds weights of another shape,"),
    ):
        if report[kind]:
            keys = sorted(str(key) for key in report[kind])
            raise WeightsRefused(
                f"{part.folder} {words} {keys[0]}"
                + (f" and {len(keys) - 1} more." if len(keys) > 1 else "."),
                advice="Fetch the part again.",
            )
    return model


def _check_finite(part: Part, model: nn.Module) -> None:
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if not torch.isfinite(tensor).all():
            raise WeightsRefused(
                f"{part.folder} is damaged: {name} holds NaN or infinite values.",
                advice="Fetch the part again.",
            )


def _check_vocabularies(index: Index, loaded: Mapping[str, Any]) -> None:
    for name, tokenizer in loaded.items():
        if not name.startswith("tokenizer"):
            continue
        encoder = name.replace("tokenizer", "text_encoder")
        known, room = len(tokenizer), loaded[encoder].config.vocab_size
        if known > room:
            raise WeightsRefused(
                f"{index.folder} is inconsistent: {name} knows {known} tokens, but {encoder} only "
                f"{room}."
            )
