"""Files beside a LoRA from which other programs show name, trigger words, weight and cover.

| program                | beside X.safetensors      | what it takes from there                |
|------------------------|---------------------------|-----------------------------------------|
| ComfyUI-Lora-Manager   | X.metadata.json           | name, words, weight, tags, author terms |
| A1111, Forge           | X.json                    | words, weight, kind of base             |
| Civitai Helper (A1111) | X.civitai.info            | words                                   |
| Stability Matrix       | X.cm-info.json            | name, words, base, author               |
| InvokeAI               | X.json, X.invokeai.json   | words; name and weight                  |

The cover is X.preview.png, for InvokeAI X.png.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sosie.core.terms import PROGRAMS, Program
from sosie.studio.moving import civitai
from sosie.studio.moving.label import Label

_SD_VERSION = {"flux": "Flux", "sdxl": "SDXL", "sd15": "SD1"}
"""What Forge calls a family; A1111 knows no FLUX."""
_COVER = ".preview.png"


def sidecars(
    label: Label, programs: Sequence[Program] = PROGRAMS, *, cover: bytes | None = None
) -> dict[str, bytes]:
    """The files for `programs`: name to content. `cover` is a PNG, kept as it is, so that its
    marks and its signature stay.
    """
    files = {}
    for program in programs:
        for suffix, content in _CONTENTS[program].items():
            told = content(label)
            if cover is not None and "preview_url" in told:
                # ComfyUI-Lora-Manager looks for a cover only where one was named.
                told["preview_url"] = f"{label.name}{_COVER}"
            # ASCII, because Civitai Helper reads in whatever encoding the machine has.
            files[f"{label.name}{suffix}"] = json.dumps(told, indent=2).encode() + b"\n"
        if cover is not None:
            files[f"{label.name}{_COVERS.get(program, _COVER)}"] = cover
    return files


def _lora_manager(label: Label) -> dict[str, Any]:
    """Unknown fields survive in it, so that it can carry the permission."""
    return {
        "file_name": label.name,
        "model_name": label.title,
        "file_path": "",
        "size": label.size,
        "modified": label.made.timestamp(),
        "sha256": label.file_sha256,
        "base_model": civitai.base_model(label.family, label.base),
        "preview_url": "",
        "notes": "",
        "from_civitai": False,
        "civitai": civitai.version(label) | {"creator": {"username": label.author}},
        "tags": list(label.tags),
        "modelDescription": label.about,
        "usage_tips": json.dumps({"strength": label.strength}),
        "skip_metadata_refresh": True,
        "sosie_consent_sha256": label.consent_sha256,
    }


def _a1111(label: Label) -> dict[str, Any]:
    return {
        "description": label.about,
        "sd version": _SD_VERSION.get(label.family, "Unknown"),
        "activation text": ", ".join(label.triggers),
        "preferred weight": label.strength,
        "negative text": "",
        "notes": "",
    }


def _stability_matrix(label: Label) -> dict[str, Any]:
    """Without a ModelId it counts as the user's own, and is never looked up."""
    return {
        "ModelName": label.title,
        "ModelDescription": label.about,
        "Nsfw": False,
        "Tags": list(label.tags),
        "ModelType": "LORA",
        "VersionName": label.version,
        "AuthorUsername": label.author,
        "BaseModel": civitai.base_model(label.family, label.base),
        "ImportedAt": label.made.isoformat(),
        "Hashes": {"SHA256": label.file_sha256.upper()},
        "TrainedWords": list(label.triggers),
    }


def _invokeai(label: Label) -> dict[str, Any]:
    """The body of its call `PATCH /api/v2/models/i/KEY`, since its installation takes no more than
    a name and a description from a body; unknown fields are refused. What base the LoRA is for,
    InvokeAI sees from the weights.
    """
    return {
        "name": label.title,
        "description": label.about,
        "trigger_phrases": list(label.triggers),
        "default_settings": {"weight": label.strength},
    }


_CONTENTS: dict[Program, dict[str, Callable[[Label], dict[str, Any]]]] = {
    "lora-manager": {".metadata.json": _lora_manager},
    "a1111": {".json": _a1111},
    "civitai-helper": {".civitai.info": civitai.version},
    "stability-matrix": {".cm-info.json": _stability_matrix},
    "invokeai": {".json": _a1111, ".invokeai.json": _invokeai},
}
_COVERS: dict[Program, str] = {"invokeai": ".png"}
"""Where a program looks for the cover, if not where the others do."""
