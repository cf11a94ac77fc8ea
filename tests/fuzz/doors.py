"""Every door through which a stranger's bytes come in, with files that pass it.

Whatever comes, a door lets it in or refuses it in words (`SosieError`). Anything else is a finding.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from starlette.testclient import TestClient

from sosie import generate, rights
from sosie.audit.copying.rights import read_statuses
from sosie.core.consent import Consent
from sosie.core.errors import SosieError
from sosie.core.records import Adapter, now
from sosie.core.release import Release
from sosie.core.terms import ACTS, SCOPES
from sosie.generate import Picture
from sosie.models import lora
from sosie.models.lora import container
from sosie.registry import Shelved
from sosie.registry.gather import gather
from sosie.rights import Status, prompts, xmp
from sosie.rights.status import StatusList
from sosie.studio import Studio, card, permission
from sosie.studio.marking import Marker
from sosie.studio.moving import parcel
from sosie.train import Manifest
from sosie.web.app import Settings, build
from tests.registry.shelf import shelve

SMALLEST = (8, 8, 3)


@dataclass(frozen=True)
class Door:
    """One way in."""

    open: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    """What it lets in, to begin from."""
    seal: Callable[[bytes], bytes] | None = None
    """Signs a changed file anew, or leaves it as it is if nobody could have signed it."""

    def feed(self, data: bytes) -> None:
        """Let `data` in, or have it refused. Raises whatever nobody thought of."""
        with contextlib.suppress(SosieError):
            self.open(data)


def doors(folder: Path) -> dict[str, Door]:
    """All doors of a workspace that is made in `folder`, by name."""
    studio = _workspace(folder / "home")
    scratch = folder / "given"
    scratch.mkdir()

    def as_file(name: str, open_: Callable[[Path], object]) -> Callable[[bytes], object]:
        def opened(data: bytes) -> object:
            path = scratch / name
            path.write_bytes(data)
            return open_(path)

        return opened

    def verified(path: Path) -> object:
        return studio.verify(path)

    def captions(path: Path) -> object:
        (scratch / "a.png").touch()
        return gather([scratch / "a.png"])

    weights = _lora()
    (shelved,) = studio.registry.releases.all()
    [consent] = studio.registry.consents("anna")
    document = rights.written(consent, studio.registry.signatures.of(consent.sha256()))
    studio.status(folder / "status.json")
    key = studio.registry.key()
    signed = rights.sign(key, "0" * 64, role="trainer", at=now())
    return {
        "releases": Door(
            as_file("list.csv", lambda path: studio.take_releases(path, dry_run=True)),
            RELEASES,
        ),
        "statuses": Door(
            lambda data: read_statuses(data.decode("utf-8", "replace"), {"a.png", "b.png"}),
            (b"file,status\na.png,own\nb.png,unknown\n",),
        ),
        "permission": Door(rights.read, (document,), lambda data: _permission(key, data)),
        "status": Door(
            rights.read_status,
            ((folder / "status.json").read_bytes(),),
            lambda data: _status(key, data),
        ),
        "signature": Door(rights.parsed, (signed.model_dump_json().encode(),)),
        "key": Door(as_file("key.pem", rights.read_key), ((folder / "home/key.pem").read_bytes(),)),
        "lora": Door(as_file("lora.safetensors", _weighed), (weights,)),
        "signed": Door(
            as_file("signed.safetensors", verified),
            (_signed(studio, scratch, weights),),
            lambda data: _signed(studio, scratch, data),
        ),
        "receipt": Door(as_file("receipt.json", verified), (_receipt(folder / "gone"),)),
        "picture": Door(as_file("picture.png", verified), (_picture(studio),)),
        "xmp": Door(
            xmp.read,
            tuple(
                xmp.packet(source_type=xmp.SYNTHETIC, data_mining=xmp.NO_TRAINING).encode(coding)
                for coding in ("utf-8", "utf-16")
            ),
        ),
        "card": Door(lambda data: _carded(shelved, data), (shelved.release.canonical(),)),
        "parcel": Door(parcel.opened, (parcel.encoded(studio.packed("anna@v1")),)),
        "manifest": Door(as_file("manifest.json", Manifest.read), (b'{"name": "anna-1"}',)),
        "caption": Door(as_file("a.txt", captions), ("photo of anna, café".encode(),)),
        "prompt": Door(
            lambda data: _asked(data.decode("utf-8", "replace")), (b"a <lora:anna@v1:0.8> in red",)
        ),
        "http": Door(_server(studio), REQUESTS),
    }


CELLS = ("anna", "Anna Weber", "self", "train generate", "2031-12-24", "1980-02-29", "[20, 40]")
RELEASES = tuple(
    f"name{d}who{d}relation{d}acts{d}until{d}born{d}ages\n"
    f'{d.join(CELLS[:-1])}{d}"{CELLS[-1]}"\n'.encode()
    for d in ",;\t"
)
REQUESTS = tuple(
    json.dumps({"method": method, "path": path, "headers": headers, "body": body}).encode()
    for method, path, headers, body in (
        ("GET", "/api/v1/models?limit=3&sort=Newest&tag=a&cursor=1", {}, ""),
        ("GET", "/api/v1/model-versions/by-hash/0000000000", {}, ""),
        ("POST", "/api/v1/model-versions/by-hash", {"Content-Type": "application/json"}, '["0"]'),
        ("GET", "/api/models/me/anna/tree/v1", {}, ""),
        ("HEAD", "/me/anna/resolve/v1/anna-v1.safetensors", {"Range": "bytes=0-7"}, ""),
        ("GET", "/sosie/v1/releases/anna@v1", {"If-None-Match": '"0"'}, ""),
        ("POST", "/sosie/v1/releases", {}, "{}"),
        ("PUT", f"/sosie/v1/incoming/{'0' * 64}/{'0' * 64}?offset=0", {}, "data"),
    )
)


def _workspace(home: Path) -> Studio:
    """A workspace with a release of one person on its shelf."""
    studio = Studio(home)
    studio.new("anna")
    consent = studio.consent("anna", relation="self", who="Anna Weber", acts=ACTS)
    data = _lora()
    adapter = Adapter(
        name="anna-1",
        subject="anna",
        family="flux",
        base="tiny",
        trigger="anna",
        file_sha256=studio.registry.blobs.put(data),
        tensors_sha256=_sealed(home, data).tensors_sha256,
        consent_sha256=consent.sha256(),
        created=now(),
    )
    studio.registry.add_adapter(adapter)
    shelve(studio.registry, adapter)
    return studio


def _lora() -> bytes:
    """A LoRA of one layer, as peft names it."""
    layer = "transformer.single_transformer_blocks.0.attn.to_q"
    pair = {f"{layer}.lora_A.weight": torch.ones(1, 4), f"{layer}.lora_B.weight": torch.ones(4, 1)}
    settings = json.dumps({"transformer.r": 1, "transformer.lora_alpha": 1})
    header = {"modelspec.title": "anna", "ss_network_dim": "1", "lora_adapter_metadata": settings}
    return container.frame(*container.pack(pair), header)


def _sealed(folder: Path, data: bytes) -> lora.Sealed:
    path = folder / "anna.safetensors"
    path.write_bytes(data)
    return lora.sealed(path)


def _signed(studio: Studio, folder: Path, data: bytes) -> bytes:
    """A LoRA that names a permission, signed by the workspace; else the same bytes."""
    [consent] = studio.registry.consents("anna")
    try:
        start = 8 + int.from_bytes(data[:8], "little")
        entries = json.loads(data[8:start])
        header = {"sosie.consent_sha256": consent.sha256(), **entries.pop("__metadata__")}
        header.pop(container.SIGNATURE, None)
        unsigned = _sealed(folder, container.frame(entries, data[start:], header)).unsigned_sha256
        header[container.SIGNATURE] = permission.seal(studio.registry)(unsigned)
        return container.frame(entries, data[start:], header)
    except (SosieError, ValueError, TypeError, KeyError, AttributeError):
        return data


def _permission(key: rights.Key, data: bytes) -> bytes:
    """A permission, signed by `key` for the trainer; else the same bytes."""
    try:
        consent = Consent.model_validate(json.loads(data)["consent"])
        signature = rights.sign(key, consent.sha256(), role="trainer", at=now())
        return rights.written(consent, (signature,))
    except (SosieError, ValueError, TypeError, KeyError):
        return data


def _status(key: rights.Key, data: bytes) -> bytes:
    """A status list, signed by `key`; else the same bytes."""
    try:
        made = StatusList.model_validate(json.loads(data)["list"])
        signature = rights.sign(key, made.sha256(), role="trainer", at=now())
        return Status(list=made, signature=signature).model_dump_json().encode()
    except (ValueError, TypeError, KeyError):
        return data


def _weighed(path: Path) -> None:
    """Each reader of a LoRA by itself: one's refusal must not hide another's fault."""
    for reader in (lora.sealed, lora.read):
        with contextlib.suppress(SosieError):
            reader(path)


def _picture(studio: Studio) -> bytes:
    """The smallest picture, marked in every way but a watermark."""
    made = generate.Made.model_validate(
        {
            **{"software": "Sosie", "prompt": "anna", "negative": "", "seed": 1},
            **{"width": 8, "height": 8, "steps": 1, "sampler": "Euler", "guidance": 1.0},
            **{"true_guidance": 1.0, "base": "tiny", "family": "flux", "base_sha256": "0" * 64},
        }
    )
    finish = Marker(studio.registry, say=lambda line: None).finish([made], "anna")
    return finish(generate.encoded(Picture(np.zeros(SMALLEST, dtype=np.uint8), made)))


def _receipt(home: Path) -> bytes:
    return _workspace(home).forget("anna")[0].read_bytes()


def _carded(shelved: Shelved, data: bytes) -> str | None:
    """The card of what a stranger says that a release is, if that can have been signed."""
    try:
        release = Release.model_validate_json(data)
        release.sha256()
    except ValueError:
        return None
    return card.page(shelved.model_copy(update={"release": release}))


def _asked(prompt: str) -> None:
    for reader in (prompts.asked, generate.parse):
        with contextlib.suppress(SosieError):
            reader(prompt)


def _server(studio: Studio) -> Callable[[bytes], object]:
    """The server's answer to a request, which must be one."""
    token = studio.make_token("all", SCOPES)[1]
    client = TestClient(build(studio, Settings(per_minute=10**9)), base_url="http://127.0.0.1")

    def ask(data: bytes) -> object:
        try:
            told = json.loads(data)
            method, path, body = str(told["method"]), str(told["path"]), str(told["body"])
            headers = {str(k): str(v) for k, v in dict(told["headers"]).items()}
            request = client.build_request(
                method,
                "/" + path.lstrip("/"),
                headers={**headers, "Authorization": f"Bearer {token}"},
                content=body.encode("utf-8", "surrogatepass"),
            )
        except Exception:
            # What is no request is never sent.
            return None
        answer = client.send(request)
        assert answer.status_code < 500, (method, path, headers, answer.text)
        return answer

    return ask
