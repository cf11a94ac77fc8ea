"""The registry: SQLite and content-addressed blobs under one home folder."""

from sosie.registry.add import AddReport, Seen, add_files
from sosie.registry.blobs import Blobs
from sosie.registry.gather import Refusal
from sosie.registry.releases import Shelved
from sosie.registry.store import Registry, home_folder
from sosie.registry.sweep import Swept

__all__ = [
    "AddReport",
    "Blobs",
    "Refusal",
    "Registry",
    "Seen",
    "Shelved",
    "Swept",
    "add_files",
    "home_folder",
]
