"""The page, and the words of units and reasons in every language."""

from __future__ import annotations

import ast
import base64
import importlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sosie.doctor
from sosie.core.records import Box
from sosie.doctor import Config, examine, page, table, wording
from sosie.doctor.records import Mark

FOLDER = Path(sosie.doctor.__file__).parent
OTHERS = [language for language in wording.LANGUAGES if language != "en"]


def reasons() -> Iterator[str]:
    """Every reason that stands in the doctor's code."""
    for path in FOLDER.rglob("*.py"):
        name = ".".join(["sosie.doctor", *path.relative_to(FOLDER).with_suffix("").parts])
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            called = getattr(call.func, "id", getattr(call.func, "attr", ""))
            given = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
            if called == "unexamined":
                given += call.args[1:2]
            for value in given:
                for part in ast.walk(value):
                    if isinstance(part, ast.Name) and part.id.isupper():
                        yield getattr(importlib.import_module(name), part.id)
                    elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value


@pytest.mark.parametrize("language", OTHERS)
def test_every_reason_is_said_in_every_language(language):
    found = set(reasons())
    assert {"no face was found", "there are no pictures", "only Latin letters are counted"} < found
    assert found == set(wording._terms()["reasons"])
    for reason in found:
        assert wording.reason(reason.format(5), language) != reason.format(5)


def test_a_number_in_a_reason_is_kept_and_a_strange_reason_stays_as_it_is():
    assert "6" in wording.reason("too few pictures to compare: it needs 6", "ja")
    assert wording.reason("pip install sosie[doctor]==1", "fr") == "pip install sosie[doctor]==1"


def test_every_unit_is_said_in_every_language():
    units = {unit for rule in table.RULES for unit in (rule.unit, *rule.units.values())} - {""}
    assert units == set(wording._terms()["units"])
    assert all(set(words) == set(OTHERS) for words in wording._terms()["units"].values())


def test_nothing_on_a_page_is_english_but_names(make_set):
    dataset = make_set([np.full((64, 64, 3), 90, np.uint8)])
    found = examine(dataset, Config())
    english = {entry.reason for entry in found.not_examined if not entry.lacking}
    english |= {"threshold", "pictures", "enough without it"}
    html = page.render(found, dataset, "ja")
    assert english and not [words for words in english if words in html]


def pictures_of(html: str) -> list[Image.Image]:
    found = re.findall(r"data:image/jpeg;base64,([^\"]+)", html)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


def marked(dataset, sample, box):
    """A page about picture 0, with a mark on another."""
    found = examine(dataset, Config(), only=("count.few",))
    (few,) = found.findings
    mark = Mark(sample=dataset.items[sample].sample, box=box)
    few = few.model_copy(update={"samples": (dataset.items[0].sample,), "marks": (mark,)})
    return page.render(found.model_copy(update={"findings": (few,)}), dataset)


def test_marks_on_other_pictures_are_shown_to_compare_with(make_set):
    dataset = make_set([np.full((100, 100, 3), 90, np.uint8)] * 2)
    large = Box(left=10, top=10, right=60, bottom=60)
    on_another, on_its_own = (marked(dataset, sample, large) for sample in (1, 0))
    assert len(pictures_of(on_another)) == len(pictures_of(on_its_own)) + 1
    said = wording.page("en")["compare"]
    assert said in on_another and said not in on_its_own


def test_a_small_mark_is_shown_enlarged_and_inside_its_crop(make_set):
    """A green mole between blue above and red below."""
    rgb = np.full((800, 600, 3), (0, 0, 250), np.uint8)
    rgb[400:] = (250, 0, 0)
    rgb[396:404, 296:304] = (0, 250, 0)
    html = marked(make_set([rgb]), 0, Box(left=290, top=390, right=310, bottom=410))
    closer = pictures_of(html)[1].convert("RGB")
    assert closer.size == (320, 320)
    middle, above, below = (closer.getpixel((160, y)) for y in (160, 20, 300))
    assert (np.argmax(middle), np.argmax(above), np.argmax(below)) == (1, 2, 0)
    whole = marked(make_set([rgb]), 0, Box(left=100, top=100, right=400, bottom=400))
    assert len(pictures_of(whole)) == len(pictures_of(html)) - 1
