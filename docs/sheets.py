"""`python -m docs.sheets` draws what the embedded base makes of prompts, the first picture of each.

Into images/pocket-people.jpg and images/pocket-notes.jpg.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from sosie.generate import GenerateConfig, contact_sheet, draw
from sosie.models.diffusion.resolve import load_base
from sosie.world.writing import WORD

FOLDER = Path(__file__).parent / "images"
PEOPLE = (
    "woman, 34 years old, red coat, on a beach",
    "man, 70 years old, blue shirt, in a garden",
    "girl, 10 years old, yellow hoodie",
    "man with a beard, round glasses, library",
    "woman, profile to the left, black sweater",
    "man, beanie, green sweater, mountains",
    "old woman, grey coat, at sunset",
    "young man, white t-shirt, in a city street",
    "woman, purple turtleneck, beige background",
    "man, cap, orange jacket, in a forest",
    "woman, sunglasses, pink sweater, kitchen",
    "boy, 8 years old, striped t-shirt",
)
NOTES = (
    ("hello", "black ink"),
    ("Paris", "black ink"),
    ("1986", "black ink on plain paper"),
    ("bread", "blue ink"),
    ("Monday", "red ink"),
    ("cats", "black ink"),
    ("see you", "blue ink on ruled paper"),
    ("thank you", "green ink"),
    ("à demain", "black ink"),
)
HANDS = (
    ("bread", "slanted cursive"),
    ("Monday", "bold upright printed"),
    ("1986", "thin leaning back printed"),
    ("Paris", "steeply slanted cursive"),
    ("merci", "bold slanted printed"),
    ("garden", "thin upright cursive"),
)
"""How to describe a hand."""


def main() -> None:
    """Draw both sheets."""
    base = load_base("pocket")
    people = [
        (draw(base, GenerateConfig(prompt=f"photo of a {words}", seed=seed))[0].rgb, words)
        for seed, words in enumerate(PEOPLE)
    ]
    width, height = WORD
    asked = [(f'a note that reads "{text}" in {how}', f'"{text}" in {how}') for text, how in NOTES]
    asked += [
        (f'{hand} handwriting that reads "{text}" in black ink', f'"{text}", {hand}')
        for text, hand in HANDS
    ]
    notes = []
    for seed, (prompt, told) in enumerate(asked):
        config = GenerateConfig(prompt=prompt, seed=seed, width=width, height=height)
        notes.append((draw(base, config)[0].rgb, told))
    for name, cells, columns in (("people", people, 4), ("notes", notes, 3)):
        sheet = Image.open(io.BytesIO(contact_sheet(cells, columns=columns)))
        sheet.save(FOLDER / f"pocket-{name}.jpg", quality=88)


if __name__ == "__main__":
    main()
