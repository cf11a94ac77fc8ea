"""Tokens that open the catalogue to another program: only their hashes are on file.

A token is 256 random bits, so a plain hash of it can be neither reversed nor guessed.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from datetime import date, datetime

from sosie.core.errors import BadInput, NotFound
from sosie.core.files import sha256_bytes
from sosie.core.records import Record, now
from sosie.core.terms import Scope
from sosie.registry.database import Database, insert
from sosie.registry.names import checked_name

PREFIX = "sosie_"
"""So that a token is recognised as one where it should not be, in a log or a repository."""


class Token(Record):
    """What is known of a token; the token itself is not."""

    name: str
    """For whom or for what it is."""
    scopes: tuple[Scope, ...]
    made: datetime
    until: date | None = None
    """Last day on which it opens anything; None is without end."""
    revoked: datetime | None = None

    def stands(self, today: date) -> bool:
        """Whether it opens anything on the day `today`."""
        return self.revoked is None and (self.until is None or today <= self.until)


class Tokens:
    """The tokens of a workspace, revoked ones too."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def make(
        self, name: str, scopes: tuple[Scope, ...], until: date | None = None
    ) -> tuple[Token, str]:
        """File a new token; gives its record, and the token, which is never seen again.

        Raises BadInput if the name cannot be used or is taken.
        """
        token = Token(name=checked_name(name), scopes=scopes, made=now(), until=until)
        secret = PREFIX + secrets.token_urlsafe(32)
        columns = token.model_dump(mode="json") | {"scopes": json.dumps(scopes)}
        try:
            with self._db.writing() as db:
                insert(db, "tokens", columns | {"sha256": sha256_bytes(secret.encode())})
        except sqlite3.IntegrityError:
            raise BadInput(
                f'There was a token "{token.name}" before.', advice="Choose another name."
            ) from None
        return token, secret

    def all(self) -> tuple[Token, ...]:
        """Every token that was ever made, oldest first."""
        return tuple(_token(row) for row in self._db.rows(f"{_SELECT} ORDER BY rowid"))

    def find(self, secret: str) -> Token | None:
        """What is known of a token, whether or not it still opens anything."""
        sha256 = sha256_bytes(secret.encode(errors="replace"))
        row = self._db.row(f"{_SELECT} WHERE sha256 = ?", (sha256,))
        return _token(row) if row else None

    def revoke(self, name: str) -> Token:
        """Let a token open nothing any more. Raises NotFound."""
        with self._db.writing() as db:
            db.execute(
                "UPDATE tokens SET revoked = ? WHERE name = ? AND revoked IS NULL",
                (now().isoformat(), name),
            )
        known = {token.name: token for token in self.all()}
        if name not in known:
            raise NotFound.among("token", name, known)
        return known[name]


_SELECT = "SELECT name, scopes, made, until, revoked FROM tokens"


def _token(row: sqlite3.Row) -> Token:
    return Token.model_validate(dict(row) | {"scopes": json.loads(row["scopes"])})
