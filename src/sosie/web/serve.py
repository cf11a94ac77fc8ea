"""Runs the catalogue until it is told to end."""

from __future__ import annotations

from typing import Any

import uvicorn
from pydantic import ValidationError

from sosie.core.errors import BadInput
from sosie.core.records import first_complaint
from sosie.studio import Studio
from sosie.web.app import Settings, build


def serve(studio: Studio, settings: dict[str, Any], *, host: str, port: int, proxied: bool) -> None:
    """Serve until the process is interrupted; `settings` are those of `Settings`.

    `proxied`: a TLS proxy on this machine passes on who asks (X-Forwarded-For and -Proto).
    Raises BadInput for a setting that cannot be used.
    """
    try:
        chosen = Settings.model_validate(settings)
    except ValidationError as error:
        first = first_complaint(error)
        raise BadInput(f"{first.field} cannot be {first.given!r}: {first.what}.") from None
    uvicorn.run(
        build(studio, chosen),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=proxied,
        forwarded_allow_ips="127.0.0.1,::1" if proxied else None,
        h11_max_incomplete_event_size=65_536,
        timeout_keep_alive=30,
        limit_concurrency=256,
    )
