"""The two tokenizers, made from the captions: a known word is one token, an unknown one is spelled.

A trigger word must reach the model whole, whatever a user invents, so every character of the Latin
scripts is a token and nothing becomes `<unk>`. The classes are transformers' own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer, T5Tokenizer

PUNCTUATION = ",.;:!?\"'()-"
_LATIN = [chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0x180))]
_MARKS = [chr(code) for code in (0x300, 0x301, 0x302, 0x308, 0x327, 0x2019, 0x201C, 0x201D, 0x2013)]
ALPHABET = (*_LATIN, *_MARKS, *"—…€")
"""Characters with a token of their own: ASCII, accented Latin, loose accents, quotes, dashes."""


_QUOTED = re.compile(r'".*"')


def words(captions: Iterable[str], *, least_count: int) -> list[str]:
    """The captions' words without the punctuation around them, and numbers, frequent ones first.

    What is quoted is not counted: it is to be spelled.
    """
    counts: Counter[str] = Counter()
    for caption in captions:
        unquoted = _QUOTED.sub("", caption)
        counts.update(word.strip(PUNCTUATION) for word in unquoted.split())
    counts.update({str(age): least_count for age in range(1, 100)})
    known = [(word, count) for word, count in counts.items() if count >= least_count]
    return [word for word, _ in sorted(known, key=lambda pair: (-pair[1], pair[0])) if word]


def t5_tokenizer(vocabulary: list[str], *, length: int) -> T5Tokenizer:
    """A Unigram tokenizer whose scores make the longest known word win over its letters."""
    # Captions are lists with commas, and a comma of its own would cost a token each time.
    forms = dict.fromkeys(
        form for word in vocabulary for form in (word, f"{word},", word.capitalize())
    )
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -100.0), ("▁", -10.0)]
    pieces += [(f"▁{form}", -1.0) for form in forms]
    pieces += [(character, -10.0) for character in ALPHABET]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=length)


def clip_merges(
    vocabulary: list[str], known: Iterable[tuple[str, str]] = ()
) -> list[tuple[str, str]]:
    """Byte-pair merges that lead to every known word, the most frequent pair first, after those
    that are `known`: a word that they lead to keeps its token.

    Written out because the library's trainer breaks ties by chance, and token numbers must not
    change between two runs of one build.
    """
    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    # CLIP's own pre-tokenizer splits words from digits and signs: merges are for what is left.
    parts = {part.lower() for word in vocabulary for part in re.findall(r"[^\W\d_]+", word)}
    spelled = [list(as_bytes.pre_tokenize_str(part)[0][0]) for part in sorted(parts)]
    for letters in spelled:
        letters[-1] += "</w>"
    merges = list(known)
    for pair in merges:
        spelled = [_merged(word, pair) for word in spelled]
    while pairs := Counter(pair for word in spelled for pair in pairwise(word)):
        merges.append(max(pairs, key=lambda pair: (pairs[pair], pair)))
        spelled = [_merged(word, merges[-1]) for word in spelled]
    return merges


def _merged(word: list[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    for part in word:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return out


def clip_tokenizer(merges: list[tuple[str, str]], *, length: int) -> CLIPTokenizer:
    """CLIP's byte-level BPE with these merges, and all bytes below them."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    order = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    order += ["".join(merge) for merge in merges]
    numbers = {token: number for number, token in enumerate(dict.fromkeys(order))}
    return CLIPTokenizer(vocab=numbers, merges=merges, model_max_length=length)
