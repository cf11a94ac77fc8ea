"""Verbs of the catalogue: publish, card, alias, releases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sosie.registry import Shelved
from sosie.registry.finding import Hit
from sosie.registry.labels import Wanted
from sosie.registry.releases import taken_apart
from sosie.studio import releasing
from sosie.studio.releasing import Said
from sosie.studio.rooms.room import Room


class Catalogue(Room):
    """The shelf of published versions."""

    def publish(
        self,
        name: str,
        version: str,
        said: Said | None = None,
        *,
        lora: str | None = None,
        pictures: Sequence[Path] = (),
        cover: Path | None = None,
        aliases: Sequence[str] = (),
        say: Callable[[str], None] = lambda line: None,
    ) -> Shelved:
        """Publish a LoRA (NAME, or `lora`) as NAME@VERSION, for good, with its card.

        Raises NotFound, NotPermitted, and BadInput if that version was published before.
        """
        return releasing.publish(
            self.registry,
            name,
            version,
            said or Said(),
            lora=lora,
            pictures=pictures,
            cover=cover,
            aliases=aliases,
            say=say,
        )

    def card(self, title: str, out: Path | None = None) -> tuple[Shelved, tuple[Path, ...]]:
        """The release of a title; with `out`, its card and pictures are written into that folder,
        for people and for programs. Raises NotFound, NotPermitted.
        """
        shelved = releasing.require(self.registry, title)
        return shelved, () if out is None else releasing.write_card(self.registry, shelved, out)

    def releases(self, wanted: Wanted | None = None, *, n: int = 10) -> tuple[Hit, ...]:
        """The first releases of what is wanted, most downloaded first unless it says otherwise.

        What those shown do not permit to be shown today is on no list. Raises BadInput if there is
        nothing to search for.
        """
        return releasing.listed(self.registry, wanted or Wanted(), n)

    def alias(self, title: str, alias: str, *, move: bool = False) -> None:
        """Let NAME@ALIAS stand for a release; with `move`, also if it stood for another.

        Raises NotFound, and BadInput if the alias is taken.
        """
        name, version = taken_apart(title)
        self.registry.releases.set_alias(name, version or "latest", alias, move=move)
