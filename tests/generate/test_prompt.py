"""The tags of a prompt are read exactly, and whatever looks like one but is not is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.core.errors import BadInput
from sosie.generate.prompt import LoraCall, Prompt, parse


def calls(prompt: str) -> list[tuple[str, float]]:
    return [(call.name, call.weight) for call in parse(prompt).loras]


def test_a_tag_names_a_lora_and_its_weight() -> None:
    parsed = parse("photo of <lora:anna:0.8> anna in a red coat")
    assert parsed == Prompt(
        text="photo of anna in a red coat", loras=(LoraCall(name="anna", weight=0.8),)
    )


def test_weight_is_one_unless_said() -> None:
    assert calls("<lora:nobody_2_f1>") == [("nobody_2_f1", 1.0)]


def test_several_tags_and_negative_weights() -> None:
    prompt = "<lora:anna:.7><lora:old:-0.5>, a portrait <LoRA: my file v1.2 : +1e-1 >"
    assert calls(prompt) == [("anna", 0.7), ("old", -0.5), ("my file v1.2", 0.1)]
    assert parse(prompt).text == "a portrait"


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("a coat, <lora:x:1>, a hat", "a coat, a hat"),
        ("a coat <lora:x:1>, a hat", "a coat, a hat"),
        ("a coat, <lora:x:1>", "a coat"),
        ("<lora:x:1>, a coat", "a coat"),
        ("red<lora:x:1>coat", "red coat"),
        ("<lora:x>", ""),
        ("  i <3 you, a < b, (x:1.2)  ", "i <3 you, a < b, (x:1.2)"),
        ("two  blanks stay", "two  blanks stay"),
    ],
)
def test_the_text_left_over_is_clean(prompt: str, text: str) -> None:
    assert parse(prompt).text == text


@pytest.mark.parametrize(
    ("prompt", "fault"),
    [
        ("a <lora:anna:0.8 in a coat", '"<lora:anna:0.8 in a coat" at character 3'),
        ("<lora:anna:<lora:bob>>", "at character 1 .* broken"),
        ("<lora>", "broken"),
        ("<lora anna>", "broken"),
        ("<lora::1>", "names no LoRA"),
        ("<lora:>", "names no LoRA"),
        ("<lora:anna:>", '"" where one weight'),
        ("<lora:anna:much>", '"much" where one weight'),
        ("<lora:anna:nan>", "weight"),
        ("<lora:anna:1e999>", "weight"),
        ("<lora:anna:1:0.5>", '"1:0.5" where one weight'),
        ("<lora:anna> <lora:anna:0.2>", "second time"),
        ("<hypernet:style:1>", "not a LoRA tag"),
        ("<lyco:style:1>", "not a LoRA tag"),
    ],
)
def test_broken_tags_are_refused_with_their_place(prompt: str, fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        parse(prompt)


names = st.text(
    st.characters(exclude_characters=":<>", exclude_categories=("Cc", "Cs", "Z")), min_size=1
)
weights = st.floats(allow_nan=False, allow_infinity=False)
words = st.lists(st.sampled_from(["anna", "in", "a", "red", "coat,", "3 < 4", "café"]), max_size=5)


@given(st.lists(st.tuples(words, names, weights), max_size=4, unique_by=lambda t: t[1]), words)
def test_written_tags_are_read_back(
    pieces: list[tuple[list[str], str, float]], end: list[str]
) -> None:
    expected = tuple(LoraCall(name=name, weight=weight) for _, name, weight in pieces)
    prompt = " ".join(
        [
            word
            for (before, *_), call in zip(pieces, expected, strict=True)
            for word in [*before, call.tag()]
        ]
        + end
    )
    parsed = parse(prompt)
    assert parsed.loras == expected
    assert "lora" not in parsed.text
    kept = [word for before, *_ in pieces for word in before] + end
    assert parsed.text.replace(",", "").split() == " ".join(kept).replace(",", "").split()
    assert parse(parsed.text).text == parsed.text
