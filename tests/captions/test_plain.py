"""The form of a captioner's answer is taken off and told; what it says stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.captions import plain


@pytest.mark.parametrize(
    ("answer", "caption", "gone"),
    [
        ("**A photo of** a woman.", "A photo of a woman.", ["**"]),
        ('Here is a caption:\n\n"A woman."', "A woman.", ["Here is a caption:", '"…"']),
        ("Sure! The description:\n“A hat.”", "A hat.", ["Sure! The description:", "“…”"]),
        ("**Caption:** *A woman* in a `red` coat", "A woman in a red coat",
         ["**", "*", "`", "Caption:"]),
        ("- A woman\n- by a lake", "A woman, by a lake", ["-"]),
        ("1. A woman.\n2) She smiles.", "A woman. She smiles.", ["1.", "2)"]),
        ("# Portrait\n\nA woman smiles.", "Portrait, A woman smiles.", ["#"]),
        ("```text\nwoman, red_coat\n```", "woman, red_coat", ["```text", "```"]),
        ("---\nA [woman](http://x.y)\n---", "A woman", ["---", "(http://x.y)"]),
    ],
)  # fmt: skip
def test_the_form_is_taken_off_and_told(answer: str, caption: str, gone: list[str]) -> None:
    assert plain(answer) == (caption, gone)


@pytest.mark.parametrize(
    "said",
    [
        "A red wall.",
        'A "stop" sign behind a woman',
        '"Stop" stands on a sign beside "Go"',
        "a woman, red_coat, long_hair",
        "A 3*4 grid and 5*6 tiles",
        "Sure-footed goats, on a cliff",
        "The image shows a woman: she smiles.",
        "A sign that says Caption: none",
    ],
)
def test_what_is_said_stays_as_it_is(said: str) -> None:
    assert plain(said) == (said, [])


@given(st.text(alphabet="ab *_`#->\"'\n1.[]():", max_size=60))
def test_whatever_is_answered_a_line_comes_back_and_a_second_look_ends(answer: str) -> None:
    text, _ = plain(answer)
    assert "\n" not in text and text == text.strip()
