"""What the world can be made of: one closed table an attribute, drawn from and captioned from."""

from __future__ import annotations

from collections.abc import Collection

from sosie.core.errors import BadInput

HAIR_COLOURS: dict[str, tuple[float, float, float]] = {
    "black": (0.035, 0.03, 0.03),
    "dark brown": (0.11, 0.065, 0.045),
    "brown": (0.22, 0.13, 0.075),
    "blond": (0.62, 0.45, 0.24),
    "red": (0.42, 0.15, 0.06),
    "grey": (0.52, 0.51, 0.5),
    "white": (0.83, 0.82, 0.8),
}
"""Linear-light albedo."""

HAIR_STYLES = ("bald", "crop", "short", "bob", "long", "curly", "afro", "ponytail", "bun")

EYE_COLOURS: dict[str, tuple[float, float, float]] = {
    "brown": (0.13, 0.06, 0.025),
    "dark brown": (0.05, 0.025, 0.015),
    "hazel": (0.2, 0.13, 0.04),
    "green": (0.13, 0.22, 0.1),
    "blue": (0.13, 0.24, 0.42),
    "grey": (0.25, 0.29, 0.33),
}

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.55, 0.03, 0.04),
    "orange": (0.75, 0.24, 0.03),
    "yellow": (0.8, 0.58, 0.06),
    "green": (0.05, 0.26, 0.08),
    "turquoise": (0.04, 0.38, 0.38),
    "blue": (0.04, 0.11, 0.5),
    "navy": (0.02, 0.03, 0.12),
    "purple": (0.2, 0.05, 0.33),
    "pink": (0.8, 0.3, 0.42),
    "brown": (0.18, 0.09, 0.04),
    "beige": (0.62, 0.5, 0.36),
    "white": (0.82, 0.82, 0.8),
    "grey": (0.26, 0.26, 0.27),
    "black": (0.025, 0.025, 0.028),
}
"""Linear-light albedo of cloth and painted walls."""

GARMENTS = (
    "t-shirt",
    "shirt",
    "sweater",
    "turtleneck",
    "hoodie",
    "coat",
    "jacket",
    "suit",
    "dress",
)
PATTERNS = ("plain", "striped", "checked", "dotted")
GLASSES = ("none", "round glasses", "square glasses", "sunglasses")
HATS = ("none", "cap", "beanie", "straw hat")
BEARDS = ("none", "stubble", "moustache", "goatee", "full beard")
EXPRESSIONS = ("neutral", "smiling", "laughing", "serious", "surprised")
VIEWS: dict[str, float] = {
    "front view": 0.0,
    "three-quarter view to the left": -32.0,
    "three-quarter view to the right": 32.0,
    "profile to the left": -62.0,
    "profile to the right": 62.0,
}
"""Mean yaw in degrees; positive turns the nose to the picture's right."""

LIGHTS = ("soft light", "daylight", "side light", "warm light", "evening light", "studio light")
PLACES = (
    "plain wall",
    "beach",
    "forest",
    "city street",
    "library",
    "garden",
    "mountains",
    "city at night",
    "kitchen",
    "sunset",
)

INKS: dict[str, tuple[float, float, float]] = {
    "blue": (0.1, 0.2, 0.58),
    "dark blue": (0.08, 0.1, 0.32),
    "black": (0.1, 0.1, 0.12),
    "red": (0.72, 0.09, 0.13),
    "green": (0.05, 0.4, 0.24),
    "purple": (0.36, 0.13, 0.5),
    "brown": (0.36, 0.2, 0.1),
    "grey": (0.3, 0.3, 0.32),
}
"""What a scanner sees of a full stroke on white paper, from 0 to 1, not in linear light."""
INK_SHARES = (0.33, 0.17, 0.27, 0.06, 0.05, 0.05, 0.04, 0.03)

PENS: dict[str, float] = {
    "ballpoint pen": 1.0,
    "fountain pen": 1.35,
    "pencil": 1.2,
    "felt pen": 1.8,
}
"""Usual stroke width, relative to a ballpoint pen's."""

PAPERS: dict[str, tuple[float, float, float]] = {
    "plain": (0.965, 0.965, 0.96),
    "ruled": (0.965, 0.965, 0.955),
    "squared": (0.96, 0.965, 0.965),
    "school": (0.97, 0.968, 0.962),
    "cream": (0.965, 0.935, 0.86),
    "yellow": (0.97, 0.925, 0.62),
    "kraft": (0.76, 0.62, 0.46),
    "old": (0.9, 0.84, 0.72),
}
"""What a scanner sees of the empty sheet. `school` has the rules of a French exercise book."""
RULED_PAPERS = ("ruled", "squared", "school")


def check(name: str, word: object, table: Collection[str]) -> None:
    """Raise BadInput for a word that is not in the table of an attribute."""
    if word not in table:
        raise BadInput(
            f"There is no {name.replace('_', ' ')} called {word!r}.",
            advice="Known: " + ", ".join(table) + ".",
        )
