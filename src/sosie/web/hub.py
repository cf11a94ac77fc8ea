"""The catalogue as Hugging Face's hub has it: OWNER/NAME, at a revision, holds files.

So that with HF_ENDPOINT pointing here `pipeline.load_lora_weights("me/grandpa")` loads from here.
Versions and aliases are revisions, "main" is the newest, and the first 40 digits of a release's
hash are its commit. What is asked: https://huggingface.co/docs/hub/api.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from sosie.core.errors import NotFound
from sosie.core.files import sha256_bytes
from sosie.core.release import LATEST, Release
from sosie.registry import Shelved
from sosie.studio import Studio, card
from sosie.web.guard import Guard
from sosie.web.handing import hand

WEIGHTS = "pytorch_lora_weights.safetensors"
"""The name that diffusers looks for first; it passes over others that hold "checkpoint"."""
MAIN = "main"
_COMMIT = re.compile("[0-9a-f]{40}")


class RevisionNotFound(NotFound):
    """No such version, though there is such a name."""

    code = "RevisionNotFound"


class EntryNotFound(NotFound):
    """No such file."""

    code = "EntryNotFound"


def router(studio: Studio, guard: Guard, owner: str) -> APIRouter:
    """The routes, for one owner."""
    routes = APIRouter()
    see, take = Depends(guard.needs("list")), Depends(guard.needs("download"))

    def month(one: Shelved) -> int:
        return studio.downloads(one, "month")

    def found(namespace: str, name: str, revision: str = MAIN) -> Shelved:
        if namespace != owner:
            raise NotFound(f"This catalogue is {owner}'s: there is no {namespace}/{name}.")
        try:
            if not _COMMIT.fullmatch(revision):
                return studio.offered(f"{name}@{LATEST if revision == MAIN else revision}")
            shelved = studio.offered_as(revision)
            if shelved.release.name == name:
                return shelved
        except NotFound:
            pass
        # Is it the name that is unknown, or only the revision?
        studio.offered(name)
        raise RevisionNotFound(f"{namespace}/{name} has no revision {revision}.")

    @routes.get("/api/models", dependencies=[see])
    def models(
        search: str = "",
        author: str = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        if author not in ("", owner):
            return []
        newest = {one.release.name: one for one in studio.on_offer()}
        named = [one for one in newest.values() if search.casefold() in one.release.name.casefold()]
        return [info(owner, one, month(one), full=False) for one in named[:limit]]

    @routes.get("/api/models/{namespace}/{name}", dependencies=[see])
    def model(namespace: str, name: str) -> dict[str, Any]:
        one = found(namespace, name)
        return info(owner, one, month(one))

    @routes.get("/api/models/{namespace}/{name}/revision/{revision}", dependencies=[see])
    def model_at(namespace: str, name: str, revision: str) -> dict[str, Any]:
        one = found(namespace, name, revision)
        return info(owner, one, month(one))

    @routes.get("/api/models/{namespace}/{name}/refs", dependencies=[see])
    def refs(namespace: str, name: str) -> dict[str, Any]:
        newest = found(namespace, name).release
        versions = [one.release for one in studio.versions(name)]
        return {
            "branches": [_ref(MAIN, "heads", newest)],
            "tags": [_ref(one.version, "tags", one) for one in versions],
            "converts": [],
        }

    @routes.get("/api/models/{namespace}/{name}/tree/{revision}", dependencies=[see])
    def tree(namespace: str, name: str, revision: str) -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": path, "oid": row["blobId"], **row}
            for path, row in files(found(namespace, name, revision)).items()
        ]

    @routes.api_route(
        "/{namespace}/{name}/resolve/{revision}/{path:path}",
        methods=["GET", "HEAD"],
        dependencies=[take],
    )
    def resolve(request: Request, namespace: str, name: str, revision: str, path: str) -> Response:
        shelved = found(namespace, name, revision)
        headers = {"X-Repo-Commit": commit(shelved.release)}
        if text := _cards(shelved).get(path):
            headers["ETag"] = f'"{sha256_bytes(text)}"'
            return Response(text, headers=headers, media_type="text/plain; charset=utf-8")
        rows = files(shelved)
        if path not in rows:
            raise EntryNotFound(f"{namespace}/{name} holds no {path}.")
        sha256 = rows[path]["lfs"]["sha256"]
        headers["X-Linked-Etag"] = f'"{sha256}"'
        headers["X-Linked-Size"] = str(rows[path]["size"])
        handed = studio.hand_out(shelved.release.title, sha256)
        return hand(request, handed, headers)

    return routes


def zulu(at: datetime) -> str:
    """A time as the hub writes it; its clients read no other form."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def commit(release: Release) -> str:
    """What stands for a commit's hash, of 40 digits."""
    return release.sha256()[:40]


def files(shelved: Shelved) -> dict[str, dict[str, Any]]:
    """The files of a release as the hub lists them, by path."""
    rows: dict[str, dict[str, Any]] = {}
    for file in shelved.release.files:
        path = WEIGHTS if file.role == "lora" else file.name
        # The same hash under the names that the two lists of files have for it.
        hashes = {"sha256": file.file_sha256, "oid": file.file_sha256}
        pointer = {**hashes, "size": file.size, "pointerSize": 134}
        rows[path] = {"size": file.size, "blobId": file.file_sha256[:40], "lfs": pointer}
    for path, text in _cards(shelved).items():
        rows[path] = {"size": len(text), "blobId": sha256_bytes(text)[:40]}
    return rows


def info(owner: str, shelved: Shelved, downloads: int, *, full: bool = True) -> dict[str, Any]:
    """What the hub tells of a model; its downloads are those of the last 30 days."""
    release = shelved.release
    repo = f"{owner}/{release.name}"
    told: dict[str, Any] = {
        "id": repo,
        "modelId": repo,
        "author": owner,
        "sha": commit(release),
        "lastModified": zulu(release.published),
        "createdAt": zulu(release.published),
        "private": True,
        "gated": False,
        "disabled": False,
        "downloads": downloads,
        "likes": 0,
        "library_name": "diffusers",
        "pipeline_tag": "text-to-image",
        "tags": _tags(release),
    }
    if full:
        told["cardData"] = {"license": "other", "tags": _tags(release)}
        told["siblings"] = [{"rfilename": path, **row} for path, row in files(shelved).items()]
    return told


def _cards(shelved: Shelved) -> dict[str, bytes]:
    """The files of a repository that are drawn from the release."""
    return {card.PAGE: card.page(shelved).encode(), card.RECORD: card.record(shelved)}


def _tags(release: Release) -> list[str]:
    return ["text-to-image", "diffusers", "lora", "template:sd-lora", release.family, *release.tags]


def _ref(name: str, kind: str, release: Release) -> dict[str, str]:
    return {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": commit(release)}
