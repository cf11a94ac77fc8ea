"""Verbs of moving: releases to and from other workspaces, and to whoever may ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from sosie.core.errors import BadInput
from sosie.core.release import ReleasedFile
from sosie.core.terms import SCOPES, Period, Scope
from sosie.registry import Shelved
from sosie.registry.labels import Wanted
from sosie.registry.tokens import Token
from sosie.studio import permission
from sosie.studio.moving import handing, parcel, places, receiving
from sosie.studio.moving.handing import Handed
from sosie.studio.moving.parcel import Sent
from sosie.studio.rooms.room import Room

SHORTEST = 16
"""Digits of a fingerprint that no other key will share by chance."""


class Moving(Room):
    """Releases on the move. All that gives weights away asks for permission at that moment."""

    def pull(
        self,
        source: str,
        title: str,
        *,
        token: str | None = None,
        key: str | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> Shelved:
        """Fetch NAME@VERSION from another workspace's address, or from a folder, and file it.

        `key` is the fingerprint of the key that must have signed it. Raises NotPermitted if
        permission lacks there or here, BadInput if anything is not as it was signed; what had come
        by then is gone on from by the next call.
        """
        place = places.place(source, token)
        sent = parcel.opened(place.parcel(title))
        signer = sent.parcel.signature.key
        if key is not None and len(key) < SHORTEST:
            raise BadInput(
                f'"{key}" is too short for a fingerprint: others begin so too.',
                advice=f"Give its first {SHORTEST} digits or more.",
            )
        if key is not None and not signer.startswith(key.lower()):
            raise BadInput(
                f"{title} is signed by another key, {signer[:16]}….",
                advice="Ask its publisher for the fingerprint of their key.",
            )
        own = sent.parcel.signature.public_key == self.registry.key().public
        say(f"Signed by the key {signer[:16]}…{', which is this workspace’s own' if own else ''}.")
        for file in receiving.admit(self.registry, sent, place.act):
            say(f"Fetching {file.name}, {max(file.size / 1e6, 0.1):.1f} MB.")
            receiving.fetch(self.registry, file, place.pieces(title, file))
        return receiving.file_away(self.registry, sent, say)

    def push(self, title: str, target: str, *, token: str | None = None) -> str:
        """Bring NAME@VERSION to another workspace's address, or to a folder; gives where it lies.

        Raises NotFound, and NotPermitted if permission lacks here or there.
        """
        place = places.place(target, token)
        shelved = handing.require(self.registry, title, place.act)
        return place.put(self.registry, parcel.pack(self.registry, shelved))

    # What `sosie serve` answers with

    def offered(self, title: str) -> Shelved:
        """The release NAME@VERSION, if it may be handed out. Raises NotFound, NotPermitted."""
        return handing.require(self.registry, title)

    def versions(self, name: str) -> tuple[Shelved, ...]:
        """The versions of a name that may be handed out, oldest first."""
        found = self.registry.releases.versions(name)
        return tuple(one for one in found if handing.may(self.registry, one))

    def downloads(self, shelved: Shelved, period: Period = "all") -> int:
        """How often a release was fetched in a period that ends today."""
        return self.registry.usage.number(shelved.release.sha256(), "downloads", period)

    def on_offer(self, wanted: Wanted) -> Iterator[Shelved]:
        """The releases that are wanted and may be handed out, read as far as they are asked for.

        Raises BadInput if there is nothing to search for.
        """
        found = (hit.shelved for hit in self.registry.finding.hits(wanted))
        return (one for one in found if handing.may(self.registry, one))

    def offered_as(self, start: str) -> Shelved:
        """The release whose hash begins with `start`. Raises NotFound, NotPermitted."""
        shelved = self.registry.releases.beginning(start)
        handing.ask(self.registry, shelved)
        return shelved

    def with_hash(self, start: str) -> tuple[Shelved, ...]:
        """The releases that may be handed out whose LoRA has a hash that begins so."""
        found = self.registry.releases.with_hash(start)
        return tuple(one for one in found if handing.may(self.registry, one))

    def hand_out(self, title: str, sha256: str) -> Handed:
        """A file of a release, if it may be handed out. Raises NotFound, NotPermitted."""
        return handing.handed(self.registry, title, sha256)

    def packed(self, title: str) -> Sent:
        """A release with the permissions behind it, for another workspace. Raises NotPermitted."""
        return parcel.pack(self.registry, handing.require(self.registry, title))

    def admit(self, data: bytes) -> tuple[Sent, tuple[tuple[ReleasedFile, int], ...]]:
        """A parcel that another workspace hands in, and its missing files with how much of each
        has come. Raises BadInput, NotPermitted.
        """
        sent = parcel.opened(data)
        missing = receiving.admit(self.registry, sent, "serve")
        return sent, receiving.progress(self.registry, sent, missing)

    def take_in(self, release: str, sha256: str, offset: int, pieces: Iterator[bytes]) -> None:
        """More of a missing file of a parcel that was admitted, from `offset` on.

        Raises NotFound if it is not awaited, BadInput if it is not what was announced.
        """
        receiving.take_in(self.registry, release, sha256, offset, pieces)

    def file_away(self, sent: Sent, say: Callable[[str], None]) -> Shelved:
        """File a parcel all of whose files have come."""
        return receiving.file_away(self.registry, sent, say)

    # Tokens

    def make_token(
        self, name: str, scopes: tuple[Scope, ...] = SCOPES[:2], until: date | None = None
    ) -> tuple[Token, str]:
        """A token for another program, and its record; the token is not kept."""
        return self.registry.tokens.make(name, scopes, until)

    def tokens(self) -> tuple[Token, ...]:
        """Every token that was ever made."""
        return self.registry.tokens.all()

    def revoke_token(self, name: str) -> Token:
        """Let a token open nothing any more. Raises NotFound."""
        return self.registry.tokens.revoke(name)

    def token_of(self, secret: str) -> Token | None:
        """The record of a token that opens something today."""
        token = self.registry.tokens.find(secret)
        today = permission.weighed(self.registry, ()).day
        return token if token and token.stands(today) else None
