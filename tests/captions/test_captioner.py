"""Captioners of one's own: reached only where they may be, and refused in words."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from PIL import Image

from sosie.captions import LONGEST, LocalModel, captioner, shortened
from sosie.captions.captioner import _table
from sosie.core.errors import BadInput, NotPermitted, NotReady, WeightsRefused


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "secret name.png"
    Image.new("RGB", (900, 30), "red").save(path)
    return path


class Server(BaseHTTPRequestHandler):
    """Answers as it was told to, and keeps what it was asked."""

    answer: ClassVar[Any] = {"choices": [{"message": {"content": " A red\n wall. "}}]}
    status = 200
    headers_sent: ClassVar[dict[str, str]] = {}
    asked: ClassVar[list[dict[str, Any]]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked.append({"path": self.path, "key": self.headers["Authorization"], **body})
        self.send_response(self.status)
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(self.answer).encode())

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[tuple[str, type[Server]]]:
    class Fresh(Server):
        asked: ClassVar[list[dict[str, Any]]] = []

    running = HTTPServer(("127.0.0.1", 0), Fresh)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/v1", Fresh
    running.shutdown()
    running.server_close()


def test_a_picture_goes_out_small_and_nameless(
    server: tuple[str, type[Server]], picture: Path
) -> None:
    address, heard = server
    one = captioner(address, model="vision", key="k")
    assert one.describe(picture) == "A red\n wall.", "its lines may be those of a list"
    (asked,) = heard.asked
    assert (asked["path"], asked["key"], asked["model"]) == (
        "/v1/chat/completions", "Bearer k", "vision"
    )  # fmt: skip
    assert "secret name" not in json.dumps(asked)
    data = asked["messages"][0]["content"][1]["image_url"]["url"].partition("base64,")[2]
    with Image.open(io.BytesIO(base64.b64decode(data))) as sent:
        assert max(sent.size) == 768


@pytest.mark.parametrize(
    ("status", "answer", "word"),
    [
        (200, {"choices": []}, "cannot be read"),
        (200, {"choices": [{"message": {"content": " "}}]}, "said nothing"),
        (404, {}, "404"),
    ],
)
def test_an_answer_that_is_none_is_told(
    server: tuple[str, type[Server]], picture: Path, status: int, answer: Any, word: str
) -> None:
    address, heard = server
    heard.status, heard.answer = status, answer
    with pytest.raises(NotReady, match=word):
        captioner(address, model="vision").describe(picture)


@pytest.mark.parametrize("sent", [{"Content-Length": "999"}, {"Transfer-Encoding": "chunked"}])
def test_an_answer_that_breaks_off_is_told(
    server: tuple[str, type[Server]], picture: Path, sent: dict[str, str]
) -> None:
    address, heard = server
    heard.headers_sent = sent
    with pytest.raises(NotReady, match="cannot be read"):
        captioner(address, model="vision").describe(picture)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("<think>Is she old?\nNo.</think> A red wall.", "A red wall."),
        ("Is she old? No.</think>A red wall.", "A red wall."),
        ("<think>Is she old? She may", None),
    ],
)
def test_what_is_thought_aloud_is_no_caption(
    server: tuple[str, type[Server]], picture: Path, said: str, left: str | None
) -> None:
    address, heard = server
    heard.answer = {"choices": [{"message": {"content": said}}]}
    asked = captioner(address, model="vision")
    if left is None:
        with pytest.raises(NotReady, match="but what it thought aloud"):
            asked.describe(picture)
    else:
        assert asked.describe(picture) == left


@pytest.mark.parametrize(
    "address",
    ["http://localhost:80a0/v1", "http://localhost:8080/v 1", "http://[::1/v1", "http:///v1",
     "HTTP://localhost:99999/v1", "http://localhost:8080/v1\n"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(BadInput, match="no address of a captioner"):
        captioner(address, model="vision")


def test_a_key_that_no_header_can_hold_is_refused() -> None:
    with pytest.raises(BadInput, match="key"):
        captioner("http://localhost/v1", model="vision", key="abc\n")


def test_a_long_answer_ends_with_a_word() -> None:
    assert shortened("red " * 200) == ("red " * 100).strip()
    assert shortened("brick " * 200) == ("brick " * 66).strip()
    assert len(shortened("x" * 1000)) == LONGEST and shortened("a wall") == "a wall"


def test_a_table_of_tags_is_read_as_windows_saves_it_and_a_short_row_is_named(
    tmp_path: Path,
) -> None:
    table = tmp_path / "tags.csv"
    table.write_text("\ufeffname,category\nred_coat,0\n", encoding="utf-8")
    assert _table(table) == [("red coat", "0")]
    table.write_text("name,category\nred_coat,0\nhat\n")
    with pytest.raises(WeightsRefused, match=r"tags.csv, line 3: the row is too short"):
        _table(table)


def test_pictures_stay_on_this_machine_unless_it_is_allowed() -> None:
    for address in ("https://example.org/v1", "http://192.168.0.7/v1"):
        with pytest.raises(NotPermitted, match="another machine"):
            captioner(address, model="vision")
        captioner(address, model="vision", may_leave=True)
    captioner("http://localhost:8080/v1", model="vision")


def test_nothing_goes_through_a_proxy_or_after_a_redirect(
    server: tuple[str, type[Server]], picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, heard = server
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", address.removesuffix("/v1"))
    with pytest.raises(NotReady, match="does not answer"):
        captioner("http://localhost:9/v1", model="vision", key="k").describe(picture)
    assert heard.asked == [], "the proxy was asked"
    monkeypatch.delenv("http_proxy")
    heard.status, heard.headers_sent = 302, {"Location": "http://127.0.0.1:9/elsewhere"}
    with pytest.raises(NotReady, match="302"):
        captioner(address, model="vision", key="k").describe(picture)


def test_what_is_no_captioner_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--model"):
        captioner("http://localhost/v1")
    with pytest.raises(BadInput, match="no captioner"):
        captioner(str(tmp_path / "nothing"))
    with pytest.raises(WeightsRefused, match="no vision model"):
        captioner(str(tmp_path))
    tagger = tmp_path / "wd.onnx"
    tagger.write_bytes(b"no network")
    with pytest.raises(WeightsRefused, match="no table of tags"):
        captioner(str(tagger))
    tagger.with_suffix(".csv").write_text("name,category\nred_coat,0\n")
    with pytest.raises(WeightsRefused, match="no ONNX file"):
        captioner(str(tagger))


def test_a_model_in_a_folder_writes_a_caption(tmp_path: Path, picture: Path) -> None:
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessorPil,
        BlipProcessor,
    )

    folder = tmp_path / "tiny-blip"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(words))
    size = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    size |= {"num_hidden_layers": 1}
    ends = {"bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    text = {**size, **ends, "vocab_size": len(words), "encoder_hidden_size": 16}
    sight = {**size, "image_size": 32, "patch_size": 16}
    network = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=sight))
    with torch.no_grad():  # weights drawn by chance may end a caption before its first letter
        network.text_decoder.cls.predictions.bias[:5] = -100
    network.save_pretrained(folder)
    BlipProcessor(
        BlipImageProcessorPil(size={"height": 32, "width": 32}), BertTokenizer(str(vocabulary))
    ).save_pretrained(folder)
    said = LocalModel(folder).describe(picture)
    assert said and set(said.replace(" ", "")) <= set("abcdefghijklmnopqrstuvwxyz")
    assert said == LocalModel(folder).describe(picture)
