"""Who there is: a person is a seed, and everything that stays with them through the ages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sosie.world.model import Floats, head_model
from sosie.world.tables import EYE_COLOURS, HAIR_COLOURS

HELD_OUT_EVERY = 10
"""People whose seed leaves 9 when divided by this are never shown to the base model in training."""


@dataclass(frozen=True, eq=False)
class Person:
    """The constants of one synthetic person."""

    seed: int
    woman: bool
    gender: float
    weight: float
    races: Floats
    identity: Floats
    skin: Floats
    """Linear albedo of the skin."""
    redness: float
    freckles: float
    eye_colour: str
    hair_colour: str
    hair_style: str
    """The one they mostly wear."""
    parting: float
    """Where the hair parts, from -1 (their right) to 1."""
    brow_thickness: float
    brow_arch: float
    brow_tilt: float
    brow_length: float
    lip_colour: Floats
    moles: tuple[tuple[float, float, float], ...]
    """Azimuth in radians, height in metres, radius in metres."""
    beard: str
    glasses: str
    greying: float
    """Age in years at which half of the hair is grey."""
    balding: float
    """How far the hair has receded at 70, in [0, 1]."""
    fringe: float
    """How far hair falls over the forehead, from 0 (combed back) to 1 (down to the brows)."""

    @property
    def held_out(self) -> bool:
        return is_held_out(self.seed)


def is_held_out(seed: int) -> bool:
    """Whether the person of this seed is kept from the base model's training."""
    return seed % HELD_OUT_EVERY == HELD_OUT_EVERY - 1


CALM = {"mouth": 0.62, "nose": 0.8, "neck": 0.7, "chin": 0.85, "cheek": 0.85, "forehead": 0.8}
"""Parts of a face whose changes look grotesque sooner than others, and how much less they vary."""


def _identity(r: np.random.Generator, spread: Floats) -> Floats:
    """How far the face of one person goes along each change of the mean face."""
    names = [label.removeprefix("l-").split("-")[0] for label in head_model().labels]
    scale = spread * np.array([CALM.get(name, 1.0) for name in names], np.float32)
    return np.clip(r.normal(0, 0.85 * scale), -1.7 * scale, 1.7 * scale).astype(np.float32)


_STYLES = {
    "woman": {
        "long": 0.3, "bob": 0.22, "curly": 0.14, "ponytail": 0.12, "bun": 0.1, "short": 0.06,
        "afro": 0.06,
    },
    "man": {"short": 0.45, "crop": 0.25, "curly": 0.09, "bald": 0.08, "long": 0.05, "afro": 0.08},
}  # fmt: skip
"""How often each hair style is somebody's usual one."""


@lru_cache(maxsize=256)
def person(seed: int) -> Person:
    """The person of a seed (any integer from 0): equal seeds, equal people, on every machine."""
    if seed < 0:
        raise ValueError(f"a person's seed is not negative: {seed}")
    r = np.random.default_rng([seed, 71])
    woman = bool(r.random() < 0.5)
    spread = head_model().spread
    tone = float(r.beta(1.1, 1.7))
    light, dark = np.array([0.72, 0.47, 0.36]), np.array([0.12, 0.055, 0.032])
    skin = np.exp((1 - tone) * np.log(light) + tone * np.log(dark)) * np.exp(r.normal(0, 0.05, 3))
    colours = list(HAIR_COLOURS)[:5]
    fair = np.array([0.1, 0.2, 0.27, 0.28, 0.15]) * np.clip(1.25 - 2.2 * tone, 0, 1)
    hair = str(r.choice(colours, p=normalised(fair + np.array([0.6, 0.3, 0.06, 0.0, 0.0]) * tone)))
    eyes = np.array([0.25, 0.1, 0.15, 0.15, 0.25, 0.1]) * np.clip(1.3 - 2 * tone, 0, 1) + np.array(
        [0.4, 0.6, 0.05, 0, 0, 0]
    ) * (0.1 + tone)
    styles = _STYLES["woman" if woman else "man"]
    moles = tuple(
        (float(r.normal(0, 0.55)), float(r.uniform(-0.06, 0.095)), float(r.uniform(0.0018, 0.0034)))
        for _ in range(r.choice([0, 1, 2, 3], p=[0.35, 0.35, 0.2, 0.1]))
    )
    return Person(
        seed=seed,
        woman=woman,
        gender=float(np.clip(r.normal(0.0 if woman else 0.95, 0.1), 0, 1)),
        weight=float(r.beta(1.6, 1.8)),
        races=r.dirichlet([0.6] * 3).astype(np.float32) * np.float32(0.8),
        identity=_identity(r, spread),
        skin=skin.astype(np.float32),
        redness=float(r.uniform(0.3, 1.2)),
        freckles=float(max(0.0, r.normal(-0.6, 0.7)) * (tone < 0.4)),
        eye_colour=str(r.choice(list(EYE_COLOURS), p=normalised(eyes))),
        hair_colour=hair,
        hair_style=str(r.choice(list(styles), p=normalised(np.array(list(styles.values()))))),
        parting=float(r.uniform(-0.7, 0.7)),
        brow_thickness=float(r.uniform(0.0016, 0.0035) + (0 if woman else 0.001)),
        brow_arch=float(r.uniform(0.0, 0.006)),
        brow_tilt=float(r.normal(0, 0.06)),
        brow_length=float(r.uniform(0.85, 1.15)),
        lip_colour=np.array([1.0, 0.55 + 0.2 * r.random(), 0.55 + 0.25 * r.random()], np.float32),
        moles=moles,
        beard="none"
        if woman
        else str(
            r.choice(
                ["none", "stubble", "moustache", "goatee", "full beard"],
                p=[0.5, 0.2, 0.08, 0.08, 0.14],
            )
        ),
        glasses=str(r.choice(["none", "round glasses", "square glasses"], p=[0.76, 0.12, 0.12])),
        greying=float(r.normal(62, 8)),
        balding=0.0 if woman else float(r.beta(1, 1.3)),
        fringe=float(r.beta(0.6, 0.9) if woman else r.beta(0.6, 1.6)),
    )


def normalised(weights: np.ndarray) -> np.ndarray:
    """Weights as probabilities."""
    return np.asarray(weights / weights.sum())
