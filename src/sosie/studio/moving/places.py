"""Where parcels lie: in a folder that travels, or with another workspace that serves them."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import quote, urlsplit

from sosie.core.errors import BadInput, NotFound, NotPermitted, SosieError, WorkspaceError
from sosie.core.files import as_workspace_error, sha256_file, write_atomically
from sosie.core.release import ReleasedFile
from sosie.core.terms import Act
from sosie.registry import Registry
from sosie.registry.releases import taken_apart
from sosie.studio.moving.parcel import LARGEST, Sent, encoded
from sosie.studio.moving.partial import Pieces, completed

if TYPE_CHECKING:
    import httpx2

PIECE = 1 << 20
"""Bytes that are moved at a time."""
PATIENCE = 30.0
"""Seconds to wait for the other side."""

_SUFFIX = ".sosie"
_TITLE = re.compile(r"\w[\w-]*(@\w[\w.-]*)?")


class Place(Protocol):
    """What parcels are pulled from, and pushed to."""

    act: ClassVar[Act]
    """What handing a LoRA over there is."""

    def parcel(self, title: str) -> bytes:
        """The record of the parcel NAME@VERSION, at most `LARGEST` bytes and one."""
        ...

    def pieces(self, title: str, file: ReleasedFile) -> Pieces:
        """How one of its files is read."""
        ...

    def put(self, registry: Registry, sent: Sent) -> str:
        """Bring a parcel there, going on where an earlier attempt ended; gives where it lies."""
        ...


def place(target: str, token: str | None) -> Place:
    """The place that an address or a folder means.

    Raises BadInput for an address over which a token would be seen by others.
    """
    if "://" not in target:
        return Folder(Path(target).expanduser())
    try:
        address = urlsplit(target)
        host, _ = address.hostname or "", address.port
    except ValueError as error:
        raise BadInput(f"{target} is no address: {error}.") from None
    if address.scheme not in ("http", "https") or not host or address.username:
        raise BadInput(f"{target} is no address of a catalogue.", advice="Say https://HOST:PORT.")
    if address.scheme == "http" and host not in ("127.0.0.1", "localhost", "::1"):
        raise BadInput(
            f"Over {target} anyone on the way could read the token and the permissions.",
            advice="Use an https address; the guide to serving says how to get one.",
        )
    return Address(target.rstrip("/"), token)


class Folder:
    """A shared drive or a USB stick: FOLDER/NAME@VERSION.sosie/ holds the record and the files."""

    act: ClassVar[Act] = "export"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def parcel(self, title: str) -> bytes:
        path = self._home(title) / "parcel.json"
        return b"".join(_read(path, 0, LARGEST + 1))

    def pieces(self, title: str, file: ReleasedFile) -> Pieces:
        return _reader(self._home(title) / file.file_sha256, file)

    def put(self, registry: Registry, sent: Sent) -> str:
        release = sent.parcel.release
        home = self.folder / f"{release.title}{_SUFFIX}"
        with as_workspace_error(home):
            home.mkdir(parents=True, exist_ok=True)
        for file in release.files:
            target = home / file.file_sha256
            if not (target.is_file() and sha256_file(target) == file.file_sha256):
                partial = target.with_suffix(".part")
                completed(partial, file, _reader(registry.blobs.path(file.file_sha256), file))
                partial.replace(target)
        # Last: what has a record is whole.
        write_atomically(home / "parcel.json", encoded(sent), shared=True)
        return str(home)

    def _home(self, title: str) -> Path:
        if not _TITLE.fullmatch(title):
            raise BadInput(f'"{title}" is no NAME@VERSION.')
        name, version = taken_apart(title)
        known = sorted(path.name.removesuffix(_SUFFIX) for path in self._parcels())
        meant = [one for one in known if one == f"{name}@{version}" or not version]
        meant = [one for one in meant if taken_apart(one)[0] == name]
        if len(meant) != 1:
            if meant:
                raise BadInput(
                    f"Several versions of {name} lie in {self.folder}.",
                    advice=f"Name one: {', '.join(meant)}.",
                )
            raise NotFound.among(f"parcel in {self.folder}", title, known)
        return self.folder / f"{meant[0]}{_SUFFIX}"

    def _parcels(self) -> Iterator[Path]:
        if not self.folder.is_dir():
            raise NotFound(f"There is no folder {self.folder}.")
        yield from self.folder.glob(f"*{_SUFFIX}")


def _read(path: Path, offset: int, most: int) -> Iterator[bytes]:
    """The bytes of a regular file from `offset` on: a link or a device is not followed."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}.") from error
    except OSError as error:
        why = "it is a link" if path.is_symlink() else error.strerror
        raise BadInput(f"{path.name} of {path.parent} cannot be read: {why}.") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise BadInput(f"{path} is no regular file.")
        file.seek(offset)
        while most > 0 and (piece := file.read(min(PIECE, most))):
            most -= len(piece)
            yield piece


def _reader(path: Path, file: ReleasedFile) -> Pieces:
    # One byte more than announced is enough to tell that there are more.
    return lambda have: _read(path, have, file.size + 1 - have)


class Address:
    """Another workspace that serves its catalogue, or takes releases in."""

    act: ClassVar[Act] = "serve"

    def __init__(self, url: str, token: str | None) -> None:
        import httpx2

        headers = {"Accept-Encoding": "identity"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._url = url
        # An answer that sends elsewhere is refused: the token is for this address.
        self._client = httpx2.Client(headers=headers, timeout=PATIENCE, follow_redirects=False)

    def parcel(self, title: str) -> bytes:
        return b"".join(self._get(f"/sosie/v1/releases/{quote(title)}", 0, LARGEST + 1))

    def pieces(self, title: str, file: ReleasedFile) -> Pieces:
        path = f"/sosie/v1/releases/{quote(title)}/files/{file.file_sha256}"
        return lambda have: self._get(path, have, file.size + 1 - have)

    def put(self, registry: Registry, sent: Sent) -> str:
        release, content = sent.parcel.release, encoded(sent)
        files = {file.file_sha256: file for file in release.files}
        for _ in range(len(files) + 1):
            told = self._ask("POST", "/sosie/v1/releases", content)
            wanted = told.get("missing")
            if not wanted:
                return f"{self._url}/sosie/v1/releases/{quote(release.title)}"
            for sha256, have in _wanted(self._url, wanted, files):
                pieces = _read(registry.blobs.path(sha256), have, files[sha256].size)
                path = f"/sosie/v1/incoming/{release.sha256()}/{sha256}?offset={have}"
                self._ask("PUT", path, pieces)
        raise BadInput(f"{self._url} asks for the same files again and again.")

    def _ask(self, method: str, path: str, content: Any) -> dict[str, Any]:
        with self._asked(method, path, content=content) as answer:
            body = b""
            for piece in answer.iter_raw():
                body += piece
                if len(body) > LARGEST:
                    raise BadInput(f"{self._url} says more than can be read.")
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise BadInput(f"{self._url} is no workspace of Sosie.")
        return told

    def _get(self, path: str, offset: int, most: int) -> Iterator[bytes]:
        """The body of an answer, from `offset` on and never more than `most` bytes of it."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with self._asked("GET", path, headers=headers) as answer:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise BadInput(f"{self._url} packs what it was asked to send plain.")
            # A server that knows no ranges starts anew.
            skip = offset if answer.status_code == 200 else 0
            for piece in answer.iter_raw(PIECE):
                kept, skip = piece[skip : skip + most], max(0, skip - len(piece))
                most -= len(kept)
                if kept:
                    yield kept
                if most <= 0:
                    return

    @contextmanager
    def _asked(self, method: str, path: str, **more: Any) -> Iterator[httpx2.Response]:
        """The answer to a request, its body not read yet. Raises what a refusal means."""
        import httpx2

        try:
            with self._client.stream(method, self._url + path, **more) as answer:
                if answer.status_code not in (200, 201, 202, 206):
                    raise self._refusal(answer)
                yield answer
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise WorkspaceError(
                f"{self._url} does not answer as it should: {reason}.",
                advice="What has come is kept: run the command again when it does.",
            ) from error

    def _refusal(self, answer: httpx2.Response) -> SosieError:
        """What the other side says, in its own words, but of one line and not too many."""
        body = b""
        for piece in answer.iter_raw():
            body += piece
            if len(body) > 65_536:
                break
        try:
            reason = " ".join(str(json.loads(body)["error"]).split())[:500]
        except (ValueError, KeyError, TypeError, RecursionError):
            reason = f"status {answer.status_code}"
        kind = _MEANS.get(answer.status_code, BadInput)
        return kind(f"{self._url} refuses: {reason}")


def _wanted(url: str, told: Any, files: Mapping[str, ReleasedFile]) -> Iterator[tuple[str, int]]:
    """The files that the other side asks for, and how much of each it has."""
    try:
        for row in told:
            sha256, have = str(row["sha256"]), int(row["have"])
            if not 0 <= have <= files[sha256].size:
                raise ValueError
            yield sha256, have
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{url} asks for files that the release does not have.") from None


_MEANS: dict[int, type[SosieError]] = {401: NotPermitted, 403: NotPermitted, 404: NotFound}
