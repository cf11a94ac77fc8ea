"""A LoRA in the shape of Civitai's public interface, version 1: the field's interchange format.

Field names: https://developer.civitai.com/docs/api/public-rest.
"""

from __future__ import annotations

from typing import Any

from sosie.core.release import Terms
from sosie.core.terms import Commercial
from sosie.studio.moving.label import Label

BASE_MODELS = {
    "flux-schnell": "Flux.1 S",
    "flux": "Flux.1 D",
    "sdxl": "SDXL 1.0",
    "sd15": "SD 1.5",
}
"""What Civitai calls a base (by its name here) or, failing that, a family of bases."""
USES: dict[Commercial, str] = {"picture": "Image", "rent": "Rent", "sell": "Sell"}
"""What Civitai calls a commercial use."""


def base_model(family: str, base: str) -> str:
    """What Civitai calls the base; "Other" if it has no name for it."""
    return BASE_MODELS.get(base) or BASE_MODELS.get(family, "Other")


def file(label: Label) -> dict[str, Any]:
    """One file of a version."""
    return {
        "name": f"{label.name}.safetensors",
        "type": "Model",
        "sizeKB": label.size / 1024,
        "primary": True,
        "metadata": {"format": "SafeTensor"},
        "pickleScanResult": "Success",
        "hashes": {
            "SHA256": label.file_sha256.upper(),
            "AutoV1": "",
            "AutoV2": label.file_sha256[:10].upper(),
            "AutoV3": label.tensors_sha256[:12].upper(),
        },
    }


def terms(allowed: Terms) -> dict[str, Any]:
    """What the author allows. Readers take a field that is missing for a yes, so none is."""
    return {
        "allowNoCredit": not allowed.credit,
        "allowCommercialUse": [USES[use] for use in allowed.commercial] or ["None"],
        "allowDerivatives": allowed.derivatives,
        "allowDifferentLicense": False,
    }


def version(label: Label) -> dict[str, Any]:
    """One version of a model, without the numbers and addresses that only a catalogue can give."""
    return {
        "name": label.version or label.name,
        "description": label.about,
        "baseModel": base_model(label.family, label.base),
        "createdAt": label.made.isoformat(),
        "trainedWords": list(label.triggers),
        "files": [file(label)],
        "images": [],
        "model": {
            "name": label.title,
            "type": "LORA",
            "nsfw": False,
            "poi": label.real,
            **terms(label.terms),
        },
    }
