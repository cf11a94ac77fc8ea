"""Who judges: identity networks, a network of scenes, a reader of attributes; and what each sees.

What they see of a picture is a few hundred numbers, kept beside it, so that an audit that was
interrupted goes on where it stopped and figures can be taken again without looking again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sosie.core.errors import WeightsRefused
from sosie.core.records import Record
from sosie.models import faces
from sosie.models.faces import Embedder, Picture

Vector = NDArray[np.float32]


class Unmeasured(Record):
    """What could not be measured."""

    what: str
    why: str
    mend: str | None
    """The command that would let it be measured; None where there is none."""


class Look(Record):
    """What the panel sees on one picture."""

    faces: dict[str, tuple[float, ...] | None]
    """For each judge of identity, by name, the largest face, or the hand that the lines are in;
    None where it finds none."""
    scene: tuple[float, ...] | None
    """What the whole picture shows, of unit length; None without that network."""
    reads: dict[str, str] | None
    """What the picture shows of a prompt's `asks`; None without a reader."""
    by: dict[str, str] = Field(default_factory=dict)
    """Hashes of the judges of identity, by name."""

    def face(self, judge: str) -> Vector | None:
        """The face or the hand as `judge` sees it, of unit length."""
        seen = self.faces[judge]
        return None if seen is None else np.array(seen, np.float32)


@dataclass(frozen=True)
class Panel:
    """The judges of one audit."""

    faces: tuple[Embedder, ...]
    """The first also chooses the checkpoint; none of them is a training loss."""
    scene: Callable[[Picture], Vector] | None
    reader: Callable[[Picture], dict[str, str]] | None
    missing: tuple[Unmeasured, ...]

    def look(self, rgb: Picture) -> Look:
        """What is seen on a (H, W, 3) uint8 RGB picture."""
        seen = {judge.name: judge(rgb) for judge in self.faces}
        return Look(
            faces={name: None if v is None else _numbers(v) for name, v in seen.items()},
            scene=_numbers(self.scene(rgb)) if self.scene else None,
            reads=self.reader(rgb) if self.reader else None,
            by=self.hashes(),
        )

    def would_see(self, look: Look) -> bool:
        """Whether a look that was kept is of all that this panel looks at, and of nothing else."""
        kept, here = (look.scene, look.reads), (self.scene, self.reader)
        same = all((a is None) == (b is None) for a, b in zip(kept, here, strict=True))
        return same and look.by == self.hashes()

    def hashes(self) -> dict[str, str]:
        """The identity networks by name: what a figure rests on."""
        return {judge.name: judge.sha256 for judge in self.faces}


def panel(*, synthetic: bool, taught_by_second: bool = False) -> Panel:
    """The judges that are installed here.

    `synthetic` says that the subject is of the synthetic world: the only reader of attributes there
    is knows nothing else, and that world has a judge of people too. `taught_by_second` says that
    the second network taught the LoRA by an identity loss: that it likes what it was shown until it
    liked it proves nothing.
    """
    from sosie.models import judges as world
    from sosie.models import scene, second

    judges, missing = [faces.identity], []
    try:
        if taught_by_second:
            missing.append(
                Unmeasured(
                    what="likeness by a second identity network",
                    why=f"{second.identity.name} taught this LoRA by its identity loss, and is no "
                    "judge of it: what `--set identity_weight=0` trains it may judge.",
                    mend=None,
                )
            )
        else:
            second.require()
            judges.append(second.identity)
    except WeightsRefused as error:
        missing.append(
            Unmeasured(
                what="likeness by a second identity network",
                why=error.message,
                mend=f"pip install {second.ENGINE} {second.INSTALL}",
            )
        )
    if synthetic:
        judges.append(world.person_judge())
    look: Callable[[Picture], Vector] | None = scene.embed
    try:
        scene.embed(np.zeros((8, 8, 3), np.uint8))
    except WeightsRefused as error:
        look = None
        missing.append(
            Unmeasured(what="diversity", why=error.message, mend=f"pip install {scene.INSTALL}")
        )
    if not synthetic:
        missing.append(
            Unmeasured(
                what="obedience to the prompt",
                why="The only judge of attributes here knows drawn people alone, not photographs.",
                mend=None,
            )
        )
    return Panel(
        faces=tuple(judges),
        scene=look,
        reader=_read if synthetic else None,
        missing=tuple(missing),
    )


def _read(rgb: Picture) -> dict[str, str]:
    from sosie.models import judges

    (seen,) = judges.read([rgb])
    return {"garment": seen.garment_colour, "background": seen.background}


def _numbers(vector: Vector) -> tuple[float, ...]:
    # Six digits: a cosine moves by less than a millionth.
    return tuple(round(float(v), 6) for v in vector)
