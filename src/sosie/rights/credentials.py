"""Content credentials (C2PA 2.2): signed words about a picture, inside its file.

Written are the source type, what the picture was made from, the hashes of the permissions, the
watermark as a soft binding, and whether it may be trained on (CAWG Training and Data Mining 1.1;
of the two labels in use the new one is written, both are read). A thumbnail is not made, and
nothing is fetched from anywhere, whatever a stranger's file asks for.

The library signs with salt: credentials of equal pictures differ, and `without` takes them off.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Literal

from pydantic import Field

from sosie.core.errors import NotMarked
from sosie.core.records import Record
from sosie.rights.certificates import Chain, authorities, public_key
from sosie.rights.keys import fingerprint

PERMISSION = "org.sosie.permission"
"""Label of the assertion that names permissions by their hashes."""
WATERMARK = "org.sosie.rivagan.1"
"""What the soft binding calls the watermark of models/watermark.py."""
TRAINING = ("cawg.training-mining", "c2pa.training-mining")
"""The assertion that says what may be learned, by its new and its old label."""
DISCLOSURE = "Made by a trained algorithm. It shows nothing that took place."

State = Literal["valid", "changed", "forged", "doubtful", "elsewhere"]
"""As signed; altered after it was signed; the words themselves altered; not to be relied on for
another reason, which is told; not in the file, but at an address, from which nothing is fetched."""

_OFFLINE: dict[str, Any] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}
_USES = ("ai_training", "ai_generative_training")
_TYPES = {"model": "c2pa.types.model", "prompt": "c2pa.types.generator.prompt"}
_ELSEWHERE = "Remote: must fetch remote manifests from url "
"""How the library begins to say that it would have to fetch them."""
_UNREADABLE = "asset could not be parsed"
"""What the library says of a file that is no whole picture."""
_CANDIDATES = 8
"""Certificates of a file that are tried as the one that vouches for its signer."""
_PNG = b"\x89PNG\r\n\x1a\n"


class Ingredient(Record):
    """What a picture was made from."""

    title: str
    kind: Literal["model", "prompt", "picture", "parent"]
    """"parent" is the picture that this one is a copy of."""
    digest: str | None = None
    """SHA-256 of it."""
    said: str = ""
    """Of a prompt its text, of another what else is to be said."""


class Claims(Record):
    """What is signed about a picture."""

    title: str
    source_type: str | None = None
    """IPTC's source type of a picture that was made; None for a copy of a given one."""
    ingredients: tuple[Ingredient, ...] = ()
    consents: tuple[str, ...] = ()
    watermark: str | None = None
    """The bits of the invisible watermark, as hexadecimal."""
    no_training: bool = False
    """That no AI may be trained with it."""


class Credentials(Record):
    """What is signed about a picture of anyone's."""

    state: State
    problems: tuple[str, ...] = ()
    """C2PA's codes of what is wrong; that a signer is unknown is not wrong."""
    signer: str | None = None
    """As the certificate names whoever signed. Anyone can write any name there."""
    key: str | None = None
    """Fingerprint of the Ed25519 key that vouches for the signer, if one in the file does: of a
    Sosie workspace it is the key of the workspace."""
    generator: str | None = None
    source_type: str | None = None
    actions: tuple[str, ...] = ()
    ingredients: tuple[str, ...] = ()
    """In words."""
    consents: tuple[str, ...] = ()
    training: dict[str, str] = Field(default_factory=dict)
    """"allowed", "notAllowed" or "constrained" by what would be done ("ai_training")."""
    watermarks: tuple[str, ...] = ()
    """Soft bindings, each as ALGORITHM:VALUE."""


def signed(png: bytes, claims: Claims, chain: Chain) -> bytes:
    """A PNG file with credentials that say `claims`. Raises NotMarked if they cannot be written."""
    c2pa = _library()
    out = io.BytesIO()
    try:
        information = c2pa.C2paSignerInfo(b"ed25519", chain.certificates, chain.private_key, None)
        with (
            c2pa.Signer.from_info(information) as signer,
            c2pa.Context.from_dict(_OFFLINE) as context,
            c2pa.Builder(json.dumps(_manifest(claims)), context=context) as builder,
        ):
            for number, ingredient in enumerate(claims.ingredients):
                if ingredient.kind == "prompt":
                    builder.add_resource(_file(number), io.BytesIO(ingredient.said.encode()))
            builder.sign(signer, "image/png", io.BytesIO(png), out)
    except c2pa.C2paError as error:
        raise NotMarked(f"Content credentials could not be written: {error}.") from error
    return out.getvalue()


def without(png: bytes) -> bytes:
    """A PNG file as it was before it was given credentials (PNG chunk `caBX`)."""
    kept, start = [png[: len(_PNG)]], len(_PNG)
    if not png.startswith(_PNG):
        return png
    while start < len(png):
        end = start + 12 + int.from_bytes(png[start : start + 4], "big")
        if png[start + 4 : start + 8] != b"caBX":
            kept.append(png[start:end])
        start = end
    return b"".join(kept)


def read(data: bytes, mime: str) -> Credentials | None:
    """What is signed about a picture file of type `mime`, of whoever; None if nothing is, or if the
    file is damaged.

    Raises NotMarked if the library does not load here.
    """
    c2pa = _library()
    error = c2pa.C2paError
    try:
        store = _store(c2pa, data, mime)
    except (error.ManifestNotFound, error.NotSupported):
        return None
    except (error, ValueError) as problem:
        told = str(problem)
        if told.startswith(_ELSEWHERE):
            return Credentials(state="elsewhere", problems=(told.removeprefix(_ELSEWHERE),))
        if _UNREADABLE in told:
            return None
        return Credentials(state="doubtful", problems=(told,))
    found = _said(store)
    if found.state != "valid":
        return found
    for pem in authorities(data)[:_CANDIDATES]:
        if _store(c2pa, data, mime, pem).get("validation_state") == "Trusted":
            return found.model_copy(update={"key": fingerprint(public_key(pem))})
    return found


def _library() -> Any:
    try:
        import c2pa
    except (ImportError, OSError, RuntimeError) as error:
        raise NotMarked(
            f"The library for content credentials does not load here: {error}.",
            advice="Run `pip install --force-reinstall c2pa-python==0.38.1`.",
        ) from error
    return c2pa


def _store(c2pa: Any, data: bytes, mime: str, anchor: bytes | None = None) -> dict[str, Any]:
    settings = (
        _OFFLINE if anchor is None else _OFFLINE | {"trust": {"user_anchors": anchor.decode()}}
    )
    with (
        c2pa.Context.from_dict(settings) as context,
        c2pa.Reader(mime, io.BytesIO(data), context=context) as reader,
    ):
        return _mapping(json.loads(reader.json()))


# What is written


def _manifest(claims: Claims) -> dict[str, Any]:
    software = {"name": "Sosie", "version": version("sosie")}
    ids = [_id(number, one) for number, one in enumerate(claims.ingredients)]
    first: dict[str, Any] = {"action": "c2pa.opened", "parameters": {"ingredientIds": ids}}
    if claims.source_type is not None:
        first |= {"action": "c2pa.created", "digitalSourceType": claims.source_type}
        first |= {"softwareAgent": software, "description": DISCLOSURE}
    actions, assertions = [first], [_assertion(PERMISSION, _permission(claims))]
    if claims.watermark is not None:
        actions.append({"action": "c2pa.watermarked"})
        binding = {"alg": WATERMARK, "blocks": [{"scope": {}, "value": claims.watermark}]}
        assertions.append(_assertion("c2pa.soft-binding", binding))
    if claims.no_training:
        entries = {f"cawg.{use}": {"use": "notAllowed"} for use in _USES}
        assertions.append(_assertion(TRAINING[0], {"entries": entries}))
    return {
        "title": claims.title,
        "format": "image/png",
        "claim_generator_info": [software],
        "ingredients": [_ingredient(n, one) for n, one in enumerate(claims.ingredients)],
        "assertions": [_assertion("c2pa.actions.v2", {"actions": actions}), *assertions],
    }


def _permission(claims: Claims) -> dict[str, Any]:
    synthetic = claims.source_type is not None
    said: dict[str, Any] = {"synthetic": synthetic, "consents": list(claims.consents)}
    return said | ({"disclosure": DISCLOSURE} if synthetic else {})


def _assertion(label: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"label": label, "data": data}


def _ingredient(number: int, one: Ingredient) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "title": one.title,
        "instance_id": _id(number, one),
        "relationship": "parentOf" if one.kind == "parent" else "inputTo",
        "format": "text/plain" if one.kind == "prompt" else "application/octet-stream",
    }
    if one.kind in _TYPES:
        whole["data_types"] = [{"type": _TYPES[one.kind]}]
    if one.kind == "prompt":
        whole["data"] = {"format": "text/plain", "identifier": _file(number)}
    elif one.said:
        whole["description"] = one.said
    return whole


def _id(number: int, one: Ingredient) -> str:
    return f"sha256:{one.digest}" if one.digest else f"ingredient:{number}"


def _file(number: int) -> str:
    return f"ingredient-{number}.txt"


# What is read: of a stranger's file nothing is taken for granted, not even that a list is one


def _said(store: Mapping[str, Any]) -> Credentials:
    active = _mapping(_mapping(store.get("manifests")).get(str(store.get("active_manifest"))))
    statuses = [_mapping(one) for one in _list(store.get("validation_status"))]
    codes = [code for one in statuses if (code := _text(one.get("code")))]
    problems = tuple(code for code in dict.fromkeys(codes) if code != "signingCredential.untrusted")
    signature = _mapping(active.get("signature_info"))
    assertions = [_mapping(one) for one in _list(active.get("assertions"))]
    actions = [
        _mapping(action)
        for data in _data(assertions, "c2pa.actions")
        for action in _list(data.get("actions"))
    ]
    sources = [_text(action.get("digitalSourceType")) for action in actions]
    generator = [_mapping(one) for one in _list(active.get("claim_generator_info"))]
    return Credentials(
        state=_state(_text(store.get("validation_state")), problems),
        problems=problems,
        signer=_text(signature.get("common_name")) or _text(signature.get("issuer")),
        generator=_generator(generator) or _text(active.get("claim_generator")),
        source_type=next((source for source in sources if source), None),
        actions=tuple(name for action in actions if (name := _text(action.get("action")))),
        ingredients=tuple(
            _ingredient_told(_mapping(one)) for one in _list(active.get("ingredients"))
        ),
        consents=tuple(
            consent
            for data in _data(assertions, PERMISSION)
            for one in _list(data.get("consents"))
            if (consent := _text(one))
        ),
        training=_training(assertions),
        watermarks=tuple(
            f"{_text(data.get('alg'))}:{_text(_mapping(block).get('value'))}"
            for data in _data(assertions, "c2pa.soft-binding")
            for block in _list(data.get("blocks"))
        ),
    )


def _state(state: str | None, problems: Sequence[str]) -> State:
    if state in ("Valid", "Trusted"):
        return "valid"
    if any(code.startswith("claimSignature") for code in problems):
        return "forged"
    if any(code.endswith("mismatch") for code in problems):
        return "changed"
    return "doubtful"


def _training(assertions: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What both labels say; where they contradict each other, the stricter counts.

    CAWG 1.1, §3: "constrained" without its constraints is "notAllowed".
    """
    order = ("allowed", "constrained", "notAllowed")
    found: dict[str, str] = {}
    for label in TRAINING:
        for data in _data(assertions, label):
            for name, entry in _mapping(data.get("entries")).items():
                said = _mapping(entry)
                use = _text(said.get("use")) or "notAllowed"
                if use not in order or (use == "constrained" and not said.get("constraint_info")):
                    use = "notAllowed"
                what = name.rpartition(".")[2]
                found[what] = max(use, found.get(what, use), key=order.index)
    return found


def _generator(information: Sequence[Mapping[str, Any]]) -> str | None:
    named = [(_text(one.get("name")), _text(one.get("version"))) for one in information]
    return ", ".join(f"{name} {number or ''}".strip() for name, number in named if name) or None


def _ingredient_told(one: Mapping[str, Any]) -> str:
    title, said = (
        _text(one.get("title")) or "something without a name",
        _text(one.get("description")),
    )
    identity = _text(one.get("instance_id")) or ""
    digest = (
        f" ({identity.removeprefix('sha256:')[:12]}…)" if identity.startswith("sha256:") else ""
    )
    return f"{title}{digest}" + (f", {said}" if said else "")


def _data(assertions: Sequence[Mapping[str, Any]], label: str) -> Iterator[Mapping[str, Any]]:
    """The contents of the assertions with a label, whatever its version."""
    for one in assertions:
        name = _text(one.get("label")) or ""
        if name == label or name.startswith((f"{label}.", f"{label}__")):
            yield _mapping(one.get("data"))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
