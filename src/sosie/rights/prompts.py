"""What a prompt asks for, by words: the lists of words.toml, and no more than that.

A list knows only its own words. It takes "naked eye" for nakedness, and does not see what is
paraphrased, misspelt on purpose or said in a language it lacks. So it is one fence among several:
what was drawn is looked at too. Whoever is refused is told the word, and can say it otherwise.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sosie.core.terms import PROHIBITIONS, Prohibition

LISTS = Path(__file__).with_name("words.toml")

_SMALL = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
)
_NUMBER = rf"(?:0?[0-9]|1[0-7]|{'|'.join(_SMALL)})"
_AGES = re.compile(
    rf"(?<!\w){_NUMBER} ?(?:years? old|years? of age|yo|yr old|ans|jahre? alt|jahrig\w*|anos)(?!\w)"
    rf"|(?<!\w){_NUMBER} ?[歳才]|(?<!\w)(?:age|aged|age of) {_NUMBER}(?!\w)"
)
"""Ages below eighteen, as prompts tell them."""
_ACCENTS = re.compile(r"[\u0300-\u036f]")


class Asked(NamedTuple):
    """What a prompt asks for that a record may prohibit."""

    prohibition: Prohibition
    word: str
    """As it stands in the prompt, in its plain form."""


def asked(prompt: str) -> tuple[Asked, ...]:
    """What a prompt (without LoRA tags) asks for, one word for each prohibition it touches."""
    text = _plain(prompt)
    found = {name: pattern.search(text) for name, pattern in _patterns().items()}
    found["minors"] = found["minors"] or _AGES.search(text)
    return tuple(Asked(name, match[0]) for name, match in found.items() if match)


def _plain(text: str) -> str:
    """Lower case, without accents, punctuation and invisible characters, single blanks."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(c for c in text if unicodedata.category(c) != "Cf").casefold()
    # Accents of letters, not the voicing marks of kana, which make other syllables.
    text = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", text)).strip()


@cache
def _patterns() -> dict[Prohibition, re.Pattern[str]]:
    lists = tomllib.loads(LISTS.read_text(encoding="utf-8"))
    return {
        name: re.compile("|".join(_pattern(word) for row in lists[name].values() for word in row))
        for name in PROHIBITIONS
    }


def _pattern(entry: str) -> str:
    plain = re.escape(_plain(entry))
    if not entry.isascii():
        # Japanese sets no blanks between words.
        return plain
    end = "" if entry.endswith("*") else r"(?!\w)"
    return rf"(?<!\w){plain}{end}"
