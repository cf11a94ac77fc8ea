"""Who may ask, and how often."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from fastapi import HTTPException, Request

from sosie.core.terms import Scope
from sosie.studio import Studio

REMEMBERED = 10_000
"""Askers whose rate is kept in mind; beyond, who asked least recently starts anew."""
GUESSES_PER_MINUTE = 10
"""Wrong tokens from one address before it must wait."""


class Rate:
    """A bucket for each asker that holds a minute's worth and fills evenly."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._full, self._clock = float(per_minute), clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, asker: str, *, take: bool = True) -> float:
        """Seconds until `asker` may ask again; 0 if now, and then it counts if `take`."""
        with self._lock:
            now = self._clock()
            left, since = self._buckets.pop(asker, (self._full, now))
            left = min(self._full, left + (now - since) * self._full / 60)
            allowed = left >= 1
            self._buckets[asker] = (left - 1 if allowed and take else left, now)
            if len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self._full


class Guard:
    """Lets a request pass, or refuses it with 401, 403 or 429."""

    def __init__(self, studio: Studio, *, open_to_all: bool, per_minute: int) -> None:
        self._studio, self._open = studio, open_to_all
        self._rate, self._guesses = Rate(per_minute), Rate(GUESSES_PER_MINUTE)

    def needs(self, scope: Scope) -> Callable[[Request], None]:
        """A dependency that asks for a token with `scope`; whoever has none may list and download
        if the catalogue is open to all.
        """

        def check(request: Request) -> None:
            address = request.client.host if request.client else "nobody"
            scheme, _, secret = request.headers.get("authorization", "").partition(" ")
            if not secret.strip():
                if self._open and scope in ("list", "download"):
                    return self._pace(self._rate, address)
                raise _refusal(401, "A token is needed: sosie token NAME makes one.")
            wait = self._guesses.wait(address, take=False)
            token = None
            if scheme.lower() == "bearer" and not wait:
                token = self._studio.token_of(secret.strip())
            if token is None:
                self._pace(self._guesses, address)
                raise _refusal(401, "This token is unknown, has ended or was revoked.")
            self._pace(self._rate, f"token {token.name}")
            if scope not in token.scopes:
                raise _refusal(403, f'The token "{token.name}" does not open: {scope}.')
            return None

        return check

    def _pace(self, rate: Rate, asker: str) -> None:
        if wait := rate.wait(asker):
            raise _refusal(429, "Too many requests.", {"Retry-After": str(int(wait) + 1)})


def _refusal(status: int, reason: str, headers: dict[str, str] | None = None) -> HTTPException:
    challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return HTTPException(status, reason, {**challenge, **(headers or {})})
