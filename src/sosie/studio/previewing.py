"""Pictures that a training draws for itself: looked at, and signed, like all that are drawn.

They get no watermark here: its number is drawn by chance, and a checkpoint is chosen by these
pictures, each time the same. They get one when they are published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sosie import rights
from sosie.rights import xmp
from sosie.studio.marking import Marker
from sosie.studio.screening import Screen

if TYPE_CHECKING:
    from sosie.models.diffusion.base import BaseInfo
    from sosie.train.preview import Drawn, Keep


def keeper(screen: Screen, marker: Marker, base: BaseInfo, run: str, consent: str) -> Keep:
    """What is written of the pictures of a run on a base, under the permission `consent`."""

    def keep(drawn: Drawn) -> bytes | None:
        if not screen.lets(drawn.rgb, drawn.seed):
            return None
        parts = [rights.Ingredient(
            title=base.name, kind="model", digest=base.content_sha256, said="base model"
        )]  # fmt: skip
        if drawn.step is not None:
            said = f"LoRA in training, after {drawn.step} steps"
            parts.append(rights.Ingredient(title=run, kind="model", said=said))
        claims = rights.Claims(
            title=f"{run}-{drawn.seed}",
            source_type=xmp.SYNTHETIC,
            ingredients=(
                *parts,
                rights.Ingredient(title="prompt", kind="prompt", said=drawn.prompt),
            ),
            consents=(consent,),
        )
        return marker.signed(drawn.png(), claims)

    return keep
