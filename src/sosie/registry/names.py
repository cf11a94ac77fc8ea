"""What a subject or a LoRA may be called: it is typed in prompts, as `<lora:NAME:1>`."""

from __future__ import annotations

import unicodedata

from sosie.core.errors import BadInput
from sosie.core.release import LATEST

LONGEST = 64


def checked_name(name: str, what: str = "name") -> str:
    """`name` in Unicode's composed form (NFC): letters, digits, `_` and `-`, at most 64 of them.

    Raises BadInput saying which character is in the way; `what` opens the message.
    """
    name = composed(name)
    if not name:
        raise BadInput(f"The {what} is empty.", advice="Use letters, digits, _ and -.")
    if len(name) > LONGEST:
        raise BadInput(f"The {what} has {len(name)} characters; at most {LONGEST} are possible.")
    if name.startswith("-"):
        raise BadInput(f'The {what} "{name}" would be read as an option: it starts with "-".')
    for character in name:
        if not _allowed(character):
            shown = "a blank" if character.isspace() else f"{character!r}"
            raise BadInput(
                f'The {what} "{name}" holds {shown}, which cannot stand in <lora:NAME:1>.',
                advice="Use letters, digits, _ and - only.",
            )
    return name


def checked_version(version: str, what: str = "version") -> str:
    """`version` in composed form: as a name, with dots inside, and no number alone, which in
    `NAME@500` is a step of training.

    Raises BadInput; `what` opens the message.
    """
    version = composed(version)
    # What a name may hold, a version may; dots stand between.
    checked_name(version.replace(".", "_"), what)
    if version.startswith(".") or version.endswith(("-", ".")):
        raise BadInput(f'The {what} "{version}" must begin and end with a letter or a digit.')
    if version.isdigit():
        raise BadInput(
            f'The {what} "{version}" would be read as step {version} of training.',
            advice=f"Call it v{version} or {version}.0.",
        )
    if version.casefold() == LATEST:
        raise BadInput(f'"{LATEST}" is always the newest version.', advice="Choose another word.")
    return version


def composed(name: str) -> str:
    """`name` in Unicode's composed form, in which names are filed and looked up."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """The form in which two names that differ only in case are the same."""
    return composed(name.casefold())


def _allowed(character: str) -> bool:
    # Marks (M*) belong to letters in many scripts, such as Devanagari's vowel signs.
    return character in "_-" or unicodedata.category(character)[0] in "LM" or character.isdigit()
