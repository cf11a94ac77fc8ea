"""Where a LoRA file says how strongly it acts: α beside the factors, or settings in the header.

ΔW = (α/r)·B·A; with neither, every loader takes 1.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from sosie.core.errors import WeightsRefused
from sosie.models.lora.factors import own_rank
from sosie.models.lora.names import adaptable

METADATA_KEY = "lora_adapter_metadata"


class Scales:
    """The scales of one file's modules."""

    def __init__(self, path: Path, header: Mapping[str, str]) -> None:
        self.path = path
        self.settings = _settings(path, header)

    def of(
        self, name: str, own: str, parts: Mapping[str, Tensor], *, unscaled_means_one: bool
    ) -> float:
        """What B·A of a module is multiplied with.

        `name` is the module's name in the file, `own` the same without its prefix. Raises
        WeightsRefused if the scale is said twice, is not a number, or is 0.
        """
        alpha = parts.get("alpha")
        rank = own_rank(parts)
        if alpha is not None and self.settings is not None:
            raise self._refused(
                f'both "{name}.alpha" and the header\'s {METADATA_KEY} give its scale; loaders '
                "multiply them or choose one"
            )
        if alpha is not None:
            if alpha.numel() != 1 or float(alpha) == 0:
                raise self._refused(f'"{name}.alpha" is not a number other than 0')
            return float(alpha) / rank if rank else 1.0
        if self.settings is not None and rank:
            return self._from_settings(own, rank)
        if not unscaled_means_one:
            raise self._refused(
                f'"{name}" was saved by peft itself, which keeps the scale in another file '
                "(adapter_config.json)"
            )
        return 1.0

    def _from_settings(self, own: str, rank: int) -> float:
        """α/r, or α/√r for rank-stabilised LoRA, by the rules of peft's `LoraConfig`."""
        assert self.settings is not None
        if not adaptable(own):
            raise self._refused(f'its {METADATA_KEY} speaks of other module names than "{own}"')
        patterns: dict[str, Any] = self.settings.get("alpha_pattern") or {}
        alpha = next(
            (patterns[pattern] for pattern in patterns if _means(pattern, own)),
            self.settings["lora_alpha"],
        )
        if not isinstance(alpha, int | float) or not math.isfinite(alpha) or alpha == 0:
            raise self._refused(f"its {METADATA_KEY} gives {alpha!r} as alpha")
        return alpha / (math.sqrt(rank) if self.settings.get("use_rslora") else rank)

    def _refused(self, why: str) -> WeightsRefused:
        return WeightsRefused(
            f"{self.path} cannot be applied at a scale that is certain: {why}.",
            advice="Save it again with its trainer's export for ComfyUI or diffusers.",
        )


def _settings(path: Path, header: Mapping[str, str]) -> dict[str, Any] | None:
    """peft's settings of the denoiser in the header diffusers writes, without their prefix."""
    text = header.get(METADATA_KEY)
    if text is None:
        return None
    try:
        given = json.loads(text)
        settings = {key.partition(".")[2]: value for key, value in given.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise WeightsRefused(f"{path}: its {METADATA_KEY} is not a JSON object.") from error
    parts = {key.partition(".")[0] for key in given}
    if parts not in ({"transformer"}, {"unet"}) or "lora_alpha" not in settings:
        raise WeightsRefused(
            f"{path}: its {METADATA_KEY} does not give the scale of the denoiser alone; it speaks "
            f"of: {', '.join(sorted(parts)) or 'nothing'}."
        )
    patterns = settings.get("alpha_pattern") or {}
    if not isinstance(patterns, dict) or any(re.search(r"[^\w.^]", p) for p in patterns):
        raise WeightsRefused(f"{path}: its {METADATA_KEY} has an alpha_pattern beyond names.")
    if settings.get("use_dora"):
        raise WeightsRefused(f"{path}: its {METADATA_KEY} says DoRA, which Sosie cannot apply.")
    return settings


def _means(pattern: str, own: str) -> bool:
    """Whether a peft pattern that is a mere name, or the end of one, means this module."""
    if pattern.startswith("^"):
        return own == pattern[1:]
    return own == pattern or own.endswith(f".{pattern}")
