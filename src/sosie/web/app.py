"""The catalogue as one application: read-only, private, its refusals in plain words."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from sosie.core.errors import BadInput, NotFound, NotPermitted, SosieError
from sosie.core.records import Record
from sosie.studio import Studio
from sosie.web import civitai, homes, hub
from sosie.web.guard import Guard

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_STATUS: tuple[tuple[type[SosieError], int, str], ...] = (
    (NotFound, 404, "RepoNotFound"),
    (NotPermitted, 403, "GatedRepo"),
    (BadInput, 400, "BadRequest"),
    (SosieError, 503, "Unavailable"),
)
"""Status, and the code by which huggingface_hub knows what it means."""

_DISCREET = {
    403: "The permission behind this release was withdrawn, has ended, or does not cover it.",
    503: "The catalogue cannot be read just now.",
}


class Settings(Record):
    """How the catalogue is offered."""

    owner: str = Field(default="me", pattern=r"^[A-Za-z0-9][\w.-]{0,63}$")
    """The first half of what diffusers calls a LoRA: OWNER/NAME."""
    open_to_all: bool = False
    """Whether listing and downloading need no token."""
    per_minute: int = Field(default=600, ge=1)
    """Requests that one token, or one address without a token, has a minute."""
    names: tuple[str, ...] = ()
    """Names under which it is reached, beside the loopback's: what a TLS proxy answers to."""


def build(studio: Studio, settings: Settings) -> FastAPI:
    """The application. Nothing of a page comes from elsewhere, so there is no page of its own."""
    app = FastAPI(title="Sosie", docs_url=None, redoc_url=None, openapi_url=None)
    guard = Guard(studio, open_to_all=settings.open_to_all, per_minute=settings.per_minute)
    app.include_router(homes.router(studio, guard))
    app.include_router(civitai.router(studio, guard, settings.owner))
    app.include_router(hub.router(studio, guard, settings.owner))
    # Another name would be a page in the user's browser that had its own name point here.
    app.add_middleware(
        TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, *settings.names], www_redirect=False
    )
    app.add_exception_handler(SosieError, _refused)
    app.add_exception_handler(HTTPException, _answered)
    app.add_exception_handler(RequestValidationError, _misunderstood)
    return app


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SosieError)
    status, code = next((s, c) for kind, s, c in _STATUS if isinstance(error, kind))
    # Who signed what, and where the workspace lies, is nobody's business.
    said = _DISCREET.get(status, error.message)
    return _told(said, status, {"X-Error-Code": getattr(error, "code", code)})


def _answered(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _told(str(error.detail), error.status_code, dict(error.headers or {}))


def _misunderstood(request: Request, error: Exception) -> JSONResponse:
    """What cannot be used of a request; it is not repeated, since it may be no text at all."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return _told(f"{field}: {first['msg']}.", 422, {})


def _told(reason: str, status: int, headers: dict[str, str]) -> JSONResponse:
    shown = " ".join(reason.split()).encode("ascii", "replace").decode()
    return JSONResponse({"error": reason}, status, {"X-Error-Message": shown, **headers})
