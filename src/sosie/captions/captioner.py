"""Captioners for those who have one: a vision model behind an address or in a folder, a tagger.

Sosie carries neither. What they write goes through `plain` and `suggest.mend` before it is shown.
"""

from __future__ import annotations

import base64
import csv
import http.client
import io
import ipaddress
import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
from PIL import Image, ImageOps

from sosie.core.errors import BadInput, NotPermitted, NotReady, WeightsRefused

PROMPT = (
    "Describe this photo in one plain sentence for training an image model: view, expression, "
    "clothes, place, light. Do not guess who it is; say nothing of beauty, origin or character."
)
SENT_SIDE = 768
"""Longer side in pixels of what is sent: enough to be described."""
LONGEST = 400
"""Characters of an answer that are kept: base models read about 77 tokens, FLUX 512."""
_THOUGHT = re.compile(r"^.*</think>|<think>.*$", re.DOTALL)
"""What a model that thinks aloud says before its answer; some leave out the opening, and where the
answer was cut off in mid-thought, all of it is thought."""


class Captioner(Protocol):
    """Anything that says what a picture shows."""

    name: str
    """What reports call it."""

    def describe(self, picture: Path) -> str:
        """A caption, or tags between commas, of any length, in whatever form a model gives it.
        Raises a SosieError where there is no answer.
        """


class AddressCaptioner:
    """A vision model behind an OpenAI-compatible address, such as a local server's.

    Raises BadInput for an address or a key that cannot be one, NotPermitted for an address outside
    this machine unless `may_leave` says that the pictures may be sent there.
    """

    def __init__(
        self,
        address: str,
        model: str,
        *,
        key: str | None = None,
        prompt: str = PROMPT,
        may_leave: bool = False,
        timeout: float = 120.0,
    ) -> None:
        host = _host(address)
        if not may_leave and not _is_here(host):
            raise NotPermitted(
                f"{host} is another machine: captioning would send the pictures there.",
                advice="Allow it expressly if the person agreed, or name an address here.",
            )
        if key and not (key.isascii() and key.isprintable()):
            raise BadInput("The captioner's key holds a line break or a character beyond ASCII.")
        self.name = f"{model} at {host}"
        # A proxy is another machine: what stays here must not go through one.
        proxies = urllib.request.ProxyHandler({} if _is_here(host) else None)
        self._opener = urllib.request.build_opener(proxies, _NoRedirects)
        self._address = address.rstrip("/") + "/chat/completions"
        self._model, self._key, self._prompt, self._timeout = model, key, prompt, timeout

    def describe(self, picture: Path) -> str:
        content = [
            {"type": "text", "text": self._prompt},
            {"type": "image_url", "image_url": {"url": _as_data(picture)}},
        ]
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            "temperature": 0,
            "max_tokens": 200,
        }
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(
            self._address, json.dumps(body).encode(), headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                told = json.load(answer)
            text = told["choices"][0]["message"]["content"]
        except urllib.error.HTTPError as error:
            raise NotReady(
                f"{self.name} answered {error.code} {error.reason}.",
                advice="Check the model's name, the key, and that it can see pictures.",
            ) from error
        except OSError as error:
            raise NotReady(
                f"{self.name} does not answer: {error}.", advice="Start it, or mend the address."
            ) from error
        except (http.client.HTTPException, ValueError, LookupError, TypeError) as error:
            raise NotReady(f"{self.name} gave an answer that cannot be read.") from error
        return _answer(text, self.name)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An address that points elsewhere is told as an error: the key goes to the one named alone."""

    def redirect_request(self, *args: Any, **given: Any) -> None:
        """Follow nothing."""


class LocalModel:
    """A vision model in a folder, as transformers saves it: one that chats (Qwen-VL, SmolVLM…) is
    asked with `prompt`, one that only captions (BLIP, GIT) writes what it was made to write.

    Nothing is downloaded, no code of the folder is run, and only safetensors are read. Raises
    WeightsRefused if it cannot be used.
    """

    def __init__(self, folder: Path, *, prompt: str = PROMPT) -> None:
        self.name = folder.name
        self._prompt = prompt
        try:
            import transformers

            library: Any = transformers  # whose loaders carry no types
            self._processor = library.AutoProcessor.from_pretrained(folder, local_files_only=True)
            self._model = library.AutoModelForImageTextToText.from_pretrained(
                folder, local_files_only=True, use_safetensors=True
            ).eval()
        except (OSError, ValueError, KeyError, ImportError) as error:
            first = str(error).strip().splitlines()[0]
            raise WeightsRefused(
                f"{folder} is no vision model that transformers can run: {first}"
            ) from error

    def describe(self, picture: Path) -> str:
        with Image.open(picture) as opened:
            rgb = opened.convert("RGB")
        if getattr(self._processor, "chat_template", None):
            content = [{"type": "image", "image": rgb}, {"type": "text", "text": self._prompt}]
            inputs = self._processor.apply_chat_template(
                [{"role": "user", "content": content}],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            )
            asked = inputs["input_ids"].shape[1]
        else:
            inputs, asked = self._processor(images=rgb, return_tensors="pt"), 0
        written = self._model.generate(**inputs, max_new_tokens=LONGEST // 4, do_sample=False)
        (text,) = self._processor.batch_decode(written[:, asked:], skip_special_tokens=True)
        return _answer(text, self.name)


class Tagger:
    """A WD-style tagger: an ONNX file, and a table of its tags (columns `name` and `category`).

    Conventions: (1, side, side, 3), BGR in 0..255, padded to a square with white; one probability
    for each row of the table. Category 0 is what is seen; 4 names characters and 9 rates, and both
    are left out. Raises WeightsRefused if the files do not fit each other.
    """

    def __init__(self, model: Path, tags: Path, *, threshold: float = 0.35) -> None:
        self.name = model.name
        self.threshold = threshold
        self._tags = _table(tags)
        try:
            import onnxruntime
        except ImportError as error:
            raise WeightsRefused(
                f"{model.name} needs onnxruntime.", advice="pip install onnxruntime"
            ) from error
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own errors share no base
            raise WeightsRefused(f"{model} is no ONNX file that can be run: {error}.") from error
        shape = self._session.get_inputs()[0].shape
        if len(shape) != 4 or shape[3] != 3 or not isinstance(shape[1], int):
            raise WeightsRefused(f"{model.name} takes {shape}, not pictures of (1, side, side, 3).")
        self._side = shape[1]

    def describe(self, picture: Path) -> str:
        source = self._session.get_inputs()[0].name
        (chances,) = self._session.run(None, {source: self._pixels(picture)})[0]
        if len(chances) != len(self._tags):
            raise WeightsRefused(
                f"{self.name} gives {len(chances)} figures for {len(self._tags)} tags.",
                advice="Name the table that came with it.",
            )
        told = [
            (float(chance), name)
            for chance, (name, category) in zip(chances, self._tags, strict=True)
            if category == "0" and chance >= self.threshold
        ]
        return ", ".join(name for _, name in sorted(told, key=lambda entry: -entry[0]))

    def _pixels(self, picture: Path) -> Any:
        with Image.open(picture) as opened:
            rgb = opened.convert("RGB")
        square = ImageOps.pad(rgb, (self._side, self._side), color="white")
        return np.asarray(square, np.float32)[None, :, :, ::-1].copy()


def captioner(
    given: str, *, model: str | None = None, key: str | None = None, may_leave: bool = False
) -> Captioner:
    """The captioner that a user names: an address, a folder, or an ONNX file.

    An address needs the `model`'s name there; a tagger's table of tags is expected beside its file,
    as `selected_tags.csv` or under the file's own name. Raises BadInput, or what each refuses.
    """
    if given.lower().startswith(("http://", "https://")):
        if not model:
            raise BadInput(f"{given} may have several models.", advice="Name one with --model.")
        return AddressCaptioner(given, model, key=key, may_leave=may_leave)
    path = Path(given).expanduser()
    if path.is_dir():
        return LocalModel(path)
    if path.suffix == ".onnx" and path.is_file():
        beside = (path.with_suffix(".csv"), path.with_name("selected_tags.csv"))
        tags = next((table for table in beside if table.is_file()), beside[1])
        return Tagger(path, tags)
    raise BadInput(
        f'"{given}" is no captioner.',
        advice="Give an address (http://…/v1), a folder of transformers, or an .onnx tagger.",
    )


def shortened(text: str) -> str:
    """The first `LONGEST` characters of an answer at most, up to the end of a word."""
    if len(text) <= LONGEST:
        return text
    kept = text[: LONGEST + 1]
    return kept[: kept.rfind(" ") if " " in kept else LONGEST].rstrip(" ,;")


def _answer(text: object, by: str) -> str:
    """An answer without what was thought aloud. Raises NotReady if nothing is left."""
    said = _THOUGHT.sub("", text) if isinstance(text, str) else ""
    if not said.strip():
        only = " but what it thought aloud" if isinstance(text, str) and text.strip() else ""
        raise NotReady(f"{by} said nothing{only}.")
    return said.strip()


def _table(path: Path) -> list[tuple[str, str]]:
    tags: list[tuple[str, str]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            for row in rows:
                if row["name"] is None or row["category"] is None:
                    raise WeightsRefused(f"{path}, line {rows.line_num}: the row is too short.")
                tags.append((row["name"].replace("_", " "), row["category"]))
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise WeightsRefused(
            f"{path} is no table of tags: {error}.", advice="It has columns name and category."
        ) from error
    return tags


def _host(address: str) -> str:
    """The machine of an address. Raises BadInput unless it is one for HTTP."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and (parts.port or 80) > 0
    except ValueError:  # half a bracket, a port of letters
        usable = False
    # urlsplit drops line breaks, and the connection refuses what is not plain ASCII.
    if not usable or not parts.hostname or re.search(r"[^!-~]", address):
        raise BadInput(
            f'"{address}" is no address of a captioner.',
            advice="It looks like http://localhost:8080/v1.",
        )
    return parts.hostname


def _as_data(picture: Path) -> str:
    """The picture as a data address, shrunk and without what its file says of itself."""
    with Image.open(picture) as opened:
        rgb = opened.convert("RGB")
    rgb.thumbnail((SENT_SIDE, SENT_SIDE))
    file = io.BytesIO()
    rgb.save(file, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
