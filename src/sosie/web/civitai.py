"""The catalogue as Civitai's public interface has it, version 1, for reading.

A release is a version of a model, and a model is all releases of a name. The number of a version
is read off its hash, so that it is the same in every workspace; that of a model is its first
version's. Field names: https://developer.civitai.com/docs/api/public-rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Body, Depends, HTTPException, Query, Request, Response

from sosie.core.errors import NotFound
from sosie.core.terms import Commercial
from sosie.core.terms import Period as During
from sosie.registry import Shelved
from sosie.studio import Studio
from sosie.studio.moving import civitai as shape
from sosie.studio.moving import label_of_release
from sosie.web.guard import Guard
from sosie.web.handing import hand

DIGITS = 13
"""Hexadecimal digits of a hash that make a number: 52 bits, which every reader of JSON holds."""
Period = Literal["Day", "Week", "Month", "Year", "AllTime"]
Sort = Literal["Most Downloaded", "Newest", "Oldest"]
_PERIODS: dict[Period, During] = {
    "Day": "day",
    "Week": "week",
    "Month": "month",
    "Year": "year",
    "AllTime": "all",
}
_DAYS: dict[Period, int] = {"Day": 1, "Week": 7, "Month": 30, "Year": 365}
_USES: dict[Commercial, str] = {"picture": "Image", "rent": "Rent", "sell": "Sell"}
_HEX = re.compile("[0-9a-f]{8,64}")

Number = Annotated[int, Query(ge=0, lt=16**DIGITS)]


def number(shelved: Shelved) -> int:
    """The number of a version."""
    return int(shelved.release.sha256()[:DIGITS], 16)


def router(studio: Studio, guard: Guard, owner: str) -> APIRouter:
    """The routes; `owner` is the author where a release names none."""
    routes = APIRouter(prefix="/api")
    see, take = Depends(guard.needs("list")), Depends(guard.needs("download"))

    def numbered(id: int) -> Shelved:
        if not 0 <= id < 16**DIGITS:
            raise NotFound(f"There is no version {id}.")
        return studio.offered_as(f"{id:0{DIGITS}x}")

    def version(request: Request, one: Shelved) -> dict[str, Any]:
        base = str(request.base_url).rstrip("/")
        told = shape.version(label_of_release(one.release))
        id = number(one)
        first = studio.versions(one.release.name)[0]
        pictures = [file for file in one.release.files if file.role == "picture"]
        title = quote(f"{one.release.name}/resolve/{one.release.version}")
        address = f"{base}/{owner}/{title}"
        said = {
            example.file_sha256: {"prompt": example.prompt, "seed": example.seed}
            for example in one.release.examples
        }
        told["files"][0] |= {"id": id, "downloadUrl": f"{base}/api/download/models/{id}"}
        told["files"][0]["hashes"]["CRC32"] = one.release.lora.crc32.upper()
        return told | {
            "id": id,
            "modelId": number(first),
            "publishedAt": one.release.published.isoformat(),
            "availability": "Private",
            "usageControl": "Download",
            "stats": {"downloadCount": studio.downloads(one), "thumbsUpCount": 0},
            "downloadUrl": f"{base}/api/download/models/{id}",
            "images": [
                {
                    "url": f"{address}/{quote(file.name)}",
                    "type": "image",
                    "nsfwLevel": 1,
                    "meta": said.get(file.file_sha256),
                }
                for file in pictures
            ],
        }

    def model(request: Request, versions: Sequence[Shelved]) -> dict[str, Any]:
        newest = versions[-1].release
        terms = newest.terms
        label = label_of_release(newest)
        return {
            "id": number(versions[0]),
            "name": newest.name,
            "description": label.about,
            "type": "LORA",
            "poi": label.real,
            "minor": False,
            "nsfw": False,
            "nsfwLevel": 1,
            "allowNoCredit": not terms.credit,
            "allowCommercialUse": [_USES[use] for use in terms.commercial] or ["None"],
            "allowDerivatives": terms.derivatives,
            "allowDifferentLicense": False,
            "stats": {
                "downloadCount": sum(map(studio.downloads, versions)),
                "thumbsUpCount": 0,
                "commentCount": 0,
            },
            "creator": {"username": newest.author or owner},
            "tags": list(newest.tags),
            "modelVersions": [version(request, one) for one in reversed(versions)],
        }

    @routes.get("/v1/models", dependencies=[see])
    def models(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=100)] = 100,
        cursor: Annotated[int, Query(ge=0)] = 0,
        query: str = "",
        tag: str = "",
        username: str = "",
        types: Annotated[list[str], Query()] = [],  # noqa: B006
        baseModels: Annotated[list[str], Query()] = [],  # noqa: B006, N803
        ids: Annotated[list[int], Query()] = [],  # noqa: B006
        sort: Sort = "Newest",
        period: Period = "AllTime",
    ) -> dict[str, Any]:
        found = _models(studio.on_offer())
        if types and "LORA" not in types:
            found = []
        # In a ranking the period is when downloads were counted.
        dated = sort != "Most Downloaded" and period in _DAYS
        since = datetime.now(UTC) - timedelta(days=_DAYS[period]) if dated else None
        asked: list[tuple[bool, Callable[[Shelved], bool]]] = [
            (bool(query), lambda one: query.casefold() in one.release.name.casefold()),
            (bool(tag), lambda one: tag.casefold() in one.release.tags),
            (bool(username), lambda one: username == (one.release.author or owner)),
            (bool(baseModels), lambda one: base_model(one) in baseModels),
            (since is not None, lambda one: since is not None and one.release.published >= since),
        ]
        for given, holds in asked:
            if given:
                found = [versions for versions in found if any(map(holds, versions))]
        if ids:
            found = [versions for versions in found if number(versions[0]) in ids]
        found.sort(key=lambda versions: versions[-1].release.published, reverse=sort != "Oldest")
        if sort == "Most Downloaded":
            counted = _PERIODS[period]
            found.sort(key=lambda versions: -sum(studio.downloads(v, counted) for v in versions))
        items = [model(request, versions) for versions in found[cursor : cursor + limit]]
        metadata: dict[str, Any] = {"totalItems": len(found), "pageSize": limit}
        if cursor + limit < len(found):
            following = request.url.include_query_params(cursor=cursor + limit)
            metadata |= {"nextCursor": str(cursor + limit), "nextPage": str(following)}
        return {"items": items, "metadata": metadata}

    @routes.get("/v1/models/{id}", dependencies=[see])
    def one_model(request: Request, id: int) -> dict[str, Any]:
        return model(request, studio.versions(numbered(id).release.name))

    @routes.get("/v1/model-versions/{id}", dependencies=[see])
    def one_version(request: Request, id: int) -> dict[str, Any]:
        return version(request, numbered(id))

    @routes.get("/v1/model-versions/by-hash/{hash}", dependencies=[see])
    def by_hash(request: Request, hash: str) -> dict[str, Any]:
        found = studio.with_hash(_start(hash))
        if not found:
            raise NotFound(f"There is no release with the hash {hash[:64]}.")
        return version(request, found[-1])

    @routes.post("/v1/model-versions/by-hash", dependencies=[see])
    def by_hashes(
        request: Request, hashes: Annotated[list[str], Body(max_length=100)]
    ) -> list[dict[str, Any]]:
        found = (one for start in hashes for one in studio.with_hash(_start(start))[-1:])
        return [version(request, one) for one in found]

    @routes.get("/v1/tags", dependencies=[see])
    def tags(limit: Annotated[int, Query(ge=0, le=200)] = 20, query: str = "") -> dict[str, Any]:
        counted = Counter(
            tag for versions in _models(studio.on_offer()) for tag in versions[-1].release.tags
        )
        named = [(tag, count) for tag, count in counted.most_common() if query.casefold() in tag]
        shown = named[: limit or None]
        items = [{"name": tag, "modelCount": count} for tag, count in shown]
        return {"items": items, "metadata": {"totalItems": len(named), "pageSize": limit}}

    @routes.get("/v1/enums", dependencies=[see])
    def enums() -> dict[str, Any]:
        return {"ModelType": ["LORA"], "BaseModel": sorted(shape.BASE_MODELS.values())}

    @routes.api_route("/download/models/{id}", methods=["GET", "HEAD"], dependencies=[take])
    def download(request: Request, id: int) -> Response:
        release = numbered(id).release
        name = release.lora.name.encode("ascii", "replace").decode().replace("?", "_")
        handed = studio.hand_out(release.title, release.lora.file_sha256)
        return hand(request, handed, {"Content-Disposition": f'attachment; filename="{name}"'})

    return routes


def base_model(shelved: Shelved) -> str:
    """What Civitai calls the base of a release."""
    return shape.base_model(shelved.release.family, shelved.release.base)


def _models(releases: Iterable[Shelved]) -> list[list[Shelved]]:
    """Releases by name, oldest first."""
    found: dict[str, list[Shelved]] = {}
    for one in releases:
        found.setdefault(one.release.name, []).append(one)
    return list(found.values())


def _start(hash: str) -> str:
    start = hash.lower().removeprefix("0x")
    if not _HEX.fullmatch(start):
        raise HTTPException(400, "A hash has 8 to 64 hexadecimal digits.")
    return start
