"""Rendered lines are read to the letter, where they stand, without a network connection."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from sosie.core.errors import WeightsRefused
from sosie.models import ocr
from sosie.models.faces import Picture


def written(*lines: str, size: int = 34) -> Picture:
    page = Image.new("RGB", (640, 40 + 70 * len(lines)), (240, 236, 228))
    pen = ImageDraw.Draw(page)
    for row, text in enumerate(lines):
        pen.text((30, 30 + 70 * row), text, fill=(30, 30, 60), font=ImageFont.load_default(size))
    return np.asarray(page)


@pytest.fixture
def fresh() -> Iterator[None]:
    ocr._reader.cache_clear()
    yield
    ocr._reader.cache_clear()


def test_reads_lines_to_the_letter() -> None:
    lines = ocr.read(written("Dear Grandmother, 12 May", "the quick brown fox jumps"))
    assert [line.text for line in lines] == [
        "Dear Grandmother, 12 May",
        "the quick brown fox jumps",
    ]
    for row, line in enumerate(lines):
        assert line.score > 0.9
        assert line.quad.shape == (4, 2)
        assert line.quad.dtype == np.float32
        left, top = line.quad.min(0)
        right, bottom = line.quad.max(0)
        assert 15 < left < 40 and right > 300
        assert 20 + 70 * row < top < 50 + 70 * row < bottom < 85 + 70 * row


def test_finds_a_caption_on_a_photograph(astronaut: Picture) -> None:
    picture = Image.fromarray(astronaut)
    font = ImageFont.load_default(28)
    ImageDraw.Draw(picture).text((200, 460), "SAMPLE 2024", fill="white", font=font)
    (line,) = ocr.read(np.asarray(picture))
    assert line.text == "SAMPLE 2024"
    assert line.quad[:, 1].min() > 440


@pytest.mark.parametrize("shape", [(300, 400), (3, 5), (1, 1), (5, 900)])
def test_nothing_written_is_an_empty_list(shape: tuple[int, int]) -> None:
    assert ocr.read(np.full((*shape, 3), 200, np.uint8)) == []


def test_a_portrait_without_text_is_an_empty_list(astronaut: Picture) -> None:
    assert ocr.read(np.ascontiguousarray(astronaut[:200, 120:320])) == []


def test_nothing_is_fetched_and_nothing_printed(
    fresh: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise AssertionError("the reader opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    assert ocr.read(written("offline"))[0].text == "offline"
    assert ocr.read(np.full((80, 80, 3), 255, np.uint8)) == []
    assert capfd.readouterr() == ("", "")


def test_threads_take_turns() -> None:
    words = ["alpha", "beta", "gamma", "delta"] * 2
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ocr.read, [written(word) for word in words]))
    assert [lines[0].text for lines in found] == words


def test_a_first_look_finds_the_line_and_leaves_the_reader_as_it_was() -> None:
    page = np.full((240, 320, 3), 255, np.uint8)
    line = written("alpha beta")[:60, :300]
    page[120 : 120 + len(line), 10 : 10 + line.shape[1]] = line
    before = [(line.text, line.score) for line in ocr.read(page)]
    (quad,) = ocr.find(page)
    assert 110 < quad[:, 1].min() < quad[:, 1].max() < 190
    assert [(line.text, line.score) for line in ocr.read(page)] == before
    assert ocr.find(np.full((240, 320, 3), 255, np.uint8)) == []


def test_other_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        ocr.read(np.zeros((8, 8), np.uint8))


@pytest.mark.parametrize("part", ocr.PINNED)
def test_an_altered_network_is_refused(
    fresh: None, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setitem(ocr.PINNED, part, (ocr.PINNED[part][0], "0" * 64))
    with pytest.raises(WeightsRefused, match="not the file"):
        ocr.read(written("anything"))


@pytest.mark.parametrize("package", ["rapidocr", "onnxruntime"])
def test_a_missing_package_is_named(
    fresh: None, without: Callable[[str], None], package: str
) -> None:
    without(package)
    with pytest.raises(WeightsRefused, match=rf"not installed.*{package}=="):
        ocr.read(written("anything"))
