"""The registry: SQLite and content-addressed blobs under one home folder."""

from sosie.registry.blobs import Blobs
from sosie.registry.store import Registry, home_folder

__all__ = ["Blobs", "Registry", "home_folder"]
