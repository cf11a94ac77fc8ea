"""The tokenizers: known words whole, unknown ones spelled, nothing lost."""

from __future__ import annotations

import pytest

from pocket import tokens

CAPTIONS = ["photo of a woman, 34 years old, long brown hair", "a photo of an old man, red coat"]
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
    assert t5.decode(ids, skip_special_tokens=True) == f"photo of {text}"


@pytest.mark.parametrize("text", TRICKY)
def test_clip_knows_every_byte(text: str, vocabulary: list[str]) -> None:
    clip = tokens.clip_tokenizer(tokens.clip_merges(vocabulary), length=64)
    ids = clip(text).input_ids
    assert clip.eos_token_id not in ids[1:-1]
    assert len(ids) > 2


def test_two_trigger_words_differ(vocabulary: list[str]) -> None:
    t5 = tokens.t5_tokenizer(vocabulary, length=32)
    assert t5("photo of anna").input_ids != t5("photo of anne").input_ids


def test_they_survive_saving(vocabulary: list[str], tmp_path) -> None:
    for made in (
        tokens.t5_tokenizer(vocabulary, length=32),
        tokens.clip_tokenizer(tokens.clip_merges(vocabulary), length=64),
    ):
        made.save_pretrained(tmp_path)
        again = type(made).from_pretrained(tmp_path)
        for text in [*CAPTIONS, *TRICKY]:
            assert again(text).input_ids == made(text).input_ids
        assert again.model_max_length == made.model_max_length


def test_what_is_quoted_is_spelled() -> None:
    captions = ['a note that reads "coat, bread" in blue ink'] * 5
    known = tokens.words(captions, least_count=3)
    assert "note" in known and "ink" in known
    assert "bread" not in known and "coat" not in known


def test_merges_that_are_known_stay_and_known_words_keep_their_number() -> None:
    before = tokens.clip_merges(["photo", "coat"])
    after = tokens.clip_merges(["photo", "coat", "paper", "coats"], before)
    assert after[: len(before)] == before
    old, new = (tokens.clip_tokenizer(merges, length=16) for merges in (before, after))
    assert new.get_vocab().items() >= old.get_vocab().items()
    assert new.tokenize("photo paper") == ["photo</w>", "paper</w>"]
