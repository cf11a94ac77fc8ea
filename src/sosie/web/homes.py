"""What another workspace of Sosie asks: whole releases with the permissions behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from sosie.studio import Studio
from sosie.studio.moving.parcel import LARGEST, encoded
from sosie.web.guard import Guard
from sosie.web.handing import hand

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


def router(studio: Studio, guard: Guard) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/sosie/v1")
    pull, push = Depends(guard.needs("pull")), Depends(guard.needs("push"))

    @routes.get("/releases/{title}", dependencies=[pull])
    def parcel(title: str) -> Response:
        return Response(encoded(studio.packed(title)), media_type="application/json")

    @routes.api_route(
        "/releases/{title}/files/{sha256}", methods=["GET", "HEAD"], dependencies=[pull]
    )
    def file(request: Request, title: str, sha256: Sha256) -> Response:
        return hand(request, studio.hand_out(title, sha256))

    @routes.post("/releases", dependencies=[push], status_code=202)
    async def hand_in(request: Request, response: Response) -> dict[str, Any]:
        data = b""
        async for piece in request.stream():
            data += piece
            if len(data) > LARGEST:
                raise HTTPException(413, "The parcel is too large.")

        def weigh() -> dict[str, Any]:
            sent, missing = studio.admit(data)
            rows = [{"sha256": file.file_sha256, "have": have} for file, have in missing]
            if rows:
                return {"missing": rows}
            studio.file_away(sent, lambda line: None)
            response.status_code = 201
            return {"missing": []}

        return await run_in_threadpool(weigh)

    @routes.put("/incoming/{release}/{sha256}", dependencies=[push])
    async def more(
        request: Request, release: Sha256, sha256: Sha256, offset: Annotated[int, Query(ge=0)]
    ) -> dict[str, Any]:
        pieces = _in_thread(request.stream())
        await run_in_threadpool(studio.take_in, release, sha256, offset, pieces)
        return {}

    return routes


def _in_thread(stream: AsyncIterator[bytes]) -> Iterator[bytes]:
    """The pieces of a request's body, for a worker thread that may wait for each."""
    from anyio import from_thread

    async def following() -> bytes | None:
        return await anext(stream, None)

    while (piece := from_thread.run(following)) is not None:
        yield piece
