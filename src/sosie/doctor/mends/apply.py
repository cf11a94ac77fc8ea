"""One mend on one picture, with what became of the face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sosie.core.errors import BadInput
from sosie.core.records import Record
from sosie.doctor.mends.kept import Kept, compare, require_kept
from sosie.doctor.mends.mend import Known, Mend
from sosie.doctor.view import Bytes, InMemory


@dataclass(frozen=True, eq=False)
class Mended:
    """A mended picture."""

    rgb: Bytes
    said: str
    """What was done, in words and figures."""
    kept: Kept | None
    """What became of the face since the picture was filed; None if it shows none."""


def apply(mend: Mend, picture: Bytes, options: Record, known: Known, filed: Bytes) -> Mended:
    """Mend a picture, `filed` being what it was before any mend: small steps add up.

    Raises BadInput, the reason as its message, if the mend refuses or would change who it is.
    """
    view = InMemory(picture)
    rgb, said = mend.act(view, options, known)
    if rgb.shape == picture.shape and np.array_equal(rgb, picture):
        raise BadInput("Nothing would change.")
    kept = None
    if "person" in mend.kinds:
        first = view if filed is picture else InMemory(filed)
        kept = compare(first, InMemory(rgb))
        require_kept(kept, safe=mend.safe)
    return Mended(rgb, said, kept)
