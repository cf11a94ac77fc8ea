"""What is signed about drawn pictures: from what they were made, and with whose permission."""

from __future__ import annotations

from collections.abc import Sequence

from sosie.generate.draw import LoraUse, Made
from sosie.rights import Claims, Ingredient
from sosie.rights.xmp import SYNTHETIC


def claims(made: Sequence[Made], title: str, watermark: str | None = None) -> Claims:
    """What is signed about a picture, or about a sheet of several.

    Every base, LoRA, prompt and picture that was started from is an ingredient, once.
    """
    uses = [use for one in made for use in one.loras]
    return Claims(
        title=title,
        source_type=SYNTHETIC,
        ingredients=tuple(dict.fromkeys(part for one in made for part in _parts(one))),
        consents=tuple(dict.fromkeys(use.consent_sha256 for use in uses if use.consent_sha256)),
        watermark=watermark,
    )


def _parts(made: Made) -> list[Ingredient]:
    base = Ingredient(title=made.base, kind="model", digest=made.base_sha256, said="base model")
    prompt = Ingredient(title="prompt", kind="prompt", said=made.prompt)
    parts = [base, *map(_lora, made.loras), prompt]
    if made.init_sha256 is not None:
        start = "picture to start from"
        parts.append(Ingredient(title=start, kind="picture", digest=made.init_sha256))
    return parts


def _lora(use: LoraUse) -> Ingredient:
    said = f"LoRA, weight {use.weight:g}"
    return Ingredient(title=use.name, kind="model", digest=use.tensors_sha256, said=said)
