"""The catalogue as Civitai's public interface has it, version 1, for reading.

A release is a version of a model, and a model is all releases of a name. The number of a version
is read off its hash, so that it is the same in every workspace; that of a model is its first
version's. Field names: https://developer.civitai.com/docs/api/public-rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Body, Depends, HTTPException, Query, Request, Response

from sosie.core import terms
from sosie.core.errors import NotFound
from sosie.registry import Shelved
from sosie.registry.labels import Wanted
from sosie.studio import Studio
from sosie.studio.moving import civitai as shape
from sosie.studio.moving import label_of_release
from sosie.web.guard import Guard
from sosie.web.handing import hand

DIGITS = 13
"""Hexadecimal digits of a hash that make a number: 52 bits, which every reader of JSON holds."""
Period = Literal["Day", "Week", "Month", "Year", "AllTime"]
Order = Literal["Most Downloaded", "Newest", "Oldest"]
Use = Literal["Image", "Rent", "Sell"]
TAGGED = 1000
"""Releases of which the tags are counted: the newest."""
_PERIODS: dict[Period, terms.Period] = {
    "Day": "day",
    "Week": "week",
    "Month": "month",
    "Year": "year",
    "AllTime": "all",
}
_SORTS: dict[Order, terms.Sort] = {
    "Most Downloaded": "downloads",
    "Newest": "newest",
    "Oldest": "oldest",
}
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
        label = label_of_release(newest)
        return {
            "id": number(versions[0]),
            "name": newest.name,
            "description": label.about,
            "type": "LORA",
            "poi": label.real,
            "minor": any(one.relation == "guardian" for one in newest.permissions),
            "nsfw": False,
            "nsfwLevel": 1,
            **shape.terms(newest.terms),
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
        allowCommercialUse: Annotated[list[Use], Query()] = [],  # noqa: B006, N803
        allowDerivatives: bool = False,  # noqa: N803
        allowNoCredit: bool = False,  # noqa: N803
        sort: Order = "Newest",
        period: Period = "AllTime",
    ) -> dict[str, Any]:
        wanted = Wanted(
            words=query,
            tags=(tag,) if tag else (),
            author=username if username not in ("", owner) else None,
            allows=tuple(use for use, name in shape.USES.items() if name in allowCommercialUse),
            derivatives=allowDerivatives,
            no_credit=allowNoCredit,
            period=_PERIODS[period],
            sort=_SORTS[sort],
        )
        found = (
            one
            for one in studio.on_offer(wanted)
            if username in ("", one.release.author or owner)
            and (not baseModels or base_model(one) in baseModels)
        )
        names = _names(found if "LORA" in (types or ["LORA"]) else ())
        if ids:
            names = _names(map(numbered, ids))
        page = list(islice(names, cursor, cursor + limit + 1))
        items = [model(request, studio.versions(name)) for name in page[:limit]]
        metadata: dict[str, Any] = {"pageSize": limit}
        if len(page) > limit:
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
        newest = islice(studio.on_offer(Wanted(sort="newest")), TAGGED)
        named_by = {(tag, one.release.name) for one in newest for tag in one.release.tags}
        counted = Counter(tag for tag, _ in named_by)
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


def _names(releases: Iterable[Shelved]) -> Iterator[str]:
    """The names that releases bear, each once, in their order."""
    seen: set[str] = set()
    for one in releases:
        if one.release.name not in seen:
            seen.add(one.release.name)
            yield one.release.name


def _start(hash: str) -> str:
    start = hash.lower().removeprefix("0x")
    if not _HEX.fullmatch(start):
        raise HTTPException(400, "A hash has 8 to 64 hexadecimal digits.")
    return start
