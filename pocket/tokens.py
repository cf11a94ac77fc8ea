"""The two tokenizers, made from the captions: a known word is one token, an unknown one is spelled.

A trigger word must reach the model whole, whatever a user invents, so every character of the Latin
scripts is a token and nothing becomes `<unk>`. The classes are transformers' own.

What is quoted is to be written, and T5's tokenizer tells of each of its letters which one it is:
behind the fifth stands a mark that means "the fifth", and both are one token. FLUX gives text no
positions, and a network that must first learn to count to five had not begun to spell after 36,000
lines; told the place, and begun with plain hands, it hears letters within 5,000.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

from tokenizers import Regex, decoders, normalizers, pre_tokenizers
from transformers import CLIPTokenizer, PreTrainedTokenizerFast, T5Tokenizer

PUNCTUATION = ",.;:!?\"'()-"
_LATIN = [chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0x180))]
_MARKS = [chr(code) for code in (0x300, 0x301, 0x302, 0x308, 0x327, 0x2019, 0x201C, 0x201D, 0x2013)]
ALPHABET = (*_LATIN, *_MARKS, *"—…€")
"""Characters with a token of their own: ASCII, accented Latin, loose accents, quotes, dashes."""
PLACES = 32
"""So many characters of a quoted text are told their place, from 0; later ones are not."""
_FIRST = 0xE000
_SPACE = "▁"
WRITTEN = (*_LATIN[: 0xFF - 0xA1 + 0x7F - 0x21 + 1], *"ŒœŸ’–—…€", _SPACE)
"""What hands can write: ASCII, Latin-1, French; and the space."""

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


def words_of(pieces: Mapping[str, int]) -> list[str]:
    """The words from which `t5_tokenizer` made these pieces, in their order: each made one piece
    that ends in a comma."""
    commas = [(number, piece) for piece, number in pieces.items() if len(piece) > 2]
    return [
        piece[len(_SPACE) : -1]
        for _, piece in sorted(commas)
        if piece.startswith(_SPACE) and piece.endswith(",")
    ]


def place_of(token: str) -> tuple[str, int] | None:
    """The letter and the place of a quoted letter's token; None for any other."""
    number = ord(token[-1]) - _FIRST
    return (token[:-1], number) if 0 <= number < PLACES else None


def _marked() -> normalizers.Normalizer:
    """Composes accents, so that a letter is one character however it was typed, and puts behind
    each of the first characters between two quotation marks the mark of its place.

    From the last place to the first, so that what is put in does not count.
    """
    steps = [normalizers.NFC(), normalizers.Replace(Regex("[“”]"), '"')]
    for place in reversed(range(PLACES)):
        so_many = f'"[^"]{{{place + 1}}}'
        behind = Regex(rf'(?<=^{so_many}|\s{so_many})(?=[^"]*")')
        steps.append(normalizers.Replace(behind, chr(_FIRST + place)))
    return normalizers.Sequence(steps)


def t5_tokenizer(vocabulary: list[str], *, length: int) -> PreTrainedTokenizerFast:
    """A Unigram tokenizer whose scores make the longest known word win over its letters, and that
    tells quoted letters their place.

    It is T5's but for the marks, which `T5Tokenizer` would leave out when it is loaded again.
    """
    # Captions are lists with commas, and a comma of its own would cost a token each time.
    forms = dict.fromkeys(
        form for word in vocabulary for form in (word, f"{word},", word.capitalize())
    )
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -100.0), (_SPACE, -10.0)]
    pieces += [(f"{_SPACE}{form}", -1.0) for form in forms]
    pieces += [(character, -10.0) for character in ALPHABET]
    # A mark alone, for letters that no hand here can write.
    marks = [chr(_FIRST + place) for place in range(PLACES)]
    pieces += [(letter + mark, -10.0) for mark in marks for letter in ("", *WRITTEN)]
    backend = T5Tokenizer(vocab=pieces, extra_ids=0).backend_tokenizer
    backend.normalizer = _marked()
    unmarked = decoders.Replace(Regex(f"[{marks[0]}-{marks[-1]}]"), "")
    backend.decoder = decoders.Sequence([unmarked, backend.decoder])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=length,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
    )


def clip_merges(vocabulary: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges that lead to every known word, the most frequent pair first.

    Written out because the library's trainer breaks ties by chance, and token numbers must not
    change between two runs of one build.
    """
    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    # CLIP's own pre-tokenizer splits words from digits and signs: merges are for what is left.
    parts = {part.lower() for word in vocabulary for part in re.findall(r"[^\W\d_]+", word)}
    spelled = [list(as_bytes.pre_tokenize_str(part)[0][0]) for part in sorted(parts)]
    for letters in spelled:
        letters[-1] += "</w>"
    merges: list[tuple[str, str]] = []
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
