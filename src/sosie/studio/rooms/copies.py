"""Verbs of copies: samples that leave the house with marks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sosie.studio import copying, permission
from sosie.studio.copying import Copies
from sosie.studio.marking import Marker
from sosie.studio.rooms.room import Room


class Copying(Room):
    """Copies of the pictures on file."""

    def export_pictures(
        self,
        name: str,
        out: Path,
        *,
        no_training: bool = False,
        watermark: bool = True,
        say: Callable[[str], None] = lambda line: None,
    ) -> Copies:
        """Write the pictures of a subject to `out`, signed and with an invisible watermark;
        `no_training` says in them, in words for machines, that no AI may be trained with them.

        `say` is told of each mark that is left out. Raises NotPermitted.
        """
        consent = permission.require(self.registry, "export", name)
        marker = Marker(self.registry, watermark=watermark, say=say)
        return copying.copy_out(
            self.registry,
            consent.subject,
            out,
            consent=consent.sha256(),
            no_training=no_training,
            marker=marker,
        )
