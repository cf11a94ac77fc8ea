"""LoRAs called inside a prompt: `photo of <lora:anna:0.8> anna in a red coat`.

The tag is A1111's and Forge's: `<lora:NAME>` or `<lora:NAME:WEIGHT>`. Here one weight belongs to a
tag (it scales the whole LoRA), a LoRA is called once, and what looks like a tag but is not one is
refused: passed on, it would be read by the text encoder as words, and nobody would know.
"""

from __future__ import annotations

import math
import re
from typing import NoReturn

from pydantic import Field

from sosie.core.errors import BadInput
from sosie.core.records import Record

# A tag opens with "<word:"; "<3" and "a < b" stay text. "<lora" alone is a tag somebody broke off.
_OPENING = re.compile(r"<\s*(?:(?P<kind>[A-Za-z]+)\s*:|lora\b)", re.IGNORECASE)
_BODY = re.compile(r"[^<>\n]*>")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_ADVICE = "Write <lora:NAME> or <lora:NAME:0.8>."


class LoraCall(Record):
    """One LoRA as a prompt asks for it."""

    name: str = Field(pattern=r"^[^\s:<>](?:[^:<>\n\r]*[^\s:<>])?$")
    weight: float = Field(default=1.0, allow_inf_nan=False)
    """Factor on the LoRA's own scale; negative weights push away from it."""

    def tag(self) -> str:
        """The call as it is written in a prompt; `parse` reads it back exactly."""
        short = f"{self.weight:g}"
        number = short if float(short) == self.weight else repr(self.weight)
        return f"<lora:{self.name}:{number}>"


class Prompt(Record):
    """A prompt taken apart."""

    text: str
    """What the text encoder reads: the prompt without its tags."""
    loras: tuple[LoraCall, ...]
    """In the order of the prompt; no name twice."""


def parse(prompt: str) -> Prompt:
    """Take the LoRA tags out of `prompt`.

    Raises BadInput, with the place, for a broken or unknown tag, a weight that is no number and a
    LoRA that is called twice.
    """
    pieces: list[str] = []
    calls: list[LoraCall] = []
    position = 0
    while opening := _OPENING.search(prompt, position):
        start = opening.start()
        if (opening["kind"] or "lora").lower() != "lora":
            _refuse(prompt, start, "is not a LoRA tag")
        body = _BODY.match(prompt, opening.end())
        if body is None or opening["kind"] is None:
            _refuse(prompt, start, "is a broken LoRA tag")
        call = _call(prompt, start, body.group()[:-1])
        if call.name in {known.name for known in calls}:
            _refuse(prompt, start, "calls a LoRA for the second time", "Give it one weight.")
        pieces.append(prompt[position:start])
        calls.append(call)
        position = body.end()
    text = pieces[0] if pieces else prompt
    for piece in [*pieces[1:], prompt[position:]] if pieces else []:
        text = _joined(text, piece)
    return Prompt(text=text.strip(), loras=tuple(calls))


def _call(prompt: str, start: int, body: str) -> LoraCall:
    """The call that the inside of a tag, after `lora:`, spells."""
    name, colon, number = (part.strip() for part in body.partition(":"))
    if not name or "\r" in name:
        _refuse(prompt, start, "names no LoRA")
    if not colon:
        return LoraCall(name=name)
    if not _NUMBER.fullmatch(number) or not math.isfinite(float(number)):
        _refuse(prompt, start, f'has "{number}" where one weight belongs')
    return LoraCall(name=name, weight=float(number))


def _refuse(prompt: str, start: int, fault: str, advice: str = _ADVICE) -> NoReturn:
    shown = prompt[start : start + 30] + ("…" if len(prompt) > start + 30 else "")
    raise BadInput(f'"{shown}" at character {start + 1} of the prompt {fault}.', advice=advice)


def _joined(left: str, right: str) -> str:
    """The text around a tag: no doubled blank, no comma left over."""
    left = left.rstrip()
    right = right.lstrip()
    if right.startswith(",") and (not left or left.endswith(",")):
        right = right[1:].lstrip()
    if not right:
        return left.rstrip(", ")
    return f"{left}{right}" if not left or right[0] in ",.;:!?)" else f"{left} {right}"
