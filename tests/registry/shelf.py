"""Releases for tests: small, signed, and with files that are stored."""

from __future__ import annotations

import zlib
from typing import Any

from sosie.core.files import sha256_bytes
from sosie.core.records import Adapter, now
from sosie.core.release import Covered, Release, ReleasedFile
from sosie.registry import Registry, Shelved
from sosie.rights import sign


def frozen(registry: Registry, data: bytes, name: str, role: str = "lora") -> ReleasedFile:
    """A file of a release, stored."""
    return ReleasedFile.model_validate(
        {
            "name": name,
            "role": role,
            "file_sha256": registry.blobs.put(data),
            "size": len(data),
            "crc32": f"{zlib.crc32(data):08x}",
        }
    )


def release(registry: Registry, name: str = "anna", version: str = "v1", **fields: Any) -> Release:
    """A release of weights that only its title makes."""
    data = f"weights of {name} {version}".encode()
    values: dict[str, Any] = {
        "name": name,
        "version": version,
        "kind": "person",
        "base": "flux-dev",
        "family": "flux",
        "permissions": (Covered(consent_sha256="0" * 64, relation="synthetic"),),
        "tensors_sha256": sha256_bytes(b"tensors " + data),
        "published": now(),
    }
    if "files" not in fields:
        values["files"] = (frozen(registry, data, f"{name}-{version}.safetensors"),)
    return Release.model_validate(values | fields)


def signed(registry: Registry, made: Release, subject: str = "anna") -> Shelved:
    """A release with the signature of the workspace."""
    signature = sign(registry.key(), made.sha256(), role="trainer", at=made.published)
    return Shelved(release=made, signature=signature, subject=subject)


def shelve(registry: Registry, adapter: Adapter, version: str = "v1") -> Shelved:
    """File a release of a LoRA without asking anybody: as it was before a permission ended."""
    assert adapter.subject and adapter.consent_sha256
    name = f"{adapter.subject}-{version}.safetensors"
    made = release(
        registry,
        adapter.subject,
        version,
        tensors_sha256=adapter.tensors_sha256,
        permissions=(Covered(consent_sha256=adapter.consent_sha256, relation="self"),),
        files=(frozen(registry, registry.blobs.read(adapter.file_sha256), name),),
    )
    return registry.releases.add(signed(registry, made, adapter.subject))
