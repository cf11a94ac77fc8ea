"""Files over HTTP, whole or one range of them (RFC 9110 §14), as long as they may be handed out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from sosie.studio.moving import Handed

PIECE = 1 << 20
"""Bytes that are read and sent at a time; between two pieces permission is asked for again."""

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_TYPES = {"lora": "application/octet-stream", "picture": "image/png"}


def hand(request: Request, handed: Handed, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to GET or HEAD for one file.

    Its tag is the SHA-256 of what it holds. Several ranges at once are answered with the whole.
    """
    file = handed.file
    tag = f'"{file.file_sha256}"'
    told = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        **(headers or {}),
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=told)
    first, last, status = 0, file.size - 1, 200
    asked = request.headers.get("range")
    if asked and request.headers.get("if-range", tag) == tag:
        found = _ONE_RANGE.fullmatch(asked.replace(" ", ""))
        if found and any(found.groups()):
            first, last = _bounds(*found.groups(), size=file.size)
            if first > last:
                whole = {**told, "Content-Range": f"bytes */{file.size}"}
                return Response(status_code=416, headers=whole)
            status = 206
            told["Content-Range"] = f"bytes {first}-{last}/{file.size}"
    told |= {"Content-Length": str(last - first + 1), "Content-Type": _TYPES[file.role]}
    if request.method == "HEAD":
        return Response(status_code=status, headers=told)
    return StreamingResponse(_pieces(handed, first, last), status, told)


def _bounds(first: str, last: str, *, size: int) -> tuple[int, int]:
    """First and last byte that are meant; the first is beyond the last if there are none."""
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _pieces(handed: Handed, first: int, last: int) -> Iterator[bytes]:
    with handed.path.open("rb") as file:
        file.seek(first)
        left = last - first + 1
        while left and (piece := file.read(min(PIECE, left))):
            # A withdrawal ends a download that is going on: the connection breaks off.
            handed.ask_again()
            left -= len(piece)
            yield piece
    # One that was resumed, or fetched in ranges, has its last byte once.
    if not left and last == handed.file.size - 1:
        handed.count()
