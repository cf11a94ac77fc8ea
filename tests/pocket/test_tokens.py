"""The tokenizers: known words whole, unknown ones spelled, nothing lost."""

from __future__ import annotations

import unicodedata

import pytest

from pocket import tokens

CAPTIONS = ["photo of a woman, 34 years old, long brown hair", "a photo of an old man, red coat"]
QUOTING = ['a note that reads "see you, 12!" in blue ink', 'the word "été" on “old” paper', '"Zoë"']
TRICKY = ["nobody2", "anna", "Zoé", "été à l'île", "« œuvre » 42€", "snake_case-x", "e\u0301"]


@pytest.fixture(scope="module")
def vocabulary() -> list[str]:
    return tokens.words(CAPTIONS, least_count=1)


def test_a_known_word_is_one_token(vocabulary: list[str]) -> None:
    t5 = tokens.t5_tokenizer(vocabulary, length=32)
    assert t5.tokenize("Photo of a woman, 34 years old") == [
        "▁Photo", "▁of", "▁a", "▁woman,", "▁34", "▁years", "▁old",
    ]  # fmt: skip
    clip = tokens.clip_tokenizer(tokens.clip_merges(vocabulary), length=64)
    assert clip.tokenize("photo of a woman") == ["photo</w>", "of</w>", "a</w>", "woman</w>"]


@pytest.mark.parametrize("text", TRICKY)
def test_an_unknown_word_is_spelled_and_comes_back(text: str, vocabulary: list[str]) -> None:
    t5 = tokens.t5_tokenizer(vocabulary, length=32)
    ids = t5(f"photo of {text}").input_ids
    assert t5.unk_token_id not in ids
    composed = unicodedata.normalize("NFC", text)
    assert t5.decode(ids, skip_special_tokens=True) == f"photo of {composed}"


@pytest.mark.parametrize("text", TRICKY)
def test_clip_knows_every_byte(text: str, vocabulary: list[str]) -> None:
    clip = tokens.clip_tokenizer(tokens.clip_merges(vocabulary), length=64)
    ids = clip(text).input_ids
    assert clip.eos_token_id not in ids[1:-1]
    assert len(ids) > 2


def test_two_trigger_words_differ(vocabulary: list[str]) -> None:
    t5 = tokens.t5_tokenizer(vocabulary, length=32)
    assert t5("photo of anna").input_ids != t5("photo of anne").input_ids


def test_a_quoted_letter_is_told_its_place(vocabulary: list[str]) -> None:
    t5 = tokens.t5_tokenizer(["note", "in", "red"], length=32)

    def placed(text: str) -> list[tuple[str, int] | None]:
        return [tokens.place_of(token) for token in t5.tokenize(text)]

    assert placed('note "by me" in red') == [
        None, None, None, ("b", 0), ("y", 1), ("▁", 2), ("m", 3), ("e", 4), None, None, None,
    ]  # fmt: skip
    assert placed("note “ab” in") == placed('note "ab" in')
    assert placed('note "e\u0301te"')[-4:] == [("é", 0), ("t", 1), ("e", 2), None]
    assert placed('"ab" in "ca"')[-3:] == [("c", 0), ("a", 1), None]
    assert not any(placed('note 12" in red')), "an inch is no quotation"
    assert placed('note "Łx"')[-4:] == [None, ("", 0), ("x", 1), None], "no hand writes it here"
    long = placed(f'"{"x" * (tokens.PLACES + 2)}"')
    assert long[-4:] == [("x", tokens.PLACES - 1), None, None, None], "places end"


def test_they_survive_saving(vocabulary: list[str], tmp_path) -> None:
    for made in (
        tokens.t5_tokenizer(vocabulary, length=32),
        tokens.clip_tokenizer(tokens.clip_merges(vocabulary), length=64),
    ):
        made.save_pretrained(tmp_path)
        again = type(made).from_pretrained(tmp_path)
        for text in [*CAPTIONS, *TRICKY, *QUOTING]:
            assert again(text).input_ids == made(text).input_ids
        assert again.model_max_length == made.model_max_length


def test_what_is_quoted_is_spelled() -> None:
    captions = ['a note that reads "coat, bread" in blue ink'] * 5
    known = tokens.words(captions, least_count=3)
    assert "note" in known and "ink" in known
    assert "bread" not in known and "coat" not in known
